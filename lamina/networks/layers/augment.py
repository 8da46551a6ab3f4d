"""Random data augmentation of images."""

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from lamina.networks.convolution.rescale import floating
from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import description, is_number
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer


@description
class Augment(Layer):
    """Shift, rotate, scale, flip and perturb each image at random, in training only.

    Equations
    ---------
    Each image has its own random numbers, and each U is uniform in [−1, 1]:

        y[i, j] = x[u, v],   (u − i₀ + h tᵢ, v − j₀ + w tⱼ) = R (i − i₀, m (j − j₀)) / s

        tᵢ, tⱼ = shift U      fraction of height h and width w; down and to the right
        R = [[cos φ, sin φ], [−sin φ, cos φ]],   φ = rotate U°, anticlockwise
        s = (1 + scale)^U     the image grows if s > 1
        m = −1 with probability flip, else 1: mirrors left and right

        a = (1 + contrast U) (y − μ) + μ + brightness U + noise ε,   ε ~ N(0, 1)

    (i₀, j₀) is the centre and μ the mean of y. Between pixels x is interpolated
    bilinearly; beyond the border it takes the value of the nearest border pixel.
    Finally a square of side cutout · min(h, w), centred anywhere in the image, is set
    to μ. In inference mode a = x.

    Shapes
    ------
    x and a (batch, height, width, channels); integers become floating-point.

    Parameters
    ----------
    shift : float, default=0
        Largest shift, as a fraction of the side: 0.1 shifts an image of 32 pixels by up
        to 3.2.
    rotate : float, default=0
        Largest angle in degrees.
    scale : float, default=0
        Range of sizes: 0.1 gives 1/1.1 to 1.1 times the size.
    flip : float, default=0
        Probability of a flip: 0.5 if left and right are equivalent, 0 for letters.
    noise : float, default=0
        Standard deviation of the noise, in units of the inputs (for standardised
        inputs, 1 is the standard deviation of all pixels).
    cutout : float, default=0
        Side of the square, as a fraction of the shorter side of the image.
    brightness : float, default=0
        Largest change of brightness, in units of the inputs.
    contrast : float, default=0
        Largest relative change of contrast.

    Notes
    -----
    All fields are traced numbers: changing one does not compile a new program.

    References
    ----------
    Simard, Steinkraus & Platt (2003), Best practices for convolutional neural networks
    applied to visual document analysis, ICDAR, section 2. DeVries & Taylor (2017),
    Improved regularization of convolutional neural networks with cutout,
    arXiv:1708.04552, section 3.2.
    """

    shift: float = 0.0
    rotate: float = 0.0
    scale: float = 0.0
    flip: float = 0.0
    noise: float = 0.0
    cutout: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0

    portable: ClassVar[bool] = True

    def check(self) -> None:
        """Reject invalid numbers.

        Raises
        ------
        ValueError
            If a number is negative, or flip or cutout is larger than 1.
        """
        for name, value in vars(self).items():
            most = 1 if name in ("flip", "cutout") else math.inf
            if is_number(value) and not 0 <= value <= most:
                allowed = "between 0 and 1" if most == 1 else "at least 0"
                raise ValueError(f"{name} must be {allowed}, got {value}")

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the unchanged shape.

        Raises
        ------
        ValueError
            If an example is not an image.
        """
        if len(shape) != 3:
            raise ValueError(
                "Augment needs examples of shape (height, width, channels), got shape "
                f"{tuple(shape)}"
            )
        return {}, shape

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a; without a key, x itself."""
        x = floating(x)
        if key is None:
            return x
        draws, noise = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
        # One row of draws per image: an image's draws do not depend on the batch size.
        U = jax.random.uniform(draws, (x.shape[0], 9), x.dtype, -1, 1)
        mirror = jnp.where(U[:, 4] < 2 * self.flip - 1, -1, 1)
        angle = jnp.deg2rad(self.rotate * U[:, 2])
        size = (1 + self.scale) ** U[:, 3]
        y = warp(x, self.shift * U[:, :2], angle, size, mirror)
        y = y + self._light(y, U[:, 5], U[:, 6]) + self._noise(noise, y)
        return self._cut(y, U[:, 7:]).astype(x.dtype)

    def _light(self, y: Array, contrast: Array, brightness: Array) -> Any:
        """Return the change by contrast and brightness."""
        change = self.contrast * contrast[:, None, None, None] * (y - _mean(y))
        return change + self.brightness * brightness[:, None, None, None]

    def _noise(self, key: Array, y: Array) -> Any:
        """Return noise; drawing it takes as long as all else, so it is skipped at 0."""
        return jax.lax.cond(
            self.noise > 0,
            lambda: self.noise * jax.random.normal(key, y.shape, y.dtype),
            lambda: jnp.zeros_like(y),
        )

    def _cut(self, y: Array, U: Array) -> Any:
        """Return the image with a square set to its mean."""
        h, w = y.shape[1:3]
        half = self.cutout * min(h, w) / 2
        rows = jnp.abs(jnp.arange(h) - (h * (U[:, :1] + 1) - 1) / 2) < half
        columns = jnp.abs(jnp.arange(w) - (w * (U[:, 1:] + 1) - 1) / 2) < half
        inside = rows[:, :, None, None] & columns[:, None, :, None]
        return jnp.where(inside, _mean(y), y)


def warp(x: Array, shift: Array, angle: Array, size: Array, mirror: Array) -> Any:
    """Return images that are shifted, rotated, scaled and flipped one by one.

    Parameters
    ----------
    x : array (batch, height, width, channels)
    shift : array (batch, 2)
        tᵢ and tⱼ.
    angle, size, mirror : arrays (batch,)
        φ in radians, s and m: see :class:`Augment`.
    """
    h, w = x.shape[1:3]
    centre_i, centre_j = (h - 1) / 2, (w - 1) / 2
    i = (jnp.arange(h) - centre_i)[None, :, None]
    j = (jnp.arange(w) - centre_j)[None, None, :]
    cos, sin, m, di, dj = (
        part[:, None, None]
        for part in (
            jnp.cos(angle) / size,
            jnp.sin(angle) / size,
            mirror,
            centre_i - h * shift[:, 0],
            centre_j - w * shift[:, 1],
        )
    )
    u = jnp.clip(cos * i + sin * m * j + di, 0, h - 1)
    v = jnp.clip(cos * m * j - sin * i + dj, 0, w - 1)
    return jax.vmap(_interpolated)(x, u, v)


def _interpolated(x: Array, u: Array, v: Array) -> Any:
    """Return x (height, width, channels) at the positions (u, v), bilinearly.

    It works channel by channel, because gathering single numbers took a third of the
    time of gathering pixels (28 × 28 × 1 to 96 × 96 × 3, two cores).
    """
    h, w = x.shape[:2]
    i, j = jnp.floor(u), jnp.floor(v)
    du, dv = u - i, v - j
    i, j = i.astype(int), j.astype(int)
    below, right = jnp.minimum(i + 1, h - 1), jnp.minimum(j + 1, w - 1)

    def channel(x: Array) -> Any:
        top = x[i, j] * (1 - dv) + x[i, right] * dv
        bottom = x[below, j] * (1 - dv) + x[below, right] * dv
        return top * (1 - du) + bottom * du

    return jnp.stack([channel(x[..., k]) for k in range(x.shape[2])], axis=-1)


def _mean(y: Array) -> Any:
    return jnp.mean(y, axis=(1, 2, 3), keepdims=True)
