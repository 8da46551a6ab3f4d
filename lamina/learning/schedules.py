"""Learning-rate schedules that change the rate between epochs.

The rate is a leaf of the algorithm's description, so a new one compiles nothing.
"""

from typing import Any

from lamina.networks.description import description


@description
class Constant:
    """η stays as it is."""

    def rate(self, initial: Any, examples: int, plateaus: int) -> Any:
        """Return η after so many examples seen and plateaus met."""
        return initial


@description
class InverseScaling:
    """η = η₀ / (t + 1)^p, t the number of examples seen before this epoch.

    scikit-learn's ``learning_rate="invscaling"``.

    Parameters
    ----------
    power : float, default=0.5
        p.
    """

    power: float = 0.5

    def rate(self, initial: Any, examples: int, plateaus: int) -> Any:
        """Return η after so many examples seen and plateaus met."""
        return initial / (examples + 1) ** self.power


@description
class Adaptive:
    """η = η₀ / 5ᵏ after k plateaus; ends when η would fall below a minimum.

    scikit-learn's ``learning_rate="adaptive"``: where another schedule would stop for
    want of improvement, this one goes on with a smaller rate.

    Parameters
    ----------
    factor : float, default=5
    minimum : float, default=1e-6
    """

    factor: float = 5.0
    minimum: float = 1e-6

    def rate(self, initial: Any, examples: int, plateaus: int) -> Any:
        """Return η after so many examples seen and plateaus met."""
        return initial / self.factor**plateaus

    def goes_on(self, rate: float) -> bool:
        """Return whether a plateau at this rate is answered by a smaller one."""
        return rate > self.minimum
