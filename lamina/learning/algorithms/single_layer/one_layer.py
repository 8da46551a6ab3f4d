"""The check shared by rules that train one fully connected layer."""

from collections.abc import Sequence
from typing import Any


def check_one_layer(params: Sequence[Any], rule: str, reason: str = "") -> None:
    """Reject the parameters of anything but a network of one Dense layer.

    Raises
    ------
    ValueError
        Naming the rule, the reason if there is one, and the parameters.
    """
    one = len(params) == 1 and isinstance(params[0], dict)
    if one and "weight" in params[0] and set(params[0]) <= {"weight", "bias"}:
        return
    names = [sorted(own) if isinstance(own, dict) else "…" for own in params]
    raise ValueError(
        f"{rule} trains a network of one Dense layer{reason}; this one has "
        f"{len(params)} layers with the parameters {names}"
    )
