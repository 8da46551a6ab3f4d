"""Residual blocks: layers that add to their input."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lamina.networks.core.arrays import Array, Mask, RandomKey, Shifts
from lamina.networks.core.description import Nested, description
from lamina.networks.core.keys import Key, two_keys
from lamina.networks.core.layer import Activated, Composite, Layer
from lamina.networks.functional.activations import activation
from lamina.networks.functional.initializers import glorot_uniform
from lamina.networks.network import Network, Signal


@description
class Residual(Composite, Activated):
    """Layers with a shortcut around them.

    Equations
    ---------
        h = f(x) + s(x),   a = φ(h)

    f is the stack of layers, s the shortcut:

        s(x) = x                     if f keeps the shape
        s(x)[p] = x[r p] W           otherwise: one matrix for all positions p, and
                                     every r-th one if f(x) has 1/r of the positions
        s = the given layer          if there is one

    Through the shortcut δ reaches the layers below without decay, however deep the
    stack is.

    Shapes
    ------
    x (batch, …, n), f(x), h and a (batch, …, m); W (n, m).

    Parameters
    ----------
    layers : tuple of layer descriptions
        f. Its last layer usually has the activation "identity".
    shortcut : layer description, optional
        s.
    activation : str or callable, default="identity"
        φ, "relu" in the paper of 2015, "identity" in that of 2016.

    References
    ----------
    He, Zhang, Ren & Sun (2016), Deep residual learning for image recognition, CVPR,
    sections 3.2 (equations 1 and 2) and 3.3 (option B). He, Zhang, Ren & Sun (2016),
    Identity mappings in deep residual networks, ECCV, section 2.
    """

    layers: Nested
    shortcut: Nested = None
    activation: str | Callable = "identity"

    @property
    def portable(self) -> bool:  # pyright: ignore
        """Whether all layers run on NumPy arrays as well."""
        inner = Network(self.layers).portable
        return inner and (self.shortcut is None or Network((self.shortcut,)).portable)

    def check(self) -> None:
        """Reject what is not a layer, or no layers.

        Raises
        ------
        TypeError
            If one of the layers, or the shortcut, is not a layer description.
        ValueError
            If there are no layers, or φ is unknown.
        """
        Network(self.layers)
        if self.layers == ():
            raise ValueError("a Residual needs at least one layer")
        if self.shortcut is not None and (not isinstance(self.shortcut, Layer)):
            raise TypeError(
                "shortcut must be one layer, such as Conv(8, 1), or None; got "
                f"{self.shortcut!r}"
            )
        activation(self.activation)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        Raises
        ------
        ValueError
            If the shortcut's output and that of the layers differ in shape.
        """
        f = Network(self.layers)
        inner, out = f.init(key.fold_in("layers"), shape, np.float64)
        params: dict[str, Any] = {"layers": inner}
        if self.shortcut is not None:
            s = Network((self.shortcut,))
            around, other = s.init(key.fold_in("shortcut"), shape, np.float64)
            params["shortcut"] = around
            if tuple(other) != tuple(out):
                raise ValueError(
                    f"the layers of a Residual map shape {tuple(shape)} to "
                    f"{tuple(out)}, its shortcut to {tuple(other)}: both must agree"
                )
        elif tuple(out) != tuple(shape):
            _steps(shape[:-1], out[:-1])
            n, m = shape[-1], out[-1]
            params["weight"] = glorot_uniform(key.fold_in("weight"), (n, m), n, m)
        return params, out

    def pre_activation(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the sum h."""
        inner, around = two_keys(key)
        f = Network(self.layers)(params["layers"], x, key=inner, mask=mask)
        if self.shortcut is None:
            return f + _projected(params, x, f.shape)
        s = Network((self.shortcut,))
        return f + s(params["shortcut"], x, key=around, mask=mask)

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        return activation(self.activation)(
            self.pre_activation(params, x, key=key, mask=mask)
        )

    def start(self, batch: int, dtype: DTypeLike = np.float32) -> tuple[Any, ...]:
        """Return the states of f and of s before the first step."""
        stacks = (self.layers, (self.shortcut,) if self.shortcut is not None else ())
        return tuple([Network(layers).start(batch, dtype) for layers in stacks])

    def run(
        self,
        params: dict,
        x: Array,
        state: Sequence[Any],
        *,
        key: RandomKey = None,
        mask: Mask = None,
    ) -> tuple[Any, Any]:
        """Return a for a part of a sequence, and the states of f and s after it."""
        ends, after = [], list(state)
        # `strict=False`: without a shortcut layer there is one branch, but still two
        # states and two keys.
        rows = zip(self.branches(params), state, two_keys(key), strict=False)
        for i, ((layers, own), before, part) in enumerate(rows):
            how = {"key": part, "mask": mask}
            end, after[i] = Network(layers).run(own, x, before, **how)
            ends.append(end)
        around = ends[1] if ends[1:] else _projected(params, x, ends[0].shape)
        return activation(self.activation)(ends[0] + around), tuple(after)

    def branches(self, params: dict) -> list[tuple[tuple[Any, ...], Any]]:
        """Return the stacks f and, if one is given, s, each with its parameters."""
        f = (self.layers, params["layers"])
        if self.shortcut is None:
            return [f]
        return [f, ((self.shortcut,), params["shortcut"])]

    def walk(self, params: dict) -> list[tuple[Any, Any]]:
        """Return (layer, parameters) of all layers, the sum last with its own W."""
        pairs: list[tuple[Any, Any]] = []
        for layers, own in self.branches(params):
            pairs += Network(layers).walk(own)
        return [*pairs, (self, {k: v for k, v in params.items() if k == "weight"})]

    def trace(
        self,
        params: dict,
        x: Array,
        *,
        key: RandomKey = None,
        mask: Mask = None,
        shifts: Shifts = None,
    ) -> list[Signal]:
        """Return the signals of every layer, in the order of :meth:`walk`.

        See :meth:`lamina.networks.network.Network.trace`.
        """
        signals: list[Signal] = []
        ends = []
        for (layers, own), part in zip(
            self.branches(params), two_keys(key), strict=False
        ):
            rest = None if shifts is None else shifts[len(signals) :]
            signals += Network(layers).trace(own, x, key=part, mask=mask, shifts=rest)
            ends.append(signals[-1].a)
        h = ends[0] + (ends[1] if ends[1:] else _projected(params, x, ends[0].shape))
        if shifts is not None and shifts[len(signals)] is not None:
            h = h + shifts[len(signals)]
        return [*signals, Signal(h, activation(self.activation)(h))]


def _projected(params: dict, x: Array, shape: tuple[int, ...]) -> Any:
    """Return x, or x[r p] W where there is a W."""
    if "weight" not in params:
        return x
    steps = _steps(x.shape[1:-1], shape[1:-1])
    every = tuple(slice(None, None, r) for r in steps)
    return x[(slice(None), *every)] @ params["weight"]


def _steps(positions: tuple[int, ...], fewer: tuple[int, ...]) -> list[int]:
    """Return the stride r of each axis.

    Raises
    ------
    ValueError
        If one number of positions is not a multiple of the other.
    """
    same_axes = len(positions) == len(fewer) and math.prod(fewer) > 0
    if same_axes and all(n % m == 0 for n, m in zip(positions, fewer, strict=True)):
        return [n // m for n, m in zip(positions, fewer, strict=True)]
    raise ValueError(
        f"the layers of a Residual map {tuple(positions)} positions to {tuple(fewer)}, "
        "which no integer stride does: keep the positions (padding='same'), divide "
        "them, or pass a shortcut, such as Conv(8, 1, 2, activation='identity')"
    )
