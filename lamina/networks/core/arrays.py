"""The types of what flows through networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

Array = jax.Array | np.ndarray
"""An array: on the host, on a device, or traced while a program is compiled."""

Params = Mapping[str, Any] | Sequence[Any] | Array
"""Parameters: arrays by name for a layer, one such tree per layer for a stack."""
