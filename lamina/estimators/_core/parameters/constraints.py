"""The checks that several parameters share."""

from typing import Any

import numpy as np

from lamina import learning
from lamina.estimators._core.parameters.checks import (
    FUNCTION,
    NONE,
    TEXT,
    Check,
    each,
    integer,
    number,
    option,
)
from lamina.learning.protocols import Schedule, Term
from lamina.networks.core.description import is_description
from lamina.networks.core.layer import Layer
from lamina.networks.functional.activations import ACTIVATIONS
from lamina.networks.functional.initializers import INITIALIZERS
from lamina.networks.functional.losses import LOSSES

SHARE = number(0, 1)
PART = number(0, 1, open_high=True)
"""A share of which something is left."""

POSITIVE = number(0, open_low=True)
COUNT = integer(1)

LAYERS = each(
    Check("a layer", lambda v: isinstance(v, Layer)),
    "a list of layers such as [Dense(10)]",
)
SIZES = each(COUNT, "a list of numbers of units such as (64, 32)")
INITIALIZER = option(*INITIALIZERS)
ACTIVATION = option(*ACTIVATIONS) | Check(
    "a function", lambda v: FUNCTION.accepts(v) and not is_description(v)
)
LOSS = option(*LOSSES) | FUNCTION
CLASS_LOSS = option("log_loss", *LOSSES) | FUNCTION
SCHEDULE = (
    option(*learning.SCHEDULES)
    | Check("a schedule such as Cosine()", lambda v: isinstance(v, Schedule))
    | NONE
)
TERM = Check("a term such as L1(1e-4)", lambda v: isinstance(v, Term))

CLASS_WEIGHT = (
    option("balanced")
    | Check("a dict of numbers by class", lambda v: _is_weights(v))
    | each(Check("a dict", lambda v: _is_weights(v)), "a list of them")
    | NONE
)
LABEL = Check(
    "a label", lambda v: not isinstance(v, list | tuple | set | dict | np.ndarray)
)
SETTINGS = (
    Check(
        "a dict of parameters by name",
        lambda v: isinstance(v, dict) and all(map(TEXT.accepts, v)),
    )
    | NONE
)
NAMES = TEXT | each(TEXT, "a list of names")


def _is_weights(value: Any) -> bool:
    return isinstance(value, dict) and all(map(number(0).accepts, value.values()))


def sides(*names: str) -> Check:
    """Return the check of the shape of an image, the last of the names optional."""
    most, fewest = len(names), 2
    expected = f"({', '.join(names)})"

    def accepts(value: Any) -> bool:
        listed = isinstance(value, list | tuple | np.ndarray)
        return listed and fewest <= len(value) <= most and SIZES.accepts(value)

    return Check(expected, accepts)
