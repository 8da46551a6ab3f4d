"""The types of what flows through networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

Array = jax.Array | np.ndarray
"""An array: on the host, on a device, or traced while a program is compiled."""

RandomKey = Array | None
"""A key of random numbers; None where nothing is drawn."""

Mask = Array | None
"""Which steps are real; None where all are."""

Shifts = Sequence[Array | None] | None
"""What is added to the pre-activations, by layer, to read δ off as a gradient."""

Params = Mapping[str, Any] | Sequence[Any] | Array
"""Parameters: arrays by name for a layer, one such tree per layer for a stack."""
