"""What the training loop and the estimators ask of an algorithm, a rule and a schedule.

Every question stands here as a field, an attribute or a method with a default. A new
class inherits, answers what is different with it, and needs no change elsewhere.
"""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

Record = dict[str, float]
"""Numbers of one epoch by name: ``loss``, ``score``, …."""


@dataclasses.dataclass(frozen=True)
class Needs:
    """What an algorithm needs, and what may be asked of it.

    Parameters
    ----------
    full_batch : bool
        Every step needs all examples.
    float64 : bool
        It computes in double precision.
    first_order : bool
        A step follows one gradient at a learning rate, and the report holds the loss
        *before* it. The gradient may be disturbed, clipped or that of a part of the
        data, and the weights may be moved after the step. All others evaluate the
        objective several times a step: it has to be a smooth function that stays the
        same, and the report holds the loss *after* the step.
    own_rate : bool
        It finds its step sizes itself: ``learning_rate`` is only where they start, so
        that there is nothing to schedule.
    one_target : bool
        One target for each example, not one for each step or pixel.
    one_length : bool
        Sequences of one length.
    closed_form : bool
        The first step finds the best weights; a second would find nothing better.
    early_stopping : bool
        Whether a validation set may end it. L-BFGS goes by the gradient alone, as in
        scikit-learn.
    lowers_loss : bool
        Whether the loss of weights that have learnt is less than that of others, so
        that one that has risen is a sign of divergence.
    """

    full_batch: bool = False
    float64: bool = False
    first_order: bool = False
    own_rate: bool = False
    one_target: bool = False
    one_length: bool = False
    closed_form: bool = False
    early_stopping: bool = True
    lowers_loss: bool = True

    @property
    def schedulable(self) -> bool:
        """Whether a schedule may set the learning rate."""
        return self.first_order and not self.own_rate


class Algorithm(ABC):
    """How parameters become better: a description with ``init`` and ``update``."""

    needs: ClassVar[Needs] = Needs()

    @property
    def name(self) -> str:
        """Whose state it is: what was learnt by another of this name can go on."""
        return type(self).__name__

    @property
    def rate(self) -> Any:
        """The learning rate, None if it has none."""
        return None

    def with_rate(self, rate: Any) -> "Algorithm":
        """Return the same algorithm at another learning rate.

        Raises
        ------
        ValueError
            If it has none.
        """
        raise ValueError(f"{self.name} has no learning rate")

    @abstractmethod
    def init(self, params: Any) -> Any:
        """Return the state before the first step, a pytree."""

    @abstractmethod
    def update(
        self, objective: Any, params: Any, state: Any, batch: Any, key: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step: return parameters, state, and a report with the ``loss``."""

    def memory_bytes(
        self, n_params: int, n_rows: int, n_outputs: int, itemsize: int
    ) -> int:
        """Return the bytes of large arrays of its own, beside the parameters."""
        return 0

    def loss_limit(self, network: Any, params: Any) -> float:
        """Return the loss beyond which weights have run away from their data."""
        return math.inf


class FirstOrder(Algorithm):
    """An algorithm with a field ``learning_rate``."""

    needs: ClassVar[Needs] = Needs(first_order=True)

    learning_rate: float

    @property
    def rate(self) -> Any:
        """The learning rate."""
        return self.learning_rate

    def with_rate(self, rate: Any) -> "FirstOrder":
        """Return the same algorithm at another learning rate."""
        return dataclasses.replace(self, learning_rate=rate)  # pyright: ignore


class StoppingRule(ABC):
    """Says after each epoch whether to stop."""

    is_plateau: ClassVar[bool] = False
    """Whether its stop says that nothing improves, which a smaller rate may mend."""

    watches_change: ClassVar[bool] = False
    """Whether it asks the record for ``weight_change``."""

    @abstractmethod
    def __call__(self, record: Record) -> bool:
        """Take note of an epoch; return whether to stop."""

    def has_fired(self, record: Record) -> bool:
        """Return whether this rule says, at this last record, that learning is done."""
        return False

    def used_up(self) -> str | None:
        """Return what was used up before learning was done: "15000 evaluations"."""
        return None

    def soonest(self) -> float:
        """Return in how many epochs it may say stop, at the soonest, if it can tell."""
        return math.inf

    def limits(self) -> dict[str, float]:
        """Return numbers of the record and their thresholds, at which it stops.

        The compiled program watches them itself, so that no epoch is taken for nothing.
        """
        return {}

    def restart(self) -> None:  # noqa: B027
        """Forget how long there was no improvement."""

    @property
    def memory(self) -> dict[str, Any]:
        """What it remembers; a checkpoint keeps it, and updates it in place."""
        return vars(self)


class Moment(NamedTuple):
    """Where a run is when an epoch is about to begin.

    epoch, epochs : epochs taken so far in all, and when they will end
    examples : examples seen so far
    plateaus : plateaus met
    losses : loss of each epoch of this run
    whole : whether a loss is that of the weights before the epoch's only step
    """

    epoch: int = 0
    epochs: int = 1
    examples: int = 0
    plateaus: int = 0
    losses: Sequence[float] = ()
    whole: bool = False


class Schedule(ABC):
    """A description that says the learning rate of each epoch."""

    is_constant: ClassVar[bool] = False
    """Whether the rate never changes, so that many epochs fit into a call."""

    undoes: ClassVar[bool] = False
    """Whether a step of the full batch that raised the loss is taken back."""

    answers_plateaus: ClassVar[bool] = False
    """Whether a plateau is answered by a smaller rate, as long as :meth:`goes_on`."""

    ends: ClassVar[bool] = False
    """Whether learning ends where the rate does, and for no want of improvement."""

    @abstractmethod
    def rate(self, initial: Any, moment: Moment) -> Any:
        """Return η for the next epoch."""

    def goes_on(self, rate: float) -> bool:
        """Return whether a plateau at this rate is answered by a smaller one."""
        return False


class Term:
    """What an objective has beside the loss: a description.

    A term adds to the loss, or disturbs weights, inputs or targets in training. Each
    method has a default that does nothing and costs nothing.
    """

    disturbs: ClassVar[bool] = False
    """Whether training sees something else by it at each step: line searches cannot."""

    of_batch: ClassVar[bool] = False
    """Whether it needs all examples of a step at once, which then has no chunks."""

    more_than_errors: ClassVar[bool] = False
    """Whether outputs that never change have more loss by it than their errors."""

    layer: Any = None
    """The number, in the order of ``Network.trace``, of the layer it looks at."""

    def check_loss(self, loss: "Loss") -> None:
        """Refuse a loss that it does not go with."""

    def penalty(self, params: Any) -> Any:
        """Return what the weights cost; an objective divides it by Σᵢ wᵢ."""
        return 0.0

    def activity(self, a: Any, weight: Any, total: Callable[[Any], Any]) -> Any:
        """Return what the activities a (batch, …) of its layer add to Σᵢ wᵢ ℓᵢ.

        ``weight`` (batch,) are w; ``total`` makes sums over the examples on this device
        those over all of them.
        """
        return 0.0

    def disturb_params(self, params: Any, key: Any) -> Any:
        """Return the parameters as a step of training has them."""
        return params

    def disturb_inputs(self, batch: Any, key: Any) -> Any:
        """Return the batch with inputs as a step of training has them."""
        return batch

    def smooth(self, y: Any, h: Any, loss: "Loss") -> Any:
        """Return targets as training has them, for pre-activations h."""
        return y

    def around(self, loss: Callable[[Any], Any], key: Any) -> Callable[[Any], Any]:
        """Return a loss of inputs (summed over the batch) in place of this one."""
        return loss


Loss = str | Callable[[Any, Any], Any]
"""A loss by its name, or a function of pre-activations h and targets y to ℓ (batch,):
see :func:`lamina.networks.functional.losses.loss_from_pre_activation`."""
