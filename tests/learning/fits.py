"""Fits of one model from plain arguments."""

from lamina.learning import Control, Problem, Start
from lamina.learning import fit as fit_problem


def fit(objective, algorithm, loader, params, *, key, epochs, **how):
    """Fit; what is named goes to the problem, the start and the control."""
    problem = {k: how.pop(k) for k in ("validation", "recorder") if k in how}
    names = ("state", "first_epoch", "examples")
    start = {k: how.pop(k) for k in names if k in how}
    return fit_problem(
        Problem(objective, algorithm, loader, **problem),
        Start(params, key, **start),
        Control(epochs, **how),
    )
