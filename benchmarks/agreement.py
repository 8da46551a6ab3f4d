"""Layers beside PyTorch's, on the same weights: equal numbers.

What comes out is compared, and the gradients of inputs and weights.

- Convolutions and pools: every combination of size, stride, padding, dilation and
  groups, on a line and on an image, in float32. "Same" padding is left out where
  PyTorch has none (strides), and is then compared through explicit numbers.
- Recurrent layers: one and two on top of each other, in one direction and in both, on
  sequences of one length and of different lengths, in float64 and in float32.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table

CLOSE = {"float32": 1e-5, "float64": 1e-12}
SIZES, STRIDES, DILATIONS, GROUPS = (1, 2, 3, 5), (1, 2, 3), (1, 2), (1, 2, 4)
PADDINGS = ("valid", "same", "full", 1, 2)
IMAGE, LINE = (13, 12, 4), (17, 4)
FILTERS = 8
RECURRENT = ("RNN, tanh", "RNN, relu", "LSTM", "GRU")
LENGTHS = ((1,), (3, 2), (12, 1, 7, 5, 12), (50, 49, 3), (2, 100, 31, 64) * 8)
WIDTHS = ((1, 1), (2, 4), (7, 3), (5, 16), (8, 64))
"""Steps of each sequence, with their features and the units of a layer.

Of many steps and one unit, a gradient would be one number, which is as little as a
difference of large ones may be: float32 leaves no digits to compare.
"""


def run(options: Options) -> Report:
    """Compare every combination; one number each, the largest relative deviation."""
    tables = [*places(), *steps()]
    return Report("agreement", "Layers beside PyTorch's, on the same weights", tables)


def places() -> Iterator[Table]:
    """Yield the tables of convolutions and pools."""
    for title, shape in (("images 13 × 12 × 4", IMAGE), ("lines 17 × 4", LINE)):
        found = {
            "Conv": [convolution(shape, *how) for how in convolutions(shape)],
            "MaxPool": [pool(shape, "max", *how) for how in pools()],
            "AveragePool": [pool(shape, "average", *how) for how in pools()],
        }
        yield table(title, found, CLOSE["float32"])


def steps() -> Iterator[Table]:
    """Yield the tables of recurrent layers."""
    for precision in ("float64", "float32"):
        found = {
            kind: [recurrent(kind, precision, *how) for how in sequences()]
            for kind in RECURRENT
        }
        yield table(f"recurrent layers, {precision}", found, CLOSE[precision])


def table(title: str, found: dict[str, list[float]], close: float) -> Table:
    """One row a layer, with the largest deviation of its combinations."""
    rows = [
        Row(name, max(deviations), note=f"of {len(deviations)} combinations")
        for name, deviations in found.items()
    ]
    worst = max(max(deviations) for deviations in found.values())
    claim = Claim(f"{title}: largest deviation", worst, close, at_least=False)
    return Table(title, "", rows, [claim])


def convolutions(shape: tuple[int, ...]):
    """Yield the combinations that fit, padding as pairs of numbers an axis."""
    from lamina import Conv
    from lamina.networks import Key

    for how in itertools.product(SIZES, STRIDES, PADDINGS, DILATIONS, GROUPS):
        layer = Conv(FILTERS, *how, activation="identity")
        try:
            layer.init(Key(0), shape)
        except ValueError:
            continue  # a window larger than the image
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


def sequences() -> Iterator[tuple]:
    """Yield the lengths, features, units, number and directions of recurrent layers."""
    for lengths, (features, units) in zip(LENGTHS, WIDTHS, strict=True):
        same = (max(lengths),) * len(lengths)
        for how in itertools.product({same, lengths}, (1, 2), (False, True)):
            yield how[0], features, units, *how[1:]


def recurrent(kind, precision, lengths, features, units, number, both) -> float:
    """Compare outputs and gradients of one stack of recurrent layers."""
    import jax

    from lamina.networks import Bidirectional, Network, Sequences

    shape = len(lengths), max(lengths), features
    x = np.random.default_rng(0).standard_normal(shape).astype(precision)
    module = torch_module(kind, precision, features, units, number, both)
    weights = {name: w.detach().numpy() for name, w in module.named_parameters()}
    layer = recurrent_layer(kind, units)
    network = Network((Bidirectional(layer) if both else layer,) * number)

    def answer(weights, x):
        params = [recurrent_params(kind, weights, i, both) for i in range(number)]
        sequences = Sequences(x, jax.numpy.asarray(lengths))
        a = network(tuple(params), sequences)
        return jax.numpy.where(sequences.mask[..., None], a, 0)

    with jax.enable_x64(precision == "float64"):
        ours = with_gradients(answer, weights, x)
    return deviation(ours, torch_gradients(module, x, lengths))


def torch_module(kind: str, precision: str, features, units, number, both):
    """PyTorch's layers of that kind, with the weights that it draws."""
    import torch

    torch.manual_seed(0)
    name, _, activation = kind.partition(", ")
    how = {"nonlinearity": activation} if activation else {}
    layers = getattr(torch.nn, name)(
        features, units, number, batch_first=True, bidirectional=both, **how
    )
    return layers.to(getattr(torch, precision))


def torch_gradients(module, x: np.ndarray, lengths: tuple[int, ...]) -> list:
    """PyTorch's outputs, and gradients of inputs and of each weight for one probe."""
    import torch
    from torch.nn.utils import rnn

    inputs = torch.tensor(x, requires_grad=True)
    packed = rnn.pack_padded_sequence(
        inputs, torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    a, _ = rnn.pad_packed_sequence(module(packed)[0], batch_first=True)
    a.backward(torch.tensor(probe(a.shape, x.dtype.name)))
    gradients = [inputs.grad, *(weight.grad for weight in module.parameters())]
    return [part.numpy() for part in (a.detach(), *gradients)]


def recurrent_layer(kind: str, units: int):
    """Return lamina's layer of that kind."""
    from lamina.networks import GRU, LSTM, RNN

    layers = {"LSTM": LSTM(units, "forget"), "GRU": GRU(units, "after")}
    return layers.get(kind) or RNN(units, kind.removeprefix("RNN, "))


def recurrent_params(kind: str, weights: dict, number: int, both: bool) -> dict:
    """The parameters that one of PyTorch's layers has, of one direction or of both."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ways = {"forward": "", "backward": "_reverse"} if both else {"forward": ""}
    params = {
        way: one_way(kind, *(weights[f"{name}_l{number}{end}"] for name in names))
        for way, end in ways.items()
    }
    return params if both else params["forward"]


def one_way(kind: str, W, U, b, c) -> dict:
    """The parameters of one direction.

    PyTorch has biases of inputs and of states, which only h̃ of a GRU needs; and z of
    its GRU is 1 − z of lamina's.
    """
    import jax.numpy as jnp

    if kind != "GRU":
        return {"weight": W.T, "recurrent_weight": U.T, "bias": b + c}
    units = U.shape[1]
    sign = np.repeat(np.array([1, -1, 1], U.dtype), units)
    gates, c = c[: 2 * units], c[2 * units :]
    return {
        "weight": W.T * sign,
        "recurrent_weight": U.T * sign,
        "bias": (b + jnp.concatenate([gates, jnp.zeros_like(c)])) * sign,
        "reset_bias": c,
    }


def with_gradients(layer: Callable, params: dict, x: np.ndarray) -> list[np.ndarray]:
    """Outputs, and gradients of inputs and of each parameter for one probe."""
    import jax

    @jax.jit
    def derivatives(params, x):
        a, back = jax.vjp(lambda p, x: layer(p, x), params, x)
        return a, *back(jax.numpy.asarray(probe(a.shape, x.dtype)))

    a, by_params, by_x = derivatives(params, x)
    parts = [a, by_x, *(by_params[name] for name in params)]
    return [np.asarray(part) for part in parts]


def probe(shape: tuple[int, ...], precision: str = "float32") -> np.ndarray:
    """What a loss might hand back."""
    return np.random.default_rng(1).standard_normal(shape).astype(precision)


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
        if a.shape != b.shape or not np.isfinite(a).all():
            return float("inf")
        difference, largest = float(np.max(np.abs(a - b))), float(np.max(np.abs(b)))
        if difference > 0:  # both may be 0, as the gradient of U is after one step
            worst = max(worst, difference / largest if largest else float("inf"))
    return worst
