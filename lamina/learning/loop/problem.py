"""Inputs and results of the training loop."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from lamina.learning.control.schedules import Constant
from lamina.learning.control.stopping import rules_of
from lamina.learning.data.loader import Loader
from lamina.learning.data.selective import SelectiveDelta
from lamina.learning.diagnostics.recorder import Recorder
from lamina.learning.loop.checkpointer import Checkpoint
from lamina.learning.loop.evaluation import Validation
from lamina.learning.objectives.objective import Objective
from lamina.learning.protocols import Algorithm, Moment, Record, Schedule, StoppingRule
from lamina.networks.core.keys import Key


@dataclass(frozen=True)
class Progress:
    """The argument of callbacks; ``model`` is the index if there are many models."""

    epoch: int
    epochs: int
    record: Record
    params: Any
    seconds: float
    examples: int
    state: Any = None
    model: int = 0

    @property
    def speed(self) -> float:
        """Examples per second so far."""
        return self.examples / max(self.seconds, 1e-9)


Callback = Callable[[Progress], Any]

_CONSTANT = Constant()


@dataclass(frozen=True)
class Problem:
    """What a model learns: its objective, algorithm and data.

    Parameters
    ----------
    objective, algorithm : descriptions
    loader : Loader
        Training examples in batches.
    validation : Validation, optional
        Adds ``validation_loss`` and ``score`` to each epoch's record.
    recorder : Recorder, optional
        Records diagnostics of the network.
    """

    objective: Objective
    algorithm: Algorithm
    loader: Loader
    validation: Validation | None = None
    recorder: Recorder | None = None


@dataclass(frozen=True)
class Start:
    """Where training begins.

    Parameters
    ----------
    params, state : pytrees
        Parameters, and the algorithm's state (None: a fresh one).
    key : Key
        All random numbers are derived from it by ``fold_in``.
    first_epoch, examples : int
        Epochs run and examples seen in earlier calls; the order of the data and the
        schedule continue from them.
    """

    params: Any
    key: Key
    state: Any = None
    first_epoch: int = 0
    examples: int = 0


@dataclass(frozen=True)
class Control:
    """How long training runs, at which rates, and with which callbacks.

    Parameters
    ----------
    epochs : int
        Maximum number of epochs.
    stopping : rules, see :mod:`lamina.learning.control.stopping`
        With many models, each has its own copy.
    schedule : see :mod:`lamina.learning.control.schedules`
        None: the rate is constant.
    keep_best : str, optional
        Return the weights of the epoch in which this number was best: largest, or
        smallest if its name ends in "loss".
    callbacks : functions of :class:`Progress`
        Called after every epoch, with many models once for each that is training; one
        that returns True stops that model.
    checkpoint : Checkpoint, optional
        Where the run is saved from time to time, and resumed from with the same bits as
        an uninterrupted run. A callback with state provides ``get_state()`` and
        ``set_state(state)``.
    selective : SelectiveDelta, optional
        Train on the examples with large δ between two whole epochs.
    compare : bool
        Whether a run that ends worse than it began counts as diverged. A single epoch
        of ``partial_fit`` may raise the loss.
    """

    epochs: int
    stopping: Iterable[StoppingRule | Callable[[Record], bool]] = ()
    schedule: Schedule | None = None
    keep_best: str | None = None
    callbacks: Iterable[Callback] = ()
    checkpoint: Checkpoint | None = None
    selective: SelectiveDelta | None = None
    compare: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "stopping", tuple(self.stopping))
        object.__setattr__(self, "callbacks", tuple(self.callbacks))

    @property
    def rules(self) -> tuple[StoppingRule, ...]:
        """The stopping rules."""
        return rules_of(self.stopping)

    @property
    def rates(self) -> Schedule:
        """The schedule."""
        return self.schedule or _CONSTANT

    @property
    def watches_change(self) -> bool:
        """Whether a rule needs the change of the weights."""
        return any(rule.watches_change for rule in self.rules)

    @property
    def limits(self) -> dict[str, float]:
        """Thresholds at which the compiled program ends a call by itself."""
        limits: dict[str, float] = {}
        for rule in self.rules:
            for name, threshold in rule.limits().items():
                limits[name] = max(limits.get(name, -math.inf), threshold)
        return limits

    def depends_on_end(self, initial: Any, epoch: int, planned: int) -> bool:
        """Whether an epoch's rate depends on the planned number of epochs."""
        if self.rates.is_constant:
            return False
        moments = [Moment(epoch=epoch, epochs=end) for end in (planned, self.epochs)]
        rates = [self.rates.rate(initial, moment) for moment in moments]
        return rates[0] != rates[1]


@dataclass
class Result:
    """The result of training.

    ``reason`` is one of "finished" (all epochs done), "stopped" (a stopping rule or a
    callback), "diverged" and "interrupted" (Ctrl-C).

    A run diverged if its loss was not finite or beyond the algorithm's ``loss_limit``,
    or if it ended above its initial loss and above twice the loss of constant outputs.
    Then the best known weights are returned: those with the lowest training loss, or
    the initial ones.

    Attributes
    ----------
    end_loss : float
        Training loss of the last epoch; infinite if it was not finite.
    loss : float
        Training loss of the returned weights, if known.
    start_loss : float
        Training loss of the initial weights; NaN if it was not needed.
    constant_loss : float or None
        Training loss of constant outputs: see
        :func:`lamina.learning.control.baseline.constant_loss`.
    rules : tuple of StoppingRule
        Those of this model, with their state.
    """

    params: Any
    state: Any
    epochs: int = 0
    examples: int = 0
    reason: str = "finished"
    history: dict[str, list[float]] = field(default_factory=dict)
    end_loss: float = math.nan
    loss: float = math.nan
    start_loss: float = math.nan
    constant_loss: float | None = None
    rules: tuple[StoppingRule, ...] = ()
