"""Decoding of an image file, or the reason why it fails.

Files are not trusted: their size is checked before they are decoded, and every
exception of a Pillow reader becomes a readable reason. Only readers of plain pixels are
used: a PostScript file, for instance, would be executed as a program.
"""

from __future__ import annotations

import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.images.image_schema import ImageSchema

if TYPE_CHECKING:
    from PIL.Image import Image

#: Supported formats and their file extensions.
FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
SUFFIXES = frozenset(suffix for group in FORMATS.values() for suffix in group)
#: Pillow modules that read these; MPO is the JPEG variant of some phones.
_READERS = ("Bmp", "Gif", "Jpeg", "Mpo", "Png", "Ppm", "Tiff", "WebP")
#: Extensions of image formats that are not supported.
FOREIGN = frozenset(
    (
        *(".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".eps", ".ico"),
        *(".cr2", ".nef", ".arw", ".dng", ".raw", ".xcf", ".tga", ".dcm"),
    )
)
#: Images with more pixels are decoded one at a time, to bound memory.
LARGE = 1 << 24
UNUSUAL_SIDE, UNUSUAL_RATIO = 10_000, 20

_TRANSPARENT = ("RGBA", "LA", "PA", "La", "RGBa")
_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
_one_large = threading.Lock()


class BrokenImage(Exception):
    """A file that cannot be decoded; the message is the reason."""


@dataclass(frozen=True)
class Look:
    """The header of a file: the displayed size, and whether it is grey."""

    height: int
    width: int
    grey: bool


@dataclass(frozen=True)
class Decoded:
    """An image, and what is unusual about its file, as text or ""."""

    image: np.ndarray
    size: str = ""
    name: str = ""


@contextmanager
def prepared() -> Iterator[None]:
    """Load the readers, and turn decompression bombs into errors in all threads.

    Pillow only warns about sizes up to twice its limit. Warning filters are global to
    the process, so they are set once, outside the threads.
    """
    _load_readers()
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata: only the pixels matter
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@cache
def _load_readers() -> None:
    """Import the readers once, before Pillow would in whichever thread is first."""
    for reader in _READERS:
        import_module(f"PIL.{reader}ImagePlugin")


def look(path: Path) -> Look:
    """Read the header of a file.

    Raises
    ------
    BrokenImage
        If it is not an image.
    """
    with _opened(path) as picture:
        height, width = picture.height, picture.width
        if _turned(picture):
            height, width = width, height
        return Look(height, width, _is_grey(picture))


def decode(path: Path, schema: ImageSchema) -> Decoded:
    """Decode a file: upright, without transparency, with the schema's size and colours.

    If a file has several images, the first is used. Of 16-bit values the upper 8 bits
    are kept.

    Raises
    ------
    BrokenImage
        If it cannot be decoded completely.
    """
    with _opened(path) as picture:
        size = _unusual(picture.height, picture.width)
        name = _misnamed(path, str(picture.format))
        large = picture.height * picture.width > LARGE
        with _one_large if large else nullcontext():
            image = schema.pixels(_flat(_upright(_drafted(picture, schema)), schema))
        return Decoded(image, size, name)


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """Open an image and read its header; every exception becomes a reason."""
    from PIL import Image

    try:
        _check_file(path)
        with Image.open(path, formats=list(FORMATS)) as picture:
            _refuse_bomb(picture)
            yield picture
    except BrokenImage:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        limit = Image.MAX_IMAGE_PIXELS or 0
        raise BrokenImage(
            f"has more than {limit:,} pixels when decompressed, which may be an attack "
            "(a decompression bomb); PIL.Image.MAX_IMAGE_PIXELS is the limit"
        ) from None
    except Image.UnidentifiedImageError:
        raise BrokenImage(_what_else(path)) from None
    except MemoryError:
        raise BrokenImage("needs more memory than available") from None
    except Exception as error:  # readers of corrupt files raise anything
        raise BrokenImage(_reason(error)) from None


def _check_file(path: Path) -> None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # or a NUL in the name
        raise BrokenImage("does not exist (no such file)") from None
    if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait forever
        raise BrokenImage("is not a regular file")
    if not status.st_size:
        raise BrokenImage("is empty (0 bytes)")


def _refuse_bomb(picture: Image) -> None:
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and picture.height * picture.width > limit:
        raise Image.DecompressionBombError
    if not picture.height or not picture.width:
        raise BrokenImage(f"has no pixels ({picture.height} × {picture.width})")


def _reason(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "is not readable (permission denied)"
    text = " ".join(str(error).split())[:120] or type(error).__name__
    if any(word in text.lower() for word in ("truncated", "eof", "not enough")):
        return f"is truncated ({text})"
    return f"is corrupt ({text})"


def _what_else(path: Path) -> str:
    """Describe a file that no reader recognises."""
    with open(path, "rb") as file:
        head = file.read(64)
    if b"ftyphei" in head or b"ftypmif1" in head or b"ftypavif" in head:
        return "is a HEIC or AVIF image, which is not supported; save it as JPEG or PNG"
    if head.isascii() and head.decode("ascii").replace("\n", " ").isprintable():
        return "is text, not an image"
    return "is not an image of a known format, or its header is corrupt"


def _is_grey(picture: Image) -> bool:
    if picture.mode == "P":
        palette = picture.getpalette() or []
        return palette[0::3] == palette[1::3] == palette[2::3]
    return picture.mode in _GREY or (picture.format == "PPM" and picture.mode == "I")


def _turned(picture: Image) -> bool:
    """Whether height and width in the header are swapped by the camera's rotation."""
    if picture.format == "TIFF":  # Pillow has already swapped them
        return False
    if picture.format == "PNG" and "exif" not in picture.info:
        return False  # it may follow the pixels, which would have to be decoded first
    return picture.getexif().get(_ORIENTATION) in _TURNED


def _drafted(picture: Image, schema: ImageSchema) -> Image:
    """Let Pillow decode a large JPEG at a half, a quarter or an eighth of its size.

    Both sides stay at least twice as large as needed, so that the final resizing still
    averages pixels. Both use the longer side, as a rotation may swap them.
    """
    if picture.format in ("JPEG", "MPO") and picture.mode in ("L", "RGB"):
        side = 2 * max(schema.height, schema.width)
        picture.draft(schema.mode, (side, side))
    return picture


def _upright(picture: Image) -> Image:
    from PIL import ImageOps

    picture.load()
    if picture.getexif().get(_ORIENTATION, 1) == 1:
        return picture
    return ImageOps.exif_transpose(picture)


def _flat(picture: Image, schema: ImageSchema) -> Image:
    """Return the image as 8-bit grey or colour, with transparency on white."""
    from PIL import Image

    # PPM: Pillow opens 16-bit PGM files as 32-bit integers.
    if picture.mode in ("I", "F") and picture.format != "PPM":
        raise BrokenImage(
            "has 32-bit values, whose black and white levels are unknown; save it with "
            "8 or 16 bits"
        )
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        values = np.asarray(picture).astype(np.uint16)
        picture = Image.fromarray((values >> 8).astype(np.uint8))
    if picture.mode in _TRANSPARENT or "transparency" in picture.info:
        page = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        page.alpha_composite(picture.convert("RGBA"))
        picture = page.convert("RGB")
    return picture if picture.mode == schema.mode else picture.convert(schema.mode)


def _unusual(height: int, width: int) -> str:
    small, large = sorted((height, width))
    odd = small == 1 or large > UNUSUAL_SIDE or large > UNUSUAL_RATIO * small
    return f"{height} × {width}" if odd else ""


def _misnamed(path: Path, found: str) -> str:
    found = "JPEG" if found == "MPO" else found
    stated = path.suffix.lower()
    wrong = stated in SUFFIXES and stated not in FORMATS.get(found, ())
    return found if wrong else ""


def is_image_name(name: str | os.PathLike[Any]) -> bool:
    """Whether a file name has the extension of a supported format."""
    return Path(name).suffix.lower() in SUFFIXES
