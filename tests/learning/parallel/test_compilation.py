"""Compiled programs: which arguments share one, and which are kept."""

import jax.numpy as jnp
import numpy as np
import pytest

from lamina.learning.parallel import compilation as module
from lamina.learning.parallel.compilation import Compiled

pytestmark = pytest.mark.usefixtures("x64")


@pytest.fixture
def doubled(monkeypatch):
    """A compiled function that keeps two programs, and the shapes it was traced for."""
    monkeypatch.setattr(module, "MAX_PROGRAMS", 2)
    traced = []

    def double(x):
        traced.append(x.shape)
        return 2 * x

    return Compiled(double), traced


def test_the_programs_used_last_are_kept(doubled):
    function, traced = doubled
    for n in (1, 2, 1, 3, 1, 2):  # 3 pushes out 2, and 2 pushes out 3
        assert function(np.ones(n)).tolist() == [2.0] * n
    assert traced == [(1,), (2,), (3,), (2,)]


def test_structure_shape_and_type_select_a_program_and_values_do_not(doubled):
    function, traced = doubled
    for x in (np.ones(2), np.zeros(2), jnp.ones(2)):
        function(x)
    assert len(traced) == 1
    function(np.ones(2, np.float32))
    assert len(traced) == 2
