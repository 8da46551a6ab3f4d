"""The checker that the tests put on every annotated function of lamina.

``float`` in an annotation means any real number, whole ones included, and, because the
numbers of a description may be traced, stacked or swept over, arrays of them as well.
"""

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

check = beartype(conf=BeartypeConf(hint_overrides=FrozenDict({float: Number})))
