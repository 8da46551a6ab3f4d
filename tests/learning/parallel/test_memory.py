"""Memory: what is free, and the refusal with both numbers."""

import numpy as np
import pytest

from lamina.learning import SGD
from lamina.learning.parallel import memory
from lamina.learning.parallel.memory import check_memory, free_memory
from lamina.learning.protocols import Algorithm

PARAMS = ({"weight": np.zeros((3, 4), np.float32), "bias": np.zeros(4, np.float32)},)


class Square(Algorithm):
    """Needs a matrix of parameters × parameters."""

    def memory_bytes(self, n_params, n_rows, n_outputs, itemsize):
        """Return its bytes, and make the other arguments visible."""
        return n_params**2 * itemsize + n_rows + n_outputs

    def init(self, params):
        return {}

    update = None


def test_free_memory_is_a_positive_number():
    assert 2**20 < free_memory() < float("inf")


def test_without_proc_the_physical_memory_counts(monkeypatch):
    def no_file(*args, **kwargs):
        raise OSError

    monkeypatch.setattr("builtins.open", no_file)
    assert free_memory() >= 2**20


def test_what_fits_is_let_through(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: (16**2 * 4 + 7 + 4) / 0.8)
    check_memory(Square(), PARAMS, rows=7)


def test_what_does_not_fit_is_refused_with_the_numbers(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1000.0)
    with pytest.raises(ValueError, match=r"Square needs about 1,035 bytes .* 16 param"):
        check_memory(Square(), PARAMS, rows=7)


def test_an_algorithm_without_large_arrays_always_fits(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 0.0)
    check_memory(SGD(), PARAMS, rows=10**12)
