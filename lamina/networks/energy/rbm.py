"""The restricted Boltzmann machine."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import check_whole, description, is_number
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Activated
from lamina.networks.core.random_bits import bernoulli, fold_in
from lamina.networks.core.sparse import Examples, SparseRows
from lamina.networks.functional.activations import namespace

VISIBLE = ("binary", "gaussian")


@description
class RBM(Activated):
    """Restricted Boltzmann machine; as a layer, it returns hidden probabilities.

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
        −∂ log P(v)/∂θ = ∂F(v)/∂θ − ⟨∂F/∂θ⟩           ⟨·⟩ over the model's own v

    With ``untied`` the generative direction has its own weights G instead of W, as in a
    deep belief network after :class:`lamina.UpDown`. Then there is no such energy, and
    the layer belongs to a directed network.

    Shapes
    ------
    v (batch, n), h (batch, units), W and G (n, units), a (n,), b (units,). Binary v may
    be :class:`lamina.networks.core.sparse.SparseRows`.

    Parameters
    ----------
    units : int
        Number of hidden units.
    visible : {"binary", "gaussian"}, default="binary"
        Type of the inputs: 0 and 1, or probabilities of 1; or real numbers of variance
        about 1.
    init_scale : float, default=0.01
        Standard deviation of the normal distribution of the initial W; a and b start at
        0.
    untied : bool, default=False
        Whether the generative direction has its own weights; they start at W.

    References
    ----------
    Smolensky (1986), Information processing in dynamical systems: foundations of
    harmony theory, in Parallel Distributed Processing 1; Hinton (2002), Training
    products of experts by minimizing contrastive divergence, Neural Computation 14;
    Hinton (2012), A practical guide to training restricted Boltzmann machines, in
    Neural Networks: Tricks of the Trade, sections 2, 8 and 13.2.
    """

    units: int
    visible: str = "binary"
    init_scale: float = 0.01
    untied: bool = False

    activation = "logistic"
    portable: ClassVar[bool] = True

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If there are no units, the type of inputs is unknown, or ``init_scale`` is
            negative.
        """
        check_whole(self, "units")
        if self.visible not in VISIBLE:
            raise ValueError(
                f"visible must be one of {', '.join(VISIBLE)}; got {self.visible!r}"
            )
        if is_number(self.init_scale) and not self.init_scale >= 0:
            raise ValueError(f"init_scale must be ≥ 0, got {self.init_scale}")

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output."""
        *outer, n = shape
        generator = key.fold_in("weight").generator()
        params = {
            "weight": self.init_scale * generator.standard_normal((n, self.units)),
            "visible_bias": np.zeros(n),
            "bias": np.zeros(self.units),
        }
        if self.untied:
            params["down"] = params["weight"].copy()
        return params, (*outer, self.units)

    def pre_activation(
        self, params: dict, x: Examples, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return v W + b."""
        return x @ params["weight"] + params["bias"]

    def __call__(
        self, params: dict, x: Examples, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return P(h = 1 | v)."""
        return chance(self.pre_activation(params, x))

    def back(self, params: dict, h: Array) -> Any:
        """Return h Wᵀ + a, or h Gᵀ + a."""
        weight = params["down" if self.untied else "weight"]
        return h @ weight.T + params["visible_bias"]

    def mean(self, params: dict, h: Array) -> Any:
        """Return the mean of v given h: P(v = 1 | h) for binary v."""
        z = self.back(params, h)
        return chance(z) if self.visible == "binary" else z

    def hidden(
        self, params: dict, v: Examples, key: Array, draw: Array | int = 0
    ) -> Any:
        """Sample h given v; one key has many numbered draws."""
        return bernoulli(key, self(params, v), draw)

    def seen(self, params: dict, h: Array, key: Array, draw: Array | int = 0) -> Any:
        """Sample v given h; one key has many numbered draws."""
        mean = self.mean(params, h)
        if self.visible == "binary":
            return bernoulli(key, mean, draw)
        # `jax.random.normal` has no numbered draws: each gets a key of its own.
        own = fold_in(key, draw)
        return mean + jax.random.normal(own, mean.shape, mean.dtype)

    def energy(self, params: dict, v: Array, h: Array) -> Any:
        """Return E(v, h) (batch,)."""
        pairs = jnp.sum((v @ params["weight"]) * h, axis=-1)
        return self.alone(params, v) - h @ params["bias"] - pairs

    def free_energy(self, params: dict, v: Examples) -> Any:
        """Return F(v) (batch,)."""
        return self.alone(params, v) - jnp.sum(
            softplus(self.pre_activation(params, v)), axis=-1
        )

    def alone(self, params: dict, v: Examples) -> Any:
        """Return the energy of the inputs alone (batch,)."""
        a = params["visible_bias"]
        if self.visible == "gaussian":
            return 0.5 * jnp.sum((v - a) ** 2, axis=-1)
        if isinstance(v, SparseRows):
            return -(v @ a[:, None])[:, 0]
        return -jnp.sum(v * a, axis=-1)


def chance(z: Array) -> Any:
    """σ(z) = ½ tanh(½ z) + ½, exact to an ulp of 1.

    That is the precision of the uniform numbers with which it is compared. The quotient
    1 / (1 + exp(−z)) is exact to an ulp of its value, but takes twice as long.
    """
    return 0.5 * namespace(z).tanh(0.5 * z) + 0.5


def softplus(z: Array) -> Any:
    """log(1 + e^z) = max(z, 0) + log(1 + e^−|z|), exact to an ulp of 1.

    ``jax.nn.softplus`` is exact to an ulp of its value, but takes ten times as long.
    """
    return jnp.maximum(z, 0) + jnp.log(1 + jnp.exp(-jnp.abs(z)))
