"""Convolutions and pools beside PyTorch's, on the same weights: equal numbers.

Every combination of size, stride, padding, dilation and groups, on a line and on a
picture: what comes out, and the gradients of inputs and weights, in float32. "Same"
padding is left out where PyTorch has none (strides), and is then compared through
explicit numbers.
"""

import itertools

import numpy as np

from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table

CLOSE = 1e-5
SIZES, STRIDES, DILATIONS, GROUPS = (1, 2, 3, 5), (1, 2, 3), (1, 2), (1, 2, 4)
PADDINGS = ("valid", "same", "full", 1, 2)
PICTURE, LINE = (13, 12, 4), (17, 4)
FILTERS = 8


def run(options: Options) -> Report:
    """Compare every combination; one number each, the largest relative deviation."""
    tables = []
    for title, shape in (("pictures 13 × 12 × 4", PICTURE), ("lines 17 × 4", LINE)):
        rows = []
        for name, deviations in (
            ("Conv", [convolution(shape, *how) for how in convolutions(shape)]),
            ("MaxPool", [pool(shape, "max", *how) for how in pools()]),
            ("AveragePool", [pool(shape, "average", *how) for how in pools()]),
        ):
            note = f"of {len(deviations)} combinations"
            rows.append(Row(name, max(deviations), note=note))
        worst = max(row.value or 0.0 for row in rows)
        claim = Claim("largest relative deviation", worst, CLOSE, at_least=False)
        tables.append(Table(title, "", rows, [claim]))
    return Report("agreement", "Convolutions and pools beside PyTorch's", tables)


def convolutions(shape: tuple[int, ...]):
    """Yield the combinations that fit, padding as pairs of numbers an axis."""
    from lamina import Conv
    from lamina.networks import Key

    for how in itertools.product(SIZES, STRIDES, PADDINGS, DILATIONS, GROUPS):
        layer = Conv(FILTERS, *how, activation="identity")
        try:
            layer.init(Key(0), shape)
        except ValueError:
            continue  # a window larger than the picture
        yield layer, layer._how(shape[:-1])


def convolution(shape: tuple[int, ...], layer, how) -> float:
    """Compare outputs and gradients of one combination."""
    import torch
    from torch.nn import functional

    from lamina.networks import Key

    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, *shape)).astype(np.float32)
    params = {
        name: rng.standard_normal(value.shape).astype(np.float32)
        for name, value in layer.init(Key(0), shape)[0].items()
    }
    axes = len(shape) - 1
    ours = with_gradients(layer, params, x)
    theirs = [torch.tensor(channels_first(x), requires_grad=True)]
    # (size …, channels, filters) is (filters, channels, size …) there
    weight = np.moveaxis(params["weight"], (-1, -2), (0, 1)).copy()
    theirs.append(torch.tensor(weight, requires_grad=True))
    bias = torch.tensor(params["bias"], requires_grad=True)
    padded = functional.pad(
        theirs[0], [places for pair in reversed(how.pads) for places in pair]
    )
    convolve = functional.conv2d if axes == 2 else functional.conv1d
    h = convolve(
        padded,
        theirs[1],
        bias,
        stride=how.stride,
        dilation=how.dilation,
        groups=how.groups,
    )
    h.backward(torch.tensor(channels_first(probe(ours[0].shape))))
    right = [
        channels_last(h),
        channels_last(theirs[0].grad),
        np.moveaxis(theirs[1].grad.numpy(), (0, 1), (-1, -2)),
        bias.grad.numpy(),
    ]
    return deviation(ours, right)


def pools():
    """Return size, stride and padding that both libraries can do."""
    return itertools.product((2, 3), (1, 2, 3), (0, 1))


def pool(shape: tuple[int, ...], kind: str, size: int, stride: int, padding: int):
    """Compare outputs and gradients of one pool, on inputs full of ties."""
    import torch
    from torch.nn import functional

    from lamina import AveragePool, MaxPool

    layer = {"max": MaxPool, "average": AveragePool}[kind](size, stride, padding)
    x = np.random.default_rng(0).integers(0, 4, (2, *shape)).astype(np.float32)
    ours = with_gradients(layer, {}, x)
    theirs = torch.tensor(channels_first(x), requires_grad=True)
    axes = len(shape) - 1
    name = f"{'max' if kind == 'max' else 'avg'}_pool{axes}d"
    how = {} if kind == "max" else {"count_include_pad": False}
    a = getattr(functional, name)(theirs, size, stride, padding, **how)
    a.backward(torch.tensor(channels_first(probe(ours[0].shape))))
    return deviation(ours, [channels_last(a), channels_last(theirs.grad)])


def with_gradients(layer, params, x) -> list[np.ndarray]:
    """Outputs, and gradients of inputs, weights and biases for one probe."""
    import jax

    @jax.jit
    def derivatives(params, x):
        a, back = jax.vjp(lambda p, x: layer(p, x), params, x)
        return a, *back(jax.numpy.asarray(probe(a.shape)))

    a, by_params, by_x = derivatives(params, x)
    parts = [a, by_x, *(by_params[n] for n in ("weight", "bias") if n in by_params)]
    return [np.asarray(part) for part in parts]


def probe(shape: tuple[int, ...]) -> np.ndarray:
    """What a loss might hand back."""
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def channels_first(x: np.ndarray) -> np.ndarray:
    """As PyTorch has it."""
    return np.moveaxis(x, -1, 1).copy()


def channels_last(x) -> np.ndarray:
    """As lamina has it."""
    return np.moveaxis(x.detach().numpy(), 1, -1)


def deviation(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """The largest difference, relative to the largest number of its array."""
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if a.shape != b.shape:
            return float("inf")
        worst = max(worst, float(np.max(np.abs(a - b)) / np.max(np.abs(b))))
    return worst
