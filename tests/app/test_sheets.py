"""Sheets of images."""

import numpy as np
from PIL import Image

from lamina.app import sheets


def test_a_sheet_of_images():
    """Two images of 30 × 20 pixels stay so large, with a line between them."""
    images = np.stack([np.full((30, 20, 1), v, np.uint8) for v in (0, 255)])
    sheet = sheets.sheet_of(images)
    assert sheet.shape == (32, 43, 1)
    assert (sheet[0] == sheets.GAP).all()
    assert (sheet[1:31, 1:21] == 0).all()
    assert (sheet[1:31, 22:42] == 255).all()
    small = sheets.sheet_of(images[:, :8, :8])
    assert small.shape == (6 * 8 + 4, 2 * 6 * 8 + 3 * 2, 1)


def test_a_sheet_is_a_file_of_grey_or_colours(tmp_path):
    for channels, mode in ((1, "L"), (3, "RGB")):
        path = str(tmp_path / f"{mode}.png")
        sheets.write_sheet(path, np.full((2, 8, 8, channels), 200, np.uint8))
        assert Image.open(path).mode == mode
