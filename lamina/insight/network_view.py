"""The validated network of a model to inspect."""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np

from lamina.networks.convolution.rescale import Rescale
from lamina.networks.core.computing import computing, own_settings
from lamina.networks.network import Network


@dataclass(frozen=True)
class NetworkView:
    """A network, its parameters, and the shape of its input images.

    Parameters
    ----------
    network : Network
    params : tuple of dict of arrays
    shape : (height, width, channels)
    classes : tuple of str or None
        Classes of the outputs of a classifier; one logistic output has two.
    """

    network: Any
    params: Any
    shape: tuple[int, ...]
    classes: tuple[str, ...] | None = None

    @cached_property
    def dtype(self) -> np.dtype:
        """Type of the computation: that of the parameters."""
        leaves = jax.tree.leaves(self.params)
        return np.dtype(leaves[0].dtype if leaves else np.float32)

    def precision(self) -> Any:
        """Return a context in which JAX computes in this type."""
        return computing(self.dtype)

    @cached_property
    def scale(self) -> tuple[float, float] | None:
        """μ and 1 / f of an initial ``Rescale`` of the network; None without one."""
        first = self.network.layers[0] if self.network.layers else None
        if not isinstance(first, Rescale):
            return None
        return float(first.shift), 1 / float(first.factor) if first.factor else 1.0

    @cached_property
    def layers(self) -> list[tuple[Any, Any]]:
        """(layer, parameters) in the order of :meth:`Network.walk`."""
        return self.network.walk(self.params)

    @cached_property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shape of one output of every layer, without computing it."""
        one = jax.ShapeDtypeStruct((1, *self.shape), self.dtype)
        try:
            with own_settings(self.dtype):
                signals = jax.eval_shape(self.network.trace, self.params, one)
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(
                f"the network does not accept images of shape {self.shape} (height, "
                f"width, channels): {error}"
            ) from None
        return [tuple(signal.a.shape[1:]) for signal in signals]

    def image(self, image: Any) -> np.ndarray:
        """Return one image as a batch (1, height, width, channels)."""
        return self.images(np.asarray(image)[None])

    def images(self, images: Any) -> np.ndarray:
        """Return images as an array of the network's type.

        Raises
        ------
        ValueError
            If they do not have the network's input shape.
        """
        images = as_batch(images)
        if images.shape[1:] != self.shape:
            raise ValueError(
                f"images must have the network's shape {self.shape} (height, width, "
                f"channels), got {images.shape[1:]}"
            )
        return images.astype(self.dtype)

    def number(self, layer: Any, positions: bool = False) -> int:
        """Return the index of a layer; negative ones count from the end.

        Raises
        ------
        ValueError
            If the layer does not exist, or is not spatial but has to be.
        """
        n = len(self.shapes)
        if not is_whole(layer) or not -n <= layer < n:
            raise ValueError(
                f"layer must be a number from {-n} to {n - 1}, got {layer!r}; the "
                f"layers are {self.list_of(range(n))}"
            )
        number = int(layer) % n
        if positions and len(self.shapes[number]) != 3:
            there = [i for i, shape in enumerate(self.shapes) if len(shape) == 3]
            raise ValueError(
                f"layer {number} ({self.name(number)}) is not spatial, so it has no "
                f"maps; the layers that do are {self.list_of(there)}"
            )
        return number

    def unit(self, layer: int, unit: Any) -> int:
        """Return the index of a unit: its channel, along the last axis of the output.

        Raises
        ------
        ValueError
            If the unit does not exist.
        """
        n = self.shapes[layer][-1]
        if not is_whole(unit) or not 0 <= unit < n:
            raise ValueError(
                f"unit must be a number from 0 to {n - 1} in layer {layer} "
                f"({self.name(layer)}), got {unit!r}"
            )
        return int(unit)

    def position(self, layer: int, position: Any) -> tuple[int, ...]:
        """Return a position of a layer's map; None is the centre.

        Raises
        ------
        ValueError
            If the position does not exist.
        """
        positions = self.shapes[layer][:-1]
        if position is None:
            return tuple([n // 2 for n in positions])
        position = (
            tuple(position) if isinstance(position, list | tuple) else (position,)
        )
        fits = len(position) == len(positions) and all(map(is_whole, position))
        if not fits or not all(
            0 <= i < n for i, n in zip(position, positions, strict=True)
        ):
            raise ValueError(
                f"position must be (row, column) in the map of shape {positions} of "
                f"layer {layer} ({self.name(layer)}); got {position}"
            )
        return tuple(int(i) for i in position)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the targets: the classes, or else the indices of the outputs."""
        n = int(self.shapes[-1][-1])
        return tuple(map(str, range(n))) if self.classes is None else self.classes

    @property
    def is_binary(self) -> bool:
        """Whether one output decides between two classes."""
        return len(self.names) == 2 and self.shapes[-1] == (1,)

    @property
    def tells_probabilities(self) -> bool:
        """Whether the outputs are probabilities."""
        try:
            return self.network.out_activation in ("softmax", "logistic")
        except ValueError:  # a last layer without units, lengths of capsules
            return False

    def target(self, target: Any) -> int:
        """Return the index of a class, or of an output of a network without classes.

        Parameters
        ----------
        target : int, or str
            The index, or the name of the class.

        Raises
        ------
        ValueError
            If the class does not exist, or outputs are spatial.
        """
        outputs, names = self.shapes[-1], self.names
        if len(outputs) != 1:
            raise ValueError(
                f"the network's output has shape {outputs}: there is no single number "
                "to explain"
            )
        if isinstance(target, str) and target in names:
            return names.index(target)
        if is_whole(target) and 0 <= int(target) < len(names):
            return int(target)
        last = len(names) - 1
        what = f"the index of an output, from 0 to {last}"
        if self.classes is not None:
            shown = ", ".join(name[:40] for name in names[:20])
            more = ", …" if last >= 20 else ""
            what = f"one of the classes {shown}{more}, or its index, from 0 to {last}"
        got = repr(target)
        raise ValueError(f"target must be {what}; got {got[:60]}")

    def output(self, target: int) -> tuple[int, int]:
        """Return the output of a class, and its sign.

        One logistic output a = σ(h) is the probability of the second of two classes,
        and 1 − a = σ(−h) that of the first.
        """
        return (0, 2 * target - 1) if self.is_binary else (target, 1)

    def speaking(self, layer: int, unit: Any) -> tuple[int, int]:
        """Return the index of a unit of a layer, and its sign.

        In the output layer a unit may be given by the name of its class.

        Raises
        ------
        ValueError
            If the unit or class does not exist.
        """
        if isinstance(unit, str) and layer == len(self.shapes) - 1:
            return self.output(self.target(unit))
        return self.unit(layer, unit), 1

    def of_classes(self, outputs: np.ndarray) -> np.ndarray:
        """Return the network's outputs (…, n) as outputs of classes (…, n_classes)."""
        if not self.is_binary:
            return outputs
        return np.concatenate([1 - outputs, outputs], axis=-1)

    def name(self, number: int) -> str:
        """Return the class name of a layer."""
        return type(self.layers[number][0]).__name__

    def list_of(self, numbers: Any) -> str:
        """Return layers in the notation of messages: ``0 Conv, 1 MaxPool``."""
        return ", ".join(f"{i} {self.name(i)}" for i in numbers) or "none"


def view_network(model: Any, shape: Any = None) -> NetworkView:
    """Return the network of a model.

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    shape : (height, width, channels), optional
        Of the images; not needed for an estimator.

    Raises
    ------
    ValueError
        If it has no network, or the shape is unknown.
    """
    classes = None
    if hasattr(model, "estimator_"):
        model = model.estimator_
    if _is_pair(model):
        network, params = model
    elif hasattr(model, "network_") and hasattr(model, "params_"):
        network, params = model.network_, model.params_
        shape = getattr(model, "image_shape_", shape)
        classes = getattr(model, "classes_", None)
    else:
        raise ValueError(
            "expected a fitted image estimator, such as a ConvNetClassifier, or "
            f"(network, params); got {type(model).__name__}"
            + (", which is not fitted" if hasattr(model, "fit") else "")
        )
    if shape is None:
        raise ValueError("pass the shape=(height, width, channels) of the images")
    shape = tuple(shape)
    if len(shape) != 3 or not all(is_whole(n) and n > 0 for n in shape):
        raise ValueError(f"shape must be (height, width, channels), got {shape}")
    known = None if classes is None else tuple(map(str, np.asarray(classes).tolist()))
    return NetworkView(network, params, shape, known)


def _is_pair(model: Any) -> bool:
    pair = isinstance(model, tuple) and len(model) == 2
    return pair and isinstance(model[0], Network)


def view_network_for(model: Any, images: Any) -> NetworkView:
    """Return the network of a model for these images."""
    return view_network(model, as_batch(images).shape[1:])


def as_batch(images: Any) -> np.ndarray:
    """Return images as (n, height, width, channels); grey ones may lack channels.

    Raises
    ------
    ValueError
        If they are not images.
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.dtype.kind not in "buif" or 0 in images.shape:
        raise ValueError(
            "an image must be an array of numbers (height, width) or (height, width, "
            f"channels); got shape {images.shape[1:]} of {images.dtype}"
        )
    return images


def is_whole(value: Any) -> bool:
    """Whether a value is an integer."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def layers(model: Any, shape: Any = None) -> list[tuple[int, str, tuple[int, ...]]]:
    """Return (index, name, shape of one output) of every layer.

    These are the layer indices of all functions in this package. Layers inside a
    ``Residual``, a ``SkipConnection`` or a ``Network`` count individually, and the sum
    of a ``Residual`` or the output of a ``SkipConnection`` comes after its layers, as
    in
    :meth:`lamina.networks.Network.walk`.

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    shape : (height, width, channels), optional
        Of the images, if the model is (network, params).
    """
    seen = view_network(model, shape)
    return [(i, seen.name(i), shape) for i, shape in enumerate(seen.shapes)]


@partial(jax.jit, static_argnums=3)
def activations(network: Any, params: Any, x: Any, layer: int) -> Any:
    """Return the activations of a layer, in inference mode."""
    return network.trace(params, x)[layer].a


def pre_activation(network: Any, params: Any, x: Any, layer: int) -> Any:
    """Return the pre-activation h of a layer, or a if it has none.

    h, not a = φ(h), is maximised and explained: an inactive unit still has an h that
    can grow, and h of a class does not depend on the other classes, unlike a softmax
    output (Simonyan et al. 2014, section 2).
    """
    signal = network.trace(params, x)[layer]
    return signal.a if signal.h is None else signal.h
