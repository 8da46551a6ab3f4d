"""A network: a stack of layers, itself a description with the same interface."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import DTypeLike

from lamina.networks.core.arrays import Array, Mask, RandomKey, Shifts
from lamina.networks.core.description import Nested, description, is_description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Activated, Composite, Layer
from lamina.networks.core.masking import unpacked
from lamina.networks.functional.activations import activation


class Signal(NamedTuple):
    """The signals of a layer: its pre-activation h (or None), and a = φ(h)."""

    h: Any
    a: Any


@description
class Network(Composite):
    """A stack of layers.

    Equations
    ---------
        a⁰ = x,   aⁱ = layerᵢ(aⁱ⁻¹),   output = a^d

    Shapes
    ------
    x (batch, \\*shape of one example), or
    :class:`lamina.networks.core.masking.Sequences`; parameters: one dictionary of
    arrays per layer.

    Parameters
    ----------
    layers : tuple of layer descriptions
    """

    layers: Nested

    @property
    def portable(self) -> bool:  # pyright: ignore
        """Whether all layers run on NumPy arrays as well."""
        return all(layer.portable for layer in self.layers)

    def check(self) -> None:
        """Reject what is not a layer.

        Raises
        ------
        TypeError
            If one of the layers is not a layer description.
        """
        if not isinstance(self.layers, tuple):
            if isinstance(self.layers, str | int | float) or is_description(
                self.layers
            ):
                raise ValueError(
                    f"layers must be a list of layers, got {self.layers!r}"
                )
            return  # a pytree under construction
        for i, layer in enumerate(self.layers):
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"layers[{i}] must be a layer such as Dense(10), got {layer!r}"
                )

    def init(
        self, key: Key, shape: Any, dtype: DTypeLike = np.float32
    ) -> tuple[tuple[Any, ...], tuple[int, ...]]:
        """Return initial parameters in ``dtype`` and the shape of one output."""
        params = []
        for i, layer in enumerate(self.layers):
            inner = {"dtype": dtype} if isinstance(layer, Network) else {}
            layer_params, shape = layer.init(key.fold_in(i), shape, **inner)
            params.append(layer_params)
        return jax.tree.map(lambda a: np.asarray(a, dtype), tuple(params)), shape

    def pre_activation(
        self, params: Sequence[Any], x: Any, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the pre-activation h of the last layer, the input of losses."""
        _ = self.out_activation  # raises if the last layer has no pre-activation
        return self._run(params, x, key, mask, last="pre_activation")

    def __call__(
        self, params: Sequence[Any], x: Any, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the output; ``key=None`` is inference mode: no dropout, no noise."""
        return self._run(params, x, key, mask, last="__call__")

    def _run(
        self, params: Sequence[Any], x: Any, key: RandomKey, mask: Mask, last: str
    ) -> Any:
        x, mask = unpacked(x, mask)
        for i, (layer, layer_params) in enumerate(
            zip(self.layers, params, strict=True)
        ):
            layer_key = None if key is None else jax.random.fold_in(key, i)
            call = getattr(layer, last) if i == len(self.layers) - 1 else layer
            before, x = x, call(layer_params, x, key=layer_key, mask=mask)
            mask = _mask_after(mask, before, x)
        return x

    def start(self, batch: int, dtype: DTypeLike = np.float32) -> tuple[Any, ...]:
        """Return the state of every layer before the first step."""
        return tuple([layer.start(batch, dtype) for layer in self.layers])

    def run(
        self,
        params: Sequence[Any],
        x: Any,
        state: Any,
        *,
        key: RandomKey = None,
        mask: Mask = None,
    ) -> tuple[Any, tuple[Any, ...]]:
        """Return the output of a part of a sequence, and every layer's state after it.

        See :meth:`lamina.networks.core.layer.Layer.run`.
        """
        (x, mask), after = unpacked(x, mask), []
        rows = zip(self.layers, params, state, strict=True)
        for i, (layer, own, before) in enumerate(rows):
            part = None if key is None else jax.random.fold_in(key, i)
            y, later = layer.run(own, x, before, key=part, mask=mask)
            mask, x = _mask_after(mask, x, y), y
            after.append(later)
        return x, tuple(after)

    def branches(self, params: Sequence[Any]) -> list[tuple[tuple[Any, ...], Any]]:
        """Return the stack of layers and its parameters."""
        return [(self.layers, params)]

    def walk(self, params: Sequence[Any]) -> list[tuple[Any, Any]]:
        """Return (layer, parameters) of every layer, including nested networks."""
        pairs: list[tuple[Any, Any]] = []
        for layer, own in zip(self.layers, params, strict=True):
            pairs += layer.walk(own) if isinstance(layer, Composite) else [(layer, own)]
        return pairs

    def owners(self, params: Sequence[Any]) -> dict[int, tuple[Any, str]]:
        """Return the layer and the name of each parameter array, by the array's id.

        Arrays of composite layers themselves, such as the projection of a Residual, are
        omitted.
        """
        found: dict[int, tuple[Any, str]] = {}
        for layer, own in zip(self.layers, params, strict=True):
            if isinstance(layer, Composite):
                for layers, inner in layer.branches(own):
                    found |= Network(layers).owners(inner)
                continue
            for path, leaf in jax.tree.leaves_with_path(own):
                # By id, as arrays are not hashable.
                found[id(leaf)] = layer, str(path[-1].key)
        return found

    def trace(
        self,
        params: Sequence[Any],
        x: Any,
        *,
        key: RandomKey = None,
        mask: Mask = None,
        shifts: Shifts = None,
    ) -> list[Signal]:
        """Return the signals of every layer, in the order of :meth:`walk`.

        Equations
        ---------
            hⁱ = netᵢ(aⁱ⁻¹) + sⁱ,   aⁱ = φᵢ(hⁱ)

        Parameters
        ----------
        params, x, key, mask
            As in a call of the network.
        shifts : list of arrays or None, optional
            sⁱ, one per layer, None for those without a pre-activation. The derivative
            of a loss with respect to sⁱ at 0 is the error signal δⁱ = ∂ℓ/∂hⁱ.
        """
        x, mask = unpacked(x, mask)
        signals: list[Signal] = []
        for i, (layer, own) in enumerate(zip(self.layers, params, strict=True)):
            how = {"key": None if key is None else jax.random.fold_in(key, i)}
            rest = None if shifts is None else shifts[len(signals) :]
            if isinstance(layer, Composite):
                signals += layer.trace(own, x, mask=mask, shifts=rest, **how)
            else:
                shift = rest[0] if rest else None
                signals.append(_signal(layer, own, x, shift, mask=mask, **how))
            before, x = x, signals[-1].a if signals else x
            mask = _mask_after(mask, before, x)
        return signals

    @property
    def out_activation(self) -> Any:
        """Name (or function) of the last layer's activation."""
        last = self.layers[-1]
        if isinstance(last, Network):
            return last.out_activation
        if last.activation is None:
            raise ValueError(
                f"the last layer must have units and an activation, as Dense has; "
                f"got {last!r}"
            )
        return last.activation

    def output(self, h: Array) -> Any:
        """Return φ(h) of the last layer."""
        return activation(self.out_activation)(h)


def _mask_after(mask: Mask, before: Any, after: Any) -> Any:
    """Return the mask of a layer's output: None if the time axis is gone."""
    return mask if mask is None or after.ndim >= before.ndim else None


def _signal(
    layer: Layer, params: Any, x: Any, shift: Array | None, **how: Any
) -> Signal:
    """Return the signals of one layer with a shifted pre-activation."""
    if not isinstance(layer, Activated):
        return Signal(None, layer(params, x, **how))
    h = layer.pre_activation(params, x, **how)
    h = h if shift is None else h + shift
    return Signal(h, activation(layer.activation)(h))
