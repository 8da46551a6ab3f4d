"""What in an image excited a unit: its activation, led back to the pixels."""

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
    """Return relu(h); what comes back is rectified itself."""
    return relu(h)


@jax.custom_vjp
def _guided(h: Any) -> Any:
    """Return relu(h); what comes back passes where it and h are above 0."""
    return relu(h)


_deconvnet.defvjp(lambda h: (relu(h), None), lambda _, back: (relu(back),))
_guided.defvjp(lambda h: (relu(h), h > 0), lambda on, back: (on * relu(back),))

RULES = {"deconvnet": _deconvnet, "guided": _guided, "gradient": relu}


@dataclass(frozen=True)
class Deconvolution:
    """The part of an image that excited a unit.

    Parameters
    ----------
    image : ndarray (height, width, channels)
        R⁰, with signs.
    image : ndarray
    layer, unit : int
    place : tuple of int
    activation : float
        a of the unit at its place.
    box : ndarray of int (2, 2)
        What the unit can see: (first, last + 1) of rows and of columns.
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
        """Return a matplotlib figure: the image, and what is left of it."""
        figure = plotting.blank(6.2, 3.6)
        left, right = figure.subplots(1, 2)
        plotting.show(left, plotting.as_seen(self.image), "image")
        plotting.show(right, plotting.around_grey(self.reconstruction), self.rule)
        for axis in (left, right):
            plotting.frame(axis, self.box)
        at = f", place {self.position}" if self.position else ""
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
    """Return what in an image made a unit active, drawn with the network's own filters.

    Equations
    ---------
    All activations of the layer but one are set to 0, and what is left, R^d, goes back
    layer by layer: through the transposed filters, from a pool to the place of the
    maximum (its switch), and at a relu

        R = max(0, R′)                       "deconvnet"
        R = max(0, R′) · [h > 0]             "guided"
        R = R′ · [h > 0]                     "gradient"

    R′ is what comes from above, h the pre-activation of the forward pass. The gradient
    answers which pixels change a, and is a ∂h/∂x here. The deconvnet does not ask
    whether the relu was on, and keeps what speaks for the unit only; the guided rule
    does both, and gives sharp images without switches too. Biases play no part, and
    all other activations keep their derivative.

    Notes
    -----
    A deconvnet is backpropagation with another rule at the relu (Springenberg et al.,
    section 3.2), so the network is derived as it is, with the relu exchanged. Guided
    and deconvnet images depend on the image more than on the upper weights: they
    hardly change where those are drawn anew (Adebayo et al. 2018). They show what a
    unit of a lower layer looks at; as an explanation of a decision take
    :func:`lamina.insight.saliency`.

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    image : array (height, width) or (height, width, channels)
    layer : int
        A number of :func:`lamina.insight.layers`.
    unit : int, optional
        Its channel; the one of the largest activation by default.
    place : (row, column), optional
        Where in its map; where it is most active by default.
    rule : {"deconvnet", "guided", "gradient"}, default="deconvnet"

    Raises
    ------
    ValueError
        If there is no such layer, unit, place or rule; if the image is of another shape
        than the model's.

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
    """Return a description in which every relu is another function."""
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
    """Return unit and place, those of the largest activation where none are given."""
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
