"""Where learning is: what is noted, and how it is taken up again."""

import dataclasses
import math

import numpy as np
import pytest

from lamina.learning import NoImprovement
from lamina.learning.loop.snapshot import is_plain, plain
from lamina.learning.loop.state import ModelState, Standing, Weights, Within

pytestmark = pytest.mark.usefixtures("x64")

PARAMS = {"w": np.arange(6.0).reshape(2, 3)}
ROWS = np.arange(10)


def standing(**how):
    return Standing((NoImprovement("loss", 0.1, 3),), **how)


def state(models=2, **how):
    """Two models, the second of which has stopped after one epoch."""
    weights = Weights(PARAMS, {"v": np.ones((2, 3))})
    each = [
        standing(epochs=2, history={"loss": [2.0, 1.0]}, least=1.0, least_epoch=2),
        standing(epochs=1, history={"loss": [3.0]}, reason="stopped", plateaus=1),
    ]
    return ModelState(weights, weights, each[:models], 1, 2, **how)


def fresh(models=2):
    weights = Weights({"w": np.zeros((2, 3))}, {"v": np.zeros((2, 3))})
    return ModelState(weights, weights, [standing() for _ in range(models)], 1, 0)


def restored(saved, models=2):
    now = fresh(models)
    now.restore(saved, [ROWS] * models)
    return now


def test_every_field_is_noted():
    """Who adds a field adds it to the snapshot."""
    noted = state().noted()
    fields = {field.name for field in dataclasses.fields(ModelState)}
    assert set(noted) == fields - {"each"} | {"models"}
    own = {field.name for field in dataclasses.fields(Standing)}
    assert all(set(one) == own for one in noted["models"])


def test_what_was_noted_comes_back():
    now = state(best_params={"w": np.full((2, 3), 7.0)})
    now.each[0].rules[0]({"loss": 1.0})
    now.each[0].selected = np.array([1, 3])
    saved = plain(now.noted())
    assert is_plain(saved)
    again = restored(saved)
    np.testing.assert_array_equal(again.weights.params["w"], PARAMS["w"])
    np.testing.assert_array_equal(again.best_params["w"], 7.0)
    assert again.anchor is again.weights
    assert [one.rules[0].best for one in again.each] == [1.0, math.inf]
    assert again.each[0].selected.tolist() == [1, 3]
    assert again.threads == 2
    for one, other in zip(again.each, now.each, strict=True):
        assert (one.epochs, one.reason, one.history) == (
            *(other.epochs, other.reason, other.history),
        )
        assert (one.least, one.least_epoch, one.plateaus) == (
            *(other.least, other.least_epoch, other.plateaus),
        )


def test_an_anchor_elsewhere_and_an_epoch_under_way_come_back():
    now = state()
    now.anchor = Weights({"w": np.full((2, 3), 5.0)}, now.weights.state)
    sums = [{"loss": np.array([[1.0, 9.0], [2.0, 9.0]])}] * 2
    now.within = Within(4, now.anchor, sums)
    again = restored(plain(now.noted()))
    np.testing.assert_array_equal(again.anchor.params["w"], 5.0)
    assert again.within.step == 4
    np.testing.assert_array_equal(again.within.weights.params["w"], 5.0)
    np.testing.assert_array_equal(again.within.sums[0]["loss"], [[2.0], [4.0]])


def test_a_note_is_of_the_moment_it_was_taken():
    """History grows and rules count on, but the note does not."""
    now = state()
    note = now.noted()
    now.each[0].history["loss"].append(0.5)
    now.each[0].rules[0]({"loss": 0.5})
    saved = plain(note)
    assert saved["models"][0]["history"] == {"loss": [2.0, 1.0]}
    assert saved["models"][0]["rules"][0]["best"] == math.inf


def test_a_history_of_other_epochs_is_refused():
    saved = plain(state().noted())
    saved["models"][0]["epochs"] = 5
    with pytest.raises(ValueError, match="history"):
        restored(saved)


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="argument"):
        restored(plain(state().noted()), models=1)


def test_positions_tell_steps_epochs_and_ends_apart():
    now = state()
    seen = {now.position}
    now.within = Within(3, now.weights)
    seen.add(now.position)
    now.each[0].epochs += 1
    seen.add(now.position)
    now.each[0].reason = "stopped"
    seen.add(now.position)
    assert len(seen) == 4


def test_the_best_of_a_model_is_known_once_it_has_one():
    now = state(best_params={"w": np.stack([np.zeros(3), np.ones(3)])})
    assert now.best_of(0) is None
    now.each[1].best = 0.5
    np.testing.assert_array_equal(now.best_of(1)["w"], [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(now.params_of(1)["w"], PARAMS["w"][1])
    assert state().best_of(0) is None


def test_epochs_of_earlier_calls_count():
    one = Standing(first_epoch=5, epochs=2)
    assert one.epoch == 7
    assert one.losses == []
