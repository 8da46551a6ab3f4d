"""Adversarial training: training on examples perturbed to maximise the loss."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from lamina.learning.objectives.noise import in_numbers
from lamina.learning.objectives.objective import Batch
from lamina.learning.protocols import Term
from lamina.networks.core.arrays import Array
from lamina.networks.core.description import description, is_number
from lamina.networks.core.keys import for_purpose

NORMS = ("inf", "l2")
# In place of a norm of 0, which would give 0/0.
TINY = 1e-30


class Attack(Term):
    """A term that also trains on adversarial examples x̃, with the fields ε and s.

    Equations
    ---------
        E = (1 − s) E(x) + s E(x̃)
    """

    disturbs: ClassVar[bool] = True
    more_than_errors: ClassVar[bool] = True

    epsilon: float
    share: float

    def attack(self, loss: Callable[[Any], Any], x: Array, key: Array) -> Any:
        """Return x̃ (batch, …) for a loss that is a sum over the batch."""
        raise NotImplementedError

    def disturb_inputs(self, batch: Batch, key: Array) -> Any:
        """Return the batch with inputs that can be perturbed."""
        return in_numbers(batch)

    def around(self, loss: Callable[[Any], Any], key: Any) -> Callable[[Any], Any]:
        """Return the loss of x and of x̃."""

        def of_both(x: Any) -> Any:
            clean = loss(x)
            x = jnp.asarray(x)  # raises on sparse rows: gradients are dense
            moved = self.attack(loss, x, for_purpose(key, "attack"))
            return (1 - self.share) * clean + self.share * loss(moved)

        return of_both


@description
class FGSM(Attack):
    """Fast gradient sign method: one step uphill.

    Equations
    ---------
        g = ∇ₓ ℓ(x)
        x̃ = x + ε sign(g)        norm "inf":  maxⱼ |x̃ⱼ − xⱼ| ≤ ε
        x̃ = x + ε g / ‖g‖₂       norm "l2":   ‖x̃ − x‖₂ ≤ ε
        E = (1 − s) E(x) + s E(x̃)

    x̃ is treated as an ordinary input: no gradient flows through its computation.

    Parameters
    ----------
    epsilon : float, default=0.1
        ε, the bound on the norm, in units of the inputs as the network sees them.
    share : float, default=0.5
        s, the weight of the adversarial examples.
    norm : {"inf", "l2"}, default="inf"
    low, high : float, optional
        Bounds of valid inputs, 0 and 1 for images; x̃ is clipped to them.

    References
    ----------
    Goodfellow, Shlens & Szegedy (2015), Explaining and harnessing adversarial examples,
    ICLR, sections 4 and 6.
    """

    epsilon: float = 0.1
    share: float = 0.5
    norm: str = "inf"
    low: float | None = None
    high: float | None = None

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If ε is negative, s not in [0, 1], or the norm unknown.
        """
        _check(self)

    def attack(self, loss: Callable[[Any], Any], x: Array, key: Array) -> Any:
        """Return x̃ (batch, …) for a loss that is a sum over the batch."""
        # x̃ is a constant of the outer gradient: without this, the gradient by the
        # weights would also differentiate the attack.
        x = jax.lax.stop_gradient(x)
        step = self.epsilon * _steepest(jax.grad(loss)(x), self.norm)
        return jax.lax.stop_gradient(_bounded(self, x + step))


@description
class PGD(Attack):
    """Projected gradient descent: several small steps uphill, from a random start.

    Equations
    ---------
        x₀ = x + u,   u uniform in the ball ‖u‖ ≤ ε
        xₜ₊₁ = P(xₜ + η sign(∇ₓ ℓ(xₜ)))        norm "inf"
        xₜ₊₁ = P(xₜ + η ∇ₓℓ(xₜ) / ‖∇ₓℓ(xₜ)‖₂)  norm "l2"
        E = (1 − s) E(x) + s E(x_T)

    P projects onto the ball ‖x̃ − x‖ ≤ ε of the norm, and into [low, high].

    Parameters
    ----------
    epsilon : float, default=0.1
        ε, in units of the inputs as the network sees them.
    share : float, default=0.5
        s; 1 trains on adversarial examples only, as in the paper.
    norm : {"inf", "l2"}, default="inf"
    low, high : float, optional
        Bounds of valid inputs.
    steps : int, default=7
        T.
    step_size : float, optional
        η; 2.5 ε / T by default.

    References
    ----------
    Madry, Makelov, Schmidt, Tsipras & Vladu (2018), Towards deep learning models
    resistant to adversarial attacks, ICLR, section 2.
    """

    epsilon: float = 0.1
    share: float = 0.5
    norm: str = "inf"
    low: float | None = None
    high: float | None = None
    steps: int = 7
    step_size: float | None = None

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If ε is negative, s not in [0, 1], the norm unknown, or there are no steps.
        """
        _check(self)
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")
        size: Any = self.step_size
        if is_number(size) and not size > 0:
            raise ValueError(f"step_size must be > 0, got {size}")

    def attack(self, loss: Callable[[Any], Any], x: Array, key: Array) -> Any:
        """Return x̃ (batch, …) for a loss that is a sum over the batch."""
        x = jax.lax.stop_gradient(x)
        size = self.step_size
        if size is None:
            # The steps together reach the border of the ball from any start, and can
            # then move along it (Madry and others 2018).
            size = 2.5 * self.epsilon / self.steps

        def step(_: Array | int, moved: Array) -> Any:
            moved = moved + size * _steepest(jax.grad(loss)(moved), self.norm)
            return _bounded(self, x + _projected(moved - x, self))

        start = _bounded(self, x + self._start(x, key))
        # A loop compiles the network once, not once per step. x̃ is a constant, as in
        # FGSM.
        return jax.lax.stop_gradient(jax.lax.fori_loop(0, self.steps, step, start))

    def _start(self, x: Array, key: Array) -> Any:
        """Return u, uniform in the ball of radius ε."""
        if self.norm == "inf":
            return self.epsilon * jax.random.uniform(key, x.shape, x.dtype, -1, 1)
        direction_key, radius_key = jax.random.split(key)
        direction = jax.random.normal(direction_key, x.shape, x.dtype)
        shape = (x.shape[0], *[1] * (x.ndim - 1))
        radius = jax.random.uniform(radius_key, shape, x.dtype)
        # A radius of U^(1/d) makes points uniform in a ball of d dimensions.
        dimensions = x.size // x.shape[0]
        return self.epsilon * radius ** (1 / dimensions) * _steepest(direction, "l2")


def _check(attack: FGSM | PGD) -> None:
    if is_number(attack.epsilon) and not attack.epsilon >= 0:
        raise ValueError(f"epsilon must be ≥ 0, got {attack.epsilon}")
    if is_number(attack.share) and not 0 <= attack.share <= 1:
        raise ValueError(f"share must be in [0, 1], got {attack.share}")
    if attack.norm not in NORMS:
        raise ValueError(f"norm must be one of {NORMS}, got {attack.norm!r}")


def _norm(x: Array) -> Any:
    """Return ‖x‖₂ of every example, shaped to divide x by."""
    axes = tuple(range(1, x.ndim))
    return jnp.sqrt(jnp.sum(x * x, axis=axes, keepdims=True))


def _steepest(g: Array, norm: str) -> Any:
    """Return the step of norm 1 that raises the loss most."""
    return jnp.sign(g) if norm == "inf" else g / jnp.maximum(_norm(g), TINY)


def _projected(change: Array, attack: FGSM | PGD) -> Any:
    """Return the nearest change in the ball of radius ε."""
    if attack.norm == "inf":
        return jnp.clip(change, -attack.epsilon, attack.epsilon)
    return change * jnp.minimum(1, attack.epsilon / jnp.maximum(_norm(change), TINY))


def _bounded(attack: FGSM | PGD, x: Array) -> Any:
    if attack.low is None and attack.high is None:
        return x
    return jnp.clip(x, attack.low, attack.high)
