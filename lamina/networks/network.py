"""A network: a stack of layers, itself a description with the same two methods."""

from typing import Any

import jax
import numpy as np

from lamina.networks.activations import activation
from lamina.networks.description import Nested, description
from lamina.networks.keys import Key


@description
class Network:
    """A stack of layers.

    Equations
    ---------
        a⁰ = x,   aⁱ = layerᵢ(aⁱ⁻¹),   output = a^d

    Shapes
    ------
    x (batch, \\*shape of one example); parameters: one dictionary of arrays a layer.

    Parameters
    ----------
    layers : tuple of layer descriptions
    """

    layers: Nested

    def check(self) -> None:
        """Refuse what is not a layer.

        Raises
        ------
        TypeError
            If one of the layers is not a layer description.
        """
        if not isinstance(self.layers, tuple):
            return  # a pytree under construction
        for i, layer in enumerate(self.layers):
            if isinstance(layer, (type, int | str)):
                raise TypeError(
                    f"layers[{i}] must be a layer such as Dense(10), got {layer!r}"
                )

    def init(
        self, key: Key, shape: tuple[int, ...], dtype: Any = np.float32
    ) -> tuple[tuple[dict, ...], tuple[int, ...]]:
        """Return initial parameters in ``dtype`` and the shape of one output."""
        params = []
        for i, layer in enumerate(self.layers):
            layer_params, shape = layer.init(key.fold_in(i), shape)
            params.append(layer_params)
        return jax.tree.map(lambda a: np.asarray(a, dtype), tuple(params)), shape

    def net(self, params: Any, x: Any, *, key: Any = None, mask: Any = None) -> Any:
        """Return the net input h of the last layer, from which losses are computed."""
        return self._run(params, x, key, mask, last="net")

    def __call__(
        self, params: Any, x: Any, *, key: Any = None, mask: Any = None
    ) -> Any:
        """Return the output; ``key=None`` means application: no dropout, no noise."""
        return self._run(params, x, key, mask, last="__call__")

    def _run(self, params: Any, x: Any, key: Any, mask: Any, last: str) -> Any:
        for i, (layer, layer_params) in enumerate(
            zip(self.layers, params, strict=True)
        ):
            layer_key = None if key is None else jax.random.fold_in(key, i)
            call = getattr(layer, last) if i == len(self.layers) - 1 else layer
            x = call(layer_params, x, key=layer_key, mask=mask)
        return x

    @property
    def out_activation(self) -> Any:
        """Name (or function) of the last layer's activation."""
        return self.layers[-1].activation

    def output(self, h: Any) -> Any:
        """Return φ(h) of the last layer."""
        return activation(self.out_activation)(h)
