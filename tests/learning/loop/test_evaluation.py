"""Passes in order: δ and attacks worked by hand, block by block."""

import numpy as np
import pytest
from scipy.special import softmax

from lamina.learning import (
    FGSM,
    L2,
    PGD,
    Dataset,
    LabelSmoothing,
    Loader,
    Objective,
    Validation,
    adversarial_examples,
)
from lamina.learning.loop import evaluation as module
from lamina.learning.loop.compiled_step import compiled_evaluate
from lamina.learning.loop.evaluation import deltas, in_order, validate, validate_each
from lamina.learning.loop.side_by_side import stack
from lamina.networks import Dense, Dropout, Key, Network

pytestmark = pytest.mark.usefixtures("x64")

NETWORK = Network((Dropout(0.9), Dense(3, "softmax")))
OBJECTIVE = Objective(NETWORK, "cross_entropy", (L2(1.0), LabelSmoothing(0.5)))
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((11, 4)), RNG.integers(0, 3, 11)
PARAMS, _ = NETWORK.init(Key(0), (4,), np.float64)


def loader(resident=True, rows=None, weight=None):
    examples = Dataset(X, Y, weight, dtype=np.float64, resident=resident)
    return Loader(examples, rows, batch_size=4)


def delta():
    """a − y, with nothing of what training adds."""
    a = softmax(X @ PARAMS[1]["weight"] + PARAMS[1]["bias"], axis=1)
    return a - np.eye(3)[Y]


@pytest.mark.parametrize("resident", [True, False], ids=["resident", "streaming"])
def test_rows_come_in_order(resident):
    rows = np.array([7, 2, 9, 0, 4])
    seen = [
        (np.asarray(data.x)[np.minimum(order, len(data.x) - 1)].reshape(-1, 4), places)
        for data, order, places in in_order(loader(resident, rows))
    ]
    assert np.concatenate([places for _, places in seen]).tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in seen])[:5], X[rows])


@pytest.mark.parametrize("resident", [True, False], ids=["resident", "streaming"])
def test_lengths_of_delta_by_hand(resident):
    length = deltas(OBJECTIVE, PARAMS, loader(resident, weight=np.arange(11.0)))
    np.testing.assert_allclose(length, np.linalg.norm(delta(), axis=1), rtol=1e-12)


@pytest.mark.parametrize("resident", [True, False], ids=["resident", "streaming"])
def test_fast_gradient_sign_by_hand(resident):
    """x̃ = x + ε sign(W (a − y)), the same for examples of any weight."""
    attack, data = FGSM(0.1), loader(resident, weight=np.arange(11.0))
    moved = adversarial_examples(OBJECTIVE, PARAMS, attack, data, Key(0))
    right = X + 0.1 * np.sign(delta() @ PARAMS[1]["weight"].T)
    np.testing.assert_allclose(moved, right, rtol=1e-12)


def test_random_starts_derive_from_the_key():
    attack, rows = PGD(0.1, steps=1, step_size=0.01), np.zeros(8, int)
    one, again, other = (
        adversarial_examples(OBJECTIVE, PARAMS, attack, loader(rows=rows), Key(seed))
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
    assert len(np.unique(one[:, 0])) == 8  # each row has a start of its own
    assert np.max(np.abs(one - X[rows])) <= 0.1 + 1e-12


# ---- many models --------------------------------------------------------------------


def held(rows=None, resident=True):
    return Validation(loader(resident, rows), lambda outputs: float(outputs[0, 0]))


def many(n):
    params = [NETWORK.init(Key(i), (4,), np.float64)[0] for i in range(n)]
    return [OBJECTIVE] * n, params


@pytest.mark.parametrize("resident", [True, False], ids=["resident", "streaming"])
def test_models_are_evaluated_together_as_one_by_one(resident, monkeypatch):
    calls = []
    monkeypatch.setattr(
        module,
        "compiled_evaluate",
        lambda *args: calls.append(1) or compiled_evaluate(*args),
    )
    objectives, params = many(3)
    common = held(resident=resident)
    found = validate_each(objectives, stack(params), [common] * 3, [0, 2])
    assert len(calls) == 1
    assert list(found) == [0, 2]
    for i, record in found.items():
        alone = validate(OBJECTIVE, params[i], common)
        assert record == pytest.approx(alone, rel=1e-12)


def test_each_model_may_hold_out_rows_of_its_own():
    objectives, params = many(3)
    each = [held(np.array([1, 5])), None, held(np.array([7, 2, 3]))]
    found = validate_each(objectives, stack(params), each, [0, 1, 2])
    assert list(found) == [0, 2]
    for i, record in found.items():
        assert record == validate(OBJECTIVE, params[i], each[i])


def test_without_validation_there_is_nothing_to_tell():
    objectives, params = many(2)
    assert validate_each(objectives, stack(params), [None, None], [0, 1]) == {}
    assert validate_each(objectives, stack(params), [held()] * 2, []) == {}
