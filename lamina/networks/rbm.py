"""The restricted Boltzmann machine."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from lamina.networks.activations import logistic
from lamina.networks.description import check_whole, description, is_number
from lamina.networks.keys import Key
from lamina.networks.random_bits import bernoulli

VISIBLE = ("binary", "gaussian")


@description
class RBM:
    """Restricted Boltzmann machine; as a layer, the probabilities of its hidden units.

    Equations
    ---------
        E(v, h) = −v·a − h·b − v W h                  binary v, in {0, 1}
        E(v, h) = ½ ‖v − a‖² − h·b − v W h            Gaussian v, of variance 1
        P(v, h) = exp(−E(v, h)) / Z                   h in {0, 1}
        P(hⱼ = 1 | v) = σ(v W + b)ⱼ
        P(vᵢ = 1 | h) = σ(h Wᵀ + a)ᵢ                  binary
        v | h ~ N(h Wᵀ + a, I)                        Gaussian
        F(v) = −log Σ_h exp(−E(v, h))
             = −v·a − Σⱼ log(1 + exp((v W + b)ⱼ))     binary; ½ ‖v − a‖² for −v·a
        −∂ log P(v)/∂θ = ∂F(v)/∂θ − ⟨∂F/∂θ⟩           ⟨·⟩ over the machine's own v

    Shapes
    ------
    v (batch, n), h (batch, units), W (n, units), a (n,), b (units,). v may be
    :class:`lamina.networks.sparse.SparseRows` in what begins with it, if it is binary.

    Parameters
    ----------
    units : int
        Number of hidden units.
    visible : {"binary", "gaussian"}, default="binary"
        What the inputs are: 0 and 1, or probabilities of 1; or numbers of about
        variance 1.
    spread : float, default=0.01
        Standard deviation of the normal numbers at which W starts; a and b start at 0.

    References
    ----------
    Smolensky (1986), Information processing in dynamical systems: foundations of
    harmony theory, in Parallel Distributed Processing 1; Hinton (2002), Training
    products of experts by minimizing contrastive divergence, Neural Computation 14;
    Hinton (2012), A practical guide to training restricted Boltzmann machines, in
    Neural Networks: Tricks of the Trade, sections 2, 8 and 13.2. Decks 003 and 004.
    """

    units: int
    visible: str = "binary"
    spread: float = 0.01

    activation: ClassVar[str] = "logistic"
    portable: ClassVar[bool] = True  # runs on NumPy arrays as well

    def check(self) -> None:
        """Refuse impossible fields.

        Raises
        ------
        ValueError
            If there are no units, the kind of inputs is unknown or the spread negative.
        """
        check_whole(self, "units")
        if self.visible not in VISIBLE:
            raise ValueError(
                f"visible must be one of {', '.join(VISIBLE)}; got {self.visible!r}"
            )
        if is_number(self.spread) and not self.spread >= 0:
            raise ValueError(f"spread must be ≥ 0, got {self.spread}")

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output."""
        *outer, n = shape
        generator = key.fold_in("weight").generator()
        params = {
            "weight": self.spread * generator.standard_normal((n, self.units)),
            "visible_bias": np.zeros(n),
            "bias": np.zeros(self.units),
        }
        return params, (*outer, self.units)

    def net(self, params: dict, x: Any, *, key: Any = None, mask: Any = None) -> Any:
        """Return v W + b."""
        return x @ params["weight"] + params["bias"]

    def __call__(
        self, params: dict, x: Any, *, key: Any = None, mask: Any = None
    ) -> Any:
        """Return P(h = 1 | v)."""
        return logistic(self.net(params, x))

    def mean(self, params: dict, h: Any) -> Any:
        """Return the mean of v given h: P(v = 1 | h) where it is binary."""
        z = h @ params["weight"].T + params["visible_bias"]
        return logistic(z) if self.visible == "binary" else z

    def hidden(self, params: dict, v: Any, key: Any) -> Any:
        """Draw h given v."""
        return bernoulli(key, self(params, v))

    def seen(self, params: dict, h: Any, key: Any) -> Any:
        """Draw v given h."""
        mean = self.mean(params, h)
        if self.visible == "binary":
            return bernoulli(key, mean)
        return mean + jax.random.normal(key, mean.shape, mean.dtype)

    def energy(self, params: dict, v: Any, h: Any) -> Any:
        """Return E(v, h) (batch,)."""
        pairs = jnp.sum((v @ params["weight"]) * h, axis=-1)
        return self._alone(params, v) - h @ params["bias"] - pairs

    def free_energy(self, params: dict, v: Any) -> Any:
        """Return F(v) (batch,)."""
        softplus = jax.nn.softplus(self.net(params, v))
        return self._alone(params, v) - jnp.sum(softplus, axis=-1)

    def _alone(self, params: dict, v: Any) -> Any:
        """Return the energy of the inputs by themselves."""
        a = params["visible_bias"]
        if self.visible == "binary":
            return -(v @ a[:, None])[:, 0]  # a matrix: v may be sparse rows
        return 0.5 * jnp.sum((v - a) ** 2, axis=-1)
