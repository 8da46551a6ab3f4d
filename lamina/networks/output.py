"""The marker of an output layer in an estimator's list of layers."""

from typing import Any

from lamina.networks.core.description import Nested, description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer


@description
class Output(Layer):
    """Marks the output layer of an estimator's ``layers`` or ``decoder``.

    By default a list of layers ends before the output, and the estimator adds the
    output layer that the target needs. ``[Dense(30, "tanh"), Output(Dense(10,
    "logistic"))]`` specifies it instead. The marker is not part of the network:
    ``network_`` holds the layer.

    Parameters
    ----------
    layer : layer description
        With one unit per output: one for two classes, otherwise one per class, label or
        target.
    """

    layer: Nested

    def check(self) -> None:
        """Reject what cannot be an output layer.

        Raises
        ------
        TypeError
            If it is not a layer with pre-activations, such as Dense.
        """
        plain = isinstance(self.layer, str | float | tuple | type)
        if plain or self.layer is None or isinstance(self.layer, Output):
            raise TypeError(
                f"Output needs a layer such as Dense(1, 'logistic'), got {self.layer!r}"
            )

    def init(self, key: Key, shape: tuple[int, ...]) -> Any:
        """Raise an error: the marker is not a layer among others.

        Raises
        ------
        ValueError
            Always: an estimator removes the marker from its last layer.
        """
        raise ValueError(
            f"{self!r} marks the output layer: it can only be the last of an "
            "estimator's layers or decoder"
        )
