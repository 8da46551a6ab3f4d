"""Selective δ propagation: learning from the examples that are wrong most."""

from typing import Any

import numpy as np

from lamina.networks.core.description import description, is_number


@description
class SelectiveDelta:
    """Between two whole epochs, learn from the examples with large δ only.

    Equations
    ---------
        δᵢ = ‖∂ℓᵢ/∂hᵢ‖₂         of every example, after a whole epoch
        the ⌈share · n⌉ examples of largest δ make up the next ``epochs`` epochs

    Deck 004 marks samples with sufficiently large deltas and considers only those for a
    certain number of epochs. The loss of such an epoch is that of its examples, and
    stopping rules are asked after whole epochs only.

    Parameters
    ----------
    share : float, default=0.5
    epochs : int, default=4

    References
    ----------
    Deck 004, practical considerations; Katharopoulos & Fleuret (2018), Not all samples
    are created equal, ICML, who bound the gradient's norm by the same δ.
    """

    share: float = 0.5
    epochs: int = 4

    def check(self) -> None:
        """Refuse impossible fields.

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
        """Return 0 for a whole epoch, else how many epochs the last one is ago."""
        return epoch % (1 + self.epochs)

    def chosen(self, rows: np.ndarray, delta: Any) -> np.ndarray:
        """Return those of the rows with the largest δ, in their order."""
        size = int(np.ceil(self.share * len(rows)))
        largest = np.argsort(-np.asarray(delta), kind="stable")[:size]
        return rows[np.sort(largest)]
