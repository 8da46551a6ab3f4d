"""Sheets: many small pictures side by side in one file."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

SHOWN = 48
"""Pixels that a side of a sampled picture has at least on a sheet."""

MOST_PIXELS = 2**26
GAP = 96
"""The grey between the pictures of a sheet."""


def write_sheet(out: str, pictures: np.ndarray) -> None:
    """Write pictures, bytes (n, h, w, c), as one PNG file."""
    from PIL import Image

    from lamina.storage import replace_file

    values = sheet_of(pictures)
    packed = io.BytesIO()
    image = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    image.save(packed, format="PNG")
    replace_file(out, [packed.getvalue()])


def sheet_of(pictures: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Return pictures side by side on a grey sheet, small ones enlarged.

    Shapes: bytes (n, h, w, c) → bytes (height, width, c).
    """
    pictures = np.asarray(pictures)
    n, height, width, channels = pictures.shape
    times = max(1, SHOWN // max(height, width))
    large = pictures.repeat(times, axis=1).repeat(times, axis=2)
    across = int(np.ceil(np.sqrt(n)))
    down, gap = -(-n // across), max(1, times // 3)
    step, stride = height * times + gap, width * times + gap
    sheet = np.full((down * step + gap, across * stride + gap, channels), GAP, np.uint8)
    for number, picture in enumerate(large):
        top = gap + number // across * step
        left = gap + number % across * stride
        sheet[top : top + height * times, left : left + width * times] = picture
    return sheet
