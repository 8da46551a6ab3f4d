"""Capsules: groups of units whose output is a vector.

The length of the vector is the probability that an entity is present, its direction
encodes the entity's properties. Three layers form a capsule network:

    PrimaryCapsules(32, 8), Capsules(10, 16), CapsuleLength()

The last one computes the length of each class's capsule, as the loss ``margin`` needs
it. The vectors themselves are the output of the layer before.
"""

import math
from typing import Any, ClassVar

import jax
import numpy as np

from lamina.networks.convolution.conv import Conv
from lamina.networks.convolution.spatial import Padding, Spatial
from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import check_whole, description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Activated
from lamina.networks.functional.activations import length, namespace, softmax, squash
from lamina.networks.functional.initializers import initializer

MOST_ROUTINGS = 100
"""Routing is unrolled at compile time; more are a mistake, and a file may hold any
number."""


@description
class PrimaryCapsules(Activated):
    """The lowest capsules: a convolution whose outputs are grouped into vectors.

    Equations
    ---------
        h = x ∗ W + b       as in Conv, with ``channels`` · ``size`` filters
        u = squash(h)       of each group of ``size`` filters at each position

    Shapes
    ------
    x (batch, height, width, n) or (batch, time, n); W and b as in Conv; h and u (batch,
    positions · channels, size).

    Parameters
    ----------
    channels : int, default=32
        Capsules at each position.
    size : int, default=8
        Units per capsule, the dimension of its vector.
    kernel : int or tuple of int, default=9
        Size of a capsule's receptive field along each axis.
    stride : int or tuple of int, default=2
    padding : {"valid", "same", "full"}, int or tuple, default="valid"
    initializer : str, default="glorot_uniform"

    References
    ----------
    Sabour, Frosst & Hinton (2017), Dynamic routing between capsules, NIPS, section 4.
    """

    channels: int = 32
    size: int = 8
    kernel: Spatial = 9
    stride: Spatial = 2
    padding: Padding = "valid"
    initializer: str = "glorot_uniform"

    activation = "squash"

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If a number is not an integer or too small, or a name is unknown.
        """
        check_whole(self, "channels", "size")
        _ = self._conv

    @property
    def _conv(self) -> Conv:
        return Conv(
            self.channels * self.size,
            self.kernel,
            self.stride,
            self.padding,
            activation="identity",
            initializer=self.initializer,
        )

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        Raises
        ------
        ValueError
            If an example has no spatial axes, or a window does not fit.
        """
        params, (*positions, _) = self._conv.init(key, shape)
        return params, (math.prod(positions) * self.channels, self.size)

    def pre_activation(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return h."""
        h = self._conv.pre_activation(params, x)
        return h.reshape(h.shape[0], math.prod(h.shape[1:]) // self.size, self.size)

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return u."""
        return squash(self.pre_activation(params, x))

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return multiplications and additions of one example of that shape."""
        return self._conv.flops(params, shape)


@description
class Capsules(Activated):
    """Capsules with dynamic routing by agreement.

    Equations
    ---------
        û[j, i] = u[i] W[i, :, :, j]      what capsule i predicts for capsule j
        b[i, j] = 0, then ``routings`` times
            c[i, j] = e^b[i, j] / Σₖ e^b[i, k]
            s[j] = Σᵢ c[i, j] û[j, i]
            v[j] = squash(s[j]) = ‖s‖² / (1 + ‖s‖²) · s / ‖s‖
            b[i, j] ← b[i, j] + û[j, i] · v[j]

    where the last b is not needed. The gradient flows through all routing iterations.

    Shapes
    ------
    u (batch, inputs, n), from PrimaryCapsules or Capsules; W (inputs, n, size, units);
    s (the pre-activation) and v (batch, units, size).

    Parameters
    ----------
    units : int
        Number of capsules; one per class in the last layer.
    size : int, default=16
        Dimension of their vectors.
    routings : int, default=3
        1 weights all predictions equally.
    initializer : str, default="glorot_uniform"
        Of W, with fan-in n and fan-out ``size``.

    Notes
    -----
    û takes batch · inputs · units · size numbers: 1,152 capsules below, 10 above and a
    batch of 64 are 47 MB in single precision. It is laid out as (batch, units, inputs,
    size), so that the sums over i and over a vector's units are matrix products: a step
    of that size took 0.25 s, and 0.04 s with 288 capsules below, against 0.56 s and
    0.15 s with ``einsum`` (two cores under other load).

    References
    ----------
    Sabour, Frosst & Hinton (2017), Dynamic routing between capsules, NIPS, section 2,
    equations 1 to 3 and procedure 1.
    """

    units: int
    size: int = 16
    routings: int = 3
    initializer: str = "glorot_uniform"

    activation = "squash"
    portable: ClassVar[bool] = True

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If a number is not an integer, too small or too large, or the initialiser is
            unknown.
        """
        check_whole(self, "units", "size", "routings")
        if self.routings > MOST_ROUTINGS:
            raise ValueError(
                f"routings must be at most {MOST_ROUTINGS}, got {self.routings}"
            )
        initializer(self.initializer)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        Raises
        ------
        ValueError
            If an example is not a number of capsules.
        """
        _check_vectors("Capsules", shape)
        inputs, n = shape
        draw = initializer(self.initializer)
        form = (inputs, n, self.size, self.units)
        weight = draw(key.fold_in("weight"), form, n, self.size)
        return {"weight": weight}, (self.units, self.size)

    def pre_activation(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return s of the last routing."""
        predicted = _predictions(x, params["weight"])
        # All b are 0 at first, so the softmax is 1 / units; XLA would spend compile
        # time on folding it to a constant.
        s = predicted.sum(axis=2) / predicted.shape[1]
        b = 0
        for _ in range(self.routings - 1):
            v = squash(s)
            b = b + (predicted @ v[..., None])[..., 0]
            s = (_couplings(b)[:, :, None, :] @ predicted)[:, :, 0]
        return s

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return v."""
        return squash(self.pre_activation(params, x))

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return multiplications and additions of one example: of û, s and û · v."""
        inputs, n, size, units = params["weight"].shape
        return 2 * inputs * size * units * (n + 2 * self.routings - 1)


def _predictions(u: Array, weight: Array) -> Any:
    """Return û (batch, units, inputs, size)."""
    inputs, n, size, units = weight.shape
    # As matrix products in this layout, a step with 1,152 capsules took 0.25 s against
    # 0.56 s with `einsum`; with 288, 0.04 s against 0.15 s.
    rows = _laid_out(weight.swapaxes(2, 3)).reshape(inputs, n, units * size)
    each = _laid_out(_laid_out(u.swapaxes(0, 1)) @ rows)
    each = each.reshape(inputs, u.shape[0], units, size)
    return _laid_out(each.transpose(1, 2, 0, 3))


def _laid_out(a: Array) -> Any:
    """Return a, laid out in memory in the order of its axes.

    Otherwise XLA would fuse the transpositions into the products, which is slow: see
    the notes of :class:`Capsules`.
    """
    if isinstance(a, np.ndarray):
        return np.ascontiguousarray(a)
    return jax.lax.optimization_barrier(a)


def _couplings(b: Array) -> Any:
    """Return c (batch, units, inputs): a softmax over the units."""
    xp = namespace(b)
    return xp.swapaxes(softmax(xp.swapaxes(b, 1, 2)), 1, 2)


@description
class CapsuleLength(Activated):
    """The length of each capsule's vector: the probability that its class is present.

    Equations
    ---------
        h[j] = ‖v[j]‖,   a = h

    Its derivative v / ‖v‖ is defined as 0 where v = 0.

    Shapes
    ------
    v (batch, units, size), h and a (batch, units).

    References
    ----------
    Sabour, Frosst & Hinton (2017), Dynamic routing between capsules, NIPS, section 3.
    """

    activation = "identity"
    portable: ClassVar[bool] = True

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the shape of one output.

        Raises
        ------
        ValueError
            If an example is not a number of capsules.
        """
        _check_vectors("CapsuleLength", shape)
        return {}, (shape[0],)

    def pre_activation(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return h."""
        return length(x)

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        return length(x)


def _check_vectors(layer: str, shape: tuple[int, ...]) -> None:
    if len(shape) != 2:
        raise ValueError(
            f"{layer} needs examples of shape (capsules, size), as from "
            f"PrimaryCapsules or Capsules; got shape {tuple(shape)}"
        )
