"""Label smoothing."""

from typing import Any

import jax
import jax.numpy as jnp

from lamina.learning.protocols import Loss, Term
from lamina.networks.core.arrays import Array
from lamina.networks.core.description import description, is_number

SMOOTHED = ("cross_entropy", "binary_cross_entropy")
"""Losses whose targets are classes, which can be smoothed."""


@description
class LabelSmoothing(Term):
    """Spread a fraction of each label over all classes.

    Equations
    ---------
        y ← (1 − s) y + s / K      K classes; K = 2 for every binary output

    A position without a label stays without one.

    Parameters
    ----------
    share : float, default=0.1
        s.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens & Wojna (2016), Rethinking the Inception
    architecture for computer vision, CVPR, section 7.
    """

    share: float = 0.1

    def check(self) -> None:
        """Reject an invalid fraction.

        Raises
        ------
        ValueError
            If s is not in [0, 1).
        """
        if is_number(self.share) and not 0 <= self.share < 1:
            raise ValueError(f"share must be in [0, 1), got {self.share}")

    def check_loss(self, loss: Loss) -> None:
        """Reject a loss whose targets are not classes.

        Raises
        ------
        ValueError
            If so; the message names the losses whose targets are classes.
        """
        if loss not in SMOOTHED:
            raise ValueError(
                f"label_smoothing needs one of the losses {', '.join(SMOOTHED)}; "
                f"got {loss!r}"
            )

    def smooth(self, y: Array, h: Array, loss: Loss) -> Any:
        """Return smoothed targets, (…, K) where they are exclusive classes."""
        s = self.share
        if loss == "binary_cross_entropy":
            return (1 - s) * y + s / 2
        classes = h.shape[-1]
        if y.ndim < h.ndim:
            y = jax.nn.one_hot(y, classes, dtype=h.dtype)
        share = s / classes
        if h.ndim > 2:  # a position without a label has zeros, and keeps them
            share = share * jnp.sum(y, axis=-1, keepdims=True)
        return (1 - s) * y + share
