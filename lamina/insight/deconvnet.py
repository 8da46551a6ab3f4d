"""Deconvnets: which part of an image activates a unit."""

from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamina.insight import plotting
from lamina.insight.network_view import (
    NetworkView,
    activations,
    pre_activation,
    view_network_for,
)
from lamina.insight.receptive import box, receptive_field
from lamina.networks.core.description import is_description
from lamina.networks.functional.activations import relu


@jax.custom_vjp
def _deconvnet(h: Any) -> Any:
    """Return relu(h); the backward signal is rectified instead of gated."""
    return relu(h)


@jax.custom_vjp
def _guided(h: Any) -> Any:
    """Return relu(h); the backward signal passes where it and h are positive."""
    return relu(h)


_deconvnet.defvjp(lambda h: (relu(h), None), lambda _, back: (relu(back),))
_guided.defvjp(lambda h: (relu(h), h > 0), lambda on, back: (on * relu(back),))

RULES = {"deconvnet": _deconvnet, "guided": _guided, "gradient": relu}


@dataclass(frozen=True)
class Deconvolution:
    """The part of an image that activates a unit.

    Parameters
    ----------
    reconstruction : ndarray (height, width, channels)
        R⁰, with signs.
    image : ndarray
    layer, unit : int
    position : tuple of int
    activation : float
        a of the unit at its position.
    box : ndarray of int (2, 2)
        Receptive field of the unit: (first, last + 1) of rows and of columns.
    rule : str
    """

    reconstruction: np.ndarray
    image: np.ndarray
    layer: int
    unit: int
    position: tuple[int, ...]
    activation: float
    box: np.ndarray
    rule: str

    def figure(self) -> Any:
        """Return a matplotlib figure of the image and its projection."""
        figure = plotting.blank(6.2, 3.6)
        left, right = figure.subplots(1, 2)
        plotting.show(left, plotting.as_seen(self.image), "image")
        plotting.show(right, plotting.around_grey(self.reconstruction), self.rule)
        for axis in (left, right):
            plotting.frame(axis, self.box)
        at = f", position {self.position}" if self.position else ""
        figure.suptitle(
            f"Unit {self.unit} of layer {self.layer}{at}: a = {self.activation:.3g}",
            **plotting.LARGE,
        )
        return figure


def deconvolution(
    model: Any,
    image: Any,
    layer: int,
    unit: int | None = None,
    position: Any = None,
    rule: str = "deconvnet",
) -> Deconvolution:
    """Project the activation of a unit back to the pixels of an image.

    Equations
    ---------
    All activations of the layer except one are set to 0. The result R^d is propagated
    back layer by layer: through the transposed filters, from a pool to the position of
    the maximum (its switch), and at a ReLU

        R = max(0, R′)                       "deconvnet"
        R = max(0, R′) · [h > 0]             "guided"
        R = R′ · [h > 0]                     "gradient"

    R′ is the signal from above, h the pre-activation of the forward pass. The gradient
    shows which pixels change a; here it is a ∂h/∂x. The deconvnet ignores whether the
    ReLU was active, and keeps only evidence for the unit. The guided rule does both,
    and gives sharp images even without switches. Biases have no effect, and all other
    activations keep their derivative.

    Notes
    -----
    A deconvnet is backpropagation with another rule at the ReLU (Springenberg et al.,
    section 3.2), so the network is differentiated as usual, with the ReLU replaced.
    Guided and deconvnet images depend more on the image than on the upper weights: they
    hardly change when those are randomised (Adebayo et al. 2018). They show what a unit
    of a lower layer responds to; to explain a decision, use
    :func:`lamina.insight.saliency`.

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    image : array (height, width) or (height, width, channels)
    layer : int
        An index of :func:`lamina.insight.layers`.
    unit : int, optional
        Channel of the unit; by default the one with the largest activation.
    position : (row, column), optional
        Position in its map; by default where it is most active.
    rule : {"deconvnet", "guided", "gradient"}, default="deconvnet"

    Raises
    ------
    ValueError
        If the layer, unit, position or rule does not exist, or the image does not have
        the model's shape.

    References
    ----------
    Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, ECCV,
    section 2.1. Springenberg, Dosovitskiy, Brox & Riedmiller (2015), Striving for
    simplicity: the all convolutional net, ICLR workshop, section 3.2 and figure 1.
    Adebayo et al. (2018), Sanity checks for saliency maps, NeurIPS.
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}; got {rule!r}")
    seen = view_network_for(model, np.asarray(image)[None])
    x = seen.image(image)
    layer = seen.number(layer)
    with seen.precision():
        a = np.asarray(activations(seen.network, seen.params, x, layer))[0]
    unit, position = _chosen(seen, a, layer, unit, position)
    led_back = with_relu(seen.network, RULES[rule])
    at = (*position, unit)
    with seen.precision():
        back = _back(led_back, seen.params, x, layer, at)
    return Deconvolution(
        np.asarray(back)[0] * a[at],
        np.asarray(image),
        layer,
        unit,
        position,
        float(a[at]),
        box(receptive_field(seen, layer, position)),
        rule,
    )


def with_relu(layer: Any, exchanged: Any) -> Any:
    """Return a description in which every ReLU is replaced by another function."""
    if isinstance(layer, tuple):
        return tuple(with_relu(part, exchanged) for part in layer)
    if not is_description(layer):
        return layer
    values = {field.name: getattr(layer, field.name) for field in fields(layer)}
    phi = values.pop("activation", None)
    changes = {name: with_relu(value, exchanged) for name, value in values.items()}
    if phi in ("relu", relu, jax.nn.relu):
        changes["activation"] = exchanged
    return replace(layer, **changes)


def _chosen(
    seen: NetworkView, a: np.ndarray, layer: int, unit: int | None, position: Any
) -> tuple[int, tuple[int, ...]]:
    """Return unit and position; by default those of the largest activation."""
    if unit is None:
        where = a if position is None else a[seen.position(layer, position)]
        unit = int(np.argmax(where)) % a.shape[-1]
    unit = seen.unit(layer, unit)
    if position is None:
        flat = np.argmax(a[..., unit])
        position = tuple(int(i) for i in np.unravel_index(flat, a.shape[:-1]))
    return unit, seen.position(layer, position)


@partial(jax.jit, static_argnums=3)
def _back(network: Any, params: Any, x: Any, layer: int, at: Any) -> Any:
    return jax.grad(lambda x: pre_activation(network, params, x, layer)[(0, *at)])(
        jnp.asarray(x)
    )
