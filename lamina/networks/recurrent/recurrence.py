"""Recurrence: a cell applied along time, and backpropagation through time.

A cell computes its states from those of the step before,

    v_t = h_{t−1} U,   states_t = f(states_{t−1}, u_t, v_t)

where u_t is the contribution of the inputs, computed for all steps at once, and h is
the first state. states_0 is 0, or the final state of an earlier run. f is elementwise,
so the derivatives of all steps are products of numbers that are known before the
backward pass begins: see :class:`Cell`.

Truncated to chunks of k steps, ∂ℓ/∂states_t is propagated no further than the first
step of its chunk, t = 0, k, 2k, …; the states themselves are carried over.

References
----------
Werbos (1990), Backpropagation through time, Proc. IEEE 78; Williams & Peng (1990), An
efficient gradient-based algorithm for on-line training of recurrent network
trajectories, Neural Computation 2 (truncated).
"""

from abc import ABC, abstractmethod
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from lamina.networks.core.arrays import Array

Arrays = tuple[Any, ...]


class Cell(ABC):
    """One step of a recurrent layer.

    Shapes: states (batch, width) each; u (batch, …) and v (batch, width of U); ``own``
    holds the cell's further parameters. Arrays of all steps have time as the first
    axis.
    """

    tbptt: int | None
    """Number of steps over which errors are propagated; None: all."""

    @abstractmethod
    def widths(self) -> tuple[int, ...]:
        """Return the width of each state, h first."""

    @abstractmethod
    def step(
        self, own: Array | Arrays, states: Arrays, u: Array, v: Array
    ) -> tuple[Arrays, Arrays]:
        """Return the next states, and what is kept for the derivatives."""

    @abstractmethod
    def factors(
        self, own: Array | Arrays, before: Arrays, after: Arrays, kept: Arrays
    ) -> Any:
        """Return the factors of the backward pass, for all steps at once."""

    @abstractmethod
    def back(
        self, own: Array | Arrays, factors: Arrays, delta: Arrays
    ) -> tuple[Any, Arrays, Arrays]:
        """Propagate errors back by one step.

        Parameters
        ----------
        own, factors
            The factors of this step.
        delta : tuple of arrays
            ∂ℓ/∂states_t, through all later steps and the output h_t.

        Returns
        -------
        dv, before, kept
            ∂ℓ/∂v_t; ∂ℓ/∂states_{t−1} without the path through v_t; and what
            :meth:`rest` needs.
        """

    @abstractmethod
    def rest(
        self, factors: Arrays, before: Arrays, after: Arrays, dv: Array, kept: Arrays
    ) -> tuple[Any, Any]:
        """Return ∂ℓ/∂u of all steps, and the gradient of the further parameters."""


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def recur(
    cell: Cell,
    own: Array | Arrays,
    recurrent: Array,
    u: Array,
    start: Arrays,
    lengths: Array | None = None,
) -> tuple[Any, Arrays]:
    """Return h of all steps, and the states after the last one.

    Parameters
    ----------
    cell, own, recurrent, u
        As above; U is ``recurrent``.
    start : tuple of arrays
        The states before the first step.
    lengths : int array (batch,), optional
        Number of real steps of each sequence; its last states are those after them. By
        default all.

    Shapes
    ------
    u (time, batch, …), U (width of h, …), states (batch, width), h (time, batch, width
    of h).

    Notes
    -----
    In the backward pass, automatic differentiation would add to the gradient of U in
    every step and compute derivatives of the activations there. Here one matrix product
    after the last step gives the gradient of U, and one pass over all steps gives the
    factors. The loop only has one product with Uᵀ and a few elementwise ones.
    """
    return _forward(cell, own, recurrent, u, start, lengths)[0]


def _forward(
    cell: Cell,
    own: Array | Arrays,
    recurrent: Array,
    u: Array,
    start: Arrays,
    lengths: Array | None,
) -> tuple[Any, Any]:
    def step(states: Arrays, u_t: Array) -> tuple[Arrays, Any]:
        states, kept = cell.step(own, states, u_t, states[0] @ recurrent)
        return states, (states, kept)

    end, (after, kept) = jax.lax.scan(step, start, u)
    if lengths is not None:
        # Padding runs through the cell as well; the last real states are picked out.
        end = tuple([_after(lengths, *pair) for pair in zip(start, after, strict=True)])
    return (after[0], end), (own, recurrent, start, after, kept, lengths)


def _after(lengths: Array, start: Array, after: Array) -> Any:
    """Return each example's state after its last real step, or the initial one."""
    last = jnp.maximum(lengths - 1, 0)[None, :, None]
    state = jnp.take_along_axis(after, last, axis=0)[0]
    return jnp.where(lengths[:, None] > 0, state, start)


def _backward(cell: Cell, saved: tuple, deltas: tuple) -> tuple[Any, ...]:
    own, recurrent, start, after, kept, lengths = saved
    delta, end = deltas
    before = tuple(
        [jnp.concatenate([s[None], a[:-1]]) for s, a in zip(start, after, strict=True)]
    )
    # Without the barrier XLA moves their computation into the loop, where it is slow.
    factors = jax.lax.optimization_barrier(cell.factors(own, before, after, kept))
    turned, goes_on, ends = recurrent.T, None, None
    none = tuple([jnp.zeros_like(d) for d in end])
    if lengths is not None:  # errors of the last states enter at their steps
        ends = jnp.arange(1, len(delta) + 1)[:, None] == lengths
    if cell.tbptt is not None:  # not from the first step of a chunk
        goes_on = (jnp.arange(len(delta)) % cell.tbptt != 0).astype(delta.dtype)

    def step(later: Arrays, at: tuple) -> tuple[Arrays, Any]:
        delta_t, factors_t, goes_on_t, ends_t = at
        here = (later[0] + delta_t, *later[1:])
        if ends_t is not None:
            here = tuple(
                [_added(*pair, ends_t) for pair in zip(here, end, strict=True)]
            )
        dv, (dh, *others), kept = cell.back(own, factors_t, here)
        through = dv @ turned
        dh = through if dh is None else dh + through
        earlier = (dh, *others)
        if goes_on_t is not None:
            earlier = tuple([d * goes_on_t for d in earlier])
        return earlier, (dv, kept)

    last, steps = end if lengths is None else none, (delta, factors, goes_on, ends)
    first, (dv, kept) = jax.lax.scan(step, last, steps, reverse=True)
    if lengths is not None:  # sequences without a step keep theirs
        empty = lengths == 0
        first = tuple([_added(*pair, empty) for pair in zip(first, end, strict=True)])
    du, d_own = cell.rest(factors, before, after, dv, kept)
    h = before[0].reshape(-1, before[0].shape[-1])
    # The gradient of U as one product over all steps, not one per step.
    return d_own, h.T @ dv.reshape(-1, dv.shape[-1]), du, first, None


def _added(delta: Array, end: Array, where: Array) -> Any:
    """Return δ plus the error of the last state for examples that end here."""
    return delta + jnp.where(where[:, None], end, 0)


recur.defvjp(_forward, _backward)
