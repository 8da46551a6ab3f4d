"""Every layer keeps the same contract. A public layer without a row here fails.

To add a layer, add its row to ``ROWS``: the layer and the shape of one example.
"""

import copy
import pickle
from dataclasses import is_dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamina
from lamina.networks import (
    GRU,
    LSTM,
    RBM,
    RNN,
    Augment,
    AveragePool,
    Bidirectional,
    CapsuleLength,
    Capsules,
    ClockworkRNN,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    Embedding,
    FixedConv,
    Flatten,
    GaussianNoise,
    GlobalPool,
    GroupNorm,
    Key,
    LastStep,
    LayerNorm,
    LocallyConnected,
    MaskingNoise,
    MaxPool,
    Network,
    OutputFeedbackRNN,
    PrimaryCapsules,
    Rescale,
    Reshape,
    Residual,
    SaltAndPepper,
    SkipConnection,
    SumPool,
    TemporalMean,
    Tied,
    Upsample,
)
from lamina.networks.core.description import is_description
from tests.model_files import through_json
from tests.tiers import in_tiers

pytestmark = pytest.mark.usefixtures("x64")

BATCH = 3

TIED = (Dense(2, "tanh"), Dense(3, "logistic"))

ROWS = [
    (Dense(2, "identity"), (3,)),
    (Dense(2, "logistic"), (3,)),
    (Dense(2, "tanh", "nguyen_widrow"), (3,)),
    (Dense(2, "relu", "he"), (3,)),
    (Dense(2, "leaky_relu"), (3,)),
    (Dense(3, "softmax", "lecun"), (3,)),
    (Dense(2, "exp", "uniform"), (3,)),
    (Dense(2, "threshold", "normal"), (3,)),
    (Dense(2, "sign", "zeros"), (3,)),
    (Dense(2, "tanh", use_bias=False), (2, 3)),
    (RBM(2, init_scale=0.5), (3,)),
    (RBM(2, init_scale=0.5, untied=True), (3,)),
    (RBM(3, "gaussian", 0.5), (2, 3)),
    (Dropout(0.4), (5,)),
    (Embedding(4, 3), (3, 1)),
    (Dropout(0.0), (2, 3)),
    (Conv(2, 3, 2, "same", activation="tanh"), (5, 4, 2)),
    (Conv(4, 2, 1, ((1, 0), 1), 2, 2, "logistic"), (5, 4, 2)),
    (Conv(2, 3, flip=True, activation="identity"), (5, 2)),
    (MaxPool(2), (4, 5, 2)),
    (MaxPool(3, 2, "same"), (5, 2)),
    (AveragePool(2, padding="same"), (3, 3, 2)),
    (SumPool((2, 1), 1), (3, 3, 2)),
    (ConvTranspose(2, 3, 2, "same", activation="tanh"), (3, 2, 2)),
    (ConvTranspose(4, 2, 1, 1, 2, 2, "logistic", flip=True), (4, 2)),
    (LocallyConnected(2, 2, 2, "same", "tanh"), (3, 4, 2)),
    (LocallyConnected(2, 3, activation="identity", use_bias=False), (5, 2)),
    (FixedConv("emboss"), (3, 4, 2)),
    (FixedConv((1.0, -0.5), "valid"), (4, 2)),
    (Upsample(2, "nearest"), (2, 3, 2)),
    (Upsample((3, 2), "bilinear"), (2, 3, 2)),
    (LayerNorm(), (2, 4)),
    (LayerNorm(2, 0.1, "tanh"), (2, 4)),
    (GroupNorm(2, activation="logistic"), (2, 2, 4)),
    (PrimaryCapsules(2, 2, 2, 1), (3, 3, 2)),
    (Capsules(3, 2), (4, 2)),
    (CapsuleLength(), (3, 2)),
    (Residual((Dense(4, "tanh"), Dropout(0.5), Dense(2, "identity"))), (2, 2)),
    (Residual((Dense(3, "tanh"),), Dense(3, "identity"), "logistic"), (2,)),
    (Residual((LocallyConnected(3, 1, 2, activation="tanh"),)), (4, 2)),
    (SkipConnection((Dense(2, "tanh"), Dropout(0.5))), (2, 3)),
    (SkipConnection((AveragePool(2, padding="same"), Upsample(2))), (3, 2, 2)),
    (Network((Residual((Network((Dense(3, "tanh"),)),)), Dense(2, "softmax"))), (2,)),
    (Augment(0.3, 30.0, 0.2, 0.5, 0.1, 0.4, 0.1, 0.2), (4, 3, 2)),
    (RNN(2), (3, 2)),
    (RNN(2, "logistic"), (2, 3)),
    (LSTM(2), (3, 2)),
    (LSTM(2, "peephole"), (2, 3)),
    (GRU(2), (3, 2)),
    (GRU(2, "before"), (3, 2)),
    (ClockworkRNN(4, (1, 2)), (3, 2)),
    (OutputFeedbackRNN(3, 2), (3, 2)),
    (Bidirectional(GRU(2)), (3, 2)),
    (LastStep(), (3, 2)),
    (TemporalMean(), (3, 2)),
    (Flatten(), (2, 1, 3)),
    (Reshape((3, 1, 2)), (2, 3)),
    (MaskingNoise(0.4), (5,)),
    (GaussianNoise(0.5), (2, 3)),
    (SaltAndPepper(0.4, -1, 1), (5,)),
    (Tied((Dense(2, "tanh"), Dense(1)), TIED), (3,)),
    (Tied((Conv(2, 2, 2, activation="tanh"),), (ConvTranspose(1, 2, 2),)), (4, 2, 1)),
    (GlobalPool("average"), (2, 2, 2)),
    (GlobalPool("max"), (3, 2)),
    (Rescale(0.3, 1.7), (2, 2)),
    (Network((Dense(3, "tanh"), Dropout(0.5), Dense(2, "softmax"))), (3,)),
]


def name(row):
    layer, shape = row
    fields = [str(v) for v in vars(layer).values()]
    short = "-".join(f for f in fields if len(f) < 20)
    return f"{type(layer).__name__}-{short}-{'x'.join(map(str, shape))}"


EVERY = {type(layer) for layer, _ in ROWS}
ONE_OF_EACH = {Dense, Dropout, Conv, GRU, RBM, Residual}
"""A layer of each kind; what compiles much asks the others in the slow tier."""


def firsts(classes):
    """Return the rows as parameters: the first of each class is in the fast tier."""
    of = {type(row[0]): name(row) for row in reversed(ROWS)}
    return in_tiers(ROWS, {of[cls] for cls in classes}, name)


of_each_kind = pytest.mark.parametrize("row", firsts(ONE_OF_EACH), indirect=True)


@pytest.fixture(scope="module", params=firsts(EVERY))
def row(request):
    """A layer, parameters no start is symmetric in, and a batch of inputs."""
    layer, shape = request.param
    rng = np.random.default_rng(0)
    params, _ = (
        layer.init(Key(0), shape, np.float64)
        if isinstance(layer, Network)
        else layer.init(Key(0), shape)
    )
    params = jax.tree.map(lambda p: p + 0.1 * rng.standard_normal(p.shape), params)
    return layer, params, rng.standard_normal((BATCH, *shape))


def key():
    return Key(1).device()


def is_layer(value):
    """Whether a class is a description that is called with parameters and inputs."""
    described = isinstance(value, type) and is_dataclass(value)
    return described and hasattr(value, "init") and "__call__" in vars(value)


def test_every_public_layer_has_a_row():
    layers = {v for v in (getattr(lamina, n) for n in lamina.__all__) if is_layer(v)}
    assert {Dense, Dropout, Network} <= layers
    assert layers <= {type(layer) for layer, _ in ROWS}


def test_init_tells_the_shape_of_one_output(row):
    layer, params, x = row
    fresh, shape = layer.init(Key(0), x.shape[1:])
    assert layer(params, x).shape == (BATCH, *shape)
    assert jax.tree.structure(fresh) == jax.tree.structure(params)
    assert jax.tree.map(np.shape, fresh) == jax.tree.map(np.shape, params)


@of_each_kind
@pytest.mark.parametrize("training", [False, True], ids=["application", "training"])
def test_gradient_is_finite_differences(row, training):
    """By parameters and inputs, each number moved by ±10⁻⁶ in double precision."""
    layer, params, x = row
    shape = layer(params, x).shape
    probe = np.random.default_rng(1).standard_normal(shape)

    @jax.jit
    def scalar(flat):
        params, x = unravel(flat)
        return jnp.sum(probe * layer(params, x, key=key() if training else None))

    flat, unravel = jax.flatten_util.ravel_pytree((params, jnp.asarray(x)))
    steps = 1e-6 * np.eye(flat.size)
    values = jax.jit(jax.vmap(scalar))
    differences = (values(flat + steps) - values(flat - steps)) / 2e-6
    np.testing.assert_allclose(jax.grad(scalar)(flat), differences, atol=2e-9)


@of_each_kind
@pytest.mark.parametrize("training", [False, True], ids=["application", "training"])
def test_compiled_is_eager(row, training):
    layer, params, x = row
    k = key() if training else None
    x = jnp.asarray(x)
    compiled = jax.jit(lambda p, x: layer(p, x, key=k))(params, x)
    np.testing.assert_allclose(compiled, layer(params, x, key=k), rtol=1e-14)


@of_each_kind
def test_mapped_is_looped(row):
    """Over models (parameters and keys) and over batches of inputs."""
    layer, params, x = row
    n = 3
    rng = np.random.default_rng(2)
    many = jax.tree.map(lambda p: p + rng.standard_normal((n, *p.shape)), params)
    inputs = x + rng.standard_normal((n, *x.shape))
    keys = jax.random.split(key(), n)
    mapped = jax.vmap(lambda p, x, k: layer(p, x, key=k))(many, inputs, keys)
    for i in range(n):
        one = jax.tree.map(lambda p, i=i: p[i], many)
        looped = layer(one, jnp.asarray(inputs[i]), key=keys[i])
        np.testing.assert_allclose(mapped[i], looped, rtol=1e-13, atol=1e-15)


def test_same_key_same_output(row):
    layer, params, x = row
    first, again = (np.asarray(layer(params, x, key=key())) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = np.asarray(layer(params, x, key=jax.random.fold_in(key(), 1)))
    assert np.array_equal(first, other) == (not is_random(layer))


RANDOM = (Augment, GaussianNoise, MaskingNoise, SaltAndPepper)


def is_random(layer):
    inner = getattr(layer, "layers", (layer,))
    dropped = any(isinstance(one, Dropout) and one.rate > 0 for one in inner)
    return dropped or isinstance(layer, RANDOM)


def test_same_key_same_parameters(row):
    layer, _, x = row
    first, again = (layer.init(Key(5), x.shape[1:])[0] for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, first, again)


@of_each_kind
def test_rows_do_not_see_each_other(row):
    """Padding rows, whatever they hold, change no other row; nor does their number."""
    layer, params, x = row
    padded = np.concatenate([x, 1e3 * np.ones((5, *x.shape[1:]))])
    for k in (None, key()):
        alone = layer(params, jnp.asarray(x), key=k)
        together = layer(params, jnp.asarray(padded), key=k)[:BATCH]
        np.testing.assert_allclose(together, alone, rtol=1e-14)


def test_numpy_inputs_give_numpy_outputs_and_the_same(row):
    layer, params, x = row
    plain = layer(params, x)
    if layer.portable:  # else a compiled program is used throughout
        assert type(plain) is np.ndarray
    traced = layer(jax.tree.map(jnp.asarray, params), jnp.asarray(x))
    np.testing.assert_allclose(plain, traced, rtol=1e-13, atol=1e-15)


def test_json_round_trip(row):
    layer, _, _ = row
    again = through_json(layer)
    assert again == layer
    assert hash(again) == hash(layer)


def test_copies(row):
    layer, _, _ = row
    for twin in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        assert twin == layer
        assert hash(twin) == hash(layer)
    assert is_description(layer)


@of_each_kind
def test_single_precision_stays(row):
    layer, params, x = row
    single = jax.tree.map(lambda p: p.astype(np.float32), params)
    x = x.astype(np.float32)
    assert layer(single, x).dtype == np.float32
    assert layer(single, jnp.asarray(x), key=key()).dtype == np.float32
