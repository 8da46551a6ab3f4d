"""Base of the recurrent layers: input weights, recurrent weights and biases."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import check_whole
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer
from lamina.networks.functional.initializers import initializer
from lamina.networks.recurrent.recurrence import Arrays, Cell, recur


class Recurrent(Cell, Layer):
    """A layer that applies a cell along time; the layer itself is the cell.

    The logistic function of a gate is computed as σ(z) = ½ tanh(½ z) + ½, so that a
    single tanh serves all gates of a step; ½ z comes from weights that are halved once
    per call.
    """

    units: int
    initializer: str
    tbptt: int | None

    numbers: ClassVar[tuple[str, ...]] = ("units",)  # integer fields of at least 1
    words: ClassVar[dict[str, tuple[str, ...]]] = {}  # values of other fields
    on_one_core: ClassVar[bool] = True  # a loop over time, on a CPU

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If there are no units, a chunk has no steps, or a name is unknown.
        """
        check_whole(self, *self.numbers)
        if self.tbptt is not None:
            check_whole(self, "tbptt")
        initializer(self.initializer)
        for name, known in self.words.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} of {type(self).__name__} must be one of "
                    f"{', '.join(known)}; got {getattr(self, name)!r}"
                )

    @property
    def halved(self) -> tuple[bool, ...]:
        """Whether each block of pre-activations is a gate; here one that is not."""
        return (False,)

    def widths(self) -> tuple[int, ...]:
        """Return the width of each state: only h, unless the cell has others."""
        return (self.units,)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        Input weights come from the initialiser; recurrent weights are orthogonal, block
        by block.

        Raises
        ------
        ValueError
            If an example is not (time, features).
        """
        if len(shape) != 2:
            raise ValueError(
                f"{type(self).__name__} needs examples of shape (time, features), got "
                f"shape {tuple(shape)}"
            )
        time, n = shape
        blocks, draw = range(len(self.halved)), initializer(self.initializer)
        inputs = [
            draw(key.fold_in("weight", i), (n, self.units), n, self.units)
            for i in blocks
        ]
        states = [orthogonal(key.fold_in("recurrent", i), self.units) for i in blocks]
        params = {
            "weight": np.concatenate(inputs, axis=1),
            "recurrent_weight": np.concatenate(states, axis=1),
            "bias": np.zeros(len(blocks) * self.units),
        }
        return {**params, **self._further(key)}, (time, self.units)

    def _further(self, key: Key) -> dict[str, np.ndarray]:
        """Return further parameters, and those with a different start."""
        return {}

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return h of every step, starting from states of 0."""
        return self._run(params, x, Recurrent.start(self, x.shape[0], x.dtype))[0]

    def start(self, batch: int, dtype: Any = np.float32) -> Arrays:
        """Return the states before the first step: 0."""
        return tuple([jnp.zeros((batch, n), dtype) for n in self.widths()])

    def run(
        self,
        params: dict,
        x: Array,
        state: Arrays,
        *,
        key: RandomKey = None,
        mask: Mask = None,
    ) -> tuple[Any, Arrays]:
        """Return h of every step, and the states after the last real one.

        A sequence given in parts, each started from the final states of the one before,
        gives the same h as the whole sequence.

        Equations
        ---------
            (h_1, …, h_T), s_T = run(x_1, …, x_T; s_0)

        Shapes
        ------
        x (batch, time, n), h (batch, time, units), each of the states (batch, width);
        mask (batch, time), the real steps first.
        """
        return self._run(params, x, state, lengths_of(mask))

    def _run(
        self,
        params: dict,
        x: Array,
        state: Arrays,
        lengths: Array | None = None,
        first: Array | int = 0,
    ) -> tuple[Any, Arrays]:
        """Return h and the last states; ``first`` is the number of the first step."""
        # Scales the weights once, so that no step has to halve its pre-activations.
        halves = np.where(self.halved, 0.5, 1.0).astype(x.dtype)
        scale = np.repeat(halves, self.units)
        # Time first, as `scan` takes it. The inputs of all steps go through one
        # product, outside the loop.
        steps = jnp.swapaxes(x, 0, 1)
        u = projected(steps, params["weight"] * scale, params["bias"] * scale)
        own, recurrent = self._own(params, params["recurrent_weight"] * scale)
        # Double-precision weights promote single-precision inputs to double.
        start = tuple([a.astype(u.dtype) for a in state])
        inputs = self._inputs(u, first)
        run: Any = recur(self, own, recurrent, inputs, start, lengths)
        h, state = run
        return jnp.swapaxes(h, 0, 1), state

    def _own(self, params: dict, recurrent: Array) -> tuple[Any, Any]:
        """Return the cell's further parameters, and U."""
        return (), recurrent

    def _inputs(self, u: Array, first: Array | int) -> Any:
        """Return the cell's inputs, (time, batch, …)."""
        return u

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return multiplications and additions of one example of that shape."""
        sizes = params["weight"].size + params["recurrent_weight"].size
        return 2 * shape[0] * int(sizes)


def lengths_of(mask: Mask) -> Any:
    """Return the number of real steps of each sequence, None if all are."""
    return None if mask is None else jnp.sum(mask, axis=1, dtype=jnp.int32)


@jax.custom_vjp
def projected(x: Array, weight: Array, bias: Array) -> Any:
    """Return x W + b of all steps.

    Shapes: x (time, batch, n), W (n, m), b (m,), the result (time, batch, m).

    Notes
    -----
    In its gradient XLA would transpose ∂ℓ/∂u before the product with x and take four
    times as long for the gradient of W, so it is written as one product. The bias is
    one more row of W, for a column of ones in x: adding it separately would take a
    third of the product's time.
    """
    return _projected_forward(x, weight, bias)[0]


def _projected_forward(x: Array, weight: Array, bias: Array) -> tuple[Any, Any]:
    rows = concat(x, jnp.ones((*x.shape[:-1], 1), x.dtype))
    return rows @ jnp.concatenate([weight, bias[None]]), (rows, weight)


def _projected_backward(saved: tuple, du: Array) -> tuple[Any, Any, Any]:
    rows, weight = saved
    flat = rows.reshape(-1, rows.shape[-1]).T @ du.reshape(-1, du.shape[-1])
    return du @ weight.T, flat[:-1], flat[-1]


projected.defvjp(_projected_forward, _projected_backward)


def orthogonal(key: Key, n: int) -> np.ndarray:
    """Q (n, n) with QᵀQ = I: multiplication by Q preserves norms.

    References
    ----------
    Saxe, McClelland & Ganguli (2014), Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks, ICLR.
    """
    q, r = np.linalg.qr(key.generator().standard_normal((n, n)))
    # A QR factorisation is unique up to these signs. With them Q does not depend on the
    # LAPACK in use, and is uniformly distributed.
    return q * np.sign(np.diag(r))


def split(a: Array, n: int) -> Arrays:
    """Return the n blocks along the last axis."""
    return tuple(jnp.split(a, n, axis=-1))


def concat(*arrays: Array) -> Any:
    """Return arrays concatenated along the last axis."""
    return jnp.concatenate(arrays, axis=-1)


def sigmoid_tanh(z: Array, halved: tuple[bool, ...]) -> Any:
    """Return σ(2 z) of the halved blocks, tanh(z) of the others.

    One tanh of all blocks: several tanhs of slices fused into one loop are not
    vectorised and take four times as long, so the barrier keeps XLA from splitting it.
    """
    scale = np.where(halved, 0.5, 1.0).astype(z.dtype)
    scale = np.repeat(scale, z.shape[-1] // len(halved))
    return jax.lax.optimization_barrier(jnp.tanh(z) * scale + (1 - scale))
