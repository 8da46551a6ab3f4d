"""From parameters to descriptions; what both perceptrons share."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score

from lamina import (
    LBFGS,
    SGD,
    Adam,
    Adaptive,
    Dense,
    Dropout,
    InverseScaling,
    MLPClassifier,
    MLPRegressor,
    Network,
)
from lamina.estimators.feedforward import _is_head, _per_layer
from lamina.learning import (
    FGSM,
    Below,
    BoldDriver,
    Cosine,
    NoImprovement,
    Step,
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
    assert MLPClassifier(**params)._algorithm() == algorithm


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
    assert MLPRegressor(**params)._schedule() == schedule


def test_network_of_sizes():
    model = MLPClassifier((5, 4), "tanh", dropout=0.5, input_dropout=0.2, init="he")
    assert model._network("softmax", 3) == Network(
        (
            Dropout(0.2),
            Dense(5, "tanh", "he"),
            Dropout(0.5),
            Dense(4, "tanh", "he"),
            Dropout(0.5),
            Dense(3, "softmax", "he"),
        )
    )
    assert MLPClassifier(7)._network("logistic", 1).layers[0].units == 7
    assert MLPClassifier(())._network("identity", 2) == Network((Dense(2, "identity"),))


def test_what_counts_as_the_output_layer():
    assert _is_head(Dense(3, "softmax"), 3)
    assert _is_head(Dense(1, "identity"), 1)
    assert not _is_head(Dense(3, "relu"), 3)
    assert not _is_head(Dense(4, "identity"), 3)
    assert not _is_head(Dropout(0.1), 3)
    with pytest.raises(ValueError, match="softmax layer has 4 units"):
        _is_head(Dense(4, "softmax"), 3)


def test_one_value_for_all_layers_or_one_each():
    assert _per_layer("dropout", 0.1, 2) == [0.1, 0.1]
    assert _per_layer("dropout", (0.1, 0.2), 2) == [0.1, 0.2]
    with pytest.raises(ValueError, match="dropout has 1 entries for 2 hidden layers"):
        _per_layer("dropout", [0.1], 2)


@pytest.mark.parametrize(
    ("batch_size", "n", "expected"),
    [("auto", 500, 200), ("auto", 30, 30), ("full", 500, 500), (32, 500, 32)],
)
def test_batch_sizes(batch_size, n, expected):
    model = MLPClassifier(batch_size=batch_size)
    model._algorithm_in_use = Adam()
    assert model._batch_size(n) == expected
    model._algorithm_in_use = LBFGS()
    assert model._batch_size(n) == n


def test_a_batch_larger_than_the_data_is_clipped_with_a_warning():
    model = MLPClassifier(batch_size=100)
    model._algorithm_in_use = Adam()
    with pytest.warns(UserWarning, match="batch_size=100 is larger.*clipped to 30"):
        assert model._batch_size(30) == 30


def test_validation_rows_are_outside_training():
    seen = []
    X = np.arange(40.0)[:, None]
    model = MLPRegressor(hidden_layer_sizes=(2,), early_stopping=True, max_iter=1)
    train = model._train
    model._train = lambda feed, validation, incremental: (
        seen.append((feed.rows, validation.feed.rows)),
        train(feed, validation, incremental),
    )
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(X, X[:, 0])
    (rows, held), *_ = seen
    assert len(held) == 4
    assert sorted([*rows, *held]) == list(range(40))


# ---- schedules, rules, refit --------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300] / 16, y[:300]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("cosine", Cosine()), ("bold_driver", BoldDriver()), (Step(5, 0.5),) * 2],
)
def test_a_schedule_by_name_or_with_its_numbers(schedule, expected):
    assert MLPClassifier(schedule=schedule)._schedule() == expected
    assert MLPRegressor(solver="sgd", schedule=schedule)._schedule() == expected


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"schedule": "cosines"}, "schedule must be one of"),
        ({"schedule": "cosine", "solver": "lbfgs"}, "no learning rate to schedule"),
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


def test_own_rules_take_the_place_of_tol(digits):
    rules = [Below("loss", 1.0)]
    model = MLPClassifier((20,), stopping=rules, random_state=0, tol=1e9).fit(*digits)
    assert model.stopped_ == "stopped"
    assert model.loss_ <= 1.0 < model.loss_curve_[-2]


def test_rules_start_afresh_in_every_fit(digits):
    """A rule counts; the one that was given is left as it was."""
    rule = NoImprovement("loss", 1e9, 3)
    model = MLPClassifier((3,), stopping=[rule], random_state=0)
    assert model.fit(*digits).n_iter_ == model.fit(*digits).n_iter_ == 5
    assert rule == NoImprovement("loss", 1e9, 3)


def test_early_stopping_by_the_loss_gives_back_its_lowest_weights(digits):
    model = MLPClassifier(
        (20,),
        early_stopping=True,
        monitor="loss",
        learning_rate_init=0.05,
        random_state=1,
    ).fit(*digits)
    losses = model.history_["validation_loss"]
    assert model.stopped_ == "stopped"
    assert model.best_epoch_ == int(np.argmin(losses)) + 1 < model.n_iter_
    short = clone(model).set_params(max_iter=model.best_epoch_)
    with pytest.warns(UserWarning, match="max_iter"):
        short.fit(*digits)
    np.testing.assert_array_equal(short.coefs_[0], model.coefs_[0])


@pytest.fixture(scope="module")
def stopped_early(digits):
    model = MLPClassifier(
        (20,), early_stopping=True, learning_rate_init=0.01, random_state=1
    )
    return model.fit(*digits)


def test_refit_by_restarting_is_a_fit_of_all_rows(stopped_early, digits):
    """Deck 002's first way: fresh weights, as many epochs as were best, all rows."""
    again = clone(stopped_early).set_params(refit="restart").fit(*digits)
    best = stopped_early.best_epoch_
    assert again.refit_n_iter_ == best
    assert again.history_["loss"] == stopped_early.history_["loss"]
    plain = clone(stopped_early).set_params(early_stopping=False, max_iter=best)
    with pytest.warns(UserWarning, match="max_iter"):
        plain.fit(*digits)
    for a, b in zip(again.coefs_, plain.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_refit_by_continuing_stops_below_the_validation_loss(stopped_early, digits):
    """Deck 002's second way; with dropout the training loss is the larger one."""
    again = clone(stopped_early).set_params(refit="continue", dropout=0.3).fit(*digits)
    bound = again.history_["validation_loss"][again.best_epoch_ - 1]
    losses = again.history_["refit_loss"]
    assert losses[-1] < bound
    assert all(loss >= bound for loss in losses[:-1])
    assert len(losses) == again.refit_n_iter_ > 1


def test_refit_learns_from_a_validation_set_of_ones_own(digits):
    """The rows of both sets together, as if they had been one."""
    X, y = digits
    model = MLPClassifier(
        (5,), early_stopping=True, refit="restart", random_state=0, max_iter=3
    )
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    plain = clone(model).set_params(
        early_stopping=False, refit=None, max_iter=model.best_epoch_
    )
    with pytest.warns(UserWarning, match="max_iter"):
        plain.fit(X, y)
    np.testing.assert_array_equal(plain.coefs_[0], model.coefs_[0])


# ---- missing labels -----------------------------------------------------------------


def test_missing_targets_train_each_task_on_its_own_rows():
    """Linear tasks share nothing: each is its own regression, in weights and score."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    Y = X @ rng.normal(size=(3, 2)) + 0.1 * rng.normal(size=(80, 2))
    Y[rng.random(Y.shape) < 0.3] = np.nan
    how = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-9}
    model = MLPRegressor(**how, dtype="float64", random_state=0).fit(X, Y)
    scores = []
    for j in range(2):
        own = ~np.isnan(Y[:, j])
        alone = MLPRegressor(**how, dtype="float64", random_state=0)
        alone.fit(X[own], Y[own, j])
        np.testing.assert_allclose(
            model.coefs_[0][:, j], alone.coefs_[0][:, 0], atol=1e-5
        )
        scores.append(r2_score(Y[own, j], model.predict(X[own])[:, j]))
    assert model.score(X, Y) == pytest.approx(np.mean(scores), rel=1e-9)


def test_missing_labels_are_masked_in_early_stopping_and_score_too():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 5))
    Y = (X[:, :2] > 0).astype(float)
    missing = rng.random(Y.shape) < 0.4
    missing[0] = True  # a row of which nothing is known
    Y[missing] = np.nan
    model = MLPClassifier(
        (10,), early_stopping=True, random_state=0, learning_rate_init=0.05
    ).fit(X, Y)
    right = (model.predict(X) == Y) | missing
    some = ~missing.all(axis=1)
    assert model.score(X, Y) == pytest.approx(right.all(axis=1)[some].mean())
    assert model.score(X, Y) > 0.9
    assert np.all(np.isfinite(model.history_["score"]))


def test_what_was_filled_in_for_missing_labels_changes_nothing():
    """The same weights, whatever stands in the places that NaN hides."""
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    Y[::3, 0] = np.nan
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0)
    with pytest.warns(UserWarning, match="max_iter"):
        whole = model.fit(X, Y).coefs_[0].copy()
    frame = pd.DataFrame(Y)
    with pytest.warns(UserWarning, match="max_iter"):
        again = model.fit(X, frame).coefs_[0]
    np.testing.assert_array_equal(whole, again)


def test_a_column_without_any_label_is_refused():
    X, Y = np.ones((5, 2)), np.ones((5, 3))
    Y[:, 1] = np.nan
    with pytest.raises(ValueError, match="column 1 of y has no measured value"):
        MLPRegressor().fit(X, Y)


def test_a_single_target_must_be_known():
    with pytest.raises(ValueError, match="NaN"):
        MLPRegressor().fit(np.ones((3, 1)), [1.0, np.nan, 2.0])


# ---- noise and bounds reach the objective -------------------------------------------


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
    objective = model._objective()
    for name, value in numbers.items():
        assert getattr(objective, {"alpha": "l2"}.get(name, name)) == value
    lengths = np.linalg.norm(model.coefs_[0], axis=0)
    assert np.all(lengths <= 6 + 1e-6)


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
