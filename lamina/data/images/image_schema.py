"""How images of different sizes become arrays of one shape; stored with a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamina.data.images.images import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

#: Ways to resize an image with another aspect ratio.
RESIZES = ("letterbox", "stretch", "crop")
#: Maximum side of a size that is chosen automatically.
LONGEST = 128
#: Chosen sides are multiples of this, so that they can be halved three times.
GRANULE = 8
_MOST = 65_536


@dataclass(frozen=True)
class ImageSchema:
    """Height, width, channels, and the treatment of other aspect ratios.

    Parameters
    ----------
    height, width : int
    channels : int
        1 is grey, 3 is colour.
    resize : {"letterbox", "stretch", "crop"}
        ``letterbox`` keeps the aspect ratio and the whole image; the borders get the
        mean colour of the image, which gives the weakest edges. ``stretch`` changes the
        aspect ratio, ``crop`` cuts off two sides.

    Attributes
    ----------
    of_images : bool
        Whether it describes images; the schema of a table does not.

    Raises
    ------
    ImageError
        If one of them is invalid.
    """

    of_images: ClassVar[bool] = True

    height: int
    width: int
    channels: int = 3
    resize: str = "letterbox"

    def __post_init__(self) -> None:
        for side in (self.height, self.width):
            if not 1 <= side <= _MOST:
                raise ImageError(
                    f"a side must have 1 to {_MOST:,} pixels; got {side:,}"
                )
        if self.channels not in (1, 3):
            raise ImageError(
                f"channels must be 1 (grey) or 3 (colour); got {self.channels!r}"
            )
        if self.resize not in RESIZES:
            raise ImageError(
                f"resize must be {' or '.join(RESIZES)}; got {self.resize!r}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image."""
        return self.height, self.width, self.channels

    @property
    def mode(self) -> str:
        """Pillow's name of the colour mode."""
        return "L" if self.channels == 1 else "RGB"

    def describe(self) -> str:
        """Return a description such as ``96 × 128, colour, letterbox``."""
        colour = "grey" if self.channels == 1 else "colour"
        return f"{self.height} × {self.width}, {colour}, {self.resize}"

    def scaled(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of an image before borders are added or cut.

        Equations
        ---------
            letterbox: s = min(H/h, W/w);  crop: s = max(H/h, W/w);
            (round(s h), round(s w)), at least 1;  stretch: (H, W)
        """
        if self.resize == "stretch":
            return self.height, self.width
        choose = min if self.resize == "letterbox" else max
        scale = choose(self.height / height, self.width / width)
        return max(1, round(scale * height)), max(1, round(scale * width))

    def pixels(self, image: Image) -> np.ndarray:
        """Return the array of an image in the right colour mode: bytes (h, w, c).

        Downsampling averages pixels (with a triangle filter as wide as two new pixels).
        """
        from PIL.Image import Resampling

        height, width = self.scaled(image.height, image.width)
        if (height, width) != (image.height, image.width):
            # `reducing_gap`: Pillow first reduces by a whole number, which is faster;
            # from 3 on the result is almost that of one resizing, by its documentation.
            image = image.resize((width, height), Resampling.BILINEAR, reducing_gap=3.0)
        values = np.asarray(image).reshape(height, width, self.channels)
        if self.resize == "crop":
            return _middle(values, self.height, self.width)
        return values if values.shape == self.shape else self._bordered(values)

    def _bordered(self, values: np.ndarray) -> np.ndarray:
        out = np.empty(self.shape, np.uint8)
        out[:] = np.rint(values.mean(axis=(0, 1)))
        height, width = values.shape[:2]
        top, left = (self.height - height) // 2, (self.width - width) // 2
        out[top : top + height, left : left + width] = values
        return out


def _middle(values: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = (values.shape[0] - height) // 2, (values.shape[1] - width) // 2
    return values[top : top + height, left : left + width]


def chosen_size(heights: np.ndarray, widths: np.ndarray) -> tuple[int, int]:
    """Choose a size for images of these sizes.

    Their own size if it is the same for all and at most 128 pixels. Otherwise the
    median height and width, reduced so that the longer one is at most 128, and rounded
    to multiples of 8.
    """
    height, width = float(np.median(heights)), float(np.median(widths))
    same = (heights == heights[0]).all() and (widths == widths[0]).all()
    if same and max(height, width) <= LONGEST:
        return int(height), int(width)
    scale = min(1.0, LONGEST / max(height, width))
    return _rounded(scale * height), _rounded(scale * width)


def _rounded(side: float) -> int:
    return max(GRANULE, GRANULE * round(side / GRANULE))


def checked_size(size: Any) -> tuple[int, int] | None:
    """Validate a size option: None, a side, or (height, width).

    Raises
    ------
    ImageError
        If it is something else.
    """
    if size is None:
        return None
    sides = (size, size) if isinstance(size, int | np.integer) else size
    whole = isinstance(sides, list | tuple) and all(
        isinstance(side, int | np.integer) and not isinstance(side, bool)
        for side in sides
    )
    if not whole or len(sides) != 2:
        raise ImageError(
            f"size must be None, one side or (height, width); got {size!r}"
        )
    height, width = (int(side) for side in sides)
    ImageSchema(height, width)
    return height, width
