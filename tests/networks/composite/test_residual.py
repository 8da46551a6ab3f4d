"""Layers and a way past them: sums by hand, shortcuts, what is inside."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.estimators._core.parameters.settings import parse_value
from lamina.learning import SGD
from lamina.networks import (
    Conv,
    Dense,
    Dropout,
    Flatten,
    Key,
    LayerNorm,
    LocallyConnected,
    Network,
    Residual,
    Upsample,
)
from lamina.networks.core.layer import Layer
from lamina.networks.functional.losses import loss_from_pre_activation
from tests.model_files import through_json

pytestmark = pytest.mark.usefixtures("x64")

X = np.array([[1.0, -2.0]])
W = np.array([[0.5, 1.0], [0.25, -1.0]])
B = np.array([0.5, -4.0])


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_identity_by_hand(position):
    """f(x) = x W + b = (0.5, −1); h = f(x) + x = (1.5, −3); a = max(0, h)."""
    params = {"layers": ({"weight": W, "bias": B},)}
    block = Residual((Dense(2, "identity"),), activation="relu")
    assert block.pre_activation(params, position(X)).tolist() == [[1.5, -3.0]]
    assert block(params, position(X)).tolist() == [[1.5, 0.0]]


def test_delta_passes_the_block_undiminished():
    """∂h/∂x = I + Wᵀ: with W = 0 the error signal below is that above."""
    block = Residual((Dense(2, "identity"),))

    def jacobian(w):
        params = {"layers": ({"weight": w, "bias": B},)}
        return jax.jacobian(lambda x: block(params, x[None])[0])(jnp.asarray(X[0]))

    np.testing.assert_allclose(jacobian(W), np.eye(2) + W.T, rtol=1e-15)
    np.testing.assert_array_equal(jacobian(0 * W), np.eye(2))


def test_projection_by_hand():
    """x W with 3 channels from 2 at places 0 and 2 of 4."""
    halved = LocallyConnected(3, 2, 2, activation="identity")
    block = Residual((halved,))
    params, shape = block.init(Key(0), (4, 2))
    assert shape == (2, 3)
    assert params["weight"].shape == (2, 3)
    x = np.arange(8.0).reshape(1, 4, 2)
    w = np.array([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0]])
    zero = jax.tree.map(np.zeros_like, params["layers"])
    a = block({"layers": zero, "weight": w}, x)
    # places 0: (0, 1) → 2, 20, 200; 2: (4, 5) → 14, 140, 1400
    assert a.tolist() == [[[2, 20, 200], [14, 140, 1400]]]


def test_projection_over_two_axes_takes_every_rth_place_of_each():
    thinned = LocallyConnected(1, 1, (2, 3), activation="identity", use_bias=False)
    block = Residual((thinned,))
    params, shape = block.init(Key(0), (4, 6, 1))
    assert shape == (2, 2, 1)
    x = np.arange(24.0).reshape(1, 4, 6, 1)
    zero = jax.tree.map(np.zeros_like, params["layers"])
    a = block({"layers": zero, "weight": np.ones((1, 1))}, x)
    assert a[0, ..., 0].tolist() == [[0, 3], [12, 15]]


def test_a_projection_is_drawn_only_where_the_shape_changes():
    assert Residual((Dense(2),)).init(Key(0), (2,))[0].keys() == {"layers"}
    params, shape = Residual((Dense(7), Dense(5))).init(Key(0), (5, 3))
    assert shape == (5, 5)
    assert params["weight"].shape == (3, 5)
    bound = np.sqrt(6 / 8)
    assert 0.5 * bound < np.abs(params["weight"]).max() <= bound


def test_the_blocks_of_the_paper():
    """Two 3 × 3 convolutions; 1 × 1 with stride 2 where the image gets smaller."""
    second = Conv(4, 3, padding="same", activation="identity")
    block = Residual((Conv(4, 3, 2, "same"), second), activation="relu")
    params, shape = block.init(Key(0), (8, 6, 3))
    assert shape == (4, 3, 4)
    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, 8, 6, 3)))
    one = Conv(4, 1, 2, activation="identity", use_bias=False)
    given = Residual(block.layers, shortcut=one, activation="relu")
    same = {"layers": params["layers"]}
    same["shortcut"] = ({"weight": params["weight"][None, None]},)
    np.testing.assert_allclose(block(params, x), given(same, x), rtol=1e-12, atol=1e-14)
    # 7 places halved are 4: no whole number of places, but a shortcut that is given
    with pytest.raises(
        ValueError, match="which no integer stride does.*pass a shortcut"
    ):
        block.init(Key(0), (7, 6, 3))
    assert given.init(Key(0), (7, 6, 3))[1] == (4, 3, 4)


def test_a_shortcut_that_is_given():
    block = Residual((Dense(3, "tanh"),), shortcut=Dense(3, "identity", "he"))
    params, shape = block.init(Key(0), (2,))
    assert shape == (3,)
    (f,), (s,) = params["layers"], params["shortcut"]
    expected = np.tanh(X @ f["weight"]) + X @ s["weight"] + s["bias"]
    np.testing.assert_allclose(block(params, X), expected, rtol=1e-15)
    assert np.any(f["weight"] != s["weight"])  # drawn from another key


INNER = Network((Dense(2, "tanh"), Dropout(0.5)))
DEEP = Network(
    (
        Dropout(0.4),
        Residual((INNER, Dense(3, "identity")), activation="relu"),
        Network((Residual((Dense(3, "tanh"),), Dense(3, "logistic")), LayerNorm())),
        Residual((Dense(2, "identity"),)),
    )
)
ORDER = "Dropout Dense Dropout Dense Residual Dense Dense Residual LayerNorm Dense "
ORDER = (ORDER + "Residual").split()


def test_walk_goes_through_blocks():
    params, _ = DEEP.init(Key(1), (2,))
    pairs = DEEP.walk(params)
    assert [type(layer).__name__ for layer, _ in pairs] == ORDER
    assert pairs[1][1] is params[1]["layers"][0][0]
    assert pairs[6][1] is params[2][0]["shortcut"][0]
    assert pairs[4][1] == {"weight": params[1]["weight"]}
    assert pairs[7][1] == {}
    counted = sum(map(np.size, jax.tree.leaves([p for _, p in pairs])))
    assert counted == sum(map(np.size, jax.tree.leaves(params)))


@pytest.mark.parametrize("key", [None, 5])
def test_trace_ends_in_the_output_with_and_without_a_key(key):
    params, _ = DEEP.init(Key(1), (2,), np.float64)
    x = np.random.default_rng(0).standard_normal((7, 2))
    key = None if key is None else jax.random.key(key)
    signals = DEEP.trace(params, x, key=key)
    assert len(signals) == len(ORDER)
    no_net = [s.h is None for s in signals]
    assert no_net == [name == "Dropout" for name in ORDER]
    np.testing.assert_array_equal(signals[-1].a, DEEP(params, x, key=key))
    np.testing.assert_array_equal(
        signals[-1].h, DEEP.pre_activation(params, x, key=key)
    )
    np.testing.assert_array_equal(signals[4].a, np.maximum(signals[4].h, 0))
    np.testing.assert_array_equal(signals[7].h, signals[5].a + signals[6].a)


def test_shifts_reach_the_layers_of_blocks():
    params, _ = DEEP.init(Key(1), (2,), np.float64)
    x = np.ones((2, 2))
    plain = DEEP.trace(params, x)
    shifts = [None if s.h is None else np.full(s.h.shape, 0.25) for s in plain]
    shifted = DEEP.trace(params, x, shifts=shifts)
    tanh = np.tanh(plain[1].h + 0.25)
    np.testing.assert_allclose(shifted[1].a, tanh, rtol=1e-14)
    dense = params[1]["layers"][1]
    f = tanh @ dense["weight"] + dense["bias"] + 0.25
    h = f + x @ params[1]["weight"] + 0.25
    np.testing.assert_allclose(shifted[4].h, h, rtol=1e-14)
    h = shifted[5].a + shifted[6].a + 0.25
    np.testing.assert_allclose(shifted[7].h, h, rtol=1e-14)


def test_the_derivative_with_respect_to_a_shift_is_delta():
    """δ of the sum is a − y, and that of a linear layer inside is the same."""
    network = Network((Residual((Dense(2, "identity"),)),))
    params = ({"layers": ({"weight": W, "bias": B},)},)
    y = jnp.array([[1.0, 1.0]])

    def loss(shifts):
        h = network.trace(params, X, shifts=shifts)[-1].h
        return loss_from_pre_activation("squared_error", network.out_activation, h, y)[
            0
        ]

    inner, outer = jax.grad(loss)([jnp.zeros((1, 2)), jnp.zeros((1, 2))])
    assert outer.tolist() == inner.tolist() == [[0.5, -4.0]]


def test_a_block_draws_in_double_precision():
    params, _ = DEEP.init(Key(1), (2,), np.float64)
    for own in (params[1]["layers"][0][0], params[2][0]["shortcut"][0]):
        weight = own["weight"]
        assert np.any(weight != weight.astype(np.float32))
    single, _ = DEEP.init(Key(1), (2,))
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(single))


def test_portable_if_all_layers_are():
    class Elsewhere(Layer):
        pass

    assert DEEP.portable
    assert Residual((Dense(2),), Dense(2)).portable
    alien = Elsewhere()
    assert not Residual((alien,)).portable
    assert not Residual((Dense(2),), alien).portable
    assert not Network((Residual((alien,)),)).portable


def test_json_and_settings():
    again = through_json(DEEP)
    assert again == DEEP
    assert hash(again) == hash(DEEP)
    text = "[Residual([Dense(3, 'tanh'), Dense(2)], activation='relu'), Dense(1)]"
    first, _ = parse_value(text)
    assert first == Residual((Dense(3, "tanh"), Dense(2)), None, "relu")


def test_nested_names():
    from lamina.estimators import MLPClassifier

    layers = [Flatten(), Residual([Dense(4), Network([Dense(3)])], Dense(3))]
    model = MLPClassifier(layers=layers)
    assert model.get_params()["layers__1__layers__0__units"] == 4
    assert model.get_params()["layers__1__shortcut__units"] == 3
    model.set_params(
        layers__1__layers__0__units=8,
        layers__1__layers__1__layers__0__activation="tanh",
        layers__1__shortcut__units=5,
        layers__1__activation="relu",
    )
    assert model.layers[1] == Residual(
        (Dense(8), Network((Dense(3, "tanh"),))), Dense(5), "relu"
    )


@pytest.mark.slow
def test_a_residual_network_is_fitted_kept_and_summarised(tmp_path):
    from lamina.estimators import MLPClassifier, load

    x = np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    layers = [Residual([Network([Dense(5, "tanh")]), Dense(5)]), LayerNorm()]
    how = {"learning_rate_init": 0.02, "max_iter": 40, "batch_size": 20}
    model = MLPClassifier(layers=layers, random_state=0, **how)
    model.fit(x, y)
    assert model.score(x, y) > 0.9
    model.save(tmp_path / "model.lamina")
    again = load(tmp_path / "model.lamina")
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
    assert again.get_params()["layers__0__layers__1__units"] == 5
    assert "\n    Dense  3 → 5" in again.summary()
    # Dense, Dense, their sum, the norm and the output have figures at every record
    assert sorted(set(model.diagnostics_["layer"])) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Residual(()), ValueError, "needs at least one layer"),
        (lambda: Residual((Dense(2), 3)), TypeError, r"layers\[1\] must be a layer"),
        (lambda: Residual(Dense(2)), ValueError, "layers must be a list of layers"),
        (lambda: Residual((Dense(2),), 3), TypeError, "shortcut must be one layer"),
        (lambda: Residual((Dense(2),), [Dense(2)]), TypeError, "must be one layer"),
        (lambda: Residual((Dense(2),), SGD()), TypeError, "must be one layer"),
        (lambda: Residual((Dense(2),), activation="x"), ValueError, "activation must"),
        (
            lambda: Residual((Dense(3),), Dense(4)).init(Key(0), (2,)),
            ValueError,
            r"map shape \(2,\) to \(3,\), its shortcut to \(4,\): both must",
        ),
        (
            lambda: Residual((LocallyConnected(2, 3),)).init(Key(0), (5, 2)),
            ValueError,
            r"map \(5,\) positions to \(3,\), which no integer stride does",
        ),
        (
            lambda: Residual((Upsample(2),)).init(Key(0), (5, 2)),
            ValueError,
            r"map \(5,\) positions to \(10,\)",
        ),
        (
            lambda: Residual((Flatten(),)).init(Key(0), (5, 2)),
            ValueError,
            r"map \(5,\) positions to \(\)",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
