"""Learning-rate schedules: they change the rate between epochs.

The rate is a leaf of the algorithm's description, so a new one compiles nothing. A
schedule is a pure function of the history so far: a resumed run has the same rates as
an uninterrupted one.
"""

import math
from typing import Any, ClassVar

from lamina.learning.protocols import Algorithm, Moment, Schedule
from lamina.networks.core.description import description, is_number


def check_schedulable(algorithm: Algorithm) -> None:
    """Reject an algorithm whose steps do not depend on a learning rate.

    Raises
    ------
    ValueError
        If it has none, or only an initial step size, as Rprop.
    """
    name = algorithm.name
    if not algorithm.needs.first_order:
        raise ValueError(f"{name} has no learning rate to schedule")
    if not algorithm.needs.schedulable:
        raise ValueError(
            f"{name} has no learning rate to schedule: learning_rate is only the size "
            "of its first step"
        )


@description
class Constant(Schedule):
    """Constant η."""

    is_constant: ClassVar[bool] = True

    def rate(self, initial: Any, moment: Moment) -> Any:
        """Return η for the next epoch."""
        return initial


@description
class InverseScaling(Schedule):
    """η = η₀ / (t + 1)^p, t the number of examples seen before this epoch.

    scikit-learn's ``learning_rate="invscaling"``.

    Parameters
    ----------
    power : float, default=0.5
        p.
    """

    power: float = 0.5

    def rate(self, initial: float, moment: Moment) -> Any:
        """Return η for the next epoch."""
        return initial / (moment.examples + 1) ** self.power


@description
class InverseTime(Schedule):
    """η = η₀ c / (i + c) in epoch i = 0, 1, ….

    The first epoch has η₀, and after c epochs half of it is left. The sum of all rates
    diverges and the sum of their squares converges, as Robbins and Monro require.
    Textbooks also write α₀ / (i + c) with α₀ = η₀ c.

    Parameters
    ----------
    offset : float, default=1
        c > 0.

    References
    ----------
    Robbins & Monro (1951), A stochastic approximation method, Annals of Mathematical
    Statistics 22.
    """

    offset: float = 1.0

    def check(self) -> None:
        """Reject an offset of 0 or less.

        Raises
        ------
        ValueError
            If c ≤ 0.
        """
        if is_number(self.offset) and not self.offset > 0:
            raise ValueError(f"offset must be > 0, got {self.offset}")

    def rate(self, initial: float, moment: Moment) -> Any:
        """Return η for the next epoch."""
        return initial * self.offset / (moment.epoch + self.offset)


@description
class StepDecay(Schedule):
    """η = η₀ fᵏ, k = ⌊i / every⌋ in epoch i = 0, 1, ….

    Parameters
    ----------
    every : int, default=30
        Epochs between two steps.
    factor : float, default=0.1
        f.
    """

    every: int = 30
    factor: float = 0.1

    def check(self) -> None:
        """Reject an invalid interval.

        Raises
        ------
        ValueError
            If ``every`` is less than 1.
        """
        if self.every < 1:
            raise ValueError(f"every must be at least 1, got {self.every}")

    def rate(self, initial: float, moment: Moment) -> Any:
        """Return η for the next epoch."""
        return initial * self.factor ** (moment.epoch // self.every)


@description
class Cosine(Schedule):
    """η = e η₀ + (1 − e) η₀ ½ (1 + cos(π i / I)) in epoch i = 0, …, I − 1.

    Parameters
    ----------
    end : float, default=0
        e, the fraction of η₀ that is left at the end.

    References
    ----------
    Loshchilov & Hutter (2017), SGDR: stochastic gradient descent with warm restarts,
    ICLR, equation 5, for one period.
    """

    ends: ClassVar[bool] = True

    end: float = 0.0

    def rate(self, initial: float, moment: Moment) -> Any:
        """Return η for the next epoch."""
        wave = 0.5 * (1 + math.cos(math.pi * moment.epoch / max(1, moment.epochs)))
        return initial * (self.end + (1 - self.end) * wave)


@description
class BoldDriver(Schedule):
    """Raise the rate while the loss falls; undo a step that raises the loss.

    Equations
    ---------
    On the full batch, with E* the lowest loss so far and θ* its weights,

        η ← ρ η                if E(θ) < E*,   and θ*, E* are θ, E(θ)
        η ← σ η,   θ ← θ*      if E(θ) > E*

    A step that raised the loss is undone at once; the next one starts from θ* with the
    smaller rate and no momentum. Evaluating E(θ) and recomputing E(θ*) takes one epoch
    each; both count and appear in the history.

    The loss of an epoch of mini-batches mixes the weights of many steps and may rise by
    chance. There Eᵢ is compared with Eᵢ₋₁ of the epoch before, and no step is undone:

        η ← ρ η   if Eᵢ < Eᵢ₋₁
        η ← σ η   if Eᵢ > Eᵢ₋₁

    Parameters
    ----------
    increase, decrease : float, default=1.05 and 0.5
        ρ > 1 and σ < 1.

    References
    ----------
    Vogl, Mangis, Rigler, Zink & Alkon (1988), Accelerating the convergence of the
    back-propagation method, Biological Cybernetics 59; Battiti (1989), Accelerated
    backpropagation learning: two optimization methods, Complex Systems 3.
    """

    undoes: ClassVar[bool] = True

    increase: float = 1.05
    decrease: float = 0.5

    def rate(self, initial: float, moment: Moment) -> Any:
        """Return η for the next epoch."""
        # Comparisons with NaN are false: the first loss changes nothing.
        rate, known = initial, math.nan
        for loss in moment.losses:
            if loss < known:
                rate = rate * self.increase
            elif loss > known:
                rate = rate * self.decrease
            # In this order: `min(nan, loss)` would stay NaN.
            known = min(loss, known) if moment.whole else loss
        return rate


@description
class Adaptive(Schedule):
    """η = η₀ / 5ᵏ after k plateaus; ends when η would fall below a minimum.

    scikit-learn's ``learning_rate="adaptive"``: where training would stop for lack of
    improvement, it continues with a smaller rate.

    Parameters
    ----------
    factor : float, default=5
    minimum : float, default=1e-6
    """

    answers_plateaus: ClassVar[bool] = True

    factor: float = 5.0
    minimum: float = 1e-6

    def rate(self, initial: float, moment: Moment) -> Any:
        """Return η for the next epoch."""
        return initial / self.factor**moment.plateaus

    def goes_on(self, rate: float) -> bool:
        """Return whether the rate is reduced after a plateau at this rate."""
        return rate > self.minimum


SCHEDULES = {
    "constant": Constant,
    "inverse_time": InverseTime,
    "step": StepDecay,
    "cosine": Cosine,
    "bold_driver": BoldDriver,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
}
"""Schedules by the names that estimators accept."""
