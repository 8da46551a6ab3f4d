"""How a network changes: algorithms, objectives, the one loop, stopping rules."""

from lamina.learning.adam import Adam
from lamina.learning.feed import Examples, Feed
from lamina.learning.lbfgs import LBFGS
from lamina.learning.loop import Progress, Result, Validation, fit
from lamina.learning.objective import Batch, Objective
from lamina.learning.schedules import Adaptive, Constant, InverseScaling
from lamina.learning.sgd import SGD
from lamina.learning.stopping import Below, Budget, NoImprovement

__all__ = [
    "LBFGS",
    "SGD",
    "Adam",
    "Adaptive",
    "Batch",
    "Below",
    "Budget",
    "Constant",
    "Examples",
    "Feed",
    "InverseScaling",
    "NoImprovement",
    "Objective",
    "Progress",
    "Result",
    "Validation",
    "fit",
]
