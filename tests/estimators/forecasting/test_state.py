"""What a forecaster keeps, by hand."""

from types import SimpleNamespace

import numpy as np

from lamina.estimators.forecasting.state import FittedForecaster
from lamina.storage.records import Record
from lamina.storage.rules import Scope, fits

KINDS = Record(FittedForecaster).kinds


def scope(**fields):
    found = Scope(SimpleNamespace(seasonal_period=2, horizon=3))
    vars(found).update({"window": 4, "n_series": 2} | fields)
    return found


def test_the_ends_of_all_series_are_a_window_and_a_season_long():
    assert fits(KINDS["tails"], [np.zeros(6)] * 2, scope())
    for wrong in ([np.zeros(6)], [np.zeros(5)] * 2, (np.zeros(6),) * 2, None):
        assert not fits(KINDS["tails"], wrong, scope())


def test_what_is_known_beforehand_has_a_scale():
    known = [np.zeros((6, 3))] * 2
    assert fits(KINDS["known"], known, scope(known_spread=np.ones(3)))
    assert not fits(KINDS["known"], known, scope(known_spread=np.ones(2)))
    assert not fits(KINDS["known"], known, scope())
    assert fits(KINDS["known"], None, scope())


def test_residuals_are_of_as_many_steps_as_are_forecast():
    assert fits(KINDS["residuals"], np.zeros((5, 3)), scope())
    assert not fits(KINDS["residuals"], np.zeros((5, 2)), scope())
