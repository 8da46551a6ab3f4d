"""Which losses fit which outputs."""

from typing import Any

FITTING = {
    "cross_entropy": ("softmax",),
    "binary_cross_entropy": ("logistic", "softmax"),
    "poisson": ("exp", "relu", "logistic", "softmax"),
}
"""Activations whose outputs a loss is defined for: probabilities of exclusive classes,
numbers from 0 to 1, numbers ≥ 0."""


def fitting_cross_entropy(activation: Any, exclusive: bool) -> str:
    """Return the cross entropy whose error signal is δ = a − y for this output layer.

    Parameters
    ----------
    activation : str or callable
        Of the output layer.
    exclusive : bool
        Whether an example has one of several classes; otherwise each output is a yes or
        a no by itself.

    Raises
    ------
    ValueError
        If there is none.
    """
    if activation == "logistic":
        return "binary_cross_entropy"
    if activation == "softmax" and exclusive:
        return "cross_entropy"
    wanted = "softmax or logistic" if exclusive else "logistic"
    raise ValueError(
        f"loss='log_loss' needs {wanted} outputs, but the activation of the output "
        f"layer is {activation!r}; name another loss such as 'squared_error'"
    )


def check_fits(loss: Any, activation: Any) -> None:
    """Refuse a loss that is not defined for what the output layer gives.

    Raises
    ------
    ValueError
        Naming the activations that fit.
    """
    fitting = FITTING.get(loss, ()) if isinstance(loss, str) else ()
    if fitting and isinstance(activation, str) and activation not in fitting:
        raise ValueError(
            f"loss={loss!r} needs outputs that are {' or '.join(fitting)}, but the "
            f"activation of the output layer is {activation!r}: choose another loss, "
            "or mark another output layer by Output"
        )
