"""Parameters of training: their words, and which fit each other."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lamina import (
    LBFGS,
    SGD,
    Adam,
    Adaptive,
    InverseScaling,
    LeastSquares,
    MLPClassifier,
    MLPRegressor,
)
from lamina.estimators._core.training import (
    algorithm_of,
    batch_size_of,
    schedule_for,
)
from lamina.learning import (
    FGSM,
    L1,
    L2,
    BoldDriver,
    ClipNorm,
    ClipValue,
    Cosine,
    InputNoise,
    LabelSmoothing,
    LossBelow,
    MaxEvaluations,
    MaxNorm,
    NoImprovement,
    StepDecay,
    WeightNoise,
)


@pytest.mark.parametrize(
    ("params", "algorithm"),
    [
        ({}, Adam(0.001, 0.9, 0.999, 1e-8)),
        ({"learning_rate_init": 0.1, "beta_2": 0.9}, Adam(0.1, 0.9, 0.9, 1e-8)),
        ({"solver": "sgd"}, SGD(0.001, 0.9, nesterov=True)),
        ({"solver": "sgd", "momentum": 0}, SGD(0.001)),
        ({"solver": "sgd", "nesterovs_momentum": False}, SGD(0.001, 0.9)),
        ({"solver": "lbfgs"}, LBFGS()),
        ({"solver": Adam(0.5)}, Adam(0.5)),
    ],
)
def test_solvers_by_name_have_scikit_learns_rates(params, algorithm):
    assert algorithm_of(MLPClassifier(**params)) == algorithm


@pytest.mark.parametrize(
    ("params", "schedule"),
    [
        ({}, None),
        ({"learning_rate": "invscaling"}, None),  # adam has no schedule there
        ({"solver": "sgd"}, None),
        ({"solver": "sgd", "learning_rate": "invscaling"}, InverseScaling(0.5)),
        ({"solver": "sgd", "learning_rate": "adaptive"}, Adaptive()),
    ],
)
def test_schedules_belong_to_sgd(params, schedule):
    assert schedule_for(MLPRegressor(**params)) == schedule


@pytest.mark.parametrize(
    ("batch_size", "n", "expected"),
    [("auto", 500, 200), ("auto", 30, 30), ("full", 500, 500), (32, 500, 32)],
)
def test_batch_sizes(batch_size, n, expected):
    model = MLPClassifier(batch_size=batch_size)
    assert batch_size_of(model, Adam(), n, min(200, n)) == expected
    assert batch_size_of(model, LBFGS(), n, min(200, n)) == n


def test_a_batch_larger_than_the_data_is_clipped_with_a_warning():
    model = MLPClassifier(batch_size=100)
    with pytest.warns(UserWarning, match="batch_size=100 is larger.*clipped to 30"):
        assert batch_size_of(model, Adam(), 30, 30) == 30


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("cosine", Cosine()), ("bold_driver", BoldDriver()), (StepDecay(5, 0.5),) * 2],
)
def test_a_schedule_by_name_or_with_its_numbers(schedule, expected):
    assert schedule_for(MLPClassifier(schedule=schedule)) == expected
    assert schedule_for(MLPRegressor(solver="sgd", schedule=schedule)) == expected


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"schedule": "cosines"}, "schedule must be one of"),
        ({"schedule": "cosine", "solver": "lbfgs"}, "no learning rate to schedule"),
        ({"schedule": "cosine", "solver": "rprop"}, "only the size of its first step"),
        ({"label_smoothing": 1}, r"label_smoothing must be a number in \[0, 1\)"),
        ({"label_smoothing": "a"}, "label_smoothing must be a number"),
        (
            {"schedule": "step", "solver": "sgd", "learning_rate": "adaptive"},
            "not both",
        ),
        ({"stopping": [0.1]}, "stopping must be rules"),
        ({"monitor": "accuracy"}, "monitor must be one of"),
        ({"refit": "again", "early_stopping": True}, "refit must be one of"),
        ({"refit": "restart"}, "needs early_stopping=True"),
        ({"clip_norm": 0}, "clip_norm must be a number in"),
        ({"max_norm": -1.0}, "max_norm must be a number in"),
        ({"input_noise": -0.1}, "input_noise must be a number in"),
        ({"selective_delta": 0.5}, "selective_delta must be SelectiveDelta"),
        ({"adversarial": 0.1}, "adversarial must be FGSM"),
        ({"max_norm": 1.0, "solver": "lbfgs"}, "max_norm needs a solver of first"),
        (
            {"input_noise": 1.0, "solver": "lbfgs", "schedule": "cosine"},
            "which takes input_noise=0.0, schedule=None",
        ),
        ({"schedule": "cosine", "solver": "bfgs"}, "; set schedule=None"),
        ({"weight_noise": 1.0, "solver": LBFGS()}, "weight_noise needs a solver of"),
        (
            {"label_smoothing": 0.1, "loss": "squared_error"},
            "label_smoothing needs one of the losses",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(params, message, digits):
    model = MLPClassifier((3,), **params)
    with pytest.raises(ValueError, match=message):
        model.fit(*digits)
    assert not hasattr(model, "params_")


@pytest.mark.slow
def test_own_rules_take_the_place_of_tol(digits):
    rules = [LossBelow("loss", 1.0)]
    model = MLPClassifier((20,), stopping=rules, random_state=0, tol=1e9).fit(*digits)
    assert model.stop_reason_ == "stopped"
    assert model.loss_ <= 1.0 < model.loss_curve_[-2]


def test_rules_start_afresh_in_every_fit(digits):
    """A rule counts; the one that was given is left as it was."""
    rule = NoImprovement("loss", 1e9, 3)
    model = MLPClassifier((3,), stopping=[rule], random_state=0)
    assert model.fit(*digits).n_iter_ == model.fit(*digits).n_iter_ == 5
    assert rule == NoImprovement("loss", 1e9, 3)


@pytest.mark.parametrize("solver", ["exact", LeastSquares(), "lbfgs", LBFGS()])
def test_what_ends_by_itself_holds_no_rows_out(solver):
    """The description decides: its word means the same."""
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = X @ [1.0, -2.0] + 3
    how = {"hidden_layer_sizes": (), "alpha": 0, "random_state": 0}
    model = MLPRegressor(solver=solver, early_stopping=True, **how).fit(X, y)
    assert "validation_loss" not in model.history_
    assert model.best_epoch_ == model.n_iter_
    plain = MLPRegressor(solver=solver, **how).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])


def test_the_closed_form_is_one_epoch_and_has_converged():
    X = np.arange(8.0)[:, None]
    model = MLPRegressor(
        hidden_layer_sizes=(), solver=LeastSquares(), alpha=0, max_iter=7
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, 2 * X[:, 0] + 1)
    assert (model.n_iter_, model.stop_reason_) == (1, "finished")
    np.testing.assert_allclose(model.predict([[10.0]]), [21.0], rtol=1e-6)


@pytest.mark.slow
def test_numbers_reach_the_objective(digits):
    numbers = {
        "alpha": 0.5,
        "l1": 0.25,
        "input_noise": 0.1,
        "weight_noise": 0.2,
        "label_smoothing": 0.3,
        "clip_norm": 4.0,
        "clip_value": 5.0,
        "max_norm": 6.0,
        "adversarial": FGSM(0.7),
    }
    model = MLPClassifier((3,), max_iter=1, **numbers)
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(*digits)
    assert model._objective().terms == (
        L2(0.5),
        L1(0.25),
        InputNoise(0.1),
        WeightNoise(0.2),
        LabelSmoothing(0.3),
        FGSM(0.7),
    )
    inner = Adam(model.learning_rate_init)
    assert model._algorithm() == MaxNorm(ClipValue(ClipNorm(inner, 4.0), 5.0), 6.0)
    lengths = np.linalg.norm(model.coefs_[0], axis=0)
    assert np.all(lengths <= 6 + 1e-6)


@pytest.mark.slow
def test_lm_computes_in_double_and_keeps_the_dtype(digits):
    X, y = digits
    model = MLPClassifier((2,), solver="lm", max_iter=2, random_state=0)
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(X[:60, ::8], y[:60] > 4)
    assert model.coefs_[0].dtype == np.float32
    assert model._state["damping"].dtype == np.float64
    assert model.predict_proba(X[:3, ::8]).dtype == np.float32


@pytest.mark.parametrize("solver", ["lm", "exact", "rprop", "cg", "bfgs", "newton"])
def test_whole_batch_solvers_have_no_partial_fit(solver):
    assert not hasattr(MLPRegressor(solver=solver), "partial_fit")
    assert hasattr(MLPRegressor(solver="rmsprop"), "partial_fit")


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["rmsprop", "rprop", "cg", "bfgs", "lm"])
def test_every_solver_learns_by_its_word(solver):
    """XOR in a few units."""
    X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    model = MLPClassifier(
        (8,), "tanh", solver=solver, random_state=0, max_iter=400, batch_size="full"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    assert model.n_iter_ > 1
    if solver != "rmsprop":  # its default rate is made for many steps
        assert model.score(X, y) == 1


# ---- evaluations that are used up ---------------------------------------------------


@pytest.mark.slow
def test_a_run_that_used_up_its_evaluations_has_not_converged(digits):
    model = MLPClassifier((5,), solver="lbfgs", max_fun=4, random_state=0)
    with pytest.warns(ConvergenceWarning, match="4 evaluations .* raise max_fun"):
        model.fit(*digits)
    assert model.stop_reason_ == "stopped"
    assert (
        sum(model.history_["evaluations"][:-1])
        < 4
        <= sum(model.history_["evaluations"])
    )
    model.set_params(stopping=[MaxEvaluations("evaluations", 4)])
    with pytest.warns(ConvergenceWarning, match="4 evaluations"):
        model.fit(*digits)


@pytest.mark.slow
def test_a_run_that_converged_as_its_evaluations_ended_is_not_warned_about(digits):
    """Nor is one that ended by another rule, or with evaluations left."""
    for how in (
        {"max_fun": 4, "tol": 1e9},
        {"stopping": [MaxEvaluations("evaluations", 4), LossBelow("loss", 1e9)]},
        {"stopping": [MaxEvaluations("evaluations", 5), NoImprovement("loss", 1e9, 1)]},
        {"stopping": [MaxEvaluations("evaluations", 99), LossBelow("loss", 2.2)]},
    ):
        model = MLPClassifier((5,), solver="lbfgs", random_state=0, **how)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            assert model.fit(*digits).stop_reason_ == "stopped"
