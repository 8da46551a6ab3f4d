"""An algorithm around another: it needs what the inner one needs, and has its rate."""

import dataclasses
from typing import Any

from lamina.learning.objectives.objective import View
from lamina.learning.protocols import Algorithm, Needs
from lamina.networks.core.description import Nested


class Wrapper(Algorithm):
    """An algorithm with a field ``inner``, another algorithm whose steps it changes.

    As it stands it changes nothing: what wraps overrides :meth:`gradient` (what the
    inner one gets to see) or :meth:`moved` (where its step may lead), or ``update``.
    """

    inner: Nested

    @property
    def name(self) -> str:
        """Whose state it is: that of the inner one."""
        return self.inner.name

    @property
    def needs(self) -> Needs:  # pyright: ignore
        """What the inner one needs."""
        return self.inner.needs

    @property
    def rate(self) -> Any:
        """The learning rate of the inner one."""
        return self.inner.rate

    def with_rate(self, rate: Any) -> "Wrapper":
        """Return the same around the inner one at another learning rate."""
        inner = self.inner.with_rate(rate)
        return dataclasses.replace(self, inner=inner)  # pyright: ignore

    def memory_bytes(
        self, n_params: int, n_rows: int, n_outputs: int, itemsize: int
    ) -> int:
        """Return the bytes of the inner one."""
        return self.inner.memory_bytes(n_params, n_rows, n_outputs, itemsize)

    def loss_limit(self, network: Any, params: Any) -> float:
        """Return the limit of the inner one."""
        return self.inner.loss_limit(network, params)

    def init(self, params: Any) -> Any:
        """Return the state of the inner one before the first step."""
        return self.inner.init(params)

    def update(
        self, objective: Any, params: Any, state: Any, batch: Any, key: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take the step of the inner one, changed."""
        view = View(objective, self.gradient)
        params, state, report = self.inner.update(view, params, state, batch, key)
        return self.moved(objective, params), state, report

    def gradient(self, g: Any) -> Any:
        """Return the gradient as the inner one sees it."""
        return g

    def moved(self, objective: Any, params: Any) -> Any:
        """Return the parameters after a step, moved to where they may be."""
        return params


class FirstOrderWrapper(Wrapper):
    """A wrapper that no method can bear which searches along a line."""

    def init(self, params: Any) -> Any:
        """Return the state of the inner one before the first step.

        Raises
        ------
        ValueError
            If the inner one is not of first order.
        """
        if not self.inner.needs.first_order:
            raise ValueError(
                f"{type(self).__name__} needs an algorithm of first order such as "
                f"SGD() or Adam(), got {self.inner!r}"
            )
        return super().init(params)
