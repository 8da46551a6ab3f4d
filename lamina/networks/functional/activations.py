"""Activation functions φ: pre-activation h → activation a.

Each takes and returns an array of any shape. They work on NumPy arrays as well as on
traced ones, so a few rows are predicted without compiling anything.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamina.networks.core.arrays import Array
from lamina.networks.core.description import is_description

LEAK = 0.01
"""Slope of ``leaky_relu`` for negative pre-activations (Maas et al. 2013)."""


def namespace(h: Array) -> Any:
    """Return ``numpy`` for a NumPy array, ``jax.numpy`` for any other."""
    return np if isinstance(h, np.ndarray | np.generic) else jnp


def identity(h: Array):
    """a = h, as in regression."""
    return h


def threshold(h: Array):
    """a = 1 if h > 0, else 0: the unit fires only *above* its threshold."""
    return (h > 0).astype(h.dtype)


def sign(h: Array):
    """a = +1 if h ≥ 0, else −1; 0 counts as positive."""
    return namespace(h).where(h >= 0, 1, -1).astype(h.dtype)


def logistic(h: Array):
    """a = 1 / (1 + e^−h);  a′ = a (1 − a) ≤ ¼."""
    if namespace(h) is jnp:
        return jax.nn.sigmoid(h)
    # 1 / (1 + e^−h) would overflow, with a warning, for large −h.
    return np.exp(-np.logaddexp(0, -h))


def tanh(h: Array):
    """a = (e^h − e^−h) / (e^h + e^−h) = 2σ(2h) − 1;  a′ = 1 − a²."""
    return namespace(h).tanh(h)


def relu(h: Array):
    """a = max(0, h);  a′ = 1 if h > 0, else 0, also at h = 0."""
    return jax.nn.relu(h) if namespace(h) is jnp else np.maximum(h, 0)


def leaky_relu(h: Array):
    """a = h if h > 0, else 0.01 h (Maas, Hannun & Ng 2013, ICML workshop)."""
    return namespace(h).where(h > 0, h, LEAK * h)


def softmax(h: Array):
    """aᵢ = e^(hᵢ−m) / Σⱼ e^(hⱼ−m) with m = max h, over the last axis.

    Its derivative is a Jacobian, ∂aᵢ/∂hⱼ = aᵢ (δᵢⱼ − aⱼ).
    """
    xp = namespace(h)
    # The shift cancels; without it e^h overflows.
    e = xp.exp(h - xp.max(h, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def length(h: Array):
    """‖h‖ = √(Σᵢ hᵢ²) over the last axis; its derivative at h = 0 is defined as 0."""
    xp = namespace(h)
    q = xp.sum(h * h, axis=-1)
    # √ has no derivative at 0, and its NaN would survive an outer ``where``: the inner
    # one keeps the gradient finite.
    return xp.where(q > 0, xp.sqrt(xp.where(q > 0, q, 1)), 0).astype(h.dtype)


def squash(h: Array):
    """a = ‖h‖² / (1 + ‖h‖²) · h / ‖h‖ over the last axis: same direction, length < 1.

    References
    ----------
    Sabour, Frosst & Hinton (2017), Dynamic routing between capsules, NIPS, equation 1.
    """
    n = length(h)[..., None]
    return h * (n / (1 + n * n))


def exponential(h: Array):
    """a = e^h, the output of a Poisson regression."""
    return namespace(h).exp(h)


ACTIVATIONS: dict[str, Callable] = {
    "identity": identity,
    "threshold": threshold,
    "sign": sign,
    "logistic": logistic,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "softmax": softmax,
    "squash": squash,
    "exp": exponential,
}


def activation(name: str | Callable) -> Callable:
    """Return the activation function of that name; a function is returned unchanged.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if callable(name) and not is_description(name):
        return name
    try:
        return ACTIVATIONS[str(name)]
    except KeyError:
        known = ", ".join(ACTIVATIONS)
        raise ValueError(
            f"activation must be one of {known}, or a function; got {name!r}"
        ) from None
