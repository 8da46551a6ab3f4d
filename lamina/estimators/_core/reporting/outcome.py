"""How a run ended: what to tell the user about it, and what to try."""

import math
import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from lamina import learning
from lamina.estimators._core.parameters.table import given_params
from lamina.estimators._core.reporting.callers import callers_level
from lamina.learning.protocols import Algorithm


class InterruptedWarning(ConvergenceWarning):
    """Learning was interrupted, and the weights known are kept."""


WORSE = 1.05
"""A loss of so many times that of a constant prediction is worse than it: the loss of
an epoch of mini-batches is that of weights on the move."""

EVEN = 0.999
"""From so many times that loss on, a fit that has converged has learnt nothing: its
units may be saturated, where gradients are 0."""


def explain(result: learning.Result, epochs: int, advice: str, remedies: str) -> None:
    """Warn about an end that is not what the user wanted, and say what to try."""
    message = ""
    if result.reason == "diverged":
        message = (
            f"learning {divergence(result)}. The best weights known are kept. Try "
            f"{remedies} or dtype='float64'."
        )
    elif result.reason == "interrupted":
        message = f"learning was interrupted after {result.epochs} epochs; weights kept"
    elif result.reason == "finished" and result.rules:
        message = (
            f"max_iter={epochs} epochs reached and learning has not converged yet: "
            f"{advice}"
        )
    elif (limit := _used_up(result)) is not None:
        message = (
            f"learning ended after {limit} and has not "
            "converged yet: raise max_fun or tol, or scale the inputs (StandardScaler)."
        )
    message += _no_use(result, remedies, " " if message else "")
    if message:
        ended = result.reason == "interrupted"
        category = InterruptedWarning if ended else ConvergenceWarning
        warnings.warn(message, category, stacklevel=callers_level())


def _no_use(result: learning.Result, remedies: str, before: str) -> str:
    """Say that a fit is not better than the mean of its targets, if so."""
    bound = result.constant_loss
    if bound is None or result.reason not in ("finished", "stopped"):
        return ""
    if result.loss > WORSE * bound:
        how = "worse than"
    elif result.loss > EVEN * bound and result.reason == "stopped":
        how = "no better than"
    else:
        return ""
    return (
        f"{before}The training loss is {result.loss:.3g}, {how} the {bound:.3g} of "
        f"always predicting the mean: try {remedies} or another solver."
    )


def divergence(result: learning.Result) -> str:
    """Say how a run diverged."""
    if math.isinf(result.end_loss):
        return f"diverged in epoch {result.epochs + 1}: the loss grew without bounds"
    start, end = result.start_loss, result.end_loss
    return f"diverged: the loss rose from {start:.3g} to {end:.3g}"


def _used_up(result: learning.Result) -> str | None:
    """Return the budget that ended learning, if no rule says that it is done."""
    if result.reason != "stopped":
        return None
    last = {name: values[-1] for name, values in result.history.items()}
    if any(rule.has_fired(last) for rule in result.rules):
        return None
    return next(filter(None, [rule.used_up() for rule in result.rules]), None)


def remedies_of(params: Any, algorithm: Algorithm) -> str:
    """Return what helps where steps lead away from what is best."""
    remedies = ["scaled inputs (StandardScaler)"]
    if algorithm.needs.first_order:
        remedies.insert(0, "a smaller learning rate")
    if given_params(params).get("scale_target") is False:
        remedies.append("scale_target=True")
    return ", ".join(remedies)
