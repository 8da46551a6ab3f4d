"""The race of recurrent layers: what is counted, and who takes part."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from benchmarks.arena import Lap
from benchmarks.recurrent import (
    BOUNDS,
    RAGGED,
    VARIANTS,
    Case,
    contenders,
    lamina_task,
    layers,
    ragged_table,
    variant_table,
)
from lamina import RNN


def test_real_steps_are_counted_and_nothing_stands_behind_the_last():
    X, y = RAGGED.data()
    real = np.arange(RAGGED.steps) < RAGGED.lengths[:, None]
    assert {20, 64} == {RAGGED.lengths.min(), RAGGED.lengths.max()}
    assert RAGGED.units == RAGGED.epochs * real.sum()
    assert np.count_nonzero(X.any(axis=2)) == real.sum()
    assert np.unique(y).size == 10
    assert Case("LSTM").units == 5 * 1280 * 64


def test_rivals_run_both_forms_and_on_ragged_sequences_both_ways():
    plain = {one.name for one in contenders(Case("GRU"))}
    assert {
        "lamina",
        "PyTorch, batch first, 1 thread",
        "PyTorch, time first, 1 thread",
        "Keras, JAX",
    } <= plain
    ragged = {one.name for one in contenders(RAGGED)}
    assert {
        "PyTorch, batch first, packed, 1 thread",
        "PyTorch, time first, filled up, 1 thread",
    } <= ragged


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("shortest", [3, 6])
def test_lamina_learns_what_the_case_says(shortest, monkeypatch):
    monkeypatch.setattr("benchmarks.recurrent.UNITS", 4)
    monkeypatch.setattr("benchmarks.recurrent.BATCH", 20)
    case = Case("RNN", steps=6, shortest=shortest, features=2, rows=20, epochs=1)
    task, units = lamina_task(**asdict(case))
    model: Any = task()
    assert units == case.lengths.sum()
    assert model.network_.layers[0] == RNN(4)
    assert model.max_length_ == 6


def test_there_is_a_layer_for_every_name():
    assert {*layers(8)} == {*BOUNDS, *VARIANTS}


def lap(name: str, *seconds: float) -> Lap:
    cores = [1.0] * len(seconds)
    return Lap(name, 100.0, [*seconds], cores, failure="" if seconds else "broke down")


def test_a_variant_may_take_half_as_long_again_as_the_plain_lstm():
    table = variant_table([lap("LSTM", 1.0), lap("a", 1.4), lap("b", 1.6), lap("c")])
    assert [claim.kept for claim in table.claims] == [True, False, False]
    assert table.claims[2].value is None


def test_many_lengths_are_compared_with_the_fastest_and_promise_nothing():
    table = ragged_table([lap("lamina", 1.0), lap("a", 4.0), lap("b", 2.0)])
    assert table.rows[-1].name == "lamina ÷ b"
    assert table.rows[-1].value == 2.0
    assert not table.claims
