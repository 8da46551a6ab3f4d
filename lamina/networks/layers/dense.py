"""The fully connected layer."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from lamina.networks.core.arrays import Mask, RandomKey
from lamina.networks.core.description import check_whole, description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Activated
from lamina.networks.core.sparse import Examples
from lamina.networks.functional.activations import activation
from lamina.networks.functional.initializers import initializer, nguyen_widrow_bias


@description
class Dense(Activated):
    """Fully connected layer.

    Equations
    ---------
        h = x W + b,   a = φ(h)

    The bias b is the weight of a unit that is always 1.

    Shapes
    ------
    x (batch, …, n), W (n, units), b (units,), h and a (batch, …, units). x may be
    :class:`lamina.networks.core.sparse.SparseRows` (batch, n).

    Parameters
    ----------
    units : int
        Number of units.
    activation : str or callable, default="relu"
        φ, a name from :data:`lamina.networks.functional.activations.ACTIVATIONS` or a
        function.
    initializer : str, default="glorot_uniform"
        Initialiser of W; b starts at 0 (Nguyen–Widrow also draws b).
    use_bias : bool, default=True
        Whether there is a b.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), Deep Learning, MIT Press, chapter 6. For
    (h, a) textbooks also write (n, a), (z, a) or (net, a).
    """

    units: int
    activation: str | Callable = "relu"
    initializer: str = "glorot_uniform"
    use_bias: bool = True

    portable: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If there are no units, or φ or the initialiser is unknown.
        """
        check_whole(self, "units")
        activation(self.activation)
        initializer(self.initializer)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output."""
        *outer, n = shape
        draw = initializer(self.initializer)
        params = {"weight": draw(key.fold_in("weight"), (n, self.units), n, self.units)}
        if self.use_bias:
            params["bias"] = self._bias(key.fold_in("bias"), n)
        return params, (*outer, self.units)

    def _bias(self, key: Key, n: int) -> np.ndarray:
        if self.initializer == "nguyen_widrow":
            return nguyen_widrow_bias(key, self.units, n)
        return np.zeros(self.units)

    def pre_activation(
        self, params: dict, x: Examples, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the pre-activation h."""
        h = x @ params["weight"]
        return h + params["bias"] if self.use_bias else h

    def __call__(
        self, params: dict, x: Examples, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the activation a."""
        return activation(self.activation)(self.pre_activation(params, x))
