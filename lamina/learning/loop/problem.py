"""What the training loop is given, and what it gives back."""

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
    """What a callback is told after an epoch; of many models: ``model`` says which."""

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
        """Examples a second so far."""
        return self.examples / max(self.seconds, 1e-9)


Callback = Callable[[Progress], Any]

_CONSTANT = Constant()


@dataclass(frozen=True)
class Problem:
    """What a model learns, by which algorithm, and from what.

    Parameters
    ----------
    objective, algorithm : descriptions
    feed : Loader
        Training examples in batches.
    validation : Validation, optional
        Adds ``validation_loss`` and ``score`` to each epoch's record.
    health : Recorder, optional
        Takes records of what goes on inside the network.
    """

    objective: Objective
    algorithm: Algorithm
    loader: Loader
    validation: Validation | None = None
    recorder: Recorder | None = None


@dataclass(frozen=True)
class Start:
    """Where learning begins.

    Parameters
    ----------
    params, state : pytrees
        Parameters, and the algorithm's state (None: a fresh one).
    key : Key
        All random choices derive from it by ``fold_in``.
    first_epoch, examples : int
        Epochs taken and examples seen in earlier calls; they continue the order of the
        data and the schedule.
    """

    params: Any
    key: Key
    state: Any = None
    first_epoch: int = 0
    examples: int = 0


@dataclass(frozen=True)
class Control:
    """How long learning goes on, at which rates, and who watches.

    Parameters
    ----------
    epochs : int
        Most epochs to take.
    stopping : rules, see :mod:`lamina.learning.control.stopping`
        Of many models, each has a copy of its own.
    schedule : see :mod:`lamina.learning.control.schedules`
        None: the rate stays as it is.
    keep_best : str, optional
        Give back the weights of the epoch in which this number was best: largest, or
        smallest if its name ends in "loss".
    callbacks : functions of :class:`Progress`
        Called after every epoch, of many models once for each that learns; one that
        returns True stops that model.
    checkpoint : Checkpoint, optional
        Where the run is written from time to time, and where it goes on from: with the
        same bits as a run that was never broken off. A callback that has a memory
        gives and takes it by ``get_state()`` and ``set_state(state)``.
    selective : SelectiveDelta, optional
        Learn from the examples with large δ between two whole epochs.
    compare : bool
        Whether a run that ends worse than it began has diverged. A single epoch of
        many, as ``partial_fit`` takes it, may raise the loss.
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
        """Whether a rule asks how far the weights have moved."""
        return any(rule.watches_change for rule in self.rules)

    @property
    def limits(self) -> dict[str, float]:
        """Thresholds at which the compiled program itself ends a call."""
        limits: dict[str, float] = {}
        for rule in self.rules:
            for name, threshold in rule.limits().items():
                limits[name] = max(limits.get(name, -math.inf), threshold)
        return limits

    def depends_on_end(self, initial: Any, epoch: int, planned: int) -> bool:
        """Whether an epoch's rate would be another with so many epochs planned."""
        if self.rates.is_constant:
            return False
        moments = [Moment(epoch=epoch, epochs=end) for end in (planned, self.epochs)]
        rates = [self.rates.rate(initial, moment) for moment in moments]
        return rates[0] != rates[1]


@dataclass
class Result:
    """What learning gives back.

    ``reason`` is one of "finished" (all epochs done), "stopped" (a stopping rule or a
    callback), "diverged" and "interrupted" (Ctrl-C).

    A run diverged if its loss was not finite or beyond the algorithm's ``loss_limit``,
    or if it ends above that of its start and above twice that of constant outputs. The
    best weights known are given back: those with the least training loss, or those of
    the start.

    Attributes
    ----------
    end_loss : float
        Training loss of the last epoch; infinite if it was not finite.
    loss : float
        That of the weights that are given back, as far as it is known.
    start_loss : float
        That of the first weights; NaN where nobody had to ask for it.
    constant_loss : float or None
        That of outputs which are the same for all examples: see
        :func:`lamina.learning.control.baseline.constant_loss`.
    rules : tuple of StoppingRule
        Those that decided about this model, with what they remember.
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
