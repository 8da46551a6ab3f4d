"""The checker that the tests put on every annotated function of lamina.

``float`` in an annotation means any real number, whole ones included, and, because the
numbers of a description may be traced, stacked or swept over, arrays of them as well.
"""

from typing import Any

import jax
import numpy as np
from beartype import BeartypeConf, FrozenDict, beartype


class _Marks(type):
    """What marks an array as one of several models, in place of a number.

    lamina's own class would have to be imported before its modules are hooked.
    """

    def __instancecheck__(cls, value: object) -> bool:
        return type(value).__name__ == "Own"


class Marked(metaclass=_Marks):
    """Any such mark."""


Number = float | int | np.floating | np.integer | np.ndarray | jax.Array | Marked

_checked = beartype(conf=BeartypeConf(hint_overrides=FrozenDict({float: Number})))


def check(function: Any) -> Any:
    """Return the function, or class, with its annotations checked.

    Those of a fitted state are left to the codec, whose rules they are: it checks them
    where a file is read, and tests write wrong ones to see that it does. So are
    constructors of what learns: what is not learnt yet is unset.
    """
    name = getattr(function, "__qualname__", "")
    of_state = name.startswith("Fitted") and name.endswith(".__init__")
    learns = any(map(_is_unset, getattr(function, "__defaults__", None) or ()))
    return function if of_state or learns else _checked(function)


def _is_unset(value: object) -> bool:
    """Whether a value is lamina's ``UNSET``, whose module is hooked later."""
    return type(value).__name__ == "Unset"
