"""Training with noise on inputs or weights."""

from typing import Any, ClassVar

import jax

from lamina.learning.objectives.objective import Batch
from lamina.learning.objectives.weights import is_weight
from lamina.learning.protocols import Term
from lamina.networks.core.arrays import Array, Params
from lamina.networks.core.description import description, is_number
from lamina.networks.core.keys import for_purpose
from lamina.networks.core.masking import values_of, with_values


@description
class InputNoise(Term):
    """Add Gaussian noise to the inputs in training.

    Equations
    ---------
        x ← x + ε,   ε ~ N(0, σ²)

    Parameters
    ----------
    deviation : float, default=0.1
        σ, in units of the inputs as the network sees them.

    References
    ----------
    Bishop (1995), Training with noise is equivalent to Tikhonov regularization, Neural
    Computation 7.
    """

    deviation: float = 0.1

    disturbs: ClassVar[bool] = True

    def check(self) -> None:
        """Reject a negative deviation.

        Raises
        ------
        ValueError
            If σ < 0.
        """
        _check_deviation(self)

    def disturb_inputs(self, batch: Batch, key: Any) -> Any:
        """Return the batch with x + ε."""
        batch = in_numbers(batch)
        x = values_of(batch.x)
        noise = jax.random.normal(for_purpose(key, "inputs"), x.shape, x.dtype)
        x = with_values(batch.x, x + self.deviation * noise)
        return batch._replace(x=x)


@description
class WeightNoise(Term):
    """Add Gaussian noise to the weights in each step; the gradient is taken there.

    Equations
    ---------
        W ← W + ε,   ε ~ N(0, σ²)      biases are unchanged

    Parameters
    ----------
    deviation : float, default=0.1
        σ.

    References
    ----------
    Murray & Edwards (1994), Enhanced MLP performance and fault tolerance resulting from
    synaptic weight noise during training, IEEE Transactions on Neural Networks 5.
    """

    deviation: float = 0.1

    disturbs: ClassVar[bool] = True

    def check(self) -> None:
        """Reject a negative deviation.

        Raises
        ------
        ValueError
            If σ < 0.
        """
        _check_deviation(self)

    def disturb_params(self, params: Params, key: Any) -> Any:
        """Return W + ε."""
        key = for_purpose(key, "weights")

        def disturbed(path: Any, leaf: Array) -> Any:
            if not is_weight(path):
                return leaf
            own = for_purpose(key, jax.tree_util.keystr(path))
            return leaf + self.deviation * jax.random.normal(
                own, leaf.shape, leaf.dtype
            )

        return jax.tree.map_with_path(disturbed, params)


def in_numbers(batch: Batch) -> Any:
    """Return the batch with bytes (of images) as floats, which can be perturbed."""
    if batch.x.dtype != jax.numpy.uint8:
        return batch
    return batch._replace(x=batch.x.astype(batch.weight.dtype))


def _check_deviation(term: InputNoise | WeightNoise) -> None:
    if is_number(term.deviation) and not term.deviation >= 0:
        raise ValueError(f"deviation must be ≥ 0, got {term.deviation}")
