"""Every term of an objective keeps the same contract. A public one without a row fails.

To add a term, add its row to ``TERMS``.
"""

import inspect
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.base import clone

import lamina
from lamina import (
    GRU,
    Autoencoder,
    CapsNetClassifier,
    Conv,
    ConvNetClassifier,
    ConvNetRegressor,
    ConvNetSegmenter,
    Flatten,
    MLPClassifier,
    MLPRegressor,
    PrimaryCapsules,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
    learning,
)
from lamina.estimators._core.trained import TrainedNetwork
from lamina.learning import (
    FGSM,
    L1,
    L2,
    PGD,
    Batch,
    InputNoise,
    KLSparsity,
    L1Sparsity,
    LabelSmoothing,
    LevenbergMarquardt,
    Objective,
    WeightNoise,
)
from lamina.learning.algorithms.second_order.gauss_newton import check_smooth
from lamina.learning.objectives.label_smoothing import SMOOTHED
from lamina.learning.objectives.weights import is_weight
from lamina.learning.protocols import Term
from lamina.networks import Dense, Key, Network
from lamina.networks.core.description import description
from tests.model_files import through_json

TERMS = [
    L2(0.3),
    L1(0.3),
    InputNoise(0.3),
    WeightNoise(0.3),
    LabelSmoothing(0.3),
    KLSparsity(0.3, 2.0),
    L1Sparsity(0.3),
    FGSM(0.3),
    PGD(0.3, steps=2),
]
FITTING = {LevenbergMarquardt: {L2}}
"""Terms that methods take which do not take them all."""

IMAGES = np.random.default_rng(0).uniform(size=(12, 8, 8, 1))
ROWS = np.random.default_rng(0).uniform(size=(12, 4))
SEQUENCES = np.random.default_rng(0).uniform(size=(12, 5, 2))
CLASSES, NUMBERS = np.arange(12) % 3, np.linspace(0, 1, 12)
ESTIMATORS = [
    (Autoencoder((3,)), ROWS, None),
    (
        CapsNetClassifier([Conv(4, 3), PrimaryCapsules(2, 2, 3)], decoder=(4,)),
        IMAGES,
        CLASSES,
    ),
    (ConvNetClassifier([Conv(2, 3), Flatten()]), IMAGES, CLASSES),
    (ConvNetRegressor([Conv(2, 3), Flatten()]), IMAGES, NUMBERS),
    (ConvNetSegmenter([Conv(2, 3, padding="same")]), IMAGES, IMAGES[..., 0] > 0.5),
    (MLPClassifier((3,)), ROWS, CLASSES),
    (MLPRegressor(hidden_layer_sizes=(3,)), ROWS, NUMBERS),
    (RecurrentClassifier([GRU(2)]), SEQUENCES, CLASSES),
    (RecurrentRegressor([GRU(2)]), SEQUENCES, NUMBERS),
    (RecurrentTagger([GRU(2)]), SEQUENCES, SEQUENCES[..., 0] > 0.5),
]

ONE_OF_EACH = (ConvNetClassifier, MLPClassifier, RecurrentClassifier)
"""Of images, tables and sequences; the slow tier asks the other estimators."""

NETWORK = Network((Dense(3, "logistic"), Dense(2, "softmax")))
KEY = jax.random.key(0)


def name(thing):
    return type(thing).__name__


@pytest.fixture(params=TERMS, ids=name)
def term(request):
    with jax.enable_x64(True):
        yield request.param


def problem(*terms):
    """Return an objective, parameters and a batch; no weight is 0."""
    rng = np.random.default_rng(0)
    params, _ = NETWORK.init(Key(0), (4,), np.float64)
    params = jax.tree.map(lambda p: p + 0.1 * rng.standard_normal(p.shape), params)
    batch = Batch(rng.uniform(size=(6, 4)), np.arange(6) % 2, np.linspace(0.5, 2, 6))
    return Objective(NETWORK, "cross_entropy", terms), params, batch


def test_the_table_is_complete():
    public = [getattr(learning, name) for name in learning.__all__]
    terms = {one for one in public if isinstance(one, type) and issubclass(one, Term)}
    assert {type(one) for one in TERMS} == terms


def test_penalty_has_the_gradient_of_finite_differences(term):
    """And biases, which are no weights, have none."""
    _, params, _ = problem()
    g = jax.grad(lambda params: term.penalty(params) + 0.0)(params)
    leaves, structure = jax.tree.flatten(params)
    for number, (path, slope) in enumerate(jax.tree.leaves_with_path(g)):
        assert is_weight(path) or not np.any(slope)
        for place in np.ndindex(leaves[number].shape):
            ends = []
            for step in (-1e-6, 1e-6):
                moved = [np.array(leaf) for leaf in leaves]
                moved[number][place] += step
                ends.append(float(term.penalty(structure.unflatten(moved))))
            found = (ends[1] - ends[0]) / 2e-6
            assert float(slope[place]) == pytest.approx(found, rel=1e-6, abs=1e-8)


def test_the_objective_has_the_gradient_of_finite_differences(term):
    """Along a random direction, with the same numbers drawn at each place.

    Attacks are left out: no gradient flows through the making of their examples.
    """
    objective, params, batch = problem(term)
    if isinstance(term, FGSM | PGD):
        pytest.skip("by definition")
    rng = np.random.default_rng(1)
    direction = jax.tree.map(lambda p: rng.standard_normal(p.shape), params)
    _, g = objective.value_and_grad(params, batch, KEY)
    slope = sum(jax.tree.leaves(jax.tree.map(lambda a, b: (a * b).sum(), g, direction)))

    def along(t):
        moved = jax.tree.map(lambda p, d: p + t * d, params, direction)
        return float(objective(moved, batch, KEY))

    expected = (along(1e-6) - along(-1e-6)) / 2e-6
    assert float(slope) == pytest.approx(expected, rel=1e-6)


def test_it_does_something(term):
    objective, params, batch = problem(term)
    plain, *_ = problem()
    with_it = float(objective(params, batch, KEY))
    assert abs(with_it - float(plain(params, batch, KEY))) > 1e-4


def test_without_a_key_nothing_is_disturbed(term):
    objective, params, batch = problem(term)
    plain, *_ = problem()
    same = float(objective(params, batch)) == float(plain(params, batch))
    assert same == (term.disturbs or isinstance(term, LabelSmoothing))


def test_its_numbers_are_traced(term):
    """Another strength compiles nothing."""
    leaves, structure = jax.tree.flatten(term)
    assert leaves
    other = structure.unflatten([leaf / 2 for leaf in leaves])
    assert jax.tree.structure(other) == structure
    many = jax.tree.map(lambda a, b: jnp.stack([a, b]), term, other)
    _, params, batch = problem()

    def value(term):
        objective = Objective(NETWORK, "cross_entropy", (term,))
        return objective(params, batch, KEY)

    together = jax.vmap(value)(many)
    np.testing.assert_allclose(together, [value(term), value(other)], rtol=1e-12)


def test_there_and_back(term):
    assert through_json(term) == term
    assert pickle.loads(pickle.dumps(term)) == term
    objective, *_ = problem(term)
    assert through_json(objective) == objective


@pytest.mark.parametrize("algorithm", FITTING, ids=lambda cls: cls.__name__)
def test_methods_of_second_order_refuse_what_they_cannot_follow(term, algorithm):
    objective, *_ = problem(term)
    if type(term) in FITTING[algorithm]:
        check_smooth(algorithm(), objective)
        return
    with pytest.raises(ValueError, match=f"does not support {name(term)}"):
        check_smooth(algorithm(), objective)


@description
class NoTerm(Term):
    """A term as it is when nothing is said."""


def test_what_is_not_there_costs_nothing():
    """Not a multiplication, and not a random number."""
    work = []
    for terms in ((), (NoTerm(),)):
        objective, params, batch = problem(*terms)
        program = jax.jit(objective.value_and_grad).lower(params, batch, KEY).compile()
        work.append(program.cost_analysis()["flops"])
    assert work[0] == work[1] > 0


# ---- estimators ---------------------------------------------------------------------


def test_every_estimator_that_is_trained_is_here():
    public = [getattr(lamina.estimators, name) for name in lamina.estimators.__all__]
    trained = [one for one in public if inspect.isclass(one)]
    trained = {one for one in trained if issubclass(one, TrainedNetwork)}
    assert {type(one) for one, *_ in ESTIMATORS} == trained


def fitted(estimator, X, y, regularizers):
    model = clone(estimator).set_params(max_iter=1, random_state=0, alpha=0.0)
    model.regularizers = regularizers
    return model.fit(X) if y is None else model.fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("estimator", "X", "y"),
    [
        pytest.param(
            *row,
            marks=[pytest.mark.slow] * (not isinstance(row[0], ONE_OF_EACH)),
            id=name(row[0]),
        )
        for row in ESTIMATORS
    ],
)
def test_terms_reach_every_estimator(estimator, X, y):
    """A penalty of weights is in the loss, and all others are in the objective."""
    plain = fitted(estimator, X, y, None)
    model = fitted(estimator, X, y, [L1(50.0)])
    assert model.history_["loss"][0] > 2 * plain.history_["loss"][0]
    loss = plain._objective().loss
    for term in TERMS:
        model.regularizers = [term]
        if isinstance(term, LabelSmoothing) and loss not in SMOOTHED:
            with pytest.raises(ValueError, match="label_smoothing needs one of"):
                model._objective()
        else:
            assert model._objective().terms == (term,)
