"""One image file → one image, and why not.

What a file says of itself is not believed: its size is checked before it is decoded,
and whatever a reader of Pillow trips over becomes one reason in words. Only readers of
plain pixels are used: a PostScript file, say, would be run as a program.
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

#: Formats that are read, and the endings of their names.
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
#: Modules of Pillow that read these; MPO is the JPEG of some phones.
_READERS = ("Bmp", "Gif", "Jpeg", "Mpo", "Png", "Ppm", "Tiff", "WebP")
#: Endings of images that are not read.
FOREIGN = frozenset(
    (
        *(".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".eps", ".ico"),
        *(".cr2", ".nef", ".arw", ".dng", ".raw", ".xcf", ".tga", ".dcm"),
    )
)
#: Images of more pixels are decoded one at a time.
LARGE = 1 << 24
UNUSUAL_SIDE, UNUSUAL_RATIO = 10_000, 20

_TRANSPARENT = ("RGBA", "LA", "PA", "La", "RGBa")
_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
_one_large = threading.Lock()


class BrokenImage(Exception):
    """A file that is no image that can be read; the message is the reason."""


@dataclass(frozen=True)
class Look:
    """What the head of a file tells: the size as it is seen, and whether it is grey."""

    height: int
    width: int
    grey: bool


@dataclass(frozen=True)
class Decoded:
    """An image, and what was unusual about its file: "" or a few words."""

    image: np.ndarray
    size: str = ""
    name: str = ""


@contextmanager
def prepared() -> Iterator[None]:
    """Load the readers, and let a size that is a bomb be an error in all threads.

    Pillow only warns of sizes up to twice its limit. Filters of warnings are those of
    the process, so they are set once, outside of the threads.
    """
    _load_readers()
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata: the pixels are what counts
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@cache
def _load_readers() -> None:
    """Import the readers, once: Pillow would, in whichever thread is the first."""
    for reader in _READERS:
        import_module(f"PIL.{reader}ImagePlugin")


def look(path: Path) -> Look:
    """Read the head of a file.

    Raises
    ------
    BrokenImage
        If it is no image.
    """
    with _opened(path) as picture:
        height, width = picture.height, picture.width
        if _turned(picture):
            height, width = width, height
        return Look(height, width, _is_grey(picture))


def decode(path: Path, schema: ImageSchema) -> Decoded:
    """Decode a file: upright, without transparency, of the schema's size and colours.

    The first image where there are several. 16 bits a value are cut to the upper 8.

    Raises
    ------
    BrokenImage
        If it cannot be decoded to its end.
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
    """An image whose head has been read; all that goes wrong is a reason."""
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
            f"is larger than {limit:,} pixels when unpacked, which may be an attack "
            "(a decompression bomb); PIL.Image.MAX_IMAGE_PIXELS is the limit"
        ) from None
    except Image.UnidentifiedImageError:
        raise BrokenImage(_what_else(path)) from None
    except MemoryError:
        raise BrokenImage("needs more memory than there is") from None
    except Exception as error:  # readers of broken files raise whatever they trip over
        raise BrokenImage(_reason(error)) from None


def _check_file(path: Path) -> None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # or a NUL in the name
        raise BrokenImage("is not there (no such file)") from None
    if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
        raise BrokenImage("is no file")
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
        return "may not be read (permission denied)"
    text = " ".join(str(error).split())[:120] or type(error).__name__
    if any(word in text.lower() for word in ("truncated", "eof", "not enough")):
        return f"is cut off ({text})"
    return f"is damaged ({text})"


def _what_else(path: Path) -> str:
    """What a file is that no reader knows."""
    with open(path, "rb") as file:
        head = file.read(64)
    if b"ftyphei" in head or b"ftypmif1" in head or b"ftypavif" in head:
        return "is a HEIC or AVIF image, which is not read; save it as JPEG or PNG"
    if head.isascii() and head.decode("ascii").replace("\n", " ").isprintable():
        return "is text, not an image"
    return "is no image that is known, or its beginning is damaged"


def _is_grey(picture: Image) -> bool:
    if picture.mode == "P":
        palette = picture.getpalette() or []
        return palette[0::3] == palette[1::3] == palette[2::3]
    return picture.mode in _GREY or (picture.format == "PPM" and picture.mode == "I")


def _turned(picture: Image) -> bool:
    """Whether height and width of the head are those of a camera on its side."""
    if picture.format == "TIFF":  # Pillow has changed them already
        return False
    if picture.format == "PNG" and "exif" not in picture.info:
        return False  # it may stand behind the pixels, which would be decoded to see
    return picture.getexif().get(_ORIENTATION) in _TURNED


def _drafted(picture: Image, schema: ImageSchema) -> Image:
    """Let a large JPEG be decoded at a half, a quarter or an eighth of its size.

    Of both sides at least twice what is wanted is left, so that averaging still does
    the rest; and of a quarter turn no side may be taken for the other.
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
    """Grey or colour, of 8 bits, what is transparent on white."""
    from PIL import Image

    if picture.mode in ("I", "F") and picture.format != "PPM":
        raise BrokenImage(
            "holds numbers of 32 bits, whose black and white are not known; save it "
            "with 8 or 16 bits"
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
    """Whether a file is named like an image that is read."""
    return Path(name).suffix.lower() in SUFFIXES
