"""The interface of architectures."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.targets.target import Target
from lamina.networks import Network


@dataclass(frozen=True)
class Architecture(ABC):
    """The layers of a network, as the parameters of an estimator define them."""

    @property
    @abstractmethod
    def given(self) -> tuple[str, Sequence[Any] | None]:
        """The parameter that lists the last layers: its name and its value."""

    def learn(self, inputs: Inputs) -> "Architecture":
        """Return the architecture fitted to inputs."""
        return self

    @abstractmethod
    def network(self, inputs: Inputs, target: Target) -> Network:
        """Return the network for inputs and a target that know their shapes.

        Raises
        ------
        ValueError
            If the layers do not fit each other, the inputs or the target.
        """
