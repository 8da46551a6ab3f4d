"""The interface of layers.

A layer is a description that inherits from one of these classes and overrides what
differs.
"""

import math
from typing import Any, ClassVar

import jax
import numpy as np
from numpy.typing import DTypeLike

from lamina.networks.core.arrays import Array, Mask, RandomKey, Shifts
from lamina.networks.core.keys import Key


class Layer:
    """A function of parameters and examples, with initial parameters."""

    portable: ClassVar[bool] = False
    """Whether it runs on NumPy arrays as well as in compiled code."""

    on_one_core: ClassVar[bool] = False
    """Whether XLA runs it on one core of a CPU inside the loop over steps."""

    stepwise: ClassVar[bool] = False
    """Whether its output at a step depends on that step only."""

    drops: ClassVar[bool] = False
    """Whether it sets units to zero at random in training."""

    flattens: ClassVar[bool] = False
    """Whether it makes rows of any inputs."""

    activation: Any = None
    """φ, if there is one."""

    def init(self, key: Key, shape: Any) -> tuple[Any, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        ``shape`` is that of one example; a tree of shapes for several inputs.
        """
        raise NotImplementedError

    def __call__(
        self, params: Any, x: Any, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the output; it is deterministic without a key."""
        raise NotImplementedError

    def start(self, batch: int, dtype: DTypeLike = np.float32) -> Any:
        """Return the state before the first step of sequences; empty by default."""
        return ()

    def run(
        self,
        params: Any,
        x: Any,
        state: Any,
        *,
        key: RandomKey = None,
        mask: Mask = None,
    ) -> tuple[Any, Any]:
        """Return the output for a part of a sequence, and the state after it.

        A sequence in parts, each started from the final state of the part before, gives
        the same output as the whole sequence. Streams, decoders that are fed their own
        outputs, and stateful predictions all use this function.

        Raises
        ------
        ValueError
            If the layer needs the whole sequence.
        """
        if not self.stepwise:
            raise ValueError(
                f"{self!r} needs a whole sequence: it cannot continue from a state"
            )
        return self(params, x, key=key, mask=mask), state

    def flops(self, params: Any, shape: Any) -> int:
        """Return multiplications and additions of one example of that shape.

        Equations
        ---------
            2 · parameters · positions      positions: ∏ shape without its last
        """
        if not (own := size(params)):
            return 0  # for any shape, or tree of shapes
        return 2 * own * math.prod(shape[:-1])

    def squared_norms(self, name: str, weight: Array) -> Any:
        """Return ‖Wⱼ‖² of the weights into each unit j, broadcastable with W.

        Equations
        ---------
            ‖Wⱼ‖² = Σᵢ Wᵢⱼ²      i: all axes but the last

        ``name`` is the name of W in the layer's parameters.
        """
        axes = tuple(range(weight.ndim - 1))
        return (weight * weight).sum(axis=axes, keepdims=True)


class Activated(Layer):
    """A layer that computes a = φ(h) from a pre-activation h, as Dense does."""

    def pre_activation(
        self, params: Any, x: Any, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the pre-activation h."""
        raise NotImplementedError


class Composite(Layer):
    """A layer made of layers, such as Network and Residual."""

    def branches(self, params: Any) -> list[tuple[tuple[Any, ...], Any]]:
        """Return its stacks of layers, each with its parameters."""
        raise NotImplementedError

    def walk(self, params: Any) -> list[tuple[Any, Any]]:
        """Return (layer, parameters) of every layer, including nested ones."""
        raise NotImplementedError

    def trace(
        self,
        params: Any,
        x: Any,
        *,
        key: RandomKey = None,
        mask: Mask = None,
        shifts: Shifts = None,
    ) -> list[Any]:
        """Return the signals of every layer, in the order of :meth:`walk`.

        See :meth:`lamina.networks.network.Network.trace`.
        """
        raise NotImplementedError


def size(params: Any) -> int:
    """Return the number of parameters."""
    return sum(np.size(leaf) for leaf in jax.tree.leaves(params))
