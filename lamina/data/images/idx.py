"""The IDX files of MNIST: a header of sizes, then bytes.

References
----------
Y. LeCun, C. Cortes, C. J. C. Burges (1998), The MNIST database of handwritten digits,
section *File formats for the MNIST database*.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.formats.duckdb_engine import memory_bytes
from lamina.data.formats.gzip import UNREADABLE, BinaryFile, opened
from lamina.data.images.image_schema import ImageSchema
from lamina.data.images.image_set import ImageSet
from lamina.data.images.images import ImageError, as_images

_UBYTE = 0x08
#: Maximum compression ratio of gzip.
_PACKED_AT_MOST = 1032
_CHUNK = 1 << 20
_IMAGES = re.compile(r"images([-.])idx[34]-ubyte")


def read_idx(path: str | os.PathLike[Any], *, labels: bool = True) -> ImageSet:
    """Read images in the IDX format of MNIST, and the labels from the same folder.

    Parameters
    ----------
    path : path
        For instance ``train-images-idx3-ubyte.gz``, compressed or not. The labels are
        in the file of the same name with ``labels-idx1`` in place of ``images-idx3``.
    labels : bool, default=True
        Whether to look for labels.

    Returns
    -------
    ImageSet
        `X` of bytes (n, h, w, 1) and `y` of integers.

    Raises
    ------
    ImageError
        If a file is not an IDX file of bytes, is truncated or too long, is too large
        for this computer's memory, or if the numbers of labels and images differ.
    """
    path = Path(path)
    values = read_array(path)
    if values.ndim not in (3, 4):
        raise ImageError(
            f"{path}: has an array of shape {values.shape}, where images (n, height, "
            "width) are expected"
            + ("; pass the file of the images" if values.ndim == 1 else "")
        )
    if not values.size:
        raise ImageError(f"{path}: has no images: its shape is {values.shape}")
    X = as_images(values)
    if X.shape[-1] not in (1, 3):
        raise ImageError(f"{path}: images must have 1 or 3 channels, not {X.shape[-1]}")
    beside = _labels_file(path) if labels else None
    y = None if beside is None else _labels(beside, path, len(X))
    alone = labels and y is None
    return ImageSet(
        X,
        y,
        [str(number) for number in range(len(X))],
        ImageSchema(*X.shape[1:]),
        str(path),
        task=None if y is None else "classification",
        notes=["there is no labels file next to the images"] if alone else [],
    )


def _labels(beside: Path, path: Path, n: int) -> np.ndarray:
    y = read_array(beside)
    if y.shape != (n,):
        raise ImageError(
            f"{beside}: has an array of shape {y.shape}, but {path.name} has {n:,} "
            "images; they do not belong together"
        )
    return y.astype(np.int64)


def _labels_file(path: Path) -> Path | None:
    if not _IMAGES.search(path.name):
        return None
    name = _IMAGES.sub(r"labels\1idx1-ubyte", path.name).removesuffix(".gz")
    suffixes = (".gz", "") if path.suffix == ".gz" else ("", ".gz")
    files = [path.with_name(name + suffix) for suffix in suffixes]
    return next((file for file in files if file.is_file()), None)


def is_idx(path: str | os.PathLike[Any]) -> bool:
    """Whether a file begins like an IDX file of bytes, compressed or not."""
    try:
        with opened(Path(path)) as file:
            head = file.read(4)
    except UNREADABLE:
        return False
    return len(head) == 4 and head[:3] == b"\0\0\x08" and 1 <= head[3] <= 4


def read_array(path: Path) -> np.ndarray:
    """Read the array of bytes from an IDX file, compressed or not.

    The file has 0, 0, 8 (the type byte), the number of dimensions, each dimension in
    four bytes (big-endian), and the values.

    Raises
    ------
    ImageError
        As `read_idx`; wrong sizes are found before memory is allocated.
    """
    try:
        with opened(path) as file:
            shape = _header(file, path)
            _check_size(path, shape, file)
            return _values(file, path, shape)
    except EOFError:
        raise ImageError(f"{path}: the gzip file is truncated; copy it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ImageError(f"{path}: the gzip file is corrupt ({error})") from None
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror or error}") from None


def _header(file: BinaryFile, path: Path) -> tuple[int, ...]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0":
        raise ImageError(
            f"{path}: is not an IDX file: it begins with {head.hex(' ') or 'nothing'}, "
            "where 00 00 08 is expected"
        )
    if head[2] != _UBYTE:
        raise ImageError(
            f"{path}: has values of type 0x{head[2]:02x}; only bytes (0x08) are "
            "supported"
        )
    if not 1 <= head[3] <= 4:
        raise ImageError(f"{path}: has {head[3]} dimensions; 1 to 4 are expected")
    sizes = file.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise ImageError(f"{path}: is truncated within its header")
    return tuple(np.frombuffer(sizes, ">u4").tolist())


def _check_size(path: Path, shape: tuple[int, ...], file: BinaryFile) -> None:
    """Reject impossible sizes before memory is allocated."""
    needed, there = prod(shape), os.path.getsize(path)
    packed = isinstance(file, gzip.GzipFile)
    if not packed:
        _check_length(path, shape, there - 4 - 4 * len(shape))
    elif needed > _PACKED_AT_MOST * there:
        raise ImageError(
            f"{path}: its header states {_product(shape)} bytes, more than a "
            f"compressed file of {there:,} bytes can hold; it is corrupt or truncated"
        )
    if needed > memory_bytes():
        raise ImageError(
            f"{path}: its header states {needed / 1e9:.0f} GB, more than the memory of "
            "this computer"
        )


def _check_length(path: Path, shape: tuple[int, ...], found: int) -> None:
    if found == prod(shape):
        return
    wrong = "is truncated" if found < prod(shape) else "has extra data at its end"
    raise ImageError(
        f"{path}: {wrong}: its header states {_product(shape)} bytes of values, but "
        f"{found:,} follow"
    )


def _product(shape: tuple[int, ...]) -> str:
    return f"{' × '.join(map(str, shape))} = {prod(shape):,}"


def _values(file: BinaryFile, path: Path, shape: tuple[int, ...]) -> np.ndarray:
    values = np.empty(prod(shape), np.uint8)
    place = 0
    while place < len(values) and (chunk := file.read(_CHUNK)):
        taken = chunk[: len(values) - place]
        values[place : place + len(taken)] = np.frombuffer(taken, np.uint8)
        place += len(chunk)
    place += len(file.read(1))  # reading past the end verifies gzip's checksum
    _check_length(path, shape, place)
    return values.reshape(shape)
