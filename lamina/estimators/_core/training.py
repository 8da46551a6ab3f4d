"""Parameters of training: what their words mean, and which fit each other."""

import copy
import warnings
from typing import Any

from lamina import learning
from lamina.estimators._core.parameters.shared import SOLVERS, TrainingParams
from lamina.estimators._core.parameters.table import parameters
from lamina.estimators._core.reporting.callers import callers_level
from lamina.learning.control.schedules import check_schedulable
from lamina.learning.protocols import (
    Algorithm,
    Needs,
    Schedule,
    StoppingRule,
    Term,
)

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


# ---- the algorithm, its schedule and its end -----------------------------------------


def algorithm_of(params: TrainingParams) -> Algorithm:
    """Return the solver, and what wraps it: the gradient is clipped by value first, and
    weights are shortened after the step."""
    algorithm = _solver_of(params)
    if params.clip_norm is not None:
        algorithm = learning.ClipNorm(algorithm, params.clip_norm)
    if params.clip_value is not None:
        algorithm = learning.ClipValue(algorithm, params.clip_value)
    if params.max_norm is not None:
        algorithm = learning.MaxNorm(algorithm, params.max_norm)
    return algorithm


def _solver_of(params: TrainingParams) -> Algorithm:
    if isinstance(params.solver, Algorithm):
        return params.solver
    rate = params.learning_rate_init
    if params.solver == "adam":
        return learning.Adam(rate, params.beta_1, params.beta_2, params.epsilon)
    if params.solver == "sgd":
        nesterov = bool(params.nesterovs_momentum and params.momentum > 0)
        return learning.SGD(rate, params.momentum, nesterov)
    return getattr(learning, SOLVERS[params.solver])()


def schedule_for(params: TrainingParams) -> Schedule | None:
    """Return how the learning rate changes, None if it does not.

    Raises
    ------
    ValueError
        If there are two schedules, or the solver has no learning rate.
    """
    if params.schedule is not None:
        if params.solver == "sgd" and params.learning_rate != "constant":
            raise ValueError(
                f"give either schedule={params.schedule!r} or "
                f"learning_rate={params.learning_rate!r}, not both"
            )
        return schedule_of(params.schedule, algorithm_of(params))
    if params.solver != "sgd":
        return None
    if params.learning_rate == "invscaling":
        return learning.InverseScaling(params.power_t)
    return learning.Adaptive() if params.learning_rate == "adaptive" else None


def stops_early(params: TrainingParams) -> bool:
    """Whether to hold out rows: not for one step, and as in scikit-learn not for
    L-BFGS, which goes by the gradient."""
    return params.early_stopping and algorithm_of(params).needs.early_stopping


def monitored(params: TrainingParams) -> str:
    """Return the number of the record that early stopping watches."""
    return "score" if params.monitor == "score" else "validation_loss"


def stopping_of(
    params: TrainingParams, algorithm: Algorithm, validated: bool
) -> list[StoppingRule]:
    """Return the rules of which the first that fires ends training."""
    # A copy: rules count epochs, and a fit does not change parameters.
    patience, given = params.n_iter_no_change, copy.deepcopy(params.stopping)
    if validated and stops_early(params):
        by_score = params.monitor == "score"
        early = monitored(params), params.tol, patience, by_score
        return [learning.NoImprovement(*early), *(given or ())]
    if given is not None:
        return list(given)
    if (schedule := schedule_for(params)) is not None and schedule.ends:
        return []
    if algorithm.needs.first_order:
        return [learning.NoImprovement("loss", params.tol, patience)]
    if algorithm.needs.float64:
        return [
            learning.LossBelow("gradient", CLOSE * params.tol),
            learning.SmallImprovement("loss", 1e-9, 5),
        ]
    return [
        learning.LossBelow("gradient", params.tol),
        learning.NoImprovement("loss", 1e-9, 5),
        learning.MaxEvaluations("evaluations", params.max_fun),
    ]


def batch_size_of(
    params: TrainingParams, algorithm: Algorithm, n: int, automatic: int
) -> int:
    """Return how many of n examples each step learns from.

    Parameters
    ----------
    automatic : int
        What "auto" is for these examples.
    """
    if params.batch_size == "full" or algorithm.needs.full_batch:
        return n
    if params.batch_size == "auto":
        return automatic
    if params.batch_size > n:
        warnings.warn(
            f"batch_size={params.batch_size} is larger than the number of examples "
            f"and is clipped to {n}",
            stacklevel=callers_level(),
        )
    return min(int(params.batch_size), n)


# ---- the objective ------------------------------------------------------------------


def terms_of(params: TrainingParams) -> tuple[Term, ...]:
    """Return what the objective has beside the loss."""
    terms: list[Term] = [*learning.penalties(params.alpha, params.l1)]
    if params.input_noise:
        terms.append(learning.InputNoise(params.input_noise))
    if params.weight_noise:
        terms.append(learning.WeightNoise(params.weight_noise))
    if params.label_smoothing:
        terms.append(learning.LabelSmoothing(params.label_smoothing))
    if params.adversarial is not None:
        terms.append(params.adversarial)
    return (*terms, *(params.regularizers or ()))


def check_solver(params: TrainingParams, algorithm: Algorithm) -> None:
    """Refuse what a solver without a learning rate cannot do.

    Such a solver searches along a line or solves for the step: it has to see the loss
    and the gradient as they are.

    Raises
    ------
    ValueError
        Naming the parameter and what this solver takes.
    """
    if algorithm.needs.first_order:
        return
    rows = [row for row in parameters(type(params)) if row.first_order]
    given = {row.name: row.default for row in rows if getattr(params, row.name)}
    if given and list(given) != ["schedule"]:
        first, *_ = given
        off = [
            f"{name}={getattr(TrainingParams, name, default)}"
            for name, default in given.items()
        ]
        raise ValueError(
            f"{first} needs a solver of first order such as 'sgd', 'adam' or "
            f"'rprop'; got solver={params.solver!r}, which takes {', '.join(off)}"
        )
    for term in params.regularizers or ():
        if term.disturbs:
            raise ValueError(
                f"{type(term).__name__} needs a solver of first order such as "
                f"'sgd', 'adam' or 'rprop'; got solver={params.solver!r}"
            )
