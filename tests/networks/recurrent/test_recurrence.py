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


@pytest.mark.slow
@pytest.mark.parametrize("cell", [RNN(3), LSTM(3), GRU(3, "before")], ids=repr)
@pytest.mark.parametrize("lengths", [None, [6, 0, 2]], ids=str)
def test_written_out_derivatives_are_the_automatic_ones(cell, lengths):
    rng = np.random.default_rng(0)
    gates = len(cell.halved)
    U = jnp.asarray(rng.standard_normal((3, 3 * gates)))
    u = jnp.asarray(rng.standard_normal((6, 3, 3 * gates)))
    own, recurrent = cell._own({}, U)
    start = tuple([jnp.asarray(rng.standard_normal((3, n))) for n in cell.widths()])

    def automatic(own, recurrent, u, start):
        def step(states, u_t):
            states, _ = cell.step(own, states, u_t, states[0] @ recurrent)
            return states, states

        _, states = jax.lax.scan(step, start, u)
        steps = len(u) if lengths is None else lengths
        every = [
            jnp.concatenate([s[None], a]) for s, a in zip(start, states, strict=True)
        ]
        return states[0], tuple([a[steps, jnp.arange(3)] for a in every])

    written: Any = partial(recur, cell)
    lengths = None if lengths is None else jnp.asarray(lengths)
    found, back = jax.vjp(
        lambda *args: written(*args, lengths), own, recurrent, u, start
    )
    right, automatic_back = jax.vjp(automatic, own, recurrent, u, start)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-14)
    delta = jax.tree.map(lambda a: jnp.asarray(rng.standard_normal(a.shape)), found)
    found, wanted = back(delta), automatic_back(delta)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)
