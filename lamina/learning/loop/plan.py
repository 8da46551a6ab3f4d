"""How much the next call of the compiled program runs: epochs, and their steps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lamina.learning.data.loader import MAX_EPOCHS_PER_CALL, Loader
from lamina.learning.loop.problem import Control, Problem
from lamina.learning.loop.state import Standing
from lamina.networks.core.flops import flops

SECONDS_PER_CALL = 0.05
"""Several short epochs run in one call, up to about this duration."""

SECONDS_OF_A_CALL = 2e-3
"""A few times the fixed cost of a call: shorter calls are not worthwhile."""

STEPS_PER_SUM, SECONDS_PER_SUM = 2**14, 1.0
"""Longer epochs take several calls: the device sums losses in float32, and the host
sums those sums in float64. Between calls Ctrl-C is noticed and a checkpoint can be
written. Where an epoch is split changes the last bits of its loss, and through a
stopping rule perhaps more; so the split depends on sizes, never on a clock."""

SECONDS_PER_STEP, FLOPS = 1e-5, 5e10
"""A modest computer, to estimate how long a step takes."""


def seconds_of_step(problem: Problem, params: object) -> float:
    """Return how long a step of one model takes on a modest computer."""
    loader = problem.loader
    rows = min(loader.batch_size, len(loader.rows))
    forward = flops(problem.objective.network, params, loader.dataset.shape)
    # A backward pass costs about twice a forward pass.
    return SECONDS_PER_STEP + 3 * forward * rows / FLOPS


@dataclass
class Plan:
    """The extent of the next call.

    Parameters
    ----------
    problems : list of Problem
        Of the models that train side by side.
    control : Control
    step_seconds : float
        How long a step of all of them takes on a modest computer.
    """

    problems: Sequence[Problem]
    control: Control
    step_seconds: float

    @property
    def steps(self) -> int:
        """Maximum number of steps per call; it does not depend on a clock."""
        return max(1, min(STEPS_PER_SUM, int(SECONDS_PER_SUM / self.step_seconds)))

    def one_by_one(self, loader: Loader) -> bool:
        """Whether each epoch needs its own call.

        It does if something has to see the weights after it, or the rate changes.
        """
        control = self.control
        watched = control.callbacks or control.keep_best or control.selective
        watched = watched or control.watches_change
        watched = watched or any(one.validation is not None for one in self.problems)
        long = loader.streams or loader.steps > self.steps
        return bool(watched or long or not control.rates.is_constant)

    def epochs(self, loader: Loader, each: dict[int, Standing], seconds: float) -> int:
        """Return the number of epochs of the next call.

        Parameters
        ----------
        loader : Loader
            Of the first model.
        each : dict of Standing
            Those of the models that are still training.
        seconds : float
            How long an epoch takes.
        """
        if self.one_by_one(loader):
            return 1
        fitting = int(SECONDS_PER_CALL / max(seconds, 1e-9))
        left = [self.control.epochs - one.epochs for one in each.values()]
        most = min(*left, loader.epochs_per_call, _soonest_stop(each.values(), seconds))
        for i, one in each.items():
            if (recorder := self.problems[i].recorder) is not None:
                most = min(most, recorder.until_due(one.epoch))
        return max(1, min(fitting, most))


def _soonest_stop(each: Iterable[Standing], seconds: float) -> int:
    """Return the smallest number of epochs after which a rule may end a run.

    Epochs after that are wasted; if they cost less than a call, that does not matter.
    """
    soonest = [rule.soonest() for one in each for rule in one.rules]
    least = int(SECONDS_OF_A_CALL / max(seconds, 1e-9))
    return int(max(min([*soonest, MAX_EPOCHS_PER_CALL]), least, 1))
