"""Selective δ propagation: training on the examples with the largest errors."""

from typing import Any

import numpy as np

from lamina.networks.core.description import description, is_number


@description
class SelectiveDelta:
    """Between two whole epochs, train only on the examples with large δ.

    Equations
    ---------
        δᵢ = ‖∂ℓᵢ/∂hᵢ‖₂         of every example, after a whole epoch
        the ⌈share · n⌉ examples of largest δ make up the next ``epochs`` epochs

    The loss of such an epoch is that of its examples, and stopping rules are checked
    after whole epochs only.

    Parameters
    ----------
    share : float, default=0.5
    epochs : int, default=4

    References
    ----------
    Katharopoulos & Fleuret (2018), Not all samples are created equal: deep learning
    with importance sampling, ICML, who bound the gradient's norm by the same δ.
    """

    share: float = 0.5
    epochs: int = 4

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If the share is not in (0, 1] or there are no epochs.
        """
        if is_number(self.share) and not 0 < self.share <= 1:
            raise ValueError(f"share must be in (0, 1], got {self.share}")
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs}")

    def place(self, epoch: int) -> int:
        """Return the number of epochs since the last whole one, 0 for a whole one."""
        return epoch % (1 + self.epochs)

    def chosen(self, rows: np.ndarray, delta: Any) -> np.ndarray:
        """Return the rows with the largest δ, in their order."""
        size = int(np.ceil(self.share * len(rows)))
        # Stable: equal δ are taken in row order, whatever sort NumPy uses.
        largest = np.argsort(-np.asarray(delta), kind="stable")[:size]
        return rows[np.sort(largest)]
