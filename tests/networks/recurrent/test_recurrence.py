"""The way back through time is that of automatic differentiation."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import GRU, LSTM, RNN
from lamina.networks.recurrent.recurrence import recur

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("cell", [RNN(3), LSTM(3), GRU(3, "before")], ids=repr)
def test_written_out_derivatives_are_the_automatic_ones(cell):
    rng = np.random.default_rng(0)
    gates = len(cell.halved)
    U = jnp.asarray(rng.standard_normal((3, 3 * gates)))
    u = jnp.asarray(rng.standard_normal((6, 2, 3 * gates)))
    own, recurrent = cell._own({}, U)
    start = tuple([jnp.zeros((2, n)) for n in cell.widths()])

    def automatic(own, recurrent, u):
        def step(states, u_t):
            states, _ = cell.step(own, states, u_t, states[0] @ recurrent)
            return states, states[0]

        return jax.lax.scan(step, start, u)[1]

    written: Any = partial(recur, cell)
    h, back = jax.vjp(written, own, recurrent, u)
    right, automatic_back = jax.vjp(automatic, own, recurrent, u)
    np.testing.assert_allclose(h, right, atol=1e-14)
    delta = jnp.asarray(rng.standard_normal(h.shape))
    found, wanted = back(delta), automatic_back(delta)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)
