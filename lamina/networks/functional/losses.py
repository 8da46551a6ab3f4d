"""Loss functions, per example.

A loss is computed from the pre-activation h of the output layer where that is the
numerically stable form: log-sigmoid and log-softmax never see a probability that was
rounded to 0. For these pairs of activation and loss the error signal is
δ = ∂ℓ/∂h = a − y:

=============  ======================
activation     loss
=============  ======================
identity       squared_error
logistic       binary_cross_entropy
softmax        cross_entropy
exp            poisson
=============  ======================

With any other activation the loss is computed from a = φ(h).

Shapes: h and a (batch, outputs); y (batch, outputs), or (batch,) class numbers for
``cross_entropy`` and ``margin``; the loss (batch,).

A network may have an output at each position of an example: h and a (batch,
\\*positions, outputs), y (batch, \\*positions) class numbers, negative where a position
has no label; for ``cross_entropy`` also (batch, \\*positions, outputs) class
probabilities, all 0 where a position has no label. The loss of an example is then the
mean over its labelled positions p, 0 if there is none:

    ℓ = Σₚ ℓ(h[p], y[p]) / #{p : y[p] ≥ 0}      over p with y[p] ≥ 0
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lamina.networks.core.arrays import Array
from lamina.networks.core.description import is_description
from lamina.networks.functional.activations import activation

TINY = 1e-7
"""Outputs that should be probabilities are clipped to this distance from 0 and 1."""

MARGIN, ABSENT = 0.9, 0.5
"""m⁺ = 1 − m⁻ and λ of the margin loss (Sabour and others 2017, section 3)."""

UNKNOWN = -1
"""The class number of a position without a label."""

OF_CLASSES = ("cross_entropy", "margin")
"""Losses whose targets may be class numbers."""

TINY_ROOT = 1e-15
"""Lower bound of roots of curvatures, which are divisors."""


def squared_error(a: Array, y: Array):
    """ℓ = ½ Σⱼ (yⱼ − aⱼ)², so that ∂ℓ/∂a = a − y."""
    return 0.5 * jnp.sum((y - a) ** 2, axis=-1)


def sum_squared_error(a: Array, y: Array):
    """ℓ = Σⱼ (yⱼ − aⱼ)², without the ½: δ is twice as large."""
    return jnp.sum((y - a) ** 2, axis=-1)


def absolute_error(a: Array, y: Array):
    """ℓ = Σⱼ |yⱼ − aⱼ|, which fits the median instead of the mean."""
    return jnp.sum(jnp.abs(y - a), axis=-1)


def binary_cross_entropy(a: Array, y: Array):
    """ℓ = −Σⱼ yⱼ ln aⱼ + (1 − yⱼ) ln(1 − aⱼ), for one or several binary outputs."""
    a = jnp.clip(a, TINY, 1 - TINY)
    return -jnp.sum(y * jnp.log(a) + (1 - y) * jnp.log1p(-a), axis=-1)


def cross_entropy(a: Array, y: Array):
    """ℓ = −Σⱼ yⱼ ln aⱼ, for exclusive classes."""
    return -jnp.sum(_one_hot(y, a) * jnp.log(jnp.clip(a, TINY, 1)), axis=-1)


def poisson(a: Array, y: Array):
    """ℓ = Σⱼ aⱼ − yⱼ ln aⱼ + (yⱼ ln yⱼ − yⱼ): half the Poisson deviance, for counts."""
    return jnp.sum(a - y * jnp.log(jnp.maximum(a, TINY)) + _saturated(y), axis=-1)


def margin(a: Array, y: Array):
    """ℓ = Σⱼ yⱼ max(0, m⁺ − aⱼ)² + λ (1 − yⱼ) max(0, aⱼ − m⁻)².

    a are the lengths of capsules; m⁺ = 0.9, m⁻ = 0.1, λ = 0.5. Several classes may be
    present at once.

    References
    ----------
    Sabour, Frosst & Hinton (2017), Dynamic routing between capsules, NIPS, equation 4.
    """
    y = _one_hot(y, a)
    present = jnp.maximum(0, MARGIN - a) ** 2
    absent = jnp.maximum(0, a - (1 - MARGIN)) ** 2
    return jnp.sum(y * present + ABSENT * (1 - y) * absent, axis=-1)


def _binary_cross_entropy_from_pre_activation(h: Array, y: Array):
    """ℓ = Σⱼ ln(1 + e^hⱼ) − yⱼ hⱼ."""
    # Finite for every h, where the logarithm of a rounded σ(h) would be log 0.
    return jnp.sum(jnp.logaddexp(0, h) - y * h, axis=-1)


def _cross_entropy_from_pre_activation(h: Array, y: Array):
    """ℓ = ln Σⱼ e^(hⱼ−m) + m − Σⱼ yⱼ hⱼ, with m = max h and Σⱼ yⱼ = 1."""
    # The shift cancels, and so would its gradient.
    shifted = h - jax.lax.stop_gradient(jnp.max(h, axis=-1, keepdims=True))
    log_sum = jnp.log(jnp.sum(jnp.exp(shifted), axis=-1))
    return log_sum - jnp.sum(_one_hot(y, h) * shifted, axis=-1)


def _poisson_from_pre_activation(h: Array, y: Array):
    """ℓ = Σⱼ e^hⱼ − yⱼ hⱼ + (yⱼ ln yⱼ − yⱼ)."""
    return jnp.sum(jnp.exp(h) - y * h + _saturated(y), axis=-1)


def _saturated(y: Array):
    # `xlogy`: 0 log 0 = 0. A constant, with which a perfect fit has loss 0.
    return jax.scipy.special.xlogy(y, y) - y


def _one_hot(y: Array, like: Array):
    """Class numbers (batch,) → (batch, classes); dense targets stay unchanged."""
    if y.ndim == like.ndim:
        return y
    return jax.nn.one_hot(y, like.shape[-1], dtype=like.dtype)


LOSSES: dict[str, Callable] = {
    "squared_error": squared_error,
    "sum_squared_error": sum_squared_error,
    "absolute_error": absolute_error,
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
    "margin": margin,
    "poisson": poisson,
}

_FROM_PRE_ACTIVATION: dict[tuple[str, str], Callable] = {
    ("binary_cross_entropy", "logistic"): _binary_cross_entropy_from_pre_activation,
    ("cross_entropy", "softmax"): _cross_entropy_from_pre_activation,
    ("poisson", "exp"): _poisson_from_pre_activation,
}


def loss_from_pre_activation(
    loss: str | Callable, out_activation: str | Callable, h: Array, y: Array
) -> Any:
    """Return the loss of each example from the output layer's pre-activation h.

    Parameters
    ----------
    loss : str or callable
        A name from :data:`LOSSES`, or a function ``loss(a, y)`` of outputs (batch,
        outputs) and targets that returns one number per example.
    out_activation : str or callable
        φ of the output layer.
    h, y : arrays
        See the module's docstring.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    _check_shapes(loss, h, y)
    if callable(loss):
        return loss(activation(out_activation)(h), y)
    if 1 < y.ndim < h.ndim:
        return _over_positions(_of_outputs(loss, out_activation, h, y), y >= 0)
    if loss == "cross_entropy" and y.ndim > 2:
        known = jnp.any(y > 0, axis=-1)
        return _over_positions(_of_outputs(loss, out_activation, h, y), known)
    return _of_outputs(loss, out_activation, h, y)


def _of_outputs(loss: str, out_activation: str | Callable, h: Array, y: Array) -> Any:
    """Return the loss of each vector of outputs."""
    if from_net := _FROM_PRE_ACTIVATION.get((loss, str(out_activation))):
        return from_net(h, y)
    return find_loss(loss)(activation(out_activation)(h), y)


def _over_positions(loss: Array, known: Array) -> Any:
    """Return the mean over labelled positions: (batch, \\*positions) → (batch,)."""
    axes = tuple(range(1, known.ndim))
    count = jnp.maximum(1, jnp.sum(known, axis=axes)).astype(loss.dtype)
    return jnp.sum(jnp.where(known, loss, 0), axis=axes) / count


def _squared_error_root(a: Array, jacobian: Array, y: Array):
    """ℓ = ½ Σ (y − a)²: B = ∂a/∂h, ρ = a − y."""
    return jacobian, a - y


def _sum_squared_error_root(a: Array, jacobian: Array, y: Array):
    """ℓ = Σ (y − a)²: B = √2 ∂a/∂h, ρ = √2 (a − y)."""
    return math.sqrt(2) * jacobian, math.sqrt(2) * (a - y)


def _binary_cross_entropy_root(h: Array, y: Array):
    """B = diag √(a (1 − a)), ρ = (a − y) / √(a (1 − a)), a = σ(h)."""
    a = jax.nn.sigmoid(h)
    root = jnp.maximum(jnp.sqrt(a * jax.nn.sigmoid(-h)), TINY_ROOT)
    return _diagonal(root), (a - y) / root


def _cross_entropy_root(h: Array, y: Array):
    """Bⱼₖ = √aⱼ (δⱼₖ − aₖ), ρⱼ = (aⱼ − yⱼ) / √aⱼ, a = softmax(h)."""
    a = jax.nn.softmax(h, axis=-1)
    root = jnp.maximum(jnp.sqrt(a), TINY_ROOT)
    B = root[..., :, None] * (jnp.eye(h.shape[-1], dtype=h.dtype) - a[..., None, :])
    return B, (a - _one_hot(y, h)) / root


def _poisson_root(h: Array, y: Array):
    """B = diag √a, ρ = (a − y) / √a, a = e^h."""
    root = jnp.maximum(jnp.exp(h / 2), TINY_ROOT)
    return _diagonal(root), (jnp.exp(h) - y) / root


def _diagonal(v: Array):
    return v[..., :, None] * jnp.eye(v.shape[-1], dtype=v.dtype)


_ROOT_OF_SQUARES: dict[str, Callable] = {
    "squared_error": _squared_error_root,
    "sum_squared_error": _sum_squared_error_root,
}

_ROOT_FROM_PRE_ACTIVATION: dict[tuple[str, str], Callable] = {
    ("binary_cross_entropy", "logistic"): _binary_cross_entropy_root,
    ("cross_entropy", "softmax"): _cross_entropy_root,
    ("poisson", "exp"): _poisson_root,
}


def curvature_root(
    loss: str | Callable, out_activation: str | Callable, h: Array, y: Array
) -> tuple[Any, Any]:
    """Return B and ρ, which write a loss as a sum of squares, up to second order.

    Equations
    ---------
        Bᵀ ρ = ∂ℓ/∂h
        Bᵀ B = ∂²ℓ/∂h²     for the pairs of the module's table
        Bᵀ B = (∂a/∂h)ᵀ (∂a/∂h)     for squared errors of any activation, which
                                    omits (a − y) ∂²a/∂h²

    Parameters
    ----------
    loss, out_activation, h, y
        As for :func:`loss_from_pre_activation`.

    Returns
    -------
    B : array (batch, outputs, outputs)
    rho : array (batch, outputs)

    Raises
    ------
    ValueError
        If the loss has no such form.

    References
    ----------
    Schraudolph (2002), Fast curvature matrix-vector products for second-order gradient
    descent, Neural Computation 14, section 3.
    """
    _check_shapes(loss, h, y)
    if 1 < y.ndim < h.ndim:
        raise ValueError("Gauss-Newton methods need one output vector per example")
    if from_output := _ROOT_OF_SQUARES.get(str(loss)):
        phi = activation(out_activation)
        jacobian = jax.vmap(jax.jacfwd(phi))(h)
        return from_output(phi(h), jacobian, y)
    if from_net := _ROOT_FROM_PRE_ACTIVATION.get((str(loss), str(out_activation))):
        return from_net(h, y)
    pairs = ", ".join(f"{loss} with {phi}" for loss, phi in _ROOT_FROM_PRE_ACTIVATION)
    raise ValueError(
        f"Gauss-Newton methods need squared_error, sum_squared_error, or one of the "
        f"pairs {pairs}; got {loss!r} with {out_activation!r}"
    )


def _check_shapes(loss: str | Callable, h: Array, y: Array) -> None:
    """Reject targets that would be broadcast: (n,) with (n, 1) gives (n, n)."""
    if callable(loss) or (loss in OF_CLASSES and y.shape == h.shape[:-1]):
        return
    if y.shape != h.shape:
        raise ValueError(
            f"targets must have the shape of the outputs, {h.shape}; got {y.shape}"
        )


def find_loss(name: str | Callable) -> Callable:
    """Return the loss of that name; a function is returned unchanged.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if callable(name) and not is_description(name):
        return name
    try:
        return LOSSES[str(name)]
    except KeyError:
        known = ", ".join(LOSSES)
        raise ValueError(
            f"loss must be one of {known}, or a function; got {name!r}"
        ) from None
