"""Recurrent layers: every cell is its equations, and so are its derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import (
    GRU,
    LSTM,
    RNN,
    ClockworkRNN,
    Key,
    OutputFeedbackRNN,
)

pytestmark = pytest.mark.usefixtures("x64")

LAYERS = [
    RNN(3),
    RNN(3, "logistic"),
    RNN(3, "relu"),
    RNN(3, "leaky_relu"),
    RNN(3, "identity"),
    *[LSTM(3, variant) for variant in ("forget", "1997", "peephole", "coupled")],
    GRU(3),
    GRU(3, "before"),
    ClockworkRNN(3, (1, 2, 3)),
    OutputFeedbackRNN(3, 3),
    OutputFeedbackRNN(4, 3, "logistic", "tanh"),
]


def name(layer):
    return "-".join(map(str, (type(layer).__name__, *vars(layer).values())))


def sigma(z):
    return 1 / (1 + np.exp(-z))


PHI = {
    "tanh": np.tanh,
    "logistic": sigma,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "identity": lambda z: z,
}


def rnn(layer, p, x):
    """The equation of the docstring, step by step."""
    h, every = np.zeros((len(x), layer.units)), []
    for t in range(x.shape[1]):
        z = x[:, t] @ p["weight"] + h @ p["recurrent_weight"] + p["bias"]
        h = PHI[layer.activation](z)
        every.append(h)
    return np.stack(every, axis=1)


def lstm(layer, p, x):
    """The equations of the docstring, a gate at a time."""
    names = {"forget": "ifCo", "peephole": "ifCo", "1997": "iCo", "coupled": "fCo"}
    n, letters = layer.units, names[layer.variant]
    p_i, p_f, p_o = p.get("peephole_weight", np.zeros((3, n)))
    h, C, every = np.zeros((len(x), n)), np.zeros((len(x), n)), []
    for t in range(x.shape[1]):

        def net(letter, x_t=x[:, t], h=h):
            block = slice(letters.index(letter) * n, (letters.index(letter) + 1) * n)
            W, U, b = (p[k] for k in ("weight", "recurrent_weight", "bias"))
            return x_t @ W[:, block] + h @ U[:, block] + b[block]

        f = sigma(net("f") + p_f * C) if "f" in letters else 1
        i = sigma(net("i") + p_i * C) if "i" in letters else 1 - f
        C = f * C + i * np.tanh(net("C"))
        h = sigma(net("o") + p_o * C) * np.tanh(C)
        every.append(h)
    return np.stack(every, axis=1)


def gru(layer, p, x):
    """The equations of the docstring."""
    n = layer.units
    W = np.split(p["weight"], 3, axis=1)
    U = np.split(p["recurrent_weight"], 3, axis=1)
    b = np.split(p["bias"], 3)
    h, every = np.zeros((len(x), n)), []
    for t in range(x.shape[1]):
        x_t = x[:, t]
        r = sigma(x_t @ W[0] + h @ U[0] + b[0])
        z = sigma(x_t @ W[1] + h @ U[1] + b[1])
        if layer.reset == "after":
            met = r * (h @ U[2] + p["reset_bias"])
        else:
            met = (r * h) @ U[2]
        new = np.tanh(x_t @ W[2] + met + b[2])
        h = (1 - z) * h + z * new
        every.append(h)
    return np.stack(every, axis=1)


def clockwork(layer, p, x):
    """The equations of the docstring, unit by unit; one unit a period."""
    h, every = np.zeros((len(x), layer.units)), []
    for t in range(x.shape[1]):
        new = h.copy()
        for j, period in enumerate(layer.periods):
            if t % period == 0:
                heard = h[:, j:] @ p["recurrent_weight"][j:, j]  # itself and slower
                net = x[:, t] @ p["weight"][:, j] + heard + p["bias"][j]
                new[:, j] = np.tanh(net)
        h = new
        every.append(h)
    return np.stack(every, axis=1)


def output_feedback(layer, p, x):
    """The equations of the docstring."""
    y, every = np.zeros((len(x), layer.outputs)), []
    for t in range(x.shape[1]):
        z = x[:, t] @ p["weight"] + y @ p["recurrent_weight"] + p["bias"]
        h = PHI[layer.activation](z)
        y = PHI[layer.out_activation](h @ p["out_weight"] + p["out_bias"])
        every.append(y)
    return np.stack(every, axis=1)


BY_HAND = {
    RNN: rnn,
    LSTM: lstm,
    GRU: gru,
    ClockworkRNN: clockwork,
    OutputFeedbackRNN: output_feedback,
}


def made(layer, time=5, batch=2, features=2):
    """Parameters no start is symmetric in, and inputs."""
    rng = np.random.default_rng(0)
    params, _ = layer.init(Key(0), (time, features))
    params = {k: v + 0.3 * rng.standard_normal(v.shape) for k, v in params.items()}
    return params, rng.standard_normal((batch, time, features))


@pytest.mark.parametrize("layer", LAYERS, ids=name)
def test_every_step_is_the_equation(layer):
    params, x = made(layer)
    h = layer(params, jnp.asarray(x))
    np.testing.assert_allclose(h, BY_HAND[type(layer)](layer, params, x), atol=1e-14)


@pytest.mark.parametrize("layer", LAYERS, ids=name)
def test_derivatives_are_those_of_the_equations(layer):
    """By x and by every parameter: differences of the loop by hand."""
    params, x = made(layer)
    c = np.random.default_rng(1).standard_normal((2, 5, 3))

    def loss(p, x):
        return jnp.sum(c * layer(p, x))

    found = jax.jit(jax.grad(loss, (0, 1)))(params, jnp.asarray(x))
    arrays, structure = jax.tree.flatten((params, x))
    for number, (array, gradient) in enumerate(
        zip(arrays, jax.tree.leaves(found), strict=True)
    ):
        for at in np.ndindex(array.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [a.copy() for a in arrays]
                moved[number][at] += step
                p, x_moved = jax.tree.unflatten(structure, moved)
                ends.append(np.sum(c * BY_HAND[type(layer)](layer, p, x_moved)))
            right = (ends[0] - ends[1]) / 2e-6
            np.testing.assert_allclose(gradient[at], right, atol=2e-8)


def test_three_steps_of_a_simple_layer_by_hand():
    """h = tanh(x W + h U + b) for one unit: W = 1, U = ½, b = 0.1 and x = 1, 0, −1."""
    params = {
        "weight": np.ones((1, 1)),
        "recurrent_weight": np.full((1, 1), 0.5),
        "bias": np.array([0.1]),
    }
    h = RNN(1)(params, jnp.array([[[1.0], [0.0], [-1.0]]]))
    first = np.tanh(1.1)
    second = np.tanh(0.5 * first + 0.1)
    right = [first, second, np.tanh(-0.9 + 0.5 * second)]
    np.testing.assert_allclose(h[0, :, 0], right, atol=1e-15)


def test_three_steps_of_an_lstm_by_hand():
    """One unit, all weights 0 and b_C = 1: i = o = ½, f = σ(1), C̃ = tanh 1."""
    layer = LSTM(1)
    params, _ = layer.init(Key(0), (3, 1))
    params = {k: np.zeros_like(v) for k, v in params.items()}
    params["bias"] = np.array([0.0, 1.0, 1.0, 0.0])
    h = layer(params, jnp.zeros((1, 3, 1)))
    C1 = np.tanh(1) / 2
    C2 = C1 * sigma(1) + np.tanh(1) / 2
    C3 = C2 * sigma(1) + np.tanh(1) / 2
    np.testing.assert_allclose(h[0, :, 0], np.tanh([C1, C2, C3]) / 2, atol=1e-15)


def test_three_steps_of_a_gru_by_hand():
    """One unit, all weights 0 and b_h = 1: z = ½ takes half of what is new."""
    layer = GRU(1)
    params, _ = layer.init(Key(0), (3, 1))
    params = {k: np.zeros_like(v) for k, v in params.items()}
    params["bias"] = np.array([0.0, 0.0, 1.0])
    h = layer(params, jnp.zeros((1, 3, 1)))
    right = np.tanh(1) * np.array([1 / 2, 3 / 4, 7 / 8])
    np.testing.assert_allclose(h[0, :, 0], right, atol=1e-15)


@pytest.mark.parametrize("layer", LAYERS, ids=name)
def test_what_comes_later_changes_nothing_before(layer):
    """Steps that pad a sequence come after it: they need no mask here."""
    params, x = made(layer)
    longer = np.concatenate([x, np.ones((2, 3, 2))], axis=1)
    np.testing.assert_array_equal(
        layer(params, jnp.asarray(longer))[:, :5], layer(params, jnp.asarray(x))
    )


def test_starts():
    """U orthogonal block by block; b_f = 1, other biases and peepholes 0."""
    params, shape = LSTM(4, "peephole").init(Key(0), (7, 2))
    assert shape == (7, 4)
    for U in np.split(params["recurrent_weight"], 4, axis=1):
        np.testing.assert_allclose(U.T @ U, np.eye(4), atol=1e-14)
    np.testing.assert_array_equal(params["bias"], np.repeat([0, 1, 0, 0], 4))
    assert not params["peephole_weight"].any()
    assert params["weight"].shape == (2, 16)
    bound = np.sqrt(6 / (2 + 4))
    assert 0.8 * bound < np.abs(params["weight"]).max() <= bound
    coupled, _ = LSTM(4, "coupled", forget_bias=2).init(Key(0), (7, 2))
    np.testing.assert_array_equal(coupled["bias"], np.repeat([2, 0, 0], 4))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: RNN(0), "units must be at least 1"),
        (lambda: GRU(True), "units must be a whole number"),
        (
            lambda: RNN(2, "softmax"),
            "must be one of tanh, logistic",
        ),
        (lambda: LSTM(2, "2000"), "variant must be one of forget"),
        (lambda: GRU(2, "never"), "reset must be 'after' or 'before'"),
        (lambda: ClockworkRNN(4, (2, 1)), "periods must be increasing"),
        (lambda: ClockworkRNN(4, ()), "periods must be increasing"),
        (lambda: ClockworkRNN(4, (1, 2, 4)), "multiple of the number of periods, 3"),
        (lambda: OutputFeedbackRNN(2, 0), "outputs must be at least 1"),
        (lambda: OutputFeedbackRNN(2, 2, "tanh", "sign"), "out_activation of a rec"),
        (lambda: LSTM(2, initializer="good"), "init must be one of"),
        (lambda: LSTM(2).init(Key(0), (4,)), r"\(time, features\), got shape \(4,\)"),
    ],
)
def test_impossible_layers_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


def test_a_slow_module_waits_for_its_clock():
    """Periods 1 and 3: the second unit changes at t = 0 and 3 only."""
    layer = ClockworkRNN(2, (1, 3))
    params, _ = layer.init(Key(0), (5, 1))
    assert params["recurrent_weight"][0, 1] == 0
    x = np.random.default_rng(0).standard_normal((1, 5, 1))
    h = np.asarray(layer(params, jnp.asarray(x)))[0]
    assert (h[1:3, 1] == h[0, 1]).all()
    assert h[3, 1] != h[2, 1]
    assert len(np.unique(h[:, 0])) == 5
    gradient = jax.grad(lambda p: jnp.sum(layer(p, jnp.asarray(x))))(params)
    assert gradient["recurrent_weight"][0, 1] == 0


def test_flops_count_products():
    layer = LSTM(3)
    params, _ = layer.init(Key(0), (5, 2))
    assert layer.flops(params, (5, 2)) == 2 * 5 * (2 + 3) * 12
