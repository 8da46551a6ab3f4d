"""Sheets: many small images in one file."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

SHOWN = 48
"""Smallest side of a sampled image on a sheet, in pixels."""

MOST_PIXELS = 2**26
GAP = 96
"""Grey level between the images of a sheet."""


def write_sheet(out: str, images: np.ndarray) -> None:
    """Write images, bytes (n, h, w, c), to one PNG file."""
    from PIL import Image

    from lamina.storage import replace_file

    values = sheet_of(images)
    packed = io.BytesIO()
    image = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    image.save(packed, format="PNG")
    replace_file(out, [packed.getvalue()])


def sheet_of(images: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Return images in a grid on a grey sheet, small ones enlarged.

    Shapes: bytes (n, h, w, c) → bytes (height, width, c).
    """
    images = np.asarray(images)
    n, height, width, channels = images.shape
    times = max(1, SHOWN // max(height, width))
    large = images.repeat(times, axis=1).repeat(times, axis=2)
    across = int(np.ceil(np.sqrt(n)))
    down, gap = -(-n // across), max(1, times // 3)
    step, stride = height * times + gap, width * times + gap
    sheet = np.full((down * step + gap, across * stride + gap, channels), GAP, np.uint8)
    for number, image in enumerate(large):
        top = gap + number // across * step
        left = gap + number % across * stride
        sheet[top : top + height * times, left : left + width * times] = image
    return sheet
