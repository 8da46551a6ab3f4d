"""Every algorithm keeps the same contract. A public algorithm without a row fails.

To add an algorithm, add its row to ``ROWS``: the algorithm, the problem it is walked
on, where three steps lead by hand (None if its own test file does that), and how many
steps it may take down a bowl and down Rosenbrock's valley.
"""

import copy
import dataclasses
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
    BFGS,
    LBFGS,
    SGD,
    Adam,
    Batch,
    ClipNorm,
    ClipValue,
    ConjugateGradient,
    ContrastiveDivergence,
    Dataset,
    FixedMask,
    HebbRule,
    LeastSquares,
    LevenbergMarquardt,
    Loader,
    MaxNorm,
    MeanFieldLearning,
    Newton,
    Objective,
    PerceptronRule,
    Recorded,
    RMSProp,
    Rprop,
    UpDown,
    perceptron_loss,
)
from lamina.learning.loop.compiled_step import Work, compiled_train, train
from lamina.learning.parallel.compilation import compile_count
from lamina.networks import RBM, Dense, Key, Network
from lamina.networks.core.description import description
from lamina.networks.core.layer import Activated
from tests.learning.fits import fit
from tests.model_files import through_json
from tests.tiers import in_tiers

pytestmark = pytest.mark.usefixtures("x64")


# ---- problems -----------------------------------------------------------------------


@description
class Point(Activated):
    """h = x ∘ θ: with ½ Σ (0 − h)² the bowl E(θ) = ½ Σ x² θ², curvatures x²."""

    def pre_activation(self, params, x, *, key=None, mask=None):
        return x * params["weight"]

    __call__ = pre_activation
    activation = "identity"


@description
class Valley(Activated):
    """h = (1 − a, 10 (b − a²)): with Σ h² Rosenbrock's function of θ = (a, b)."""

    def pre_activation(self, params, x, *, key=None, mask=None):
        a, b = params["weight"]
        return x * jnp.stack([1 - a, 10 * (b - a * a)])

    __call__ = pre_activation
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
LINE = Objective(
    Network((Dense(1, "identity", "zeros", use_bias=False),)), "squared_error"
)
MACHINE = Objective(Network((RBM(2),)), "squared_error")
MACHINES = (
    "contrastive_divergence",
    "persistent chains",
    "mean field",
    "wake_sleep_epochs",
)
"""These train restricted Boltzmann machines, which have no targets."""


def machines(name, units):
    """Return one machine of so many units, or a stack with another on top."""
    below = RBM(units, untied=name == "wake_sleep_epochs")
    return Network((below, RBM(1)) if name == "wake_sleep_epochs" else (below,))


KEY = Key(0).device()
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


def rmsprop_by_hand(eta, rho, mu, epsilon):
    """Three steps down the bowl in plain numbers, each weight for itself."""
    paths = []
    for theta, curvature in zip(START, (1.0, 4.0), strict=True):
        g1 = curvature * theta
        v1 = (1 - rho) * g1**2
        m1 = eta * g1 / (math.sqrt(v1) + epsilon)
        t1 = theta - m1
        g2 = curvature * t1
        v2 = rho * v1 + (1 - rho) * g2**2
        m2 = mu * m1 + eta * g2 / (math.sqrt(v2) + epsilon)
        t2 = t1 - m2
        g3 = curvature * t2
        v3 = rho * v2 + (1 - rho) * g3**2
        m3 = mu * m2 + eta * g3 / (math.sqrt(v3) + epsilon)
        paths.append((t1, t2, t2 - m3))
    return list(zip(*paths, strict=True))


def clipped_by_hand(eta, bound):
    """Three steps down the bowl, none of them longer than η c."""
    (a, b), path = START, []
    for _ in range(3):
        factor = min(1, bound / math.hypot(a, 4 * b))
        a, b = a - eta * factor * a, b - eta * factor * 4 * b
        path.append((a, b))
    return path


def contrast_by_hand(eta, mu):
    """Three steps of one input, 0 in the data and surely 1 in the machine.

    Of two hidden units; ∂ℓ/∂W = σ(W + b) and ∂ℓ/∂b = σ(W + b) − σ(b), and ∂ℓ/∂a = 1
    does not change that.
    """

    def logistic(z):
        return 1 / (1 + math.exp(-z))

    paths = []
    for w, b in zip(START, (0.0, 0.0), strict=True):
        v, u, path = 0.0, 0.0, []
        for _ in range(3):
            on = logistic(w + b)
            v, u = mu * v - eta * on, mu * u - eta * (on - logistic(b))
            w, b = w + v, b + u
            path.append(w)
        paths.append(path)
    return list(zip(*paths, strict=True))


def up_down_by_hand(eta):
    """Three steps of one input, which is surely 1 in every dream, as the units are.

    W and b rise by η (1 − σ(W + b)), whatever happens awake.
    """
    paths = []
    for w, b in zip(START, (0.0, 0.0), strict=True):
        path = []
        for _ in range(3):
            off = 1 - 1 / (1 + math.exp(-w - b))
            w, b = w + eta * off, b + eta * off
            path.append(w)
        paths.append(path)
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
    "rmsprop": Row(
        RMSProp(0.1, 0.75, 0.5, 0.25),
        by_hand=rmsprop_by_hand(0.1, 0.75, 0.5, 0.25),
        bowl=300,
        rosenbrock=20_000,
        peer=optax.rmsprop(0.1, 0.75, 0.25, momentum=0.5, eps_in_sqrt=False),
    ),
    # No sign changes: steps of 0.1, 0.24 and 0.576 towards 0
    "rprop": Row(
        Rprop(0.1, increase=2.4, decrease=0.05, smallest=1e-9),
        by_hand=[(0.9, -1.9), (0.66, -1.66), (0.084, -1.084)],
        bowl=200,
        rosenbrock=10_000,
    ),
    "lbfgs": Row(LBFGS(), by_hand=None, bowl=12, rosenbrock=60),
    "bfgs": Row(BFGS(), by_hand=None, bowl=12, rosenbrock=60),
    "cg": Row(ConjugateGradient(), by_hand=None, bowl=12, rosenbrock=60),
    # One product a step, as ‖r‖ < ½ ‖g‖ after it. g = (1, −8): α = 65 / (1 + 4 · 64);
    # then g ∝ (8, 1): α = 65 / 68, which makes θ a multiple of the start again
    "newton": Row(
        Newton(),
        by_hand=[
            (192 / 257, 6 / 257),
            (144 / 4369, -288 / 4369),
            (144 / 4369 * 192 / 257, 144 / 4369 * 6 / 257),
        ],
        bowl=25,
        rosenbrock=35,
    ),
    # Curvatures 1 and 4, the first raised to 2: θ₁ is halved a step, θ₂ goes to 0
    "exact newton": Row(
        Newton("exact", 0.5),
        by_hand=[(0.5, 0.0), (0.25, 0.0), (0.125, 0.0)],
        bowl=25,
        rosenbrock=30,
    ),
    # Curvatures 1 and 4, and λ = ¼ · 4, ⅓, ⅑: θ is multiplied by λ / (λ + curvature)
    "levenberg_marquardt": Row(
        LevenbergMarquardt(0.25),
        by_hand=[(0.5, -0.4), (0.125, -0.4 / 13), (0.0125, -0.4 / 13 / 37)],
        bowl=10,
        rosenbrock=40,
    ),
    # x y / ‖x‖², the least W that fits one example
    "exact": Row(LeastSquares(), by_hand=[(0.2, 0.4), (0.2, -0.4), (0.0, 1.0)]),
    # ¾ W + ½ x y: (0.75, −0.6) + (0.5, 1), (0.9375, 0.3) + (0.5, −1) …
    "hebb": Row(
        HebbRule(0.5, 0.25), by_hand=[(1.25, 0.4), (1.4375, -0.7), (1.078125, -0.025)]
    ),
    "traced": Row(
        Recorded(SGD(0.1, momentum=0.5), 2),
        by_hand=[(0.9, -1.2), (0.76, -0.32), (0.614, 0.248)],
        bowl=300,
        rosenbrock=20_000,
    ),
    # g = (1, −8), (0.9, −7.2) and (0.81, −6.4): the second number is −2 each time
    "clip value": Row(
        ClipValue(SGD(0.1), 2.0),
        by_hand=[(0.9, -1.8), (0.81, -1.6), (0.729, -1.4)],
        bowl=400,
        peer=optax.chain(optax.clip(2.0), optax.sgd(0.1)),
    ),
    "clip norm": Row(
        ClipNorm(SGD(0.1), 2.0),
        by_hand=clipped_by_hand(0.1, 2.0),
        bowl=400,
        peer=optax.chain(optax.clip_by_global_norm(2.0), optax.sgd(0.1)),
    ),
    # Each weight is a unit: −1.2 is brought back to −1, the rest is plain descent
    "max norm": Row(
        MaxNorm(SGD(0.1), 1.0),
        by_hand=[(0.9, -1.0), (0.81, -0.6), (0.729, -0.36)],
        bowl=400,
    ),
    "fixed mask": Row(
        FixedMask(SGD(0.1, momentum=0.5)),
        by_hand=[(0.9, -1.2), (0.76, -0.32), (0.614, 0.248)],
        bowl=300,
    ),
    "contrastive_divergence": Row(
        ContrastiveDivergence(0.1, momentum=0.5),
        by_hand=contrast_by_hand(0.1, 0.5),
    ),
    "persistent chains": Row(
        ContrastiveDivergence(0.1, 2, chains=4, momentum=0.5),
        by_hand=contrast_by_hand(0.1, 0.5),
    ),
    "mean field": Row(
        MeanFieldLearning(0.1, 2, chains=4, momentum=0.5),
        by_hand=contrast_by_hand(0.1, 0.5),
    ),
    "wake_sleep_epochs": Row(UpDown(0.1, 2), by_hand=up_down_by_hand(0.1)),
    "perceptron": Row(PerceptronRule(), by_hand=[(2.0, 1.2), (3.0, -0.8), (3.0, 0.2)]),
}

LEAST_SQUARES = ("levenberg_marquardt", "exact")
"""These know some losses only, and no functions."""

SLOWER = {"plain": 0.0015, "heavy ball": 0.001, "nesterov": 0.001}
"""Rates at which gradient descent is stable in Rosenbrock's valley."""


@pytest.fixture(params=ROWS)
def name(request):
    return request.param


@pytest.fixture
def row(name):
    return ROWS[name]


ONE_OF_EACH = (
    "heavy ball",
    "lbfgs",
    "clip norm",
    "contrastive_divergence",
    "perceptron",
)
"""An algorithm of each kind; what compiles much asks the others in the slow tier."""

of_each_kind = pytest.mark.parametrize("name", in_tiers(ROWS, ONE_OF_EACH))


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
    if name in ("perceptron", "hebb"):
        return HYPERPLANE, ({"weight": np.array([[1.0], [-0.8]])},), POINTS
    if name in MACHINES:
        weight = {"weight": np.array([START]), "bias": np.zeros(2)}
        batch = Batch(np.zeros((1, 1)), np.zeros((1, 1)), np.ones(1))
        first = {**weight, "visible_bias": np.full(1, 900.0)}
        if name != "wake_sleep_epochs":
            return MACHINE, (first,), [batch] * 3
        top = {"weight": np.zeros((2, 1)), "bias": np.zeros(1)}
        params = (
            {**first, "down": np.zeros((1, 2))},
            {
                **top,
                "visible_bias": np.full(2, 900.0),
            },
        )
        return Objective(machines(name, 2), "squared_error"), params, [batch] * 3
    if name == "exact":
        return LINE, ({"weight": np.array([[1.0], [-0.8]])},), POINTS
    return BOWL, at(*START), [BOWL_BATCH] * 3


@rows_with("by_hand")
def test_three_steps_by_hand(name, row):
    objective, params, batches = problem(name)
    state = row.algorithm.init(params)
    for batch, expected in zip(batches, row.by_hand, strict=True):
        params, state, report = row.algorithm.update(
            objective, params, state, batch, KEY
        )
        theta = params[0]["weight"].ravel()
        np.testing.assert_allclose(theta, expected, rtol=1e-12, atol=1e-12)
        assert "loss" in report


@of_each_kind
def test_compiled_steps_are_the_same(name, row):
    objective, start, batches = problem(name)
    update = jax.jit(row.algorithm.update)
    (eager, eager_state), (params, state) = [(start, row.algorithm.init(start))] * 2
    for batch in batches:
        eager, eager_state, _ = row.algorithm.update(
            objective, eager, eager_state, batch, KEY
        )
        params, state, _ = update(objective, params, state, batch, KEY)
    np.testing.assert_allclose(
        params[0]["weight"], eager[0]["weight"], rtol=1e-13, atol=1e-14
    )


def test_state_keeps_its_structure_shapes_and_types(name, row):
    """Or a compiled loop could not carry it, nor a checkpoint restore it."""
    objective, params, batches = problem(name)
    state = row.algorithm.init(params)
    after = jax.eval_shape(
        row.algorithm.update, objective, params, state, batches[0], KEY
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
            return algorithm.update(objective, params, state, batch, KEY)[:2]

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
        algorithm = Recorded(SGD(0.001, momentum=0.5), 2)
    elif name in SLOWER:
        algorithm = dataclasses.replace(algorithm, learning_rate=SLOWER[name])
    elif name == "adam":
        algorithm = Adam(0.01)
    elif name == "rmsprop":
        algorithm = RMSProp(1e-4, momentum=0.9)
    elif name == "rprop":
        algorithm = Rprop(smallest=1e-12)  # the last steps across are tiny
    elif name == "exact newton":
        algorithm = Newton("exact")  # the valley's curvatures are 1 : 2500
    theta = walk(algorithm, ROSENBROCK, ROSENBROCK_BATCH, at(-1.2, 1.0), row.rosenbrock)
    np.testing.assert_allclose(theta, 1, atol=1e-4)


def test_perceptron_separates_what_is_separable():
    x = np.array([[1.0, 2.0], [-1.0, 2.0], [0.0, -1.0]])
    y = np.array([[1.0], [-1.0], [-1.0]])
    params = ({"weight": np.array([[1.0], [-0.8]])},)
    loader = Loader(Dataset(x, y, dtype=np.float64), batch_size=1)
    result = fit(HYPERPLANE, PerceptronRule(), loader, params, key=Key(0), epochs=20)
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
        through_json(algorithm),
    ]
    for twin in twins:
        assert twin == algorithm
        assert hash(twin) == hash(algorithm)


def test_the_algorithm_is_not_changed_by_use(name, row):
    before = copy.deepcopy(row.algorithm)
    objective, params, batches = problem(name)
    kept = copy.deepcopy(params)
    state = row.algorithm.init(params)
    row.algorithm.update(objective, params, state, batches[0], KEY)
    assert row.algorithm == before
    np.testing.assert_array_equal(params[0]["weight"], kept[0]["weight"])


def is_whole(row):
    return row.algorithm.needs.full_batch


def tiny(name, n):
    """Return objective, feed and parameters of a small fit of n examples."""
    rng = np.random.default_rng(n)
    x = rng.standard_normal((n, 3))
    batch = n if name in ROWS and is_whole(ROWS[name]) else 4
    if name in MACHINES:
        network = machines(name, 2)
        params, _ = network.init(Key(0), (3,), np.float64)
        x = (x > 0).astype(float)
        loader = Loader(Dataset(x, x, dtype=np.float64), batch_size=batch)
        return Objective(network, "squared_error"), loader, params
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
    loader = Loader(Dataset(x, y, dtype=np.float64), batch_size=batch)
    return Objective(network, loss), loader, params


@of_each_kind
def test_the_loop_trains_many_as_it_trains_each(name, row):
    """Three starts and three keys: the same weights, states, losses and ends."""
    objective, loader, params = tiny(name, 22)
    scaled = [jax.tree.map(lambda p, f=f: f * p, params) for f in (0.5, 0.8, 1.0)]
    starts = [learning.Start(start, Key(i)) for i, start in enumerate(scaled)]
    problem = learning.Problem(objective, row.algorithm, loader)
    control = learning.Control(3)
    many = learning.fit_many([problem] * 3, starts, control)
    rtol = 1e-7 if name == "levenberg_marquardt" else 1e-10  # JᵀJ is nearly singular
    for one, start in zip(many, starts, strict=True):
        alone = learning.fit(problem, start, control)
        assert (one.reason, one.epochs) == (alone.reason, alone.epochs)
        pairs = (one.params, one.state, one.history)
        for a, b in zip(
            jax.tree.leaves(pairs),
            jax.tree.leaves((alone.params, alone.state, alone.history)),
            strict=True,
        ):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


@of_each_kind
def test_second_fit_compiles_nothing(name, row, monkeypatch):
    """The same structure on other data of a similar size, at other rates."""
    monkeypatch.setattr("lamina.learning.parallel.compilation.MAX_PROGRAMS", math.inf)
    objective, loader, params = tiny(name, 23)
    fit(objective, row.algorithm, loader, params, key=Key(0), epochs=3)
    before = compile_count()
    objective, loader, params = tiny(name, 22)
    other = jax.tree.map(lambda rate: 0.9 * rate, row.algorithm)
    result = fit(objective, other, loader, params, key=Key(1), epochs=5)
    assert result.epochs == 5
    assert compile_count() == before


@of_each_kind
def test_first_fit_of_a_structure_is_counted(name, row):
    """So that the test above cannot pass by counting nothing."""
    if name in LEAST_SQUARES:
        features, network = 17, Network((Dense(1, "identity"),))
        objective = Objective(network, "squared_error")
    elif name in MACHINES:
        features, network = 17, machines(name, 2)
        objective = Objective(network, "squared_error")
    else:
        features, network = 2, Network((Dense(1, lambda h: 1 * h),))
        objective = Objective(network, perceptron_loss)
    x = np.ones((9, features))
    params, _ = network.init(Key(0), (features,), np.float64)
    loader = Loader(Dataset(x, np.ones((9, 1)), dtype=np.float64), batch_size=3)
    before = compile_count()
    fit(objective, row.algorithm, loader, params, key=Key(0), epochs=1)
    assert compile_count() == before + 1


def run(objective, algorithm, loader, params):
    order = jnp.asarray(loader.order(Key(0), 0, 2))
    words = Key(0).words()
    return (
        *(objective, algorithm, params, algorithm.init(params), loader.dataset.device),
        Work(order, 2, 0, loader.steps, words, 0, 0, {}),
    )


@pytest.mark.slow
def test_many_rates_side_by_side_are_serial_runs(name, row):
    """``vmap`` over every number of the algorithm, or over starts if it has none."""
    objective, loader, params = tiny("" if is_whole(row) else name, 22)
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

    loader.dataset.device  # noqa: B018  (placed before anything is traced)

    def trained(objective, algorithm, params):
        return train(*run(objective, algorithm, loader, params))[0]

    together = jax.jit(jax.vmap(trained, in_axes=axes))(*args)
    # Four examples for four parameters: JᵀJ is nearly singular.
    rtol = 1e-8 if name == "levenberg_marquardt" else 1e-12
    results = []
    for i, (setting, start) in enumerate(zip(settings, starts, strict=True)):
        alone = compiled_train(*run(objective, setting, loader, start))[0]
        weight = np.asarray(alone[0]["weight"])
        np.testing.assert_allclose(
            together[0]["weight"][i], weight, rtol=rtol, atol=1e-14
        )
        results.append(weight)
    forgets_its_start = name == "exact"  # and has no numbers
    assert np.allclose(results[0], results[1]) == forgets_its_start


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
        (lambda: RMSProp(-0.1), "learning_rate must be ≥ 0, got -0.1"),
        (lambda: RMSProp(decay=1), r"decay must be in \[0, 1\), got 1"),
        (lambda: RMSProp(momentum=2), r"momentum must be in \[0, 1\], got 2"),
        (lambda: RMSProp(epsilon=-1), "epsilon must be ≥ 0, got -1"),
        (lambda: Rprop(0), "learning_rate must be > 0, got 0"),
        (lambda: Rprop(increase=0.9), "increase must be ≥ 1, got 0.9"),
        (lambda: Rprop(decrease=0), r"decrease must be in \(0, 1\], got 0"),
        (lambda: Rprop(smallest=-1), "smallest must be ≥ 0, got -1"),
        (lambda: Rprop(smallest=2, largest=1), "largest must be at least smallest, 2"),
        (lambda: BFGS(0), "max_line_search_steps must be at least 1"),
        (lambda: ConjugateGradient("scaled"), "formula must be one of 'polak_ribiere'"),
        (
            lambda: ConjugateGradient(max_line_search_steps=0),
            "max_line_search_steps must be at least 1",
        ),
        (lambda: Newton(damping=1.5), r"damping must be in \[0, 1\], got 1.5"),
        (lambda: Newton(max_line_search_steps=0), "steps must be at least 1"),
        (lambda: HebbRule(0), "learning_rate must be > 0, got 0"),
        (lambda: HebbRule(decay=2), r"decay must be in \[0, 1\], got 2"),
    ],
)
def test_impossible_rates_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
