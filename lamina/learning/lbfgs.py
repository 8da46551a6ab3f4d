"""L-BFGS."""

from typing import Any

import jax.numpy as jnp

from lamina.learning.objective import Batch, Objective
from lamina.networks.description import description


@description
class LBFGS:
    """Limited-memory BFGS with a line search; meant for full batches.

    Equations
    ---------
        s = θ_k − θ_{k−1},   y = g_k − g_{k−1}
        d = −H_k g_k         H_k from the last m pairs (s, y) by the two-loop recursion
        θ_{k+1} = θ_k + τ d  τ by a zoom line search for the strong Wolfe conditions

    The implementation is :func:`optax.lbfgs`.

    Parameters
    ----------
    memory : int, default=10
        m, the number of pairs kept.
    max_line_search_steps : int, default=20

    References
    ----------
    Liu & Nocedal (1989), On the limited memory BFGS method for large scale
    optimization, Mathematical Programming 45; Nocedal & Wright (2006), Numerical
    Optimization, algorithms 3.5, 3.6, 7.4 and 7.5.
    """

    memory: int = 10
    max_line_search_steps: int = 20

    def check(self) -> None:
        """Refuse impossible sizes.

        Raises
        ------
        ValueError
            If one of them is less than 1.
        """
        for name in ("memory", "max_line_search_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")

    def _solver(self) -> Any:
        import optax  # late: half a second that other solvers need not pay

        search = optax.scale_by_zoom_linesearch(
            max_linesearch_steps=self.max_line_search_steps,
            initial_guess_strategy="one",
        )
        return optax.lbfgs(memory_size=self.memory, linesearch=search)

    def init(self, params: Any) -> Any:
        """Return the state before the first step: no pairs."""
        return self._solver().init(params)

    def update(
        self, objective: Objective, params: Any, state: Any, batch: Batch, key: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds the loss and max |g| before it."""
        import optax

        def value(params: Any) -> Any:
            return objective(params, batch, key)

        loss, g = optax.value_and_grad_from_state(value)(params, state=state)
        step, state = self._solver().update(
            g, state, params, value=loss, grad=g, value_fn=value
        )
        params = optax.apply_updates(params, step)
        report = {
            "loss": loss,
            "gradient": optax.tree_utils.tree_norm(g, ord=jnp.inf),
            "evaluations": 1 + state[-1].info.num_linesearch_steps,
        }
        return params, state, report
