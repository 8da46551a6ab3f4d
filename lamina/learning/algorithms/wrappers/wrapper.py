"""Algorithms that wrap another: same needs, same learning rate."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from lamina.learning.objectives.objective import View
from lamina.learning.protocols import Algorithm, Needs
from lamina.networks.core.arrays import Params, RandomKey
from lamina.networks.core.description import Nested
from lamina.networks.network import Network

# In place of a norm of 0, which would give 0/0.
TINY = 1e-30


class Wrapper(Algorithm):
    """An algorithm with a field ``inner``, another algorithm whose steps it modifies.

    By itself it changes nothing. Subclasses override :meth:`gradient` (what the inner
    algorithm sees), :meth:`moved` (where its step may lead) or ``update``.
    """

    inner: Nested

    @property
    def name(self) -> str:
        """Name of the state: that of the inner algorithm."""
        return self.inner.name

    @property
    def needs(self) -> Needs:  # pyright: ignore
        """Needs of the inner algorithm."""
        return self.inner.needs

    @property
    def rate(self) -> Any:
        """The learning rate of the inner algorithm."""
        return self.inner.rate

    def with_rate(self, rate: float) -> "Wrapper":
        """Return the same wrapper with another learning rate of the inner algorithm."""
        inner = self.inner.with_rate(rate)
        return dataclasses.replace(self, inner=inner)  # pyright: ignore

    def memory_bytes(
        self, n_params: int, n_rows: int, n_outputs: int, itemsize: int
    ) -> int:
        """Return the bytes of the inner algorithm."""
        return self.inner.memory_bytes(n_params, n_rows, n_outputs, itemsize)

    def loss_limit(self, network: Network, params: Sequence[Any]) -> float:
        """Return the limit of the inner algorithm."""
        return self.inner.loss_limit(network, params)

    def init(self, params: Params) -> Any:
        """Return the state of the inner algorithm before the first step.

        Raises
        ------
        ValueError
            If the inner algorithm is not of first order: the modification would mislead
            a line search.
        """
        if not self.inner.needs.first_order:
            raise ValueError(
                f"{type(self).__name__} needs a first-order algorithm such as "
                f"SGD() or Adam(), got {self.inner!r}"
            )
        return self.inner.init(params)

    def update(
        self,
        objective: Any,
        params: Params,
        state: Any,
        batch: Any,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take the modified step of the inner algorithm."""
        view = View(objective, self.gradient)
        params, state, report = self.inner.update(view, params, state, batch, key)
        return self.moved(objective, params), state, report

    def gradient(self, g: Params) -> Any:
        """Return the gradient as the inner algorithm sees it."""
        return g

    def moved(self, objective: Any, params: Any) -> Any:
        """Return the parameters after a step, projected onto what is allowed."""
        return params
