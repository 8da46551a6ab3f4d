"""The checker that the tests put on every annotated function of lamina.

``float`` in an annotation means any real number, whole ones included, and, because the
numbers of a description may be traced, stacked or swept over, arrays of them as well.
"""

import jax
import numpy as np
from beartype import BeartypeConf, FrozenDict, beartype

Number = float | int | np.floating | np.integer | np.ndarray | jax.Array

check = beartype(conf=BeartypeConf(hint_overrides=FrozenDict({float: Number})))
