"""The long-lag experiment: what counts as success, and what is claimed."""

import numpy as np
import pytest

from benchmarks.long_lag import (
    LAGS,
    LASTING,
    SEEDS,
    Trial,
    explored,
    farthest,
    rate_of,
    set_biases,
    starts,
    tables,
    tried,
)
from lamina.networks import Key


def trials(layer: str, until: int) -> list[Trial]:
    """A layer that learns up to a lag and guesses at longer ones."""
    return [
        Trial(layer, lag, seed, 0.96 if lag <= until else 0.5, 2048)
        for lag in LAGS
        for seed in SEEDS
    ]


def test_a_layer_reaches_as_far_as_all_seeds_succeed_at_all_shorter_lags():
    found = trials("RNN", 50)
    assert rate_of(found, "RNN", 50) == 1
    assert rate_of(found, "RNN", 100) == 0
    assert farthest(found, "RNN") == 50
    assert farthest([*found, Trial("RNN", 20, 9, 0.9)], "RNN") == 10
    assert farthest(trials("RNN", 5), "RNN") == 0


@pytest.mark.parametrize(("until", "kept"), [(20, True), (100, False), (5, False)])
def test_the_simple_network_has_to_fail_but_not_at_ten_steps(until, kept):
    found = trials("RNN", until) + [t for n in LASTING for t in trials(n, 1000)]
    first, *others = tables(found)
    assert all(claim.kept for claim in first.claims) is kept
    assert [table.title for table in others] == ["RNN", *LASTING]
    assert others[0].rows[0].note.endswith("2,048 sequences") is (until >= 10)


def test_the_simple_network_may_learn_a_hundred_steps_from_some_seeds():
    found = [
        trial._replace(accuracy=1.0) if trial[1:3] == (100, SEEDS[0]) else trial
        for trial in trials("RNN", 50)
    ] + [t for n in LASTING for t in trials(n, 1000)]
    assert 0 < rate_of(found, "RNN", 100) < 1
    assert all(claim.kept for claim in tables(found)[0].claims)


def test_what_fails_twice_is_not_tried_further(monkeypatch):
    limits = {10: 0.5, 20: 1.0, 50: 0.5, 100: 0.94}
    monkeypatch.setattr(
        "benchmarks.long_lag.tried",
        lambda trial: trial._replace(accuracy=limits[trial.lag], seen=1024),
    )
    found = explored("RNN")
    assert [trial.lag for trial in found] == sorted([*limits] * len(SEEDS))
    rows = tables(found)[1].rows
    assert [row.value for row in rows] == [0, 1, 0, 0, None, None, None]
    assert rows[-1].note == "not tried"


def test_what_is_to_last_has_to_reach_a_thousand():
    found = trials("RNN", 20) + [t for n in LASTING for t in trials(n, 500)]
    assert sum(not claim.kept for claim in tables(found)[0].claims) == len(LASTING)


def test_all_that_last_are_tried():
    assert {*LASTING, "RNN"} < {*starts()}


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("LSTM, lasting", [-3, 7, 0, 0]),
        ("LSTM 1997, lasting", [-3, 0, 0]),
        ("LSTM coupled, lasting", [7, 0, 0]),
        ("GRU, lasting", [0, -7, 0]),
        ("GRU before", [0, 0, 0]),
    ],
)
def test_what_is_to_last_starts_with_these_biases(name, blocks):
    start = starts()[name]
    params, _ = start.layer.init(Key(0), (5, 2))
    bias = np.array(params["bias"])
    set_biases(bias, start)
    np.testing.assert_array_equal(bias, np.repeat(blocks, 16))


@pytest.mark.slow
def test_a_trial_ends_when_it_is_solved(monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.long_lag.SOLVED", 0.0)
    found = tried(Trial("RNN", 3, 0))
    assert found.seen == 1024
    assert capsys.readouterr().out.startswith("RNN 3 0 ")
