"""Where learning is: all that an epoch changes, and so all that a snapshot holds.

All random numbers derive from a key, an epoch and a step, so no generator has to be
kept.
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
    """Parameters and the algorithm's state, of n models side by side."""

    params: Any
    state: Any


class Within(NamedTuple):
    """Where a run is amid an epoch: the steps taken, and what they came to.

    ``sums`` are those that the calls of the compiled program gave back so far.
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
        """Return what was noted and written; ``shapes`` are those of the weights."""
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
    """What is known of one model.

    Attributes
    ----------
    rules : tuple of StoppingRule
        Its own: what they remember is a part of where it is.
    reason : str
        Why its learning ended; "finished" as long as it has not.
    best : float
        The best number that ``keep_best`` is about so far; larger is better.
    least, least_epoch : float, int
        The least training loss, and after how many epochs its weights were there.
    anchor_epoch : int
        After how many epochs the anchor was: the last known weights from which those
        of the least loss follow.
    plateaus : int
        Those met and answered by a smaller rate.
    selected : ndarray of int, optional
        Rows of the epochs that have only some of them.
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
        """How many epochs were taken, those of earlier calls included."""
        return self.first_epoch + self.epochs

    @property
    def losses(self) -> list[float]:
        """The training loss of each epoch."""
        return self.history.get("loss", [])

    def noted(self) -> dict[str, Any]:
        """Return all of it, at no cost: history only grows, and is cut when written."""
        return vars(self) | {
            "history": {
                name: partial(values.__getitem__, slice(len(values)))
                for name, values in self.history.items()
            },
            "rules": [memory_of(rule) for rule in self.rules],
        }

    def restore(self, saved: dict[str, Any], rows: np.ndarray) -> None:
        """Take what was noted; ``rows`` are those that may be selected.

        Raises
        ------
        ValueError
            If it is not readable.
        """
        if saved["reason"] not in REASONS:
            raise UnreadableError("it knows no such end")
        for name in _NUMBERS:
            setattr(self, name, number_like(saved[name], getattr(self, name), name))
        self.reason = saved["reason"]
        history = saved["history"].items()
        self.history = {str(k): [float(v) for v in values] for k, values in history}
        if any(len(values) != self.epochs for values in self.history.values()):
            raise UnreadableError("its history is not that of its epochs")
        if saved["selected"] is not None:
            self.selected = row_numbers(saved["selected"], rows)
        for rule, memory in zip(self.rules, saved["rules"], strict=True):
            restore(rule, memory)


_NUMBERS = [f.name for f in dataclasses.fields(Standing) if f.type in (int, float)]


@dataclass
class ModelState:
    """All that learning changes, of n models side by side.

    Weights have a first axis of models, if there are several. Arrays are never changed,
    only replaced.

    Attributes
    ----------
    weights, anchor : Weights
        Those of now, and those from which the ones of the least loss follow.
    best_params : pytree or None
        Parameters of the best epochs; of a model without one, any.
    each : list of Standing
    within : Within, optional
        The epoch under way.
    shares, threads : int
        Among how many devices and threads sums are divided.
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
        """How many models there are."""
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
        """Return what changes with every step that counts."""
        step = 0 if self.within is None else self.within.step
        return step, *((one.epochs, one.reason) for one in self.each)

    def noted(self) -> dict[str, Any]:
        """Return all of it, without copies of arrays."""
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
        """Take what was noted and written; ``rows`` are those of each model.

        Raises
        ------
        ValueError
            If it is not readable.
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
