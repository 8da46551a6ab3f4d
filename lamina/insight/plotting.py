"""Plotting helpers of all figures of this package."""

from collections.abc import Sequence
from typing import Any

import numpy as np

AT_MOST = 64
"""Maximum number of panels per figure; more would be too small."""

INCHES = 1.35

# Class names may contain dollar signs, which matplotlib would parse as mathematics.
SMALL: Any = {"fontsize": 9, "parse_math": False}
LARGE: Any = {"fontsize": 11, "parse_math": False}


def blank(width: float, height: float) -> Any:
    """Return an empty figure of a size in inches.

    Raises
    ------
    ImportError
        If matplotlib is not installed; the message says how to install it.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'figures need matplotlib, which is not installed: pip install "lamina'
            '[figures]"'
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def grid(
    images: Sequence[Any],
    titles: Sequence[str],
    heading: str,
    *,
    columns: int | None = None,
    limits: tuple[float, float] = (0, 1),
) -> Any:
    """Return a figure with a grid of images, each below its title.

    Parameters
    ----------
    images : sequence of arrays (height, width), grey, or (height, width, 3)
        Values between the limits.
    titles : sequence of str
    heading : str
    columns : int, optional
        By default about the number of rows.
    limits : (float, float), default=(0, 1)
        Values of black and white.
    """
    total = len(images)
    if total > AT_MOST:
        heading = f"{heading}: the first {AT_MOST} of {total}"
    n = min(total, AT_MOST)
    columns = columns or min(n, max(4, int(np.ceil(np.sqrt(n)))))
    rows = -(-n // columns)
    width = max(INCHES * columns, 0.085 * len(heading) + 0.4)
    figure = blank(width, (INCHES + 0.25) * rows + 0.45)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[n:]:
        axis.set_axis_off()
    for axis, image, title in zip(axes, images, titles, strict=False):
        show(axis, image, title, limits)
    figure.suptitle(heading, **LARGE)
    return figure


def show(
    axis: Any, image: Any, title: str, limits: tuple[float, float] = (0, 1)
) -> None:
    """Plot one image without interpolation."""
    low, high = limits
    axis.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    axis.set_title(title, **SMALL)
    bare(axis)


def heat(axis: Any, image: Any, numbers: np.ndarray, title: str, bound: Any) -> Any:
    """Plot numbers as colours over a faint image: red above 0, blue below."""
    faint = 0.6 + 0.4 * np.asarray(image)
    axis.imshow(faint, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    drawn = axis.imshow(
        numbers, cmap="RdBu_r", vmin=-bound, vmax=bound, alpha=0.7, zorder=2
    )
    axis.set_title(title, **SMALL)
    bare(axis)
    return drawn


def bare(axis: Any) -> None:
    """Remove ticks, and leave a thin frame."""
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(color="0.7", linewidth=0.5)


def frame(axis: Any, box: np.ndarray) -> None:
    """Plot the border of a box ((first, last + 1) of rows and of columns)."""
    (top, bottom), (left, right) = np.asarray(box) - 0.5
    axis.plot(
        [left, right, right, left, left],
        [top, top, bottom, bottom, top],
        color="#D55E00",
        lw=1.5,
        clip_on=False,
    )


def as_seen(image: Any) -> np.ndarray:
    """Return an image (height, width, channels) scaled to [0, 1], grey or in colour.

    Bytes are divided by 255; other numbers are scaled from their minimum to their
    maximum. If there are not 1 or 3 channels, their mean is shown.
    """
    image = np.asarray(image)
    if image.dtype == np.uint8:
        return _channels(image / 255)
    image = image.astype(np.float64)
    low, high = image.min(), image.max()
    return _channels((image - low) / (high - low if high > low else 1))


def around_grey(image: Any, bound: float | None = None) -> np.ndarray:
    """Return ½ + ½ w / max |w|: 0 is mid grey, positive is light, negative dark."""
    image = np.asarray(image, np.float64)
    bound = float(np.abs(image).max()) if bound is None else bound
    return _channels(0.5 + 0.5 * image / (bound if bound > 0 else 1))


def _channels(image: np.ndarray) -> np.ndarray:
    if image.ndim == 2 or image.shape[-1] == 3:
        return image
    return image.mean(axis=-1)
