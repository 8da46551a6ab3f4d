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
#: gzip makes data at most so many times smaller.
_PACKED_AT_MOST = 1032
_CHUNK = 1 << 20
_IMAGES = re.compile(r"images([-.])idx[34]-ubyte")


def read_idx(path: str | os.PathLike[Any], *, labels: bool = True) -> ImageSet:
    """Read images in the IDX format of MNIST, and the labels that lie beside them.

    Parameters
    ----------
    path : path
        ``train-images-idx3-ubyte.gz`` for instance, packed or not. The labels are in
        the file of the same name with ``labels-idx1`` for ``images-idx3``.
    labels : bool, default=True
        False does not look for labels.

    Returns
    -------
    ImageSet
        `X` of bytes (n, h, w, 1) and `y` of whole numbers.

    Raises
    ------
    ImageError
        If a file is no IDX file of bytes, is cut off or too long, holds sizes that
        this machine cannot hold, or if there are not as many labels as images.
    """
    path = Path(path)
    values = read_array(path)
    if values.ndim not in (3, 4):
        raise ImageError(
            f"{path}: holds an array of shape {values.shape}, where images (n, height, "
            "width) are expected"
            + ("; give the file of the images" if values.ndim == 1 else "")
        )
    if not values.size:
        raise ImageError(f"{path}: holds no images: its shape is {values.shape}")
    X = as_images(values)
    if X.shape[-1] not in (1, 3):
        raise ImageError(f"{path}: images have 1 or 3 channels, not {X.shape[-1]}")
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
        notes=["no file of labels lies beside the images"] if alone else [],
    )


def _labels(beside: Path, path: Path, n: int) -> np.ndarray:
    y = read_array(beside)
    if y.shape != (n,):
        raise ImageError(
            f"{beside}: holds an array of shape {y.shape}, but {path.name} holds {n:,} "
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
    """Whether a file begins like an IDX file of bytes, packed or not."""
    try:
        with opened(Path(path)) as file:
            head = file.read(4)
    except UNREADABLE:
        return False
    return len(head) == 4 and head[:3] == b"\0\0\x08" and 1 <= head[3] <= 4


def read_array(path: Path) -> np.ndarray:
    """The array of bytes in an IDX file, packed or not.

    The file holds 0, 0, 8 (bytes), the number of dimensions, each of them in four
    bytes, the highest first, and the values.

    Raises
    ------
    ImageError
        As `read_idx`, before memory is taken where the sizes are wrong.
    """
    try:
        with opened(path) as file:
            shape = _header(file, path)
            _check_size(path, shape, file)
            return _values(file, path, shape)
    except EOFError:
        raise ImageError(f"{path}: the gzip file is cut off; copy it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ImageError(f"{path}: the gzip file is damaged ({error})") from None
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror or error}") from None


def _header(file: BinaryFile, path: Path) -> tuple[int, ...]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0":
        raise ImageError(
            f"{path}: is no IDX file: it begins with {head.hex(' ') or 'nothing'}, "
            "where 00 00 08 is expected"
        )
    if head[2] != _UBYTE:
        raise ImageError(
            f"{path}: holds values of type 0x{head[2]:02x}; only bytes (0x08) are read"
        )
    if not 1 <= head[3] <= 4:
        raise ImageError(f"{path}: has {head[3]} dimensions; 1 to 4 are expected")
    sizes = file.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise ImageError(f"{path}: is cut off within its header")
    return tuple(np.frombuffer(sizes, ">u4").tolist())


def _check_size(path: Path, shape: tuple[int, ...], file: BinaryFile) -> None:
    """Refuse what cannot be, before memory is taken for it."""
    needed, there = prod(shape), os.path.getsize(path)
    packed = isinstance(file, gzip.GzipFile)
    if not packed:
        _check_length(path, shape, there - 4 - 4 * len(shape))
    elif needed > _PACKED_AT_MOST * there:
        raise ImageError(
            f"{path}: states {_product(shape)} bytes, more than a packed file of "
            f"{there:,} bytes can hold; it is damaged or cut off"
        )
    if needed > memory_bytes():
        raise ImageError(
            f"{path}: states {needed / 1e9:.0f} GB, more than this machine can take"
        )


def _check_length(path: Path, shape: tuple[int, ...], found: int) -> None:
    if found == prod(shape):
        return
    wrong = "is cut off" if found < prod(shape) else "goes on after its end"
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
    place += len(file.read(1))  # and so the checksum at the end of gzip is looked at
    _check_length(path, shape, place)
    return values.reshape(shape)
