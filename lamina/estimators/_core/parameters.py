"""What the parameters of estimators may be: the checks that several of them share.

Each class names in ``_parameters`` the parameters that it brings, with the check of
each; together they are the table of an estimator, which ``fit`` goes through once,
before any work.
"""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from lamina.estimators._core.checks import (
    BOOLEAN,
    FUNCTION,
    NONE,
    TEXT,
    Check,
    declared,
    each,
    integer,
    number,
    option,
)
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


@functools.cache
def _param_names(cls: type[BaseEstimator]) -> tuple[str, ...]:
    """Return the names of a class's parameters; to read its signature takes 0.3 ms."""
    return tuple(cls._get_param_names())


class Checked(BaseEstimator):
    """An estimator whose parameters are checked by a table, at ``fit``."""

    random_state: Any

    _parameters = declared(
        random_state=integer(0)
        | Check("a RandomState", lambda v: isinstance(v, np.random.RandomState))
        | NONE,
        verbose=BOOLEAN | integer(0),
        dtype=option("float32", "float64"),
        callbacks=each(FUNCTION, "functions") | NONE,
        checkpoint=Check(
            "the path of a folder", lambda v: isinstance(v, str | os.PathLike)
        )
        | NONE,
        checkpoint_seconds=number(0, infinite=True),
    )

    def _given_params(self) -> dict[str, Any]:
        """Return what ``get_params(deep=False)`` does, in a hundredth of the time."""
        return {name: getattr(self, name) for name in _param_names(type(self))}

    @classmethod
    @functools.cache
    def _table(cls) -> dict[str, Check]:
        """Return the check of every parameter, of the nearest class that names it."""
        table: dict[str, Check] = {}
        for one in reversed(cls.__mro__):
            table |= vars(one).get("_parameters", {})
        return table

    def _check_params(self) -> None:
        """Refuse parameters that are wrong by themselves, or beside each other.

        Raises
        ------
        ValueError
            Naming the parameter, what was expected and what came.
        """
        table = self._table()
        for name, value in self._given_params().items():
            if name in table:
                table[name](name, value)

    @contextmanager
    def _plain_params(self) -> Iterator[None]:
        """Let parameters that are NumPy's numbers be Python's own for a while.

        Checkpoints, annotations and compiled programs then know one type of each.
        """
        given = self._given_params()
        kinds = np.bool_, np.integer, np.floating
        given = {k: v for k, v in given.items() if isinstance(v, kinds)}
        vars(self).update({name: value.item() for name, value in given.items()})
        try:
            yield
        finally:
            vars(self).update(given)
