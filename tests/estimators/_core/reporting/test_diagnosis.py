"""Records of fitted estimators, and advice: right where it is given, else silent."""

import copy
import math
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import lamina
from lamina import LBFGS, SGD, MLPClassifier, MLPRegressor, Perceptron, data
from lamina.estimators._core.network_estimator import NetworkEstimator
from lamina.estimators._core.reporting import diagnosis as module
from lamina.learning.diagnostics.recorder import FIGURES
from lamina.storage.codec import encode
from tests.model_files import closed, opened

IRIS = data.load("iris")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def scaled(x):
    spread = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)


X, Y = scaled(IRIS.X), IRIS.y


def digits():
    found = data.load("digits")
    return found.X / 16, found.y


def small(**how):
    return MLPClassifier((8,), **({"max_iter": 5, "random_state": 0} | how))


# ---- records ------------------------------------------------------------------------


def test_health_has_the_start_and_the_end_of_every_fit():
    model = small().fit(X, Y)
    health = model.diagnostics_
    assert list(health) == ["epoch", "layer", *FIGURES]
    assert health["epoch"] == [0, 0, 5, 5]
    assert health["layer"] == [1, 2, 1, 2]
    assert all(d > 0 for d in health["delta"])
    assert np.isnan(health["update"][:2]).all()
    assert all(0 < u < 1 for u in health["update"][2:])
    assert 0 <= health["dead"][2] <= 1
    assert math.isnan(health["dead"][3])  # softmax units cannot die


def test_health_is_a_table_for_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(small().fit(X, Y).diagnostics_)
    wide = frame.pivot(index="epoch", columns="layer", values="delta")
    assert wide.shape == (2, 2)


@pytest.mark.slow
def test_dropout_layers_are_not_counted():
    model = small(dropout=0.5, input_dropout=0.1).fit(X, Y)
    assert model.diagnostics_["layer"] == [1, 2, 1, 2]


def test_nothing_is_compiled_for_it_until_it_is_asked_for():
    fresh = MLPClassifier((11,), max_iter=3, random_state=0).fit(X, Y)
    assert fresh.n_compiles_ == 1
    assert fresh.fit(X, Y).n_compiles_ == 0
    assert fresh.diagnostics_["epoch"][-1] == 3


def test_health_does_not_change_what_is_learnt(monkeypatch):
    watched = small(max_iter=40).fit(X, Y)
    monkeypatch.setattr(NetworkEstimator, "_is_recorded", False)
    plain = small(max_iter=40).fit(X, Y)
    for one, other in zip(watched.coefs_, plain.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert watched.history_ == plain.history_
    assert plain.diagnostics_["epoch"] == []
    assert plain.diagnosis_ is None


def test_double_precision_and_sparse_inputs():
    sparse = pytest.importorskip("scipy.sparse")
    dense = small(dtype="float64").fit(X, Y).diagnostics_
    other = small(dtype="float64").fit(sparse.csr_array(X), Y).diagnostics_
    for name in FIGURES:
        np.testing.assert_allclose(dense[name], other[name], rtol=1e-9)


def test_a_new_fit_starts_anew_and_a_warm_one_goes_on():
    model = small().fit(X, Y)
    first = model.diagnostics_
    np.testing.assert_equal(model.fit(X, Y).diagnostics_, first)
    model.set_params(warm_start=True).fit(X, Y)
    assert model.diagnostics_["epoch"] == [0, 0, 5, 5, 10, 10]
    assert model.diagnostics_["delta"][:4] == first["delta"]


@pytest.mark.slow
def test_partial_fit_keeps_few_records():
    model = small()
    for _ in range(50):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    epochs = sorted(set(model.diagnostics_["epoch"]))
    assert epochs[0] == 0
    assert epochs[-1] == 50
    assert len(epochs) <= 16


def test_a_fit_that_fails_leaves_the_records_as_they_were():
    model = small().fit(X, Y)
    before = model.diagnostics_

    def broken(progress):
        raise RuntimeError("broken")

    model.set_params(warm_start=True, callbacks=[broken])
    with pytest.raises(RuntimeError):
        model.fit(X, Y)
    model.set_params(callbacks=None).fit(X, Y)
    assert model.diagnostics_["epoch"] == [0, 0, 5, 5, 10, 10]
    assert model.diagnostics_["delta"][:4] == before["delta"]


def test_an_unfitted_estimator_has_no_health():
    with pytest.raises(NotFittedError):
        _ = small().diagnostics_
    assert not hasattr(small(), "diagnosis_")


def test_the_perceptron_has_health():
    model = Perceptron(random_state=0).fit(X, Y == 0)
    assert model.diagnostics_["layer"] == [1, 1]
    assert not hasattr(model, "diagnosis_")


# ---- copies and files ---------------------------------------------------------------

SECRET = np.float32(12345.678)


def with_a_secret():
    """Return a fitted model whose first training example holds a number to look for."""
    x = X.astype(np.float32)
    x[0, 0] = SECRET
    return small().fit(x, Y)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_have_the_same_health(copied):
    model = small().fit(X, Y)
    twin = copied(model)
    np.testing.assert_equal(twin.diagnostics_, model.diagnostics_)
    assert twin.diagnosis_ == model.diagnosis_
    twin.set_params(warm_start=True).fit(X, Y)
    assert sorted(set(twin.diagnostics_["epoch"])) == [0, 5, 10]


def test_no_training_example_goes_into_a_pickle():
    model = with_a_secret()
    assert model._recorder.probe.x[0, 0] == SECRET  # it is there to be left out
    assert SECRET.tobytes() not in pickle.dumps(model)


def test_no_training_example_goes_into_a_file(tmp_path):
    model = with_a_secret()
    model.save(tmp_path / "model.lamina")
    assert SECRET.tobytes() not in (tmp_path / "model.lamina").read_bytes()


def test_a_file_keeps_health_and_advice(tmp_path):
    model = small(solver=SGD(1e-7), max_iter=20).fit(X, Y)
    model.save(tmp_path / "model.lamina")
    loaded = lamina.load(tmp_path / "model.lamina")
    np.testing.assert_equal(loaded.diagnostics_, model.diagnostics_)
    assert loaded.diagnosis_ == model.diagnosis_
    assert "too low" in loaded.diagnosis_
    loaded.set_params(warm_start=True).fit(X, Y)
    assert loaded.diagnostics_["epoch"][:4] == model.diagnostics_["epoch"]


def test_a_clone_has_none():
    assert not hasattr(clone(small().fit(X, Y)), "_diagnostics")


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"epoch": "far"},
        {"epoch": np.zeros(2)},
        {"epoch": np.zeros(3, np.int64)},
        {"figures": np.zeros((2, 2, 4))},
        {"scale": np.zeros((2, 2))},
    ],
)
def test_records_of_a_damaged_file_are_refused(damaged):
    model = small().fit(X, Y)
    description, tensors = opened(model)
    records = model._diagnostics | damaged if damaged else damaged
    description["fitted"]["diagnostics"], _ = encode(records, "damaged", tensors)
    with pytest.raises(ValueError, match="records of diagnostics"):
        closed(description, tensors)


# ---- advice: silent where all is well -----------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "digits", "breast_cancer", "wine"])
def test_no_advice_for_a_good_fit(name):
    """scikit-learn's defaults on standardised columns."""
    known = data.load(name)
    model = MLPClassifier(random_state=0).fit(scaled(known.X), known.y)
    assert model.diagnosis_ is None
    assert "advice" not in model.summary()


def slow(**how):
    return pytest.param(
        how, marks=pytest.mark.slow
    )  # each compiles programs of its own


GOOD = {
    "pixels": {},
    "one epoch": {"max_iter": 1},
    "two logistic layers": {"hidden_layer_sizes": (50, 50), "activation": "logistic"},
    "sgd": slow(solver=SGD(0.1, momentum=0.9), max_iter=30),
    "online": slow(solver=SGD(0.02), batch_size=1, max_iter=5),
    "lbfgs": slow(solver="lbfgs", max_iter=50),
    "early stopping": slow(early_stopping=True),
    "dropout": slow(dropout=0.5, max_iter=50),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", GOOD.values(), ids=GOOD)
def test_no_advice_for_other_good_fits(how):
    assert (
        MLPClassifier(**({"random_state": 0} | how)).fit(*digits()).diagnosis_ is None
    )


@pytest.mark.slow
def test_no_advice_for_regression_and_for_xor():
    known = data.load("diabetes")
    target = (known.y - known.y.mean()) / known.y.std()
    assert MLPRegressor(random_state=0).fit(scaled(known.X), target).diagnosis_ is None
    xor = data.load("xor")
    model = MLPClassifier((8,), activation="tanh", solver="lbfgs", random_state=0)
    assert model.fit(xor.X, xor.y).diagnosis_ is None


# ---- advice: each sentence on a fit that deserves it --------------------------------


def advice(how, X=None, y=None, model=MLPClassifier):
    x, labels = digits()
    x, labels = (x, labels) if X is None else (X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (
            model(**({"random_state": 0, "max_iter": 15} | how))
            .fit(x, labels)
            .diagnosis_
        )


@pytest.mark.slow
def test_columns_of_other_scale_are_named():
    wine = data.load("wine")
    text = advice({}, wine.X, wine.y)
    assert text.startswith("the inputs are not scaled: column 12 has values around 8")
    assert "column 7 around 0.39" in text  # the smallest one
    assert "StandardScaler" in text


@pytest.mark.slow
def test_columns_are_named_as_the_table_names_them():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "salary"])
    frame["salary"] *= 5000
    assert "column 'salary' has values around 4.95e+03" in advice({}, frame, Y)


@pytest.mark.slow
def test_a_single_large_column_needs_no_other_to_be_large():
    text = advice({}, 1000 * X[:, :1], Y)
    assert "column 0 has values around 942;" in text


@pytest.mark.slow
def test_divergence():
    known = data.load("diabetes")
    text = advice({"solver": SGD(1.0)}, scaled(known.X), known.y, MLPRegressor)
    assert text.startswith("the loss grew without bounds: the learning rate 1 is too")
    text = advice({"activation": "tanh", "solver": SGD(5.0)})
    assert text.startswith("the loss grew without bounds: the learning rate 5 is too")


@pytest.mark.slow
def test_a_deep_logistic_stack_is_told_which_layers_do_not_learn():
    """The lecture's claim: at most ¼ of δ is left a layer."""
    model = MLPClassifier(
        (50,) * 9, "logistic", solver=SGD(0.1), max_iter=15, random_state=0
    ).fit(*digits())
    delta = np.reshape(model.diagnostics_["delta"], (-1, 10))[-1]
    shrunk = (delta[0] / delta[-1]) ** (1 / 9)
    assert shrunk <= 0.25
    assert (
        f"from layer 10 down to layer 1 δ shrinks to {shrunk:.2g}" in model.diagnosis_
    )
    assert "relu instead of logistic" in model.diagnosis_
    assert model.summary().endswith(f"advice: {model.diagnosis_}")


@pytest.mark.slow
def test_dead_units():
    text = advice({"solver": SGD(5.0)})
    assert "of the ReLU units in layer 1 are dead" in text
    assert "smaller learning rate" in text
    text = advice({"init": "zeros"})
    assert "100% of the ReLU units in layer 1" in text
    assert "other initial weights" in text


@pytest.mark.slow
def test_saturated_units():
    x, y = digits()
    text = advice(
        {"activation": "tanh", "init": "normal", "solver": SGD(1e-4)}, 90 * x, y
    )
    assert "of the tanh units of layer 1 are saturated" in text


def test_a_rate_that_is_too_high():
    risen = calm()(probe_losses=np.array([1.0, 1.5]), rate=5.0)
    text = module.advise(risen)
    assert text.startswith("the loss has risen: the learning rate 5 is too high")


def test_a_loss_that_jumps():
    case = calm()
    jumpy = case(losses=[1.0, *[0.5, 0.9] * 6])
    assert module.advise(jumpy).startswith("the loss jumps up and down")
    # Falling fast is no jumping, and a loss near 0 may double.
    assert module.advise(case(losses=[2.0**-i for i in range(12)])) is None
    assert module.advise(case(losses=[1.0, *[0.01, 0.02] * 6])) is None


@pytest.mark.slow
@pytest.mark.parametrize("rule", [{"learning_rate_init": 1e-6}, {"solver": SGD(1e-5)}])
def test_a_rate_that_is_too_low(rule):
    text = advice(rule)
    assert text.startswith("the weights hardly move")
    assert "is too low; try ten times as much" in text


@pytest.mark.slow
def test_the_same_answer_for_all():
    text = advice({"init": "zeros", "activation": "tanh", "max_iter": 20})
    assert "all examples get nearly the same answer" in text
    # A fit that has only just begun answers so too, but gets better.
    begun = MLPClassifier((8,), max_iter=60, random_state=0).fit(IRIS.X, Y)
    assert module.case_of(begun, SGD(0.1)).stuck
    assert begun.diagnosis_ is None


@pytest.mark.slow
def test_methods_without_a_rate_get_no_advice_about_it():
    model = small(solver=LBFGS(), max_iter=30, tol=0).fit(X, Y)
    case = module.case_of(model, LBFGS())
    assert case.rate is None
    for rule in (module.too_high, module.too_low):
        assert rule(case) is None


def calm():
    """Return a maker of cases in which nothing is wrong but what is given."""
    model = small(max_iter=30).fit(X, Y)
    good = module.case_of(model, SGD(0.1))
    assert module.advise(good) is None

    def case(**changed):
        return module.Case(**(vars(good) | changed))

    return case


def test_saturated_units_of_a_good_fit_are_no_harm():
    case = calm()
    figures = case().figures
    full = np.array([[0.9, np.nan], [0.9, np.nan]])
    figures = figures | {"saturated": full}
    good = case(figures=figures, probe_losses=np.array([1, 0.4]))
    assert module.advise(good) is None
    poor = case(figures=figures, probe_losses=np.array([1, 0.9]))
    assert "are saturated" in module.advise(poor)


def test_units_that_died_while_learning():
    case = calm()
    alive = np.array([[0.1, np.nan], [0.3, np.nan]])
    died = np.array([[0.1, np.nan], [0.6, np.nan]])
    figures = case().figures
    assert module.advise(case(figures=figures | {"dead": alive})) is None
    text = module.advise(case(figures=figures | {"dead": died}))
    assert text.startswith("60% of the ReLU units in layer 1")
    # With so few inputs on, half of them off from the start is no surprise.
    born = np.array([[0.5, np.nan], [0.6, np.nan]])
    assert module.advise(case(figures=figures | {"dead": born})) is None


def test_the_first_cause_is_named_and_not_what_follows_from_it():
    case = calm()
    both = case(
        scale=np.array([1.0, 5000.0]), stop_reason="diverged", columns=["a", "b"]
    )
    assert module.advise(both).startswith("the inputs are not scaled: b has values")


def test_a_converged_fit_that_goes_on_is_not_slow():
    """Weights that rest at a minimum hardly move either."""
    model = small(max_iter=300, warm_start=True, solver=SGD(0.3)).fit(X, Y)
    for _ in range(3):
        model.fit(X, Y)
    assert model.diagnosis_ is None


def test_a_run_from_a_checkpoint_is_judged_by_its_whole_course():
    """The probe's loss from before the first step is not known any more."""
    case = calm()
    low = case().figures["update"] * 1e-3
    crawling = {"probe_losses": np.array([0.5, 0.5]), "since_start": False}
    crawling["figures"] = case().figures | {"update": low}
    assert (
        module.advise(case(losses=[5.0 - 0.3 * i for i in range(15)], **crawling))
        is None
    )
    slow = case(losses=[5.0 - 0.001 * i for i in range(15)], **crawling)
    assert "too low" in module.advise(slow)


def test_convergence_warnings_are_as_before():
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        small(max_iter=2).fit(X, Y)
