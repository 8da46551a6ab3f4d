"""Images of circles, squares and triangles, with a label for each pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lamina.data.images.images import ImageError

#: Images drawn at a time: few enough to stay in the processor's cache.
_AT_ONCE = 32
_OBJECTS = 3
#: Grey values of an image's shapes, and the brightest background.
_SHADES = np.linspace(0.4, 1, _OBJECTS, dtype=np.float32)
_BACKGROUND = np.float32(0.2)
#: Bounds of a shape's half width, as fractions of the image's side.
_SMALLEST, _LARGEST = 0.15, 0.25


def _circle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x² + y² ≤ 1"""
    return x * x + y * y <= 1


def _square(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|x| ≤ 1 and |y| ≤ 1"""
    return (np.abs(x) <= 1) & (np.abs(y) <= 1)


def _triangle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Above the base y = −1 (y points up) and between two legs that meet at y = 1:
    −1 ≤ y and 2 |x| ≤ 1 − y"""
    return (y >= -1) & (2 * np.abs(x) <= 1 - y)


SHAPES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
}


def shapes(
    n: int = 1000,
    size: int = 32,
    seed: int = 0,
    *,
    classes: Sequence[str] = tuple(SHAPES),
    noise: float = 0.1,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw noisy grey images of one to three shapes that may overlap.

    Parameters
    ----------
    n : int
        Number of images.
    size : int
        Height and width.
    seed : int
        The same seed draws the same images; the first ones do not depend on `n`.
    classes : sequence of {"circle", "square", "triangle"}
        Shapes to draw; the first has label 1, the next 2, and so on.
    noise : float
        Standard deviation of Gaussian noise on every pixel, with black 0 and white 1.

    Returns
    -------
    images : uint8 (n, size, size, 1)
    labels : uint8 (n, size, size)
        Class of each pixel: 0 is the background, k the k-th of the classes. Later
        shapes cover earlier ones.

    Raises
    ------
    ImageError
        If a number or a class is invalid.

    Notes
    -----
    Half widths are uniform in [0.15, 0.25] of the side, and centers are such that a
    shape is completely inside; rotations are uniform for squares and triangles. The
    background is uniform in [0, 0.2]; shapes are 0.4, 0.7 and 1 in random order, so
    that no two in an image are equal and one can see which covers the other.

    Examples
    --------
    >>> images, labels = shapes(2, size=16, seed=1)
    >>> images.shape, labels.shape
    ((2, 16, 16, 1), (2, 16, 16))
    """
    kinds = _checked(n, size, classes, noise)
    images = np.empty((n, size, size, 1), np.uint8)
    labels = np.empty((n, size, size), np.uint8)
    # Two streams, drawn row by row, so that more images begin with the same ones.
    drawing, blur = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    drawn = drawing.random((n, 1 + _OBJECTS, 6), dtype=np.float32)
    count = 1 + (_OBJECTS * drawn[:, 0, 0]).astype(int)
    ground = _BACKGROUND * drawn[:, 0, 1]
    drawn = drawn[:, 1:]
    for start in range(0, n, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        light, label = _drawn(drawn[part], count[part], ground[part], size, kinds)
        if noise:
            light += np.float32(noise) * blur.standard_normal(light.shape, np.float32)
        images[part, ..., 0] = np.rint(255 * np.clip(light, 0, 1))
        labels[part] = label
    return images, labels


def _drawn(
    drawn: np.ndarray, count: np.ndarray, ground: np.ndarray, size: int, kinds: list
) -> tuple[np.ndarray, np.ndarray]:
    """Return brightness (m, size, size) and labels of m images.

    `drawn` (m, shapes, 6) holds uniform numbers for shape, half width, center x and y,
    angle and the order of shades.
    """
    # The ranks of random numbers are a random order.
    shades = _SHADES[drawn[..., 5].argsort(axis=1).argsort(axis=1)]
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    light = np.repeat(ground, size * size).reshape(-1, size, size)
    label = np.zeros(light.shape, np.uint8)
    for k in range(_OBJECTS):
        kind = (len(kinds) * drawn[:, k, 0]).astype(np.uint8)
        x, y = _own_axes(drawn[:, k, 1:5], place)
        shade = shades[:, k, None, None]
        for number, inside in enumerate(kinds):
            here = np.flatnonzero((kind == number) & (k < count))
            seen = inside(x[here], y[here])
            light[here] = np.where(seen, shade[here], light[here])
            label[here] = np.where(seen, np.uint8(number + 1), label[here])
    return light, label


def _own_axes(drawn: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pixel coordinates in the axes of a shape: its half width is 1, and it is
    rotated by an angle."""
    half = _SMALLEST + (_LARGEST - _SMALLEST) * drawn[:, 0]
    room = half * np.float32(np.sqrt(2))  # of a square standing on a corner
    cx, cy = (room + (1 - 2 * room) * drawn[:, i] for i in (1, 2))
    angle = 2 * np.float32(np.pi) * drawn[:, 3]
    dx = ((place[None] - cx[:, None]) / half[:, None])[:, None, :]
    dy = ((cy[:, None] - place[None]) / half[:, None])[:, :, None]
    cos, sin = (f(angle)[:, None, None] for f in (np.cos, np.sin))
    return cos * dx + sin * dy, cos * dy - sin * dx


def _checked(n: int, size: int, classes: Sequence[str], noise: float) -> list:
    for name, value, least in (("n", n, 1), ("size", size, 4)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < least:
            raise ImageError(
                f"shapes: {name} must be a whole number ≥ {least}; got {value!r}"
            )
    if not 0 <= noise < np.inf:
        raise ImageError(f"shapes: noise must be at least 0; got {noise!r}")
    unknown = [name for name in classes if name not in SHAPES]
    if isinstance(classes, str) or unknown or not len(classes):
        raise ImageError(
            f"shapes: classes must be some of {', '.join(SHAPES)}, got {classes!r}"
        )
    if len(set(classes)) < len(classes):
        raise ImageError(f"shapes: classes must be different, got {classes!r}")
    return [SHAPES[name] for name in classes]
