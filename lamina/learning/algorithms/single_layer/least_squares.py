"""The closed-form solution of a linear neuron."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from lamina.learning.algorithms.second_order.gauss_newton import check_smooth
from lamina.learning.objectives.objective import Batch, Objective, value_and_grad
from lamina.learning.objectives.penalties import L2
from lamina.learning.protocols import Algorithm, Needs
from lamina.networks import Dense
from lamina.networks.core.arrays import Array, RandomKey
from lamina.networks.core.description import description

FACTORS = {"squared_error": 1.0, "sum_squared_error": 2.0}
"""Losses whose minimum is a least-squares solution: ℓ = ½ factor Σ (y − a)²."""


@description
class LeastSquares(Algorithm):
    """Least squares by the pseudo-inverse: a linear network's best weights in one step.

    Equations
    ---------
        θ = argmin ½ Σᵢ wᵢ ‖yᵢ − x̃ᵢ θ‖² + ½ α Σ W²,   x̃ = (x, 1), θ = (W; b)
        θ = X̃⁺ y                        where w = 1 and α = 0
        θ = V diag(s / (s² + α)) Uᵀ y,   X̃ = U diag(s) Vᵀ

    The rows of X̃ and y are multiplied by √wᵢ. With α (ridge regression) the bias is
    left out of X̃; x and y are centred instead. If more than one θ is optimal, the one
    of least norm is taken. Singular values below the largest one times the machine
    epsilon times the longer side of X̃ count as 0, as in ``numpy.linalg.lstsq``.

    For networks of one ``Dense`` layer with the activation "identity", and squared
    errors. It needs all examples; the estimators train in float64.

    References
    ----------
    Penrose (1956), On best approximate solutions of linear matrix equations,
    Mathematical Proceedings of the Cambridge Philosophical Society 52; Hoerl & Kennard
    (1970), Ridge regression: biased estimation for nonorthogonal problems,
    Technometrics 12, equation 2.1.
    """

    needs: ClassVar[Needs] = Needs(
        full_batch=True,
        float64=True,
        one_target=True,
        closed_form=True,
        early_stopping=False,
    )

    def memory_bytes(
        self, n_params: int, n_rows: int, n_outputs: int, itemsize: int
    ) -> int:
        """Return the bytes of X̃ and of its decomposition."""
        columns = -(-n_params // n_outputs)
        smaller = min(n_rows, columns)
        return (2 * n_rows * columns + smaller * smaller) * itemsize

    def init(self, params: Sequence[Any]) -> dict[str, Any]:
        """Return the state: there is none."""
        return {}

    def update(
        self,
        objective: Objective,
        params: Sequence[Any],
        state: dict,
        batch: Batch,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Return the solution; the report holds the loss and max |g| there.

        Raises
        ------
        ValueError
            If the network is not linear, or the loss is not a squared error.
        """
        _check_linear(objective)
        params = _solution(objective, params, batch)
        loss, g = value_and_grad(objective, params, batch, None)
        leaves = [jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(g)]
        largest = jnp.max(jnp.stack(leaves))
        evaluations = jnp.ones((), jnp.int32)
        report = {"loss": loss, "gradient": largest, "evaluations": evaluations}
        return params, state, report


def _check_linear(objective: Any) -> None:
    """Reject objectives without a closed-form solution."""
    check_smooth(LeastSquares(), objective)
    layers = objective.network.layers
    linear = len(layers) == 1 and isinstance(layers[0], Dense)
    if not linear or layers[0].activation != "identity":
        raise ValueError(
            "LeastSquares needs a network of one Dense layer with the activation "
            f"'identity' (hidden_layer_sizes=()); got {layers!r}"
        )
    if objective.loss not in FACTORS:
        raise ValueError(
            f"LeastSquares needs one of the losses {', '.join(FACTORS)}; "
            f"got {objective.loss!r}"
        )


def _solution(objective: Objective, params: Sequence[Any], batch: Batch) -> Any:
    """Return the parameters that minimise the objective."""
    (layer,) = params
    has_bias = "bias" in layer
    factor, X = FACTORS[str(objective.loss)], jnp.asarray(batch.x)
    alpha = objective.coefficient(L2)

    def solve(weight: Array, y: Array) -> tuple[Any, Any]:
        return _best(X, y, factor * weight, alpha, has_bias)

    if batch.mask is None:
        W, b = solve(batch.weight, batch.y)
    else:  # each output has its own examples
        by_output = batch.weight[:, None] * batch.mask
        W, b = jax.vmap(solve, (1, 1), -1)(by_output, batch.y[..., None])
        W, b = W[:, 0], b[0]
    return ({"weight": W, "bias": b} if has_bias else {"weight": W},)


def _best(
    X: Array, y: Array, weight: Array, alpha: Array | float | None, has_bias: bool
) -> tuple[Any, Any]:
    """Return W and b; with a penalty b follows from W, as it is not penalised itself:
    b = ȳ − x̄ W, and W is best for x − x̄ and y − ȳ (weighted means)."""
    root = jnp.sqrt(weight)[:, None]
    if not has_bias:
        W = _filtered(root * X, root * y, alpha)
        return W, jnp.zeros(y.shape[1], y.dtype)
    if alpha is None:
        ones = jnp.ones((X.shape[0], 1), X.dtype)
        theta = _filtered(root * jnp.concatenate([X, ones], axis=1), root * y, None)
        return theta[:-1], theta[-1]
    total = jnp.sum(weight)
    share = weight / jnp.where(total > 0, total, 1)
    x_mean, y_mean = share @ X, share @ y
    W = _filtered(root * (X - x_mean), root * (y - y_mean), alpha)
    return W, y_mean - x_mean @ W


def _filtered(A: Array, b: Array, alpha: Array | float | None) -> Any:
    """Return argmin ‖Aθ − b‖² + α ‖θ‖²; A⁺ b where there is no α, or it is 0."""
    U, s, V = jnp.linalg.svd(A, full_matrices=False)
    # Smaller ones are rounding errors of 0 and would dominate as 1 / s; the bound is
    # that of `numpy.linalg.lstsq`.
    counts = s > s[0] * max(A.shape) * jnp.finfo(A.dtype).eps
    squares = s * s if alpha is None else s * s + alpha
    factors = jnp.where(counts, s / jnp.where(counts, squares, 1), 0)
    return V.T @ (factors[:, None] * (U.T @ b))
