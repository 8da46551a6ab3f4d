"""Tiny image files for the tests: sound ones of all formats, and broken ones."""

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

RED, WHITE = (255, 0, 0), (255, 255, 255)


def colours(height=8, width=12) -> np.ndarray:
    """Red rises down the image, green to the right; blue is 50."""
    out = np.full((height, width, 3), 50, np.uint8)
    out[..., 0] = np.linspace(0, 250, height)[:, None]
    out[..., 1] = np.linspace(0, 250, width)
    return out


def save(path: Path, values=None, mode=None, **options) -> Path:
    """Write an array (by default `colours`) as an image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(colours() if values is None else np.asarray(values))
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


def packed(kind="PNG", values=None) -> bytes:
    """The bytes of an image file."""
    out = io.BytesIO()
    Image.fromarray(colours() if values is None else values).save(out, kind)
    return out.getvalue()


def broken(folder: Path) -> dict[str, str]:
    """Write one file of each kind of damage; name → part of the reason."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    png, jpeg = packed("PNG", noise), packed("JPEG", noise)
    damaged = bytearray(png)
    damaged[len(png) // 2] ^= 0xFF
    huge = bytearray(png)
    huge[16:24] = (40_000).to_bytes(4, "big") * 2  # width and height of the header
    huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, "big")
    files = {
        "cut.jpg": (jpeg[: len(jpeg) // 2], "is truncated"),
        "cut.png": (png[: len(png) // 2], "is truncated"),
        "damaged.png": (bytes(damaged), "is corrupt"),
        "empty.jpg": (b"", "is empty (0 bytes)"),
        "huge.png": (bytes(huge), "decompression bomb"),
        "junk.png": (bytes(noise[:2].tobytes()), "is not an image of a known format"),
        "phone.jpg": (b"\0\0\0\x18ftypheic" + bytes(50), "is a HEIC"),
        "text.jpg": (b"hello\nworld", "is text, not an image"),
    }
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content)
    return {name: reason for name, (_, reason) in files.items()}
