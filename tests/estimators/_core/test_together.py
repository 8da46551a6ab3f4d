"""Estimators fitted side by side are what each would be alone."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from lamina import MLPClassifier, MLPRegressor, RecurrentRegressor
from lamina.estimators._core.together import fit_together
from lamina.networks import GRU

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4))
Y = X @ RNG.standard_normal((4, 2)) + 0.1 * RNG.standard_normal((60, 2))


def mlps(n=3, **how):
    common = {"hidden_layer_sizes": (5,), "max_iter": 8, "dtype": "float64"}
    return [MLPRegressor(random_state=i, **common | how) for i in range(n)]


def assert_as_alone(together, alone, X=X):
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-9)
        assert one.stop_reason_ == other.stop_reason_
        assert (one.n_iter_, one.t_, one.n_features_in_) == (
            *(other.n_iter_, other.t_, other.n_features_in_),
        )
        assert list(one.history_) == list(other.history_)
        for name, values in one.history_.items():
            np.testing.assert_allclose(values, other.history_[name], rtol=1e-9)
        assert one.diagnostics_["epoch"] == other.diagnostics_["epoch"]
        np.testing.assert_allclose(
            one.diagnostics_["update"], other.diagnostics_["update"], rtol=1e-6
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"solver": "lbfgs"},
        {"dropout": 0.2, "alpha": 0.1, "max_iter": 40},
        {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 40},
        {"solver": "sgd", "learning_rate": "adaptive", "max_iter": 40, "tol": 0.01},
    ],
    ids=["adam", "lbfgs", "dropout", "early stopping", "adaptive"],
)
def test_networks_learn_side_by_side_what_they_do_alone(how):
    """Those that stop early hold out other rows each."""
    together = fit_together(mlps(**how), X, Y)
    assert_as_alone(together, [one.fit(X, Y) for one in mlps(**how)])


@pytest.mark.slow
def test_sequences_of_one_length():
    series = RNG.standard_normal((40, 6, 2))

    def made():
        return [
            RecurrentRegressor([GRU(4)], max_iter=4, random_state=i, dtype="float64")
            for i in range(3)
        ]

    together = fit_together(made(), series, series[:, -1, 0])
    alone = [one.fit(series, series[:, -1, 0]) for one in made()]
    assert_as_alone(together, alone, series)


@pytest.mark.slow
def test_one_program_trains_them_all():
    fit_together(mlps(4), X, Y)
    found = fit_together(mlps(4, alpha=0.5), X, Y)
    assert [one.n_compiles_ for one in found] == [0] * 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [{"refit": "restart", "early_stopping": True}, {"warm_start": True}]
)
def test_what_takes_more_than_one_loop_is_fitted_one_after_another(how):
    together = fit_together(mlps(2, **how), X, Y)
    for one, other in zip(together, mlps(2, **how), strict=True):
        np.testing.assert_array_equal(one.predict(X), other.fit(X, Y).predict(X))


def test_regressors_that_are_no_networks():
    first, second = fit_together([LinearRegression(), LinearRegression()], X, Y)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))


@pytest.mark.slow
def test_each_ones_callbacks_are_told_of_it_as_if_it_were_alone():
    told = [[], []]
    models = mlps(2)
    for i, one in enumerate(models):
        one.callbacks = [lambda p, i=i: told[i].append((p.model, p.record["loss"]))]
    for seen, one in zip(told, fit_together(models, X, Y), strict=True):
        assert seen == [(0, loss) for loss in one.history_["loss"]]


@pytest.mark.slow
def test_ctrl_c_ends_them_all():
    models = mlps(3)

    def interrupt(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    models[1].callbacks = [interrupt]
    found = fit_together(models, X, Y)
    assert [one.stop_reason_ for one in found] == ["interrupted"] * 3


def test_ctrl_c_leaves_out_those_that_had_not_begun():
    def interrupt(progress):
        raise KeyboardInterrupt

    models = mlps(3, warm_start=True)
    models[1].callbacks = [interrupt]
    assert fit_together(models, X, Y) == models[:2]


@pytest.mark.slow
def test_the_first_ones_progress_is_shown(capsys):
    fit_together(mlps(2, verbose=True, max_iter=3), X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"Iteration {i}" for i in (1, 2, 3)
    ]


def test_a_fit_that_is_refused_changes_none():
    models = mlps(2)
    before = [dict(vars(one)) for one in models]
    with pytest.raises(ValueError, match="inconsistent"):
        fit_together(models, X, Y[:-1])
    assert [dict(vars(one)) for one in models] == before


@pytest.mark.slow
def test_classifiers_too():
    classes = (Y[:, 0] > 0).astype(int)

    def made():
        return [MLPClassifier((5,), max_iter=5, random_state=i) for i in range(2)]

    for one, other in zip(fit_together(made(), X, classes), made(), strict=True):
        alone = other.fit(X, classes).predict_proba(X)
        np.testing.assert_allclose(one.predict_proba(X), alone, atol=1e-5)
        assert one.classes_.tolist() == [0, 1]
