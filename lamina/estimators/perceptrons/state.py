"""Fitted state of a perceptron."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from lamina.estimators._core.files.network_state import FittedNetwork, OfClasses
from lamina.estimators._core.targets.labels import Labels
from lamina.storage.rules import UNSET, Floats, Integers, Is, Unset, fits


def _is_trace(value: Any, scope: Any) -> bool:
    shapes = Floats(None, None), Floats(None, None, None)
    return any(fits(Annotated[np.ndarray, one], value) for one in shapes)


@dataclass(kw_only=True, eq=False)
class FittedPerceptron(OfClasses, FittedNetwork):
    """Fitted state of a perceptron, including the target code of each class."""

    named: ClassVar[dict[str, str]] = {"labels": "_labels"}

    labels: Labels
    codes: Annotated[
        np.ndarray,
        Integers(
            lambda own: len(own.labels.classes),
            lambda own: own.params[-1]["weight"].shape[-1],
        ),
    ]
    converged: bool
    trace: (
        Annotated[
            np.ndarray,
            Is("the finite weights at the start and after each step", _is_trace),
        ]
        | Unset
    ) = UNSET
