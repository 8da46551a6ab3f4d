"""The state of training: everything that an epoch changes and a snapshot holds.

All random numbers are derived from a key, an epoch and a step, so no generator state
has to be stored.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lamina.learning.control.records import first_epoch, total
from lamina.learning.loop.side_by_side import pick
from lamina.learning.loop.snapshot import (
    REASONS,
    UnreadableError,
    leaves_of,
    like,
    memory_of,
    number_like,
    restore,
    row_numbers,
    shapes_of,
    whole_number,
)
from lamina.learning.protocols import StoppingRule


class Weights(NamedTuple):
    """Parameters and algorithm states of n models side by side."""

    params: Any
    state: Any


class Within(NamedTuple):
    """The position within an epoch: the steps taken, and their results.

    ``sums`` are those that the calls of the compiled program returned so far.
    """

    step: int
    weights: Weights
    sums: Sequence[dict[str, Any]] = ()

    def noted(self) -> dict[str, Any]:
        """Return all of it, without copies of arrays."""
        return {
            "step": self.step,
            "weights": partial(leaves_of, self.weights),
            "sums": partial(_added_up, self.sums),
        }

    @classmethod
    def restored(cls, saved: dict[str, Any], shapes: Any) -> "Within":
        """Return the position from a snapshot; ``shapes`` are those of the weights."""
        sums = saved["sums"].items()
        return cls(
            whole_number(saved["step"]),
            like(shapes, saved["weights"]),
            [{str(k): np.asarray(v, np.float64) for k, v in sums}],
        )


def _added_up(sums: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    return first_epoch(total(sums))


@dataclass
class Standing:
    """The training state of one model.

    Attributes
    ----------
    rules : tuple of StoppingRule
        Its own rules, whose state is part of the model's.
    reason : str
        Why training ended; "finished" while it has not.
    best : float
        Best value of the ``keep_best`` quantity so far; larger is better.
    least, least_epoch : float, int
        The lowest training loss, and the epoch after which its weights were reached.
    anchor_epoch : int
        Epoch of the anchor: the last stored weights from which those of the lowest loss
        can be recomputed.
    plateaus : int
        Number of plateaus at which the rate was reduced.
    selected : ndarray of int, optional
        Rows of the epochs that train on a subset.
    """

    rules: tuple[StoppingRule, ...] = ()
    first_epoch: int = 0
    epochs: int = 0
    examples: int = 0
    reason: str = "finished"
    history: dict[str, list[float]] = field(default_factory=dict)
    best: float = -math.inf
    least: float = math.inf
    least_epoch: int = 0
    anchor_epoch: int = 0
    plateaus: int = 0
    selected: np.ndarray | None = None

    @property
    def epoch(self) -> int:
        """Number of epochs run, earlier calls included."""
        return self.first_epoch + self.epochs

    @property
    def losses(self) -> list[float]:
        """The training loss of each epoch."""
        return self.history.get("loss", [])

    def noted(self) -> dict[str, Any]:
        """Return the state at no cost: history only grows, and is cut when written."""
        return vars(self) | {
            "history": {
                name: partial(values.__getitem__, slice(len(values)))
                for name, values in self.history.items()
            },
            "rules": [memory_of(rule) for rule in self.rules],
        }

    def restore(self, saved: dict[str, Any], rows: np.ndarray) -> None:
        """Restore from a snapshot; ``rows`` are those that may be selected.

        Raises
        ------
        ValueError
            If the snapshot is corrupt.
        """
        if saved["reason"] not in REASONS:
            raise UnreadableError("the stop reason is unknown")
        for name in _NUMBERS:
            setattr(self, name, number_like(saved[name], getattr(self, name), name))
        self.reason = saved["reason"]
        history = saved["history"].items()
        self.history = {str(k): [float(v) for v in values] for k, values in history}
        if any(len(values) != self.epochs for values in self.history.values()):
            raise UnreadableError("the history does not match the number of epochs")
        if saved["selected"] is not None:
            self.selected = row_numbers(saved["selected"], rows)
        for rule, memory in zip(self.rules, saved["rules"], strict=True):
            restore(rule, memory)


# Annotations are types here, as this module does not postpone their evaluation.
_NUMBERS = [f.name for f in dataclasses.fields(Standing) if f.type in (int, float)]


@dataclass
class ModelState:
    """Everything that training changes, for n models side by side.

    Weights have a first axis for models if there are several. Arrays are never
    modified, only replaced.

    Attributes
    ----------
    weights, anchor : Weights
        Current weights, and those from which the ones of the lowest loss can be
        recomputed.
    best_params : pytree or None
        Parameters of the best epochs; arbitrary for a model without one.
    each : list of Standing
    within : Within, optional
        The position within the current epoch.
    shards, threads : int
        Number of devices and threads that share sums.
    """

    weights: Weights
    anchor: Weights
    each: list[Standing]
    shards: int
    threads: int
    best_params: Any = None
    within: Within | None = None

    @property
    def n(self) -> int:
        """Number of models."""
        return len(self.each)

    def params_of(self, i: int) -> Any:
        """Return the parameters of model i."""
        return pick(self.weights.params, i, self.n)

    def best_of(self, i: int) -> Any:
        """Return the parameters of the best epoch of model i, None if it has none."""
        if self.best_params is None or self.each[i].best == -math.inf:
            return None
        return pick(self.best_params, i, self.n)

    @property
    def position(self) -> tuple:
        """Return a value that changes with every step."""
        step = 0 if self.within is None else self.within.step
        return step, *((one.epochs, one.reason) for one in self.each)

    def noted(self) -> dict[str, Any]:
        """Return all of it, without copies of arrays."""
        # Mostly they are the same weights: stored once.
        elsewhere = self.anchor is not self.weights
        best, within = self.best_params, self.within
        return {
            "shards": self.shards,
            "threads": self.threads,
            "weights": partial(leaves_of, self.weights),
            "anchor": partial(leaves_of, self.anchor) if elsewhere else None,
            "best_params": None if best is None else partial(leaves_of, best),
            "within": None if within is None else within.noted(),
            "models": [one.noted() for one in self.each],
        }

    def restore(self, saved: dict[str, Any], rows: Sequence[np.ndarray]) -> None:
        """Restore from a snapshot; ``rows`` are those of each model.

        Raises
        ------
        ValueError
            If the snapshot is corrupt.
        """
        shapes = shapes_of(self.weights)
        self.weights = self.anchor = like(shapes, saved["weights"])
        self.best_params = self.within = None
        if saved["anchor"] is not None:
            self.anchor = like(shapes, saved["anchor"])
        if saved["best_params"] is not None:
            self.best_params = like(shapes.params, saved["best_params"])
        for name in ("shards", "threads"):
            setattr(self, name, number_like(saved[name], getattr(self, name), name))
        for one, known, own in zip(self.each, saved["models"], rows, strict=True):
            one.restore(known, own)
        if saved["within"] is not None:
            self.within = Within.restored(saved["within"], shapes)
