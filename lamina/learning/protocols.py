"""The interfaces of algorithms, stopping rules, schedules and terms.

Everything that the training loop and the estimators ask is a field, an attribute or a
method with a default. A new class inherits, overrides what differs, and needs no change
elsewhere.
"""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from lamina.networks.core.arrays import Array, Params, RandomKey
from lamina.networks.core.description import check_field_types

Record = dict[str, float]
"""Numbers of one epoch by name: ``loss``, ``score``, …."""


@dataclasses.dataclass(frozen=True)
class Needs:
    """Requirements and properties of an algorithm.

    Parameters
    ----------
    full_batch : bool
        Every step needs all examples.
    float64 : bool
        It computes in double precision.
    first_order : bool
        A step follows one gradient at a learning rate, and the report holds the loss
        *before* it. The gradient may be noisy, clipped or that of a part of the data,
        and the weights may be modified after the step. All other algorithms evaluate
        the objective several times per step: it must be smooth and stay the same, and
        the report holds the loss *after* the step.
    own_rate : bool
        It adapts its step sizes itself: ``learning_rate`` is only their initial value,
        so there is nothing to schedule.
    one_target : bool
        It needs one target per example, not one per step or pixel.
    one_length : bool
        It needs sequences of one length.
    closed_form : bool
        The first step finds the optimal weights.
    early_stopping : bool
        Whether it supports early stopping. L-BFGS stops by the gradient alone, as in
        scikit-learn.
    lowers_loss : bool
        Whether training lowers the loss, so that a risen loss is a sign of divergence.
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
    """An optimisation algorithm: a description with ``init`` and ``update``."""

    needs: ClassVar[Needs] = Needs()

    @property
    def name(self) -> str:
        """Name of the state: an algorithm of the same name can continue from it."""
        return type(self).__name__

    @property
    def rate(self) -> Any:
        """The learning rate, None if it has none."""
        return None

    def with_rate(self, rate: float) -> "Algorithm":
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
        self, objective: Any, params: Any, state: Any, batch: Any, key: RandomKey
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step: return parameters, state, and a report with the ``loss``."""

    def memory_bytes(
        self, n_params: int, n_rows: int, n_outputs: int, itemsize: int
    ) -> int:
        """Return the bytes of its own large arrays, besides the parameters."""
        return 0

    def loss_limit(self, network: Any, params: Sequence[Any]) -> float:
        """Return the loss beyond which training has diverged."""
        return math.inf


class FirstOrder(Algorithm):
    """An algorithm with a field ``learning_rate``."""

    needs: ClassVar[Needs] = Needs(first_order=True)

    learning_rate: float

    @property
    def rate(self) -> Any:
        """The learning rate."""
        return self.learning_rate

    def with_rate(self, rate: float) -> "FirstOrder":
        """Return the same algorithm at another learning rate."""
        return dataclasses.replace(self, learning_rate=rate)  # pyright: ignore


class StoppingRule(ABC):
    """Decides after each epoch whether to stop.

    A dataclass, whose fields are checked against their annotations.
    """

    is_plateau: ClassVar[bool] = False
    """Whether it stops at a plateau, where a smaller rate may help."""

    watches_change: ClassVar[bool] = False
    """Whether it needs ``weight_change`` in the record."""

    def __post_init__(self) -> None:
        check_field_types(self)

    @abstractmethod
    def __call__(self, record: Record) -> bool:
        """Record an epoch; return whether to stop."""

    def has_fired(self, record: Record) -> bool:
        """Return whether training has converged by this rule, given the last record."""
        return False

    def used_up(self) -> str | None:
        """Return the budget that was used up, such as "15000 evaluations"."""
        return None

    def soonest(self) -> float:
        """Return the smallest number of epochs after which it may stop, if known."""
        return math.inf

    def limits(self) -> dict[str, float]:
        """Return the record's numbers and thresholds at which it stops.

        The compiled program checks them itself, so no epoch is wasted.
        """
        return {}

    def restart(self) -> None:  # noqa: B027
        """Reset the count of epochs without improvement."""

    @property
    def memory(self) -> dict[str, Any]:
        """Its state; a checkpoint stores it, and updates it in place."""
        return vars(self)


class Moment(NamedTuple):
    """The state of a run before an epoch.

    Attributes
    ----------
    epoch, epochs : epochs run so far in total, and the planned total
    examples : examples seen so far
    plateaus : plateaus so far
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
    """A description that determines the learning rate of each epoch."""

    is_constant: ClassVar[bool] = False
    """Whether the rate never changes, so that many epochs can run in one call."""

    undoes: ClassVar[bool] = False
    """Whether a full-batch step that raised the loss is undone."""

    answers_plateaus: ClassVar[bool] = False
    """Whether the rate is reduced at a plateau, as long as :meth:`goes_on`."""

    ends: ClassVar[bool] = False
    """Whether training ends when the schedule does, not for lack of improvement."""

    @abstractmethod
    def rate(self, initial: float, moment: Moment) -> Any:
        """Return η for the next epoch."""

    def goes_on(self, rate: float) -> bool:
        """Return whether the rate is reduced after a plateau at this rate."""
        return False


class Term:
    """A term of an objective besides the loss: a description.

    A term adds to the loss, or perturbs weights, inputs or targets in training. Each
    method has a default that does nothing and costs nothing.
    """

    disturbs: ClassVar[bool] = False
    """Whether it makes the objective random, which line searches cannot handle."""

    of_batch: ClassVar[bool] = False
    """Whether it needs all examples of a step at once, so batches are not chunked."""

    more_than_errors: ClassVar[bool] = False
    """Whether it adds more than errors to the loss of constant outputs."""

    layer: Any = None
    """Index of the layer it acts on, in the order of ``Network.trace``."""

    def check_loss(self, loss: "Loss") -> None:
        """Reject a loss that it does not support."""

    def penalty(self, params: Params) -> Any:
        """Return the penalty on the weights; an objective divides it by Σᵢ wᵢ."""
        return 0.0

    def activity(self, a: Array, weight: Array, total: Callable[[Any], Any]) -> Any:
        """Return the penalty on the activities a (batch, …) of its layer, for Σᵢ wᵢ ℓᵢ.

        ``weight`` (batch,) is w; ``total`` turns sums over this device's examples into
        sums over all examples.
        """
        return 0.0

    def disturb_params(self, params: Params, key: Array) -> Any:
        """Return the parameters as used in a training step."""
        return params

    def disturb_inputs(self, batch: Any, key: Array) -> Any:
        """Return the batch with inputs as used in a training step."""
        return batch

    def smooth(self, y: Array, h: Array, loss: "Loss") -> Any:
        """Return targets as used in training, for pre-activations h."""
        return y

    def around(self, loss: Callable[[Any], Any], key: Array) -> Callable[[Any], Any]:
        """Return a replacement for this loss of inputs (summed over the batch)."""
        return loss


Loss = str | Callable[[Any, Any], Any]
"""The name of a loss, or a function of pre-activations h and targets y that returns ℓ
(batch,): see :func:`lamina.networks.functional.losses.loss_from_pre_activation`."""
