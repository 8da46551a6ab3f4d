"""Parameters of training: what their words mean, and which fit each other."""

import copy
import warnings
from abc import ABC, abstractmethod
from typing import Any

from lamina import learning
from lamina.estimators._core.base import NetworkEstimator
from lamina.estimators._core.health import Advised
from lamina.estimators._core.parameters import parameters
from lamina.estimators._core.shared_parameters import SOLVERS, TrainingParams
from lamina.learning.control.schedules import check_schedulable
from lamina.learning.protocols import Algorithm, Needs, Schedule, Term
from lamina.networks import Key

CLOSE = 1e-3
"""Methods in double precision stop at a gradient this much smaller than ``tol``: 1e-7
by default, as in MATLAB, where 1e-4 would leave digits on the table."""


def schedule_of(value: Any, algorithm: Any) -> Any:
    """Return a schedule that is given as a description or as a word.

    Raises
    ------
    ValueError
        If the algorithm has no rate.
    """
    try:
        check_schedulable(algorithm)
    except ValueError as error:
        raise ValueError(f"{error}; set schedule=None") from None
    return learning.SCHEDULES[value]() if isinstance(value, str) else value


def is_stochastic(self: Any) -> bool:
    """Whether an estimator can learn from a part of the examples.

    Raises
    ------
    AttributeError
        If its solver needs all of them.
    """
    if _needs_of(self.solver).full_batch:
        raise AttributeError(
            "partial_fit is only available for stochastic solvers; "
            f"{self.solver!r} needs all examples at once"
        )
    return True


def _needs_of(solver: Any) -> Needs:
    """Return what a solver needs that nobody has checked yet."""
    if isinstance(solver, Algorithm):
        return solver.needs
    known = isinstance(solver, str) and solver in SOLVERS
    return getattr(learning, SOLVERS[solver]).needs if known else Needs()


class Training(TrainingParams, Advised, NetworkEstimator, ABC):
    """An estimator whose parameters say how a network is trained."""

    loss: Any
    _algorithm_in_use: Algorithm
    _run_key: Key

    @abstractmethod
    def _loss(self) -> Any:
        """Return the loss by lamina's name for it, or a function."""

    def _check_params(self) -> None:
        super()._check_params()
        if self.refit is not None and not self.early_stopping:
            raise ValueError(f"refit={self.refit!r} needs early_stopping=True")

    def _algorithm(self) -> Algorithm:
        """Return the solver, and what wraps it: the gradient is clipped by value first,
        and weights are shortened after the step."""
        algorithm = self._solver()
        if self.clip_norm is not None:
            algorithm = learning.ClipNorm(algorithm, self.clip_norm)
        if self.clip_value is not None:
            algorithm = learning.ClipValue(algorithm, self.clip_value)
        if self.max_norm is not None:
            algorithm = learning.MaxNorm(algorithm, self.max_norm)
        return algorithm

    def _solver(self) -> Algorithm:
        if isinstance(self.solver, Algorithm):
            return self.solver
        if self.solver == "adam":
            rate, betas = self.learning_rate_init, (self.beta_1, self.beta_2)
            return learning.Adam(rate, *betas, self.epsilon)
        if self.solver == "sgd":
            nesterov = bool(self.nesterovs_momentum and self.momentum > 0)
            return learning.SGD(self.learning_rate_init, self.momentum, nesterov)
        return getattr(learning, SOLVERS[self.solver])()

    def _schedule(self) -> Schedule | None:
        if self.schedule is not None:
            return self._own_schedule(self.schedule)
        if self.solver != "sgd":
            return None
        if self.learning_rate == "invscaling":
            return learning.InverseScaling(self.power_t)
        return learning.Adaptive() if self.learning_rate == "adaptive" else None

    def _own_schedule(self, schedule: Any) -> Any:
        if self.solver == "sgd" and self.learning_rate != "constant":
            raise ValueError(
                f"give either schedule={schedule!r} or "
                f"learning_rate={self.learning_rate!r}, not both"
            )
        return schedule_of(schedule, self._algorithm())

    def _needs_all_examples(self) -> bool:
        return self._algorithm_in_use.needs.full_batch

    def _is_closed_form(self) -> bool:
        return self._algorithm().needs.closed_form

    def _stops_early(self) -> bool:
        """Whether to hold out rows: not for one step, and as in scikit-learn not for
        L-BFGS, which goes by the gradient."""
        return self.early_stopping and self._algorithm().needs.early_stopping

    def _batch_size(self, n: int) -> int:
        if self.batch_size == "full" or self._needs_all_examples():
            return n
        if self.batch_size == "auto":
            return min(200, n)
        if self.batch_size > n:
            warnings.warn(
                f"batch_size={self.batch_size} is larger than the number of examples "
                f"and is clipped to {n}",
                stacklevel=4,
            )
        return min(int(self.batch_size), n)

    def _stopping(self, validated: bool) -> list[Any]:
        patience, given = self.n_iter_no_change, copy.deepcopy(self.stopping)
        if self._stops_early() and validated:
            by_score = self.monitor == "score"
            rule = learning.NoImprovement(self._watched(), self.tol, patience, by_score)
            return [rule, *(given or ())]
        if given is not None:
            return list(given)
        if (schedule := self._schedule()) is not None and schedule.ends:
            return []
        needs = self._algorithm_in_use.needs
        if needs.first_order:
            return [learning.NoImprovement("loss", self.tol, patience)]
        if needs.float64:
            return [
                learning.LossBelow("gradient", CLOSE * self.tol),
                learning.SmallImprovement("loss", 1e-9, 5),
            ]
        return [
            learning.LossBelow("gradient", self.tol),
            learning.NoImprovement("loss", 1e-9, 5),
            learning.MaxEvaluations("evaluations", self.max_fun),
        ]

    def _watched(self) -> str:
        """Return the number of the record that early stopping watches."""
        return "score" if self.monitor == "score" else "validation_loss"

    def _objective(self) -> learning.Objective:
        return learning.Objective(
            self.network_, self._loss(), self._terms(), outputs=self._mean_over()
        )

    def _terms(self) -> tuple[Term, ...]:
        """Return what the objective has beside the loss."""
        terms: list[Term] = [*learning.penalties(self.alpha, self.l1)]
        if self.input_noise:
            terms.append(learning.InputNoise(self.input_noise))
        if self.weight_noise:
            terms.append(learning.WeightNoise(self.weight_noise))
        if self.label_smoothing:
            terms.append(learning.LabelSmoothing(self.label_smoothing))
        if self.adversarial is not None:
            terms.append(self.adversarial)
        return (*terms, *(self.regularizers or ()))

    def _mean_over(self) -> int:
        """Return over how many outputs the loss that is reported is a mean."""
        return 1

    def _check_fits_solver(self) -> None:
        """Refuse what a solver without a learning rate cannot do.

        Such a solver searches along a line or solves for the step: it has to see the
        loss and the gradient as they are.
        """
        if self._algorithm_in_use.needs.first_order:
            return
        rows = [row for row in parameters(type(self)) if row.first_order]
        given = {row.name: row.default for row in rows if getattr(self, row.name)}
        if given and list(given) != ["schedule"]:
            first, *_ = given
            off = [
                f"{name}={getattr(TrainingParams, name, default)}"
                for name, default in given.items()
            ]
            raise ValueError(
                f"{first} needs a solver of first order such as 'sgd', 'adam' or "
                f"'rprop'; got solver={self.solver!r}, which takes {', '.join(off)}"
            )
        for term in self.regularizers or ():
            if term.disturbs:
                raise ValueError(
                    f"{type(term).__name__} needs a solver of first order such as "
                    f"'sgd', 'adam' or 'rprop'; got solver={self.solver!r}"
                )
