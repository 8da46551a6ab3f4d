"""The perceptron: the lectures' goldens, scikit-learn's meanings, and what is added."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Perceptron as SkPerceptron

from lamina import Perceptron
from lamina.estimators.perceptrons.perceptron import class_codes
from lamina.networks import Key

CORNERS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0]}
XOR = [0, 1, 1, 0]

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def standard(data):
    X, y = data
    return (X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1), y


@pytest.fixture(scope="module")
def iris():
    return standard(load_iris(return_X_y=True))


@pytest.fixture(scope="module")
def digits():
    return standard(load_digits(return_X_y=True))


def noisy(rng, n_classes, n=60):
    """Classes that no hyperplanes tell apart."""
    X = rng.standard_normal((n, 5))
    scores = X @ rng.standard_normal((5, n_classes))
    return X, (scores + rng.standard_normal((n, n_classes))).argmax(axis=1)


def separable(rng, n=80, features=4):
    w = rng.standard_normal(features)
    X = rng.standard_normal((3 * n, features))
    X = X[np.abs(X @ w + 0.5) > 0.3][:n]
    return X, (X @ w + 0.5 > 0).astype(int)


# ---- goldens ------------------------------------------------------------------------


def test_golden_trace():
    """G11: every weight vector of lecture 002's example, no bias."""
    X, y = [[1.0, 2.0], [-1.0, 2.0], [0.0, -1.0]], [1, -1, -1]
    model = Perceptron(
        fit_intercept=False, shuffle=False, tol=None, trace=True, dtype="float64"
    ).fit(X, y, coef_init=[1, -0.8])
    path = [[1, -0.8], [2, 1.2], [3, -0.8], [3, 0.2], [3, 0.2], [3, 0.2], [3, 0.2]]
    np.testing.assert_allclose(model.trace_, path, atol=1e-15)
    assert model.converged_
    assert model.n_iter_ == 2
    assert model.history_["mistakes"] == [1, 0]
    assert model.intercept_ == [0]
    assert model.predict(X).tolist() == y


def test_golden_or_gate():
    """G10: β = (1, 1), β₀ = −1 is OR, by the tie at h = 0 that counts as positive."""
    model = Perceptron(tol=None).fit(
        CORNERS, GATES["OR"], coef_init=[1, 1], intercept_init=-1
    )
    assert model.decision_function(CORNERS).tolist() == [-1, 0, 0, 1]
    assert model.predict(CORNERS).tolist() == GATES["OR"]
    assert model.n_iter_ == 1  # nothing to learn, and it is noticed at once
    assert model.coef_.tolist() == [[1, 1]]
    assert model.intercept_.tolist() == [-1]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("gate", GATES)
def test_gates_always_converge(gate, seed):
    model = Perceptron(tol=None, random_state=seed).fit(CORNERS, GATES[gate])
    assert model.converged_
    assert model.score(CORNERS, GATES[gate]) == 1


@quiet
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("init", ["zeros", "normal"])
def test_xor_never_converges(seed, init):
    model = Perceptron(tol=None, max_iter=300, random_state=seed, init=init)
    model.fit(CORNERS, XOR)
    assert not model.converged_
    assert model.n_iter_ == 300
    assert min(model.history_["mistakes"]) > 0
    assert model.score(CORNERS, XOR) <= 0.75


def test_xor_stops_without_improvement_and_is_honest():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Perceptron().fit(CORNERS, XOR)
    assert model.n_iter_ < 1000
    assert not model.converged_


def test_what_is_not_separable_is_told(rng):
    with pytest.warns(ConvergenceWarning, match="not linearly separable need more"):
        Perceptron(tol=None, max_iter=20).fit(CORNERS, XOR)


# ---- the equation -------------------------------------------------------------------


def deck_002(X, y, orders, w, b):
    path = [[*w, b]]
    for i in np.concatenate(orders):
        e = y[i] - (1 if w @ X[i] + b >= 0 else -1)
        w, b = w + 0.5 * e * X[i], b + 0.5 * e
        path.append([*w, b])
    return np.array(path)


@pytest.mark.slow
@quiet
@given(seed=st.integers(0, 2**32 - 1))
def test_every_step_equals_deck_002(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((30, 3)), rng.permutation(np.arange(30) % 2)
    w, b = rng.standard_normal(3), rng.standard_normal()
    model = Perceptron(
        random_state=seed, max_iter=4, tol=None, trace=True, dtype="float64"
    ).fit(X, y, coef_init=w, intercept_init=b)
    key, rows = Key(seed), np.arange(30, dtype=np.int32)
    orders = [
        key.fold_in("order", epoch).generator().permutation(rows)
        for epoch in range(model.n_iter_)
    ]
    expected = deck_002(X, 2 * y - 1, orders, w, b)
    np.testing.assert_allclose(model.trace_, expected, atol=1e-12)
    np.testing.assert_array_equal(model.trace_[-1, :3], model.coef_[0])
    np.testing.assert_array_equal(model.trace_[-1, 3:], model.intercept_)


@pytest.mark.slow
@given(seed=st.integers(0, 2**32 - 1))
def test_converges_within_the_bound_if_separable(seed):
    """Novikoff: (R/γ)² mistakes at most, with the bias as one more weight."""
    rng = np.random.default_rng(seed)
    u = rng.standard_normal(4) / 2
    X = rng.standard_normal((50, 3))
    side = np.where(X @ u[:3] + u[3] >= 0, 1, -1)
    if abs(side.sum()) == 50:
        return
    X += 0.5 * side[:, None] * u[:3] / np.linalg.norm(u[:3])
    model = Perceptron(tol=None, max_iter=5000, random_state=seed).fit(X, side)
    R = np.linalg.norm(np.c_[X, np.ones(50)], axis=1).max()
    gamma = (side * (X @ u[:3] + u[3])).min() / np.linalg.norm(u)
    assert model.converged_
    assert model.score(X, side) == 1
    assert 50 * sum(model.history_["mistakes"]) <= (R / gamma) ** 2 + 1e-3


@pytest.mark.parametrize(
    "labels", [(-1, 1), (0, 1), (False, True), ("no", "yes"), (2.0, 7.0)]
)
def test_any_two_labels_learn_the_same_weights(labels, rng):
    X, y = separable(rng)
    model = Perceptron().fit(X, np.array(labels)[y])
    plain = Perceptron().fit(X, y)
    assert np.array_equal(model.coef_, plain.coef_)
    assert model.predict(X).tolist() == np.array(labels)[plain.predict(X)].tolist()


# ---- scikit-learn's meanings --------------------------------------------------------


def test_same_parameters_same_order_same_defaults():
    mine = inspect.signature(Perceptron).parameters
    peer = inspect.signature(SkPerceptron).parameters
    assert list(mine)[: len(peer)] == list(peer)
    for name in peer:
        assert mine[name].default == peer[name].default, name
        assert mine[name].kind == peer[name].kind, name
    for method in ("fit", "partial_fit"):
        a, b = (
            inspect.signature(getattr(c, method)) for c in (Perceptron, SkPerceptron)
        )
        assert list(a.parameters) == list(b.parameters)


@quiet
@pytest.mark.parametrize("n_classes", [2, 4])
def test_same_fitted_attributes_of_the_same_kind(n_classes, rng):
    X, y = noisy(rng, n_classes)
    ours = Perceptron(max_iter=3, tol=None).fit(X, y)
    theirs = SkPerceptron(max_iter=3, tol=None).fit(X, y)
    for name in ("classes_", "coef_", "intercept_"):
        assert getattr(ours, name).shape == getattr(theirs, name).shape
    for name in ("n_iter_", "t_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    shapes = [m.decision_function(X).shape for m in (ours, theirs)]
    assert shapes[0] == shapes[1]


@quiet
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0, 1: 0.5}])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("penalty", [None, "l2", "l1", "elasticnet"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_same_weights_in_the_same_order(
    n_classes, penalty, fit_intercept, class_weight, weighted
):
    """Without a tie on the way both take the same steps; random starts avoid ties."""
    rng = np.random.default_rng(0)
    X, y = noisy(rng, n_classes)
    units = 1 if n_classes == 2 else n_classes
    coef, intercept = rng.standard_normal((units, 5)), rng.standard_normal(units)
    how = {"coef_init": coef, "sample_weight": 3 * rng.random(60) if weighted else None}
    if fit_intercept:
        how["intercept_init"] = intercept
    options = {
        "penalty": penalty,
        "alpha": 0.001,
        "l1_ratio": 0.3,
        "fit_intercept": fit_intercept,
        "class_weight": class_weight,
        "eta0": 0.3,
        "max_iter": 7,
        "tol": None,
        "shuffle": False,
    }
    ours = Perceptron(**options, dtype="float64").fit(X, y, **how)
    how |= {"coef_init": coef.copy()}  # scikit-learn learns into it
    theirs = SkPerceptron(**options).fit(X, y, **how)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-11)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-11)


@pytest.mark.parametrize("penalty", [None, "l2", "l1", "elasticnet"])
@pytest.mark.parametrize("n_iter_no_change", [1, 5])
def test_same_epochs_by_tol(penalty, n_iter_no_change, rng):
    X, y = noisy(rng, 2)
    start = {"coef_init": rng.standard_normal((1, 5)), "intercept_init": [0.1]}
    options = {"shuffle": False, "penalty": penalty, "alpha": 0.01}
    options |= {"n_iter_no_change": n_iter_no_change}
    ours = Perceptron(**options, dtype="float64").fit(X, y, **start)
    theirs = SkPerceptron(**options).fit(X, y, **start)
    assert ours.n_iter_ == theirs.n_iter_ > n_iter_no_change
    assert ours.t_ == theirs.t_
    assert ours.stop_reason_ == "stopped"


def test_agrees_on_separable_data(rng):
    X, y = separable(rng, n=200)
    X_new, y_new = separable(np.random.default_rng(0), n=200)
    ours, theirs = Perceptron(tol=None).fit(X, y), SkPerceptron(tol=None).fit(X, y)
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert ours.score(X_new, y_new) > 0.9


@pytest.mark.slow
def test_as_good_on_many_classes(digits):
    X, y = digits
    train, test = slice(0, 1200), slice(1200, None)
    ours = Perceptron().fit(X[train], y[train])
    theirs = SkPerceptron().fit(X[train], y[train])
    assert ours.score(X[test], y[test]) > theirs.score(X[test], y[test]) - 0.03


@pytest.mark.slow
@quiet
def test_early_stopping_gives_back_the_weights_that_scored_best(digits):
    model = Perceptron(early_stopping=True, max_iter=30, tol=None).fit(*digits)
    scores = model.history_["score"]
    best = int(np.argmax(scores)) + 1
    again = Perceptron(early_stopping=True, max_iter=best, tol=None).fit(*digits)
    assert np.array_equal(model.coef_, again.coef_)
    assert 0.8 < max(scores) <= 1
    assert len(model.history_["validation_loss"]) == 30


def test_early_stopping_stops(digits):
    model = Perceptron(early_stopping=True, n_iter_no_change=3).fit(*digits)
    scores = model.history_["score"]
    assert model.n_iter_ < 100
    assert max(scores[-3:]) < max(scores[:-3]) + 1e-3


def test_penalties_that_are_zero_are_none(rng):
    X, y = separable(rng)
    for options in ({"alpha": 0}, {}):
        penalty = "l2" if options else None
        model = Perceptron(penalty=penalty, **options).fit(X, y)
        assert np.array_equal(model.coef_, Perceptron().fit(X, y).coef_)


@quiet
def test_a_penalty_goes_on_after_an_epoch_without_mistakes(rng):
    X, y = separable(rng)
    model = Perceptron(penalty="l1", alpha=1e-3, max_iter=200, tol=None).fit(X, y)
    assert model.n_iter_ == 200
    assert 0 in model.history_["mistakes"][:-1]


# ---- several classes ----------------------------------------------------------------


@pytest.mark.parametrize("n_classes", range(2, 20))
def test_codes_are_different_and_as_short_as_can_be(n_classes):
    codes = class_codes(n_classes, "codes")
    assert codes.shape == (n_classes, int(np.ceil(np.log2(n_classes))))
    assert len(np.unique(codes, axis=0)) == n_classes
    assert set(codes.ravel()) == {-1, 1}
    one = class_codes(n_classes, "one_vs_rest")
    assert one.shape == (n_classes, 1 if n_classes == 2 else n_classes)


def test_codes_are_the_binary_digits_of_the_class():
    assert class_codes(4, "codes").tolist() == [[-1, -1], [-1, 1], [1, -1], [1, 1]]


def test_four_quadrants_need_two_hyperplanes(rng):
    """Lecture 002: S = 2 hyperplanes part the plane into 2² regions."""
    X = rng.uniform(0.2, 1, (200, 2)) * rng.choice([-1, 1], (200, 2))
    y = np.array(["sw", "nw", "se", "ne"])[(X > 0) @ [2, 1]]
    model = Perceptron(multiclass="codes", tol=None).fit(X, y)
    assert model.classes_.tolist() == ["ne", "nw", "se", "sw"]  # 00, 01, 10, 11
    assert model.coef_.shape == (2, 2)
    assert model.converged_
    assert model.score(X, y) == 1


def with_net_inputs(n_classes, h):
    """A codes perceptron whose pre-activations are the features themselves."""
    units = class_codes(n_classes, "codes").shape[1]
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((n_classes, units)), np.arange(n_classes)
    model = Perceptron(multiclass="codes", max_iter=1, tol=None).fit(X, y)
    model.params_ = ({"weight": np.eye(units), "bias": np.zeros(units)},)
    return model.predict(h), model.decision_function(h)


@pytest.mark.slow
@quiet
@given(h=st.lists(st.floats(-9, 9), min_size=3, max_size=3), n=st.integers(5, 8))
def test_the_prediction_is_the_class_of_the_code_or_the_nearest(h, n):
    codes = class_codes(n, "codes")
    (predicted,), scores = with_net_inputs(n, [h])
    produced = np.where(np.array(h, np.float32) >= 0, 1, -1)  # a tie is positive
    distances = (codes != produced).sum(axis=1)
    assert distances[predicted] == distances.min()
    if distances.min() == 0:
        assert codes[predicted].tolist() == produced.tolist()
    assert scores.shape == (1, n)
    assert scores.argmax() == predicted


@quiet
def test_an_unused_code_goes_to_the_nearest_by_margin():
    """Three classes: 11 is unused, 01 and 10 are one digit away."""
    predicted, _ = with_net_inputs(3, [[3.0, 1.0], [1.0, 3.0], [0.0, 0.5], [-1, -1]])
    assert predicted.tolist() == [2, 1, 1, 0]


@pytest.mark.slow
@pytest.mark.parametrize("multiclass", ["one_vs_rest", "codes"])
def test_many_classes_learn(multiclass, iris, digits):
    units = {"one_vs_rest": (3, 10), "codes": (2, 4)}[multiclass]
    least = {"one_vs_rest": (0.85, 0.93), "codes": (0.6, 0.7)}[multiclass]
    for (X, y), n, score in zip((iris, digits), units, least, strict=True):
        model = Perceptron(multiclass=multiclass).fit(X, y)
        assert model.coef_.shape == (n, X.shape[1])
        assert model.intercept_.shape == (n,)
        assert model.decision_function(X).shape == (len(X), len(model.classes_))
        assert model.score(X, y) > score
        best = model.decision_function(X).argmax(axis=1)
        assert np.array_equal(model.classes_[best], model.predict(X))


def test_two_classes_are_the_same_both_ways(rng):
    X, y = separable(rng)
    a, b = (Perceptron(multiclass=m).fit(X, y) for m in ("one_vs_rest", "codes"))
    assert np.array_equal(a.coef_, b.coef_)
    assert np.array_equal(a.decision_function(X), b.decision_function(X))


def test_the_trace_of_several_units(iris):
    model = Perceptron(trace=True, tol=None, max_iter=2)
    with pytest.warns(ConvergenceWarning):
        model.fit(*iris)
    assert model.trace_.shape == (301, 3, 5)
    assert np.array_equal(model.trace_[-1, :, :4], model.coef_)
    assert np.array_equal(model.trace_[-1, :, 4], model.intercept_)
    assert not model.trace_[0].any()


# ---- data in other clothes ----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("trace", [False, True])
@pytest.mark.parametrize("penalty", [None, "l1"])
def test_sparse_data_learn_the_same_bit_for_bit(penalty, trace, digits):
    X, y = digits[0] * (digits[0] > 1), digits[1] % 3
    dense, sparse = (
        Perceptron(penalty=penalty, trace=trace).fit(data, y)
        for data in (X, sp.csr_array(X))
    )
    assert np.array_equal(dense.coef_, sparse.coef_)
    assert np.array_equal(dense.predict(X), sparse.predict(sp.csr_array(X)))
    if trace:
        assert np.array_equal(dense.trace_, sparse.trace_)


def test_trace_changes_nothing(digits):
    X, y = digits[0][:200], digits[1][:200]
    plain, traced = Perceptron().fit(X, y), Perceptron(trace=True).fit(X, y)
    assert np.array_equal(plain.coef_, traced.coef_)
    assert not hasattr(plain, "trace_")


def test_weights_scale_the_steps(rng):
    X, y = noisy(rng, 2)
    w = rng.integers(1, 4, 60)
    options = {"max_iter": 1, "tol": None, "shuffle": False, "trace": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        plain = Perceptron(**options).fit(X, y)
        heavy = Perceptron(**options).fit(X, y, sample_weight=w)
        by_class = Perceptron(**options, class_weight={0: 2, 1: 3}).fit(X, y)
        by_hand = Perceptron(**options).fit(X, y, sample_weight=np.array([2, 3])[y])
    first = np.flatnonzero(np.diff(plain.trace_, axis=0).any(axis=1))[0]
    ratio = heavy.trace_[first + 1] / plain.trace_[first + 1]
    np.testing.assert_allclose(ratio, w[first], rtol=1e-6)
    np.testing.assert_allclose(by_class.coef_, by_hand.coef_, rtol=1e-6)


# ---- going on -----------------------------------------------------------------------


def test_partial_fit_is_an_epoch(rng):
    X, y = noisy(rng, 3)
    whole = Perceptron(max_iter=3, tol=None)
    with pytest.warns(ConvergenceWarning):
        whole.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        steps = Perceptron().partial_fit(X, y, classes=[0, 1, 2])
        assert steps.n_iter_ == 1
        steps.partial_fit(X, y).partial_fit(X, y)
    assert np.array_equal(whole.coef_, steps.coef_)
    assert steps.t_ == whole.t_ == 181
    assert steps.history_["loss"] == whole.history_["loss"]


def test_partial_fit_of_a_part_of_the_classes(rng):
    X, y = noisy(rng, 3)
    model = Perceptron().partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    assert model.coef_.shape == (3, 5)
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"not among the classes .*\[3\]"):
        model.partial_fit(X, y + 1)


def test_partial_fit_needs_the_classes_at_first(rng):
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        Perceptron().partial_fit(*separable(rng))
    for options in ({"early_stopping": True}, {"class_weight": "balanced"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            Perceptron(**options).partial_fit(*separable(rng), classes=[0, 1])


@quiet
def test_warm_start_goes_on(rng):
    X, y = noisy(rng, 2)
    twice = Perceptron(max_iter=3, tol=None, warm_start=True).fit(X, y).fit(X, y)
    once = Perceptron(max_iter=6, tol=None).fit(X, y)
    assert np.array_equal(twice.coef_, once.coef_)
    assert twice.n_iter_ == 3
    with pytest.raises(ValueError, match="warm_start needs the classes"):
        twice.fit(X, y + 1)
    with pytest.raises(ValueError, match="must not change"):
        twice.set_params(fit_intercept=False).fit(X, y)


# ---- bad input ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"multiclass": "ovo"}, "multiclass must be one of .*got 'ovo'"),
        ({"penalty": "l3"}, "penalty must be one of .*got 'l3'"),
        ({"alpha": -1}, "alpha must be a number in"),
        ({"l1_ratio": 2}, "l1_ratio must be a number in"),
        ({"eta0": 0}, "eta0 must be a number in"),
        ({"tol": -1}, "tol must be a number in"),
        ({"max_iter": 0}, "max_iter must be a whole number"),
        ({"n_iter_no_change": 0.5}, "n_iter_no_change must be a whole number"),
        ({"init": "ones"}, "init must be one of .*got 'ones'"),
        ({"dtype": "int8"}, "dtype must be one of .*got 'int8'"),
        ({"class_weight": {7: 1.0}}, "classes"),
    ],
)
def test_impossible_parameters_are_named(options, message, rng):
    with pytest.raises(ValueError, match=message):
        Perceptron(**options).fit(*separable(rng))


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"coef_init": [1, 2, 3]}, r"coef_init must have the shape \(1, 4\), got \(3,"),
        ({"coef_init": np.ones((2, 4))}, r"coef_init must have the shape \(1, 4\)"),
        ({"intercept_init": [1, 2]}, r"intercept_init must have the shape \(1,\)"),
        ({"coef_init": [1, 2, 3, np.nan]}, "coef_init must be finite"),
    ],
)
def test_impossible_starts_are_named(start, message, rng):
    with pytest.raises(ValueError, match=message):
        Perceptron().fit(*separable(rng), **start)


def test_a_start_for_a_bias_that_is_not_there(rng):
    with pytest.raises(ValueError, match="intercept_init needs fit_intercept=True"):
        Perceptron(fit_intercept=False).fit(*separable(rng), intercept_init=1)


def test_bad_data_are_named(rng):
    X, y = separable(rng)
    with pytest.raises(ValueError, match="number of classes must be at least 2"):
        Perceptron().fit(X, np.zeros(len(y)))
    with pytest.raises(ValueError, match="contains NaN"):
        Perceptron().fit(np.where(X > 1, np.nan, X), y)
    with pytest.raises(ValueError, match="continuous"):
        Perceptron().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="beyond the range of float32"):
        Perceptron().fit(X * 1e39, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        Perceptron().fit(X, y[:-1])


def test_a_refused_fit_changes_nothing(rng):
    X, y = separable(rng)
    model = Perceptron().fit(X, y)
    before = pickle.dumps(vars(model))
    with pytest.raises(ValueError, match="shape"):
        model.fit(X[:, :2], y, coef_init=[1, 2, 3])
    assert pickle.dumps(vars(model)) == before


def test_not_fitted():
    with pytest.raises(NotFittedError):
        Perceptron().predict(CORNERS)


def test_divergence_keeps_the_start(rng):
    X, y = separable(rng)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model = Perceptron(init="normal").fit(X * 1e37, y)
    assert np.isfinite(model.coef_).all()
    assert not model.converged_


# ---- the rest -----------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"multiclass": "codes", "trace": True}])
def test_clones_and_pickles(options, iris):
    model = Perceptron(**options).fit(*iris)
    again = clone(model).fit(*iris)
    copied = pickle.loads(pickle.dumps(model))
    assert np.array_equal(model.coef_, again.coef_)
    assert np.array_equal(model.predict(iris[0]), copied.predict(iris[0]))
    assert copied.get_params() == model.get_params()


def test_one_program_serves_every_fit_of_a_structure(rng):
    X, y = separable(rng, n=70, features=7)
    Perceptron().fit(X, y)
    options = {"eta0": 0.3, "random_state": 1, "max_iter": 77, "shuffle": False}
    model = Perceptron(**options).fit(X[:66], y[:66])
    assert model.n_compiles_ == 0


def test_callbacks_see_every_epoch(iris):
    seen = []
    Perceptron(callbacks=[lambda p: seen.append(p.epoch) or p.epoch == 3]).fit(*iris)
    assert seen == [1, 2, 3]
