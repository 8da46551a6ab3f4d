"""What networks, the training loop and the estimators ask of a layer.

A layer is a description that inherits from one of these classes, and answers what is
different with it.
"""

import math
from typing import Any, ClassVar

import jax
import numpy as np

from lamina.networks.core.keys import Key


class Layer:
    """A function of parameters and examples, and how its parameters begin."""

    portable: ClassVar[bool] = False
    """Whether it runs on NumPy arrays as well as in compiled code."""

    on_one_core: ClassVar[bool] = False
    """Whether XLA runs it on one core of a CPU, inside the loop over steps."""

    stepwise: ClassVar[bool] = False
    """Whether it needs nothing of a sequence but its present step."""

    activation: Any = None
    """φ, if there is one."""

    def init(self, key: Key, shape: Any) -> tuple[Any, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        ``shape`` is that of one example; a tree of shapes if it has several inputs.
        """
        raise NotImplementedError

    def __call__(
        self, params: Any, x: Any, *, key: Any = None, mask: Any = None
    ) -> Any:
        """Return what comes out; without a key the same at each call."""
        raise NotImplementedError

    def start(self, batch: int, dtype: Any = np.float32) -> Any:
        """Return the state before the first step of sequences: nothing to remember."""
        return ()

    def run(
        self, params: Any, x: Any, state: Any, *, key: Any = None, mask: Any = None
    ) -> tuple[Any, Any]:
        """Return what comes out of a piece of a sequence, and the state after it.

        A sequence in pieces, each begun with the state in which the one before it
        ended, gives what the whole sequence gives: a stream, a decoder that is fed its
        own answers, and predictions that remember are this one function.

        Raises
        ------
        ValueError
            If the layer has to see the whole sequence.
        """
        if not self.stepwise:
            raise ValueError(
                f"{self!r} sees a whole sequence at once: it cannot go on from a state"
            )
        return self(params, x, key=key, mask=mask), state

    def flops(self, params: Any, shape: Any) -> int:
        """Return multiplications and additions of one example of that shape.

        Equations
        ---------
            2 · parameters · positions      positions: ∏ shape but for its last
        """
        if not (own := size(params)):
            return 0  # whatever shape it has, several inputs among them
        return 2 * own * math.prod(shape[:-1])

    def squared_norms(self, name: str, weight: Any) -> Any:
        """Return ‖Wⱼ‖² of the weights into each unit j, to be broadcast with W.

        Equations
        ---------
            ‖Wⱼ‖² = Σᵢ Wᵢⱼ²      i: all axes but the last

        ``name`` is that of W among the parameters of the layer.
        """
        axes = tuple(range(weight.ndim - 1))
        return (weight * weight).sum(axis=axes, keepdims=True)


class Activated(Layer):
    """A layer that computes a = φ(h) from a pre-activation h, as Dense does."""

    def pre_activation(
        self, params: Any, x: Any, *, key: Any = None, mask: Any = None
    ) -> Any:
        """Return the pre-activation h."""
        raise NotImplementedError


class Composite(Layer):
    """A layer that is made of layers, as a Network and a Residual are."""

    def branches(self, params: Any) -> list[tuple[tuple[Any, ...], Any]]:
        """Return the stacks of layers in it, each with its parameters."""
        raise NotImplementedError

    def walk(self, params: Any) -> list[tuple[Any, Any]]:
        """Return (layer, parameters) of every layer, those of inner ones too."""
        raise NotImplementedError

    def trace(
        self,
        params: Any,
        x: Any,
        *,
        key: Any = None,
        mask: Any = None,
        shifts: Any = None,
    ) -> list[Any]:
        """Return what came out of every layer, in the order of :meth:`walk`.

        See :meth:`lamina.networks.network.Network.trace`.
        """
        raise NotImplementedError


def size(params: Any) -> int:
    """Return how many numbers the parameters are."""
    return sum(np.size(leaf) for leaf in jax.tree.leaves(params))
