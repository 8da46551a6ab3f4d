"""Arrays as images: (n, h, w, c), channels last, bytes kept as bytes.

A byte is a quarter of a float32, so images stay ``uint8`` until a layer of the compiled
step converts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt, prod
from typing import Any

import numpy as np

from lamina.data.errors import UserError

KEPT = (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64))
_SHAPES = "(n, height, width) or (n, height, width, channels)"
#: Integers up to these are exact in float32 and float64.
_EXACT = {np.float32: 2**24, np.float64: 2**53}
_CHECKED_AT_ONCE = 1 << 22


class ImageError(UserError):
    """Invalid images: a one-line message with the problem, its location and a fix."""


def as_images(X: Any, image_shape: Any = None) -> Any:
    """Return images of one shape, channels last.

    Parameters
    ----------
    X : array (n, h, w), (n, h, w, c) or (n, pixels), or list of arrays of one shape
        `DiskImages` are returned unchanged.
    image_shape : (h, w) or (h, w, c), optional
        Required if an image is a row of pixels: row by row, with the channels of a
        pixel adjacent. Otherwise the images must have this shape.

    Returns
    -------
    ndarray (n, h, w, c), or the given `DiskImages`
        ``uint8``, ``float32`` and ``float64`` are kept without a copy. Booleans become
        0 and 1. Other integers become ``uint8`` if they are in 0 … 255, else the
        smallest floating type that represents them exactly. Half precision becomes
        ``float32``.

    Raises
    ------
    ImageError
        Wrong shape, no images, wrong type, or a NaN or infinite value: with the number
        of the image, row, column and channel, counted from 0.

    Examples
    --------
    >>> as_images(np.zeros((5, 64)), image_shape=(8, 8)).shape
    (5, 8, 8, 1)
    """
    wanted = _checked_shape(image_shape)
    if getattr(X, "is_images", False):
        _check_agrees(X.shape, wanted)
        return X
    images = _shaped(_array(X), wanted)
    if not images.size:
        raise ImageError(f"X has shape {images.shape}, so it has no images")
    images = _typed(images)
    _check_finite(images)
    return images


def _checked_shape(image_shape: Any) -> tuple[int, ...] | None:
    if image_shape is None:
        return None
    whole = isinstance(image_shape, list | tuple) and all(
        isinstance(side, int | np.integer) and side > 0 for side in image_shape
    )
    if not whole or len(image_shape) not in (2, 3):
        raise ImageError(
            "image_shape must be (height, width) or (height, width, channels); got "
            f"{image_shape!r}"
        )
    return tuple(int(side) for side in image_shape)


def _array(X: Any) -> np.ndarray:
    if hasattr(X, "tocsr"):
        raise ImageError(
            "images must be a dense array, but X is sparse; use X.toarray()"
        )
    if isinstance(X, list | tuple):
        X = _stacked(X)
    X = np.asarray(X)
    if X.dtype == object:
        try:
            X = X.astype(np.float64)
        except (TypeError, ValueError):
            raise ImageError(
                "images must be numbers, all of one shape, but X has objects"
            ) from None
    return X


def _stacked(images: Sequence[Any]) -> np.ndarray:
    arrays = [np.asarray(image) for image in images]
    first = arrays[0].shape if arrays else ()
    for i, array in enumerate(arrays):
        if array.shape != first:
            raise ImageError(
                f"images must all have one shape, but image 0 is {first} and image "
                f"{i} is {array.shape}; resize them first"
            )
    return np.stack(arrays) if arrays else np.zeros((0, 0, 0))


def _shaped(X: np.ndarray, wanted: tuple[int, ...] | None) -> np.ndarray:
    if X.ndim == 2 and wanted is not None:
        return _from_rows(X, wanted)
    if X.ndim not in (3, 4):
        raise ImageError(
            f"images must be {_SHAPES}, but X has shape {X.shape}{_hint(X)}"
        )
    X = X[..., None] if X.ndim == 3 else X
    _check_agrees(X.shape, wanted)
    return X


def _from_rows(X: np.ndarray, wanted: tuple[int, ...]) -> np.ndarray:
    height, width, channels = (*wanted, 1)[:3]
    if X.shape[1] != prod(wanted):
        colour = 3 * height * width == X.shape[1]
        hint = f"; image_shape=({height}, {width}, 3) would fit" if colour else ""
        raise ImageError(
            f"image_shape={wanted} needs {prod(wanted):,} numbers per row, but X has "
            f"{X.shape[1]:,}{hint}"
        )
    return X.reshape(len(X), height, width, channels)


def _hint(X: np.ndarray) -> str:
    if X.ndim == 2:
        side = isqrt(X.shape[1])
        square = side * side == X.shape[1] and side > 1
        shape = f"({side}, {side})" if square else "(height, width)"
        return f"; rows of pixels need image_shape={shape}"
    return ""


def _check_agrees(shape: tuple[int, ...], wanted: tuple[int, ...] | None) -> None:
    if wanted is not None and shape[1 : 1 + len(wanted)] != wanted:
        raise ImageError(
            f"images must have image_shape={wanted}, but those of X have {shape[1:]}"
        )


def _typed(X: np.ndarray) -> np.ndarray:
    if X.dtype in KEPT:
        return X
    if X.dtype.kind == "b":
        return X.astype(np.uint8)
    if X.dtype.kind == "f":
        return X.astype(np.float32 if X.dtype.itemsize < 4 else np.float64)
    if X.dtype.kind in "iu":
        return X.astype(_smallest(int(X.min()), int(X.max())))
    raise ImageError(f"images must be numbers, but X is of type {X.dtype}")


def _smallest(low: int, high: int) -> type:
    if low >= 0 and high <= 255:
        return np.uint8
    for kind, most in _EXACT.items():
        if max(-low, high) <= most:
            return kind
    raise ImageError(
        f"images have whole numbers from {low} to {high}, which no floating type "
        "represents exactly; scale them first"
    )


def _check_finite(X: np.ndarray) -> None:
    """Reject NaN and infinity, a few images at a time: the check needs memory too."""
    if X.dtype.kind != "f":
        return
    step = max(1, _CHECKED_AT_ONCE // max(1, prod(X.shape[1:])))
    for start in range(0, len(X), step):
        bad = ~np.isfinite(X[start : start + step])
        if bad.any():
            image, row, column, channel = (int(at[0]) for at in np.nonzero(bad))
            image += start
            raise ImageError(
                f"image {image} has {X[image, row, column, channel]} at row {row}, "
                f"column {column}, channel {channel}; every value must be finite"
            )
