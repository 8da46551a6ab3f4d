"""Every algorithm keeps the same contract. A public algorithm without a row fails.

To add an algorithm, add its row to ``ROWS``: the algorithm, the problem it is walked
on, where three steps lead by hand (None if its own test file does that), and how many
steps it may take down a bowl and down Rosenbrock's valley.
"""

import copy
import dataclasses
import json
import math
import pickle
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lamina
from lamina import learning
from lamina.learning import (
    LBFGS,
    SGD,
    Adam,
    Batch,
    Examples,
    Feed,
    Objective,
    PerceptronRule,
    Traced,
    fit,
    perceptron_loss,
)
from lamina.learning.program import compile_count, compiled_train, train
from lamina.networks import Dense, Key, Network, description, from_json, to_json

pytestmark = pytest.mark.usefixtures("x64")


# ---- problems -----------------------------------------------------------------------


@description
class Point:
    """h = x ∘ θ: with ½ Σ (0 − h)² the bowl E(θ) = ½ Σ x² θ², curvatures x²."""

    def net(self, params, x, *, key=None, mask=None):
        return x * params["weight"]

    __call__ = net
    activation = "identity"


@description
class Valley:
    """h = (1 − a, 10 (b − a²)): with Σ h² Rosenbrock's function of θ = (a, b)."""

    def net(self, params, x, *, key=None, mask=None):
        a, b = params["weight"]
        return x * jnp.stack([1 - a, 10 * (b - a * a)])

    __call__ = net
    activation = "identity"


def one_row(x):
    x = np.array([x])
    return Batch(x, np.zeros((1, 2)), np.ones(1))


BOWL = Objective(Network((Point(),)), "squared_error")
BOWL_BATCH = one_row([1.0, 2.0])  # curvatures 1 and 4
ROSENBROCK = Objective(Network((Valley(),)), "sum_squared_error")
ROSENBROCK_BATCH = one_row([1.0, 1.0])


def at(*theta):
    return ({"weight": np.array(theta)},)


START = (1.0, -2.0)
"""Where the bowl is walked from; its gradient there is (1, −8)."""

# Golden G11's points, one a step: w = [1, −0.8] → [2, 1.2] → [3, −0.8] → [3, 0.2]
HYPERPLANE = Objective(
    Network((Dense(1, "sign", "zeros", use_bias=False),)), perceptron_loss
)
POINTS = [
    Batch(np.array([x]), np.array([[y]]), np.ones(1))
    for x, y in [([1.0, 2.0], 1.0), ([-1.0, 2.0], -1.0), ([0.0, -1.0], -1.0)]
]


def adam_by_hand(eta, b1, b2, epsilon):
    """Three steps down the bowl in plain numbers, each weight for itself."""
    paths = []
    for theta, curvature in zip(START, (1.0, 4.0), strict=True):
        g1 = curvature * theta
        m1, v1 = (1 - b1) * g1, (1 - b2) * g1**2
        t1 = theta - eta * (m1 / (1 - b1)) / (math.sqrt(v1 / (1 - b2)) + epsilon)
        g2 = curvature * t1
        m2, v2 = b1 * m1 + (1 - b1) * g2, b2 * v1 + (1 - b2) * g2**2
        t2 = t1 - eta * (m2 / (1 - b1**2)) / (math.sqrt(v2 / (1 - b2**2)) + epsilon)
        g3 = curvature * t2
        m3, v3 = b1 * m2 + (1 - b1) * g3, b2 * v2 + (1 - b2) * g3**2
        t3 = t2 - eta * (m3 / (1 - b1**3)) / (math.sqrt(v3 / (1 - b2**3)) + epsilon)
        paths.append((t1, t2, t3))
    return list(zip(*paths, strict=True))


# ---- the table ----------------------------------------------------------------------


class Row(NamedTuple):
    """An algorithm and what is known of it."""

    algorithm: object
    by_hand: list | None
    bowl: int | None = None
    rosenbrock: int | None = None
    peer: object = None


ROWS = {
    # v = −ηg: θ₁ shrinks by 1 − 0.1 a step, θ₂ by 1 − 0.4
    "plain": Row(
        SGD(0.1),
        by_hand=[(0.9, -1.2), (0.81, -0.72), (0.729, -0.432)],
        bowl=400,
        rosenbrock=30_000,
        peer=optax.sgd(0.1),
    ),
    # v₁: −0.1, −0.05 − 0.09, −0.07 − 0.076;  v₂: 0.8, 0.4 + 0.48, 0.44 + 0.128
    "heavy ball": Row(
        SGD(0.1, momentum=0.5),
        by_hand=[(0.9, -1.2), (0.76, -0.32), (0.614, 0.248)],
        bowl=300,
        rosenbrock=20_000,
        peer=optax.sgd(0.1, momentum=0.5),
    ),
    # θ + ½ v − ηg.  v₁: −0.1, −0.135, −0.13725;  v₂: 0.8, 0.72, 0.408
    "nesterov": Row(
        SGD(0.1, momentum=0.5, nesterov=True),
        by_hand=[(0.85, -0.8), (0.6975, -0.12), (0.559125, 0.132)],
        bowl=300,
        rosenbrock=20_000,
        peer=optax.sgd(0.1, momentum=0.5, nesterov=True),
    ),
    "adam": Row(
        Adam(0.1, 0.5, 0.75, 0.25),
        by_hand=adam_by_hand(0.1, 0.5, 0.75, 0.25),
        bowl=2_000,
        rosenbrock=20_000,
        peer=optax.adam(0.1, 0.5, 0.75, 0.25),
    ),
    "lbfgs": Row(LBFGS(), by_hand=None, bowl=12, rosenbrock=60),
    "traced": Row(
        Traced(SGD(0.1, momentum=0.5), 2),
        by_hand=[(0.9, -1.2), (0.76, -0.32), (0.614, 0.248)],
        bowl=300,
        rosenbrock=20_000,
    ),
    "perceptron": Row(PerceptronRule(), by_hand=[(2.0, 1.2), (3.0, -0.8), (3.0, 0.2)]),
}

SLOWER = {"plain": 0.0015, "heavy ball": 0.001, "nesterov": 0.001}
"""Rates at which gradient descent is stable in Rosenbrock's valley."""


@pytest.fixture(params=ROWS)
def name(request):
    return request.param


@pytest.fixture
def row(name):
    return ROWS[name]


def rows_with(field):
    """Parametrize by the rows in which a field is given."""
    names = [name for name, row in ROWS.items() if getattr(row, field) is not None]
    return pytest.mark.parametrize("name", names)


def is_algorithm(value):
    described = isinstance(value, type) and dataclasses.is_dataclass(value)
    return described and hasattr(value, "init") and hasattr(value, "update")


def test_every_public_algorithm_has_a_row():
    rooms = [(lamina, lamina.__all__), (learning, learning.__all__)]
    public = [getattr(room, n) for room, names in rooms for n in names]
    algorithms = {value for value in public if is_algorithm(value)}
    assert {SGD, Adam, LBFGS} <= algorithms
    assert algorithms <= {type(row.algorithm) for row in ROWS.values()}


# ---- the contract -------------------------------------------------------------------


def problem(name):
    """Return objective, start and the batch of each of three steps."""
    if name == "perceptron":
        return HYPERPLANE, ({"weight": np.array([[1.0], [-0.8]])},), POINTS
    return BOWL, at(*START), [BOWL_BATCH] * 3


@rows_with("by_hand")
def test_three_steps_by_hand(name, row):
    objective, params, batches = problem(name)
    state = row.algorithm.init(params)
    for batch, expected in zip(batches, row.by_hand, strict=True):
        params, state, report = row.algorithm.update(
            objective, params, state, batch, None
        )
        theta = params[0]["weight"].ravel()
        np.testing.assert_allclose(theta, expected, rtol=1e-12, atol=1e-12)
        assert "loss" in report


def test_compiled_steps_are_the_same(name, row):
    objective, start, batches = problem(name)
    update = jax.jit(row.algorithm.update)
    (eager, eager_state), (params, state) = [(start, row.algorithm.init(start))] * 2
    for batch in batches:
        eager, eager_state, _ = row.algorithm.update(
            objective, eager, eager_state, batch, None
        )
        params, state, _ = update(objective, params, state, batch, None)
    np.testing.assert_allclose(params[0]["weight"], eager[0]["weight"], rtol=1e-13)


def test_state_keeps_its_structure_shapes_and_types(name, row):
    """Or a compiled loop could not carry it, nor a checkpoint restore it."""
    objective, params, batches = problem(name)
    state = row.algorithm.init(params)
    after = jax.eval_shape(
        row.algorithm.update, objective, params, state, batches[0], None
    )[1]

    def kind(leaf):
        return np.shape(leaf), np.result_type(leaf)

    assert jax.tree.map(kind, state) == jax.tree.map(kind, after)


def walk(algorithm, objective, batch, start, steps):
    """Take many steps in one compiled program."""

    @jax.jit
    def all_steps(params):
        def step(_, carry):
            params, state = carry
            return algorithm.update(objective, params, state, batch, None)[:2]

        return jax.lax.fori_loop(0, steps, step, (params, algorithm.init(params)))[0]

    return np.asarray(all_steps(jax.tree.map(jnp.asarray, start))[0]["weight"])


@rows_with("bowl")
def test_bowl(row):
    theta = walk(row.algorithm, BOWL, BOWL_BATCH, at(*START), row.bowl)
    np.testing.assert_allclose(theta, 0, atol=1e-6)


@rows_with("rosenbrock")
def test_rosenbrock(name, row):
    algorithm = row.algorithm
    if name == "traced":
        algorithm = Traced(SGD(0.001, momentum=0.5), 2)
    elif name in SLOWER:
        algorithm = dataclasses.replace(algorithm, learning_rate=SLOWER[name])
    elif name == "adam":
        algorithm = Adam(0.01)
    theta = walk(algorithm, ROSENBROCK, ROSENBROCK_BATCH, at(-1.2, 1.0), row.rosenbrock)
    np.testing.assert_allclose(theta, 1, atol=1e-4)


def test_perceptron_separates_what_is_separable():
    x = np.array([[1.0, 2.0], [-1.0, 2.0], [0.0, -1.0]])
    y = np.array([[1.0], [-1.0], [-1.0]])
    params = ({"weight": np.array([[1.0], [-0.8]])},)
    feed = Feed(Examples(x, y, dtype=np.float64), batch_size=1)
    result = fit(HYPERPLANE, PerceptronRule(), feed, params, key=Key(0), epochs=20)
    assert result.history["mistakes"][-1] == 0
    h = x @ np.asarray(result.params[0]["weight"])
    assert np.array_equal(np.where(h >= 0, 1, -1), y)


@rows_with("peer")
def test_agrees_with_optax_for_twenty_steps(row):
    params = peer_params = at(-1.2, 1.0)
    algorithm = row.algorithm
    state, peer_state = algorithm.init(params), row.peer.init(peer_params)
    update = jax.jit(algorithm.update)
    gradient, peer_update = jax.jit(jax.grad(BOWL)), jax.jit(row.peer.update)
    for _ in range(20):
        params, state, _ = update(BOWL, params, state, BOWL_BATCH, None)
        g = gradient(peer_params, BOWL_BATCH, None)
        step, peer_state = peer_update(g, peer_state)
        peer_params = optax.apply_updates(peer_params, step)
    theta, expected = params[0]["weight"], peer_params[0]["weight"]
    np.testing.assert_allclose(theta, expected, rtol=1e-12, atol=1e-14)
    assert np.abs(np.asarray(theta) - [-1.2, 1.0]).min() > 0.1


def test_pickles_copies_and_json(row):
    algorithm = row.algorithm
    twins = [
        pickle.loads(pickle.dumps(algorithm)),
        copy.deepcopy(algorithm),
        from_json(json.loads(json.dumps(to_json(algorithm)))),
    ]
    for twin in twins:
        assert twin == algorithm
        assert hash(twin) == hash(algorithm)


def test_the_algorithm_is_not_changed_by_use(name, row):
    before = copy.deepcopy(row.algorithm)
    objective, params, batches = problem(name)
    kept = copy.deepcopy(params)
    state = row.algorithm.init(params)
    row.algorithm.update(objective, params, state, batches[0], None)
    assert row.algorithm == before
    np.testing.assert_array_equal(params[0]["weight"], kept[0]["weight"])


def tiny(name, n):
    """Return objective, feed and parameters of a small fit of n examples."""
    rng = np.random.default_rng(n)
    x = rng.standard_normal((n, 3))
    head, loss = (
        ("sign", perceptron_loss)
        if name == "perceptron"
        else (
            "identity",
            "squared_error",
        )
    )
    network = Network((Dense(1, head),))
    params, _ = network.init(Key(0), (3,), np.float64)
    y = np.where(x[:, :1] > 0, 1.0, -1.0)
    batch = n if name == "lbfgs" else 4
    feed = Feed(Examples(x, y, dtype=np.float64), batch_size=batch)
    return Objective(network, loss), feed, params


def test_second_fit_compiles_nothing(name, row, monkeypatch):
    """The same structure on other data of a similar size, at other rates."""
    monkeypatch.setattr("lamina.learning.program.MAX_PROGRAMS", math.inf)
    objective, feed, params = tiny(name, 23)
    fit(objective, row.algorithm, feed, params, key=Key(0), epochs=3)
    before = compile_count()
    objective, feed, params = tiny(name, 22)
    other = jax.tree.map(lambda rate: 0.9 * rate, row.algorithm)
    result = fit(objective, other, feed, params, key=Key(1), epochs=5)
    assert result.epochs == 5
    assert compile_count() == before


def test_first_fit_of_a_structure_is_counted(row):
    """So that the test above cannot pass by counting nothing."""
    x = np.ones((9, 2))
    network = Network((Dense(1, lambda h: 1 * h),))
    objective = Objective(network, perceptron_loss)
    params, _ = network.init(Key(0), (2,), np.float64)
    feed = Feed(Examples(x, np.ones((9, 1)), dtype=np.float64), batch_size=3)
    before = compile_count()
    fit(objective, row.algorithm, feed, params, key=Key(0), epochs=1)
    assert compile_count() == before + 1


def run(objective, algorithm, feed, params):
    order = jnp.asarray(feed.order(Key(0), 0, 2))
    words = Key(0).words()
    return (
        *(objective, algorithm, params, algorithm.init(params), feed.examples.device),
        *(order, 2, 0, feed.steps, words, 0, 0),
    )


def test_many_rates_side_by_side_are_serial_runs(name, row):
    """``vmap`` over every number of the algorithm, or over starts if it has none."""
    objective, feed, params = tiny(name if name != "lbfgs" else "", 22)
    factors = np.array([0.5, 0.8, 1.0])
    if jax.tree.leaves(row.algorithm):
        mapped = jax.tree.map(lambda rate: rate * factors, row.algorithm)
        starts = [params] * 3
        settings = [
            jax.tree.map(lambda rate, f=f: rate * f, row.algorithm) for f in factors
        ]
        axes = (None, 0, None)
        args = (objective, mapped, params)
    else:
        stacked = jax.tree.map(lambda p: np.stack([f * p for f in factors]), params)
        starts = [jax.tree.map(lambda p, f=f: f * p, params) for f in factors]
        settings = [row.algorithm] * 3
        axes = (None, None, 0)
        args = (objective, row.algorithm, stacked)

    feed.examples.device  # noqa: B018  (placed before anything is traced)

    def trained(objective, algorithm, params):
        return train(*run(objective, algorithm, feed, params))[0]

    together = jax.jit(jax.vmap(trained, in_axes=axes))(*args)
    results = []
    for i, (setting, start) in enumerate(zip(settings, starts, strict=True)):
        alone = compiled_train(*run(objective, setting, feed, start))[0]
        weight = np.asarray(alone[0]["weight"])
        np.testing.assert_allclose(
            together[0]["weight"][i], weight, rtol=1e-12, atol=1e-14
        )
        results.append(weight)
    assert not np.allclose(results[0], results[1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: SGD(-0.1), "learning_rate must be ≥ 0, got -0.1"),
        (lambda: SGD(math.nan), "learning_rate must be ≥ 0, got nan"),
        (lambda: SGD(0.1, momentum=1.1), r"momentum must be in \[0, 1\], got 1.1"),
        (lambda: Adam(-1), "learning_rate must be ≥ 0, got -1"),
        (lambda: Adam(beta_1=1), r"beta_1 must be in \[0, 1\), got 1"),
        (lambda: Adam(beta_2=-0.1), r"beta_2 must be in \[0, 1\), got -0.1"),
        (lambda: LBFGS(memory=0), "memory must be at least 1"),
        (lambda: PerceptronRule(0), "learning_rate must be > 0, got 0"),
    ],
)
def test_impossible_rates_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
