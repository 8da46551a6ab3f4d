"""Stopping rules: the host decides after each epoch whether training continues.

A rule is called once per epoch with the epoch's record (``loss``, ``score`` …) and
returns whether to stop. Its fields are plain numbers, so a checkpoint can store them.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lamina.learning.protocols import Record, StoppingRule


class Patient(StoppingRule):
    """A rule that stops after more than ``patience`` epochs in a row."""

    patience: float
    count: int

    def soonest(self) -> float:
        """Return the smallest number of epochs after which it may stop."""
        # An infinite patience has no floor.
        return math.floor(min(self.patience, 1e9) - self.count) + 1

    def has_fired(self, record: Record) -> bool:
        """Return whether this rule says that learning is done."""
        return self.count > self.patience


@dataclass
class NoImprovement(Patient):
    """Stop when a monitored quantity has stopped improving.

    Equations
    ---------
        improved  ⇔  value ≤ best − tol   (loss)
                     value ≥ best + tol   (score)
        stop after more than ``patience`` epochs in a row without improvement

    Parameters
    ----------
    monitor : str
        Key of the record to monitor.
    tol : float
    patience : float
        Epochs; may be infinite.
    maximize : bool
        Whether larger is better.
    """

    is_plateau: ClassVar[bool] = True

    monitor: str = "loss"
    tol: float = 1e-4
    patience: float = 10
    maximize: bool = False
    best: float = field(default=math.nan)
    count: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if math.isnan(self.best):
            self.best = -math.inf if self.maximize else math.inf

    def __call__(self, record: Record) -> bool:
        """Take note of an epoch; return whether to stop."""
        value = record[self.monitor]
        self.count = 0 if self._improved(value) else self.count + 1
        self.best = (max if self.maximize else min)(self.best, value)
        return self.count > self.patience

    def _improved(self, value: float) -> bool:
        if self.maximize:
            return value >= self.best + self.tol
        return value <= self.best - self.tol

    def restart(self) -> None:
        """Reset the count of epochs without improvement."""
        self.count = 0


@dataclass
class LossBelow(StoppingRule):
    """Stop when a monitored quantity has fallen to a threshold."""

    monitor: str
    threshold: float

    def __call__(self, record: Record) -> bool:
        """Return whether to stop."""
        return record[self.monitor] <= self.threshold

    def has_fired(self, record: Record) -> bool:
        """Return whether this rule says that learning is done."""
        return self(record)

    def limits(self) -> dict[str, float]:
        """Return the monitored quantity and its threshold."""
        return {self.monitor: float(self.threshold)}


@dataclass
class MaxEvaluations(StoppingRule):
    """Stop when a monitored quantity, summed over epochs, has used up a budget."""

    monitor: str
    budget: float
    spent: float = 0.0

    def __call__(self, record: Record) -> bool:
        """Take note of an epoch; return whether to stop."""
        self.spent += record[self.monitor]
        return self.spent >= self.budget

    def used_up(self) -> str | None:
        """Return the budget, if it is spent."""
        return f"{self.budget:g} {self.monitor}" if self.spent >= self.budget else None


@dataclass
class SmallImprovement(Patient):
    """Stop when the relative improvement of a monitored quantity is small.

    Equations
    ---------
        (Eᵢ₋₁ − Eᵢ) / |Eᵢ₋₁| < tol   in more than ``patience`` epochs in a row
    """

    monitor: str = "loss"
    tol: float = 1e-4
    patience: float = 0
    last: float = math.nan
    count: int = 0

    def __call__(self, record: Record) -> bool:
        """Take note of an epoch; return whether to stop."""
        value, last = record[self.monitor], self.last
        self.last = value
        if math.isnan(last):
            return False
        # `value == last` matters at a loss of 0, where 0 < tol · 0 is false.
        small = last - value < self.tol * abs(last) or value == last
        self.count = self.count + 1 if small else 0
        return self.count > self.patience


@dataclass
class SmallChange(StoppingRule):
    """Stop when no weight changes by more than a threshold in an epoch.

    Equations
    ---------
        maxⱼ |θⱼ(i) − θⱼ(i−1)| < threshold   after epoch i
    """

    watches_change: ClassVar[bool] = True

    threshold: float = 1e-5

    monitor: str = "weight_change"

    def __call__(self, record: Record) -> bool:
        """Return whether to stop."""
        return record[self.monitor] < self.threshold

    def has_fired(self, record: Record) -> bool:
        """Return whether this rule says that learning is done."""
        return self(record)


class Asked(StoppingRule):
    """A plain function of the record as a stopping rule.

    Parameters
    ----------
    function : callable
    """

    def __init__(self, function: Callable[[Record], bool]) -> None:
        self.function = function

    def __call__(self, record: Record) -> bool:
        """Return whether to stop."""
        return self.function(record)

    @property
    def memory(self) -> dict[str, Any]:
        """The state of the function, if it is an object with fields."""
        return getattr(self.function, "__dict__", {})


def rules_of(stopping: Iterable[Callable[[Record], bool]]) -> tuple[StoppingRule, ...]:
    """Return stopping rules; plain functions are wrapped."""
    return tuple(
        [rule if isinstance(rule, StoppingRule) else Asked(rule) for rule in stopping]
    )
