"""What models keep, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from lamina.metrics.scores import Baseline
from lamina.models.state import (
    FittedEmbedding,
    FittedForecast,
    FittedPredictive,
    FittedSequences,
    as_times,
)
from lamina.storage.codec import decode, encode
from lamina.storage.records import Record
from lamina.storage.rules import fits


def test_scores_are_those_of_the_task_and_the_baseline_has_the_same():
    kinds = Record(FittedPredictive).kinds
    scope = SimpleNamespace(task="regression", scores={"rmse": 1.0})
    assert fits(kinds["scores"], {"rmse": 1.0, "r2": None}, scope)
    assert not fits(kinds["scores"], {"accuracy": 1.0}, scope)
    assert fits(kinds["baseline_scores"], {"rmse": None}, scope)
    assert not fits(kinds["baseline_scores"], {"rmse": 1.0, "mae": 1.0}, scope)
    scope.task = "classification"
    assert fits(kinds["scores"], {"accuracy": 1.0}, scope)
    assert not fits(kinds["task"], "eval")


def test_a_baseline_is_finite_numbers():
    for good in (Baseline(mean=np.ones(2)), Baseline(shares=np.ones(2)), Baseline()):
        found = decode(Baseline, *encode(good))
        assert repr(found) == repr(good)
    for bad in (Baseline(mean=np.array([np.nan])), Baseline(shares=np.ones((2, 2)))):
        with pytest.raises(ValueError, match="must be None or an array of finite"):
            decode(Baseline, *encode(bad))


def test_limits_and_components_are_as_wide_as_the_network():
    kinds, network = Record(FittedEmbedding).kinds, SimpleNamespace(n_features_in_=4)
    scope = SimpleNamespace(estimator=network, latent_dim=2)
    assert fits(kinds["limits"], (np.zeros(4), np.ones(4)), scope)
    assert fits(kinds["limits"], None, scope)
    for wrong in ((np.zeros(4), np.zeros(4)), (np.zeros(3), np.ones(4)), np.ones(4)):
        assert not fits(kinds["limits"], wrong, scope)
    assert fits(kinds["components"], np.ones((2, 4)), scope)
    assert not fits(kinds["components"], np.ones((3, 4)), scope)
    assert not fits(kinds["constants"], {"x": None})


def test_steps_ahead_are_those_of_every_series():
    kind, scope = Record(FittedForecast).kinds["ahead"], SimpleNamespace(horizon=2)
    for series, n in ((None, 1), (["a", "b"], 2)):
        scope.series = series
        assert fits(kind, [np.arange(2)] * n, scope)
        assert not fits(kind, [np.arange(2)] * 3, scope)
        assert not fits(kind, [np.arange(3)] * n, scope)


def test_times_come_back_in_the_unit_that_is_written():
    months = np.array(["2001-01", "2001-02"])
    found = as_times([months, np.arange(2)])
    assert found[0].dtype == np.dtype("datetime64[M]")
    assert found[1].tolist() == [0, 1]
    with pytest.raises(ValueError, match="datetime"):
        as_times([np.array(["soon"])])


def test_a_model_of_sequences_has_a_target():
    kinds = Record(FittedSequences).kinds
    assert fits(kinds["target"], ["t"])
    assert not fits(kinds["target"], [])
    assert fits(kinds["schema"], None)
