"""Peers are judges: golden cases for images and sequences of the onnx package.

``tests/onnx_cases/make.py`` took them out, and says which cannot be expressed and why.
"""

import json
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import (
    GRU,
    LSTM,
    RNN,
    AveragePool,
    Bidirectional,
    Conv,
    ConvTranspose,
    GlobalPool,
    GroupNorm,
    Key,
    LastStep,
    LayerNorm,
    MaxPool,
    Network,
    Rescale,
    SumPool,
)

CASES = Path(__file__).parent / "onnx_cases" / "cases.npz"

with np.load(CASES) as file:
    ARRAYS = {name: file[name] for name in file.files}
ABOUT = json.loads(str(ARRAYS.pop("about")))
RTOL = {"averagepool_2d_ceil_last_window_starts_on_pad": 1e-3}
"""Onnx's own tolerance, which this case needs: it is given with four digits."""

RUN = [name for name, case in ABOUT.items() if "left_out" not in case]


def channels_last(x):
    return np.moveaxis(x, 1, -1)


def geometry(attributes, places, size):
    """Size, stride and padding of a window, as lamina writes them.

    ``ceil_mode`` is as much padding after the last place as the last window needs, if
    that window begins before the padding.
    """
    stride = attributes.get("strides", [1] * len(size))
    pads = attributes.get("pads", [0] * 2 * len(size))
    pairs = list(zip(pads[: len(size)], pads[len(size) :], strict=True))
    if attributes.get("auto_pad") == "SAME_UPPER":
        return {"size": size, "stride": tuple(stride), "padding": "same"}
    each = list(zip(places, size, stride, strict=True))
    if attributes.get("auto_pad") == "SAME_LOWER":
        added = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in each]
        pairs = [(total - total // 2, total // 2) for total in added]
    if attributes.get("ceil_mode"):
        for axis, ((n, k, s), (before, after)) in enumerate(
            zip(each, pairs, strict=True)
        ):
            count = math.ceil((n + before + after - k) / s) + 1
            if (count - 1) * s >= n + before:
                count -= 1
            needed = (count - 1) * s + k - n - before
            pairs[axis] = (before, max(needed, 0))
    return {"size": size, "stride": tuple(stride), "padding": tuple(pairs)}


def conv(attributes, x, weight):
    how = geometry(attributes, x.shape[2:], weight.shape[2:])
    layer = Conv(weight.shape[0], **how, activation="identity", use_bias=False)
    return layer, {"weight": np.moveaxis(weight, (1, 0), (-2, -1))}


def conv_transpose(attributes, x, weight):
    how = geometry(attributes, x.shape[2:], weight.shape[2:])
    groups = attributes.get("group", 1)
    layer = ConvTranspose(
        weight.shape[1] * groups,
        **how,
        dilation=tuple(attributes.get("dilations", [1] * (x.ndim - 2))),
        groups=groups,
        activation="identity",
        use_bias=False,
    )
    return layer, {"weight": np.moveaxis(weight, (1, 0), (-2, -1))}


def max_pool(attributes, x):
    return MaxPool(**geometry(attributes, x.shape[2:], size_of(attributes))), {}


def average_pool(attributes, x):
    """Places that are added count, if wanted: a sum, divided by the window's size."""
    size = size_of(attributes)
    how = geometry(attributes, x.shape[2:], size)
    if attributes.get("count_include_pad"):
        divided = Rescale(0.0, 1 / math.prod(size))
        return Network((SumPool(**how), divided)), ({}, {})
    return AveragePool(**how), {}


def size_of(attributes):
    return tuple(attributes["kernel_shape"])


def group_norm(attributes, x, scale, shift):
    layer = GroupNorm(attributes["num_groups"], attributes.get("epsilon", 1e-5))
    return layer, {"scale": scale, "shift": shift}


LAYERS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": lambda attributes, x: (GlobalPool("average"), {}),
    "GlobalMaxPool": lambda attributes, x: (GlobalPool("max"), {}),
    "GroupNormalization": group_norm,
}


BLOCKS = {
    "RNN": ((0, 1),),
    "GRU": ((1, 1), (0, -1), (2, 1)),
    "LSTM": ((0, 1), (2, 1), (3, 1), (1, 1)),
}
"""Where onnx has lamina's blocks of weights, and their sign: its z is lamina's 1 − z.

Its LSTM has i, o, f, C, its GRU z, r, h.
"""

AXES = {True: ((1, 2, 0, 3), (1, 0, 2)), False: ((2, 0, 1, 3), (0, 1, 2))}
"""Where Y and Y_h have directions, examples, steps and units, by ``layout``."""


def recurrent(operator, units, W, R, B=None, steps=None, h=None, C=None, P=None):
    """The layer, and its parameters of each direction."""
    # what no layer is told: here all sequences are equally long and start from 0
    assert steps is None or np.ptp(steps) == 0
    assert not any(np.any(start) for start in (h, C) if start is not None)
    layers = {
        "RNN": RNN(units),
        "GRU": GRU(units, "before"),
        "LSTM": LSTM(units, "forget" if P is None else "peephole"),
    }
    every = []
    for way in range(len(W)):
        bias = np.zeros(2 * W.shape[1], W.dtype) if B is None else B[way]
        params = {
            "weight": blocks(operator, W[way]),
            "recurrent_weight": blocks(operator, R[way]),
            "bias": blocks(operator, np.add(*np.split(bias, 2))),
        }
        if P is not None:
            i, o, f = np.split(P[way], 3)
            params["peephole_weight"] = np.stack([i, f, o])
        every.append(params)
    return layers[operator], every


def blocks(operator, a):
    """Weights (blocks · units, n) as lamina has them, (n, blocks · units)."""
    parts = np.split(a, len(BLOCKS[operator]))
    return np.concatenate([sign * parts[i] for i, sign in BLOCKS[operator]]).T


def test_all_operators_are_here_and_most_cases_run():
    operators = {case["operator"] for case in ABOUT.values()}
    assert operators == {*LAYERS, *BLOCKS, "LayerNormalization"}
    assert {ABOUT[name]["operator"] for name in RUN} == operators
    assert (len(RUN), len(ABOUT)) == (76, 99)


def run_of(*operators):
    return [name for name in RUN if ABOUT[name]["operator"] in operators]


def arrays_of(name):
    """Inputs, and outputs by their place."""
    count = sum(key.startswith(f"{name}/input") for key in ARRAYS)
    inputs = [ARRAYS[f"{name}/input{i}"] for i in range(count)]
    outputs = {i: ARRAYS.get(f"{name}/output{i}") for i in range(2)}
    return inputs, {i: array for i, array in outputs.items() if array is not None}


@pytest.mark.parametrize("name", run_of(*LAYERS))
def test_layers_of_places(name):
    (x, *rest), outputs = arrays_of(name)
    case = ABOUT[name]
    layer, params = LAYERS[case["operator"]](case["attributes"], x, *rest)
    x = channels_last(x)
    fresh, shape = layer.init(Key(0), x.shape[1:])
    assert jax.tree.map(np.shape, fresh) == jax.tree.map(np.shape, params)
    expected = channels_last(outputs[0]).reshape(len(x), *shape)
    a = layer(params, jnp.asarray(x))
    rtol = RTOL.get(name, 1e-5)
    np.testing.assert_allclose(a, expected, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("name", run_of("LayerNormalization"))
def test_layer_norm(name):
    (x, scale, shift), outputs = arrays_of(name)
    attributes = ABOUT[name]["attributes"]
    first = attributes.get("axis", -1) % x.ndim
    layer = LayerNorm(x.ndim - first, attributes.get("epsilon", 1e-5))
    a = layer({"scale": scale, "shift": shift}, jnp.asarray(x))
    np.testing.assert_allclose(a, outputs[0], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", run_of(*BLOCKS))
def test_recurrent_layers(name):
    """Y is h of all steps, Y_h what a direction ends with: the way back, at step 0."""
    (x, *arrays), outputs = arrays_of(name)
    attributes = ABOUT[name]["attributes"]
    by_example = attributes.get("layout", 0) == 1
    x = jnp.asarray(x if by_example else np.swapaxes(x, 0, 1))
    assert attributes.keys() <= {"direction", "hidden_size", "layout"}
    units = attributes["hidden_size"]
    layer, params = recurrent(ABOUT[name]["operator"], units, *arrays)
    ways = {"forward": params[0], "backward": params[-1]}
    fresh, _ = Bidirectional(layer).init(Key(0), x.shape[1:])
    assert jax.tree.map(np.shape, fresh) == jax.tree.map(np.shape, ways)
    there, back = jnp.split(Bidirectional(layer)(ways, x), 2, axis=-1)
    both = [(there, LastStep()({}, there)), (back, back[:, 0])]
    which = {"forward": both[:1], "reverse": both[1:], "bidirectional": both}
    answers = zip(*which[attributes.get("direction", "forward")], strict=True)
    assert outputs
    for place, (a, axes) in enumerate(zip(answers, AXES[by_example], strict=True)):
        if place in outputs:
            a = np.stack(a).transpose(axes)
            np.testing.assert_allclose(a, outputs[place], rtol=1e-5, atol=1e-6)
