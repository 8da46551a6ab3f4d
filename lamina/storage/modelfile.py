"""The ``.lamina`` model file: a safetensors file with a description and a digest.

Layout (that of safetensors, readable by any safetensors library)::

    8 bytes   length of the header, little-endian
    header    JSON: {"__metadata__": {format, version, description, sha256},
                     tensor name: {dtype, shape, data_offsets}, …}
    data      the tensors, little-endian, one after the other without gaps

``description`` is JSON text that describes the tensors. ``sha256`` is the digest of the
header with an empty digest, followed by the data.

The digest protects *integrity, not authenticity*: a corrupt file is rejected, but an
attacker can compute a digest too. Therefore files are untrusted. Nothing in them is
executed, sizes are checked before anything is allocated, and a header that is not byte
for byte what :func:`write` would have written is rejected.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lamina.storage import strict_json
from lamina.storage.atomic import replace_file

FORMAT, VERSION = "lamina", 1
MAX_HEADER = 2**20
MAX_DESCRIPTION = 2**26
"""A long description (many categories) is stored as a tensor, not in the header."""

MAX_DEPTH = 128
HEADER_DEPTH = 8
INLINE_DESCRIPTION = 2**17
DESCRIPTION = "__description__"
EMPTY_DIGEST = "0" * 64
MEMORY_SHARE = 0.75
"""A file larger than this fraction of the computer's memory is not opened."""

_DTYPES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}
_KINDS = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive (or .xlsx, .npz, .keras, .pt)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"\x80", "a pickle, which is never opened, as it can execute code"),
)


class ModelFileError(ValueError):
    """A model file cannot be used; the one-line message says which and why."""


@dataclass(frozen=True)
class _Tensor:
    """The location of a tensor in the data."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int

    @property
    def count(self) -> int:
        count = 1
        for size in self.shape:  # Python integers cannot overflow
            count *= size
        return count

    @property
    def stop(self) -> int:
        return self.start + self.count * np.dtype(_DTYPES[self.dtype]).itemsize

    @property
    def entry(self) -> dict[str, Any]:
        offsets = [self.start, self.stop]
        return {
            "dtype": self.dtype,
            "shape": list(self.shape),
            "data_offsets": offsets,
        }


# ---- writing ------------------------------------------------------------------------


def write(
    path: str | os.PathLike,
    description: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    *,
    previous: str | os.PathLike | None = None,
) -> None:
    """Write a model file atomically.

    Parameters
    ----------
    path : path
    description : dict of JSON types
    tensors : dict of ndarray
        Numbers or booleans of any shape.
    previous : path, optional
        New name of the old file, see :func:`lamina.storage.replace_file`.

    Raises
    ------
    ValueError
        If the description is not JSON, or a tensor's type is not supported.
    OSError
        If the file cannot be written; an existing file is untouched.
    """
    arrays = {name: _little_endian(name, array) for name, array in tensors.items()}
    text = strict_json.dumps(description)
    if len(text.encode()) > INLINE_DESCRIPTION:
        arrays[DESCRIPTION] = np.frombuffer(text.encode(), np.uint8)
        text = ""
    # The widest numbers first: every tensor is then aligned to its own type, without
    # gaps in between.
    names = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    layout = list(_layout({name: arrays[name] for name in names}))
    data = [arrays[name].reshape(-1).view(np.uint8).data for name in names]
    digest = _digest(_header(text, EMPTY_DIGEST, layout), data)
    header = _header(text, digest, layout)
    if len(header) > MAX_HEADER:
        raise ValueError(
            f"{len(arrays):,} tensors need a header of {len(header):,} bytes; the "
            f"maximum is {MAX_HEADER:,}"
        )
    chunks = [len(header).to_bytes(8, "little"), header, *data]
    replace_file(path, chunks, previous=previous)


def _little_endian(name: str, array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    code = array.dtype.newbyteorder("<")
    if code not in _NAMES:
        raise ValueError(f"tensor {name!r} of {array.dtype} cannot be written")
    return np.asarray(array, dtype=code, order="C")


def _layout(arrays: Mapping[str, np.ndarray]) -> Iterator[_Tensor]:
    start = 0
    for name, array in arrays.items():
        tensor = _Tensor(name, _NAMES[array.dtype], array.shape, start)
        start = tensor.stop
        yield tensor


def _header(text: str, digest: str, layout: Iterable[_Tensor]) -> bytes:
    """Return the header, padded with spaces so that the data is aligned."""
    metadata = {
        "format": FORMAT,
        "version": str(VERSION),
        "description": text,
        "sha256": digest,
    }
    entries = {tensor.name: tensor.entry for tensor in layout}
    header = strict_json.dumps({"__metadata__": metadata, **entries}).encode()
    return header + b" " * (-len(header) % 8)


def _digest(header: bytes, data: Iterable[Any]) -> str:
    digest = hashlib.sha256(header)
    for part in data:
        digest.update(part)
    return digest.hexdigest()


# ---- reading ------------------------------------------------------------------------


def read(path: str | os.PathLike) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a model file.

    Returns
    -------
    description : dict
    tensors : dict of ndarray

    Raises
    ------
    ModelFileError
        If the file is missing, not a model file, too new, too large, or corrupt.
    """
    name = os.fspath(path)
    try:
        size = _regular_size(name)
        with open(name, "rb") as file:
            return _read(name, file, size)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelFileError(f"{name}: cannot be read: {reason}") from None
    except MemoryError:
        raise ModelFileError(f"{name}: is too large for this computer") from None


def _regular_size(name: str) -> int:
    if "\0" in name or not os.path.exists(name):
        raise ModelFileError(f"{name!r}: no such model file")
    if Path(name).is_dir():
        raise ModelFileError(f"{name}: is a folder; pass the path of a model file")
    if not Path(name).is_file():
        raise ModelFileError(f"{name}: is not a regular file; a model file is expected")
    size = os.path.getsize(name)
    if size == 0:
        raise ModelFileError(f"{name}: is empty; a model file is expected")
    return size


def _read(name: str, file: BinaryIO, size: int) -> tuple[dict, dict]:
    raw = _read_header(name, file, size)
    try:
        header = strict_json.loads(raw.decode("utf-8"), HEADER_DEPTH)
    except (ValueError, RecursionError):
        raise _damaged(name, "the header is invalid") from None
    text, digest = _metadata(name, header)
    layout = _tensors(name, header, size - 8 - len(raw))
    # One file, one spelling: no duplicate keys, hidden bytes or other order.
    if raw != _header(text, digest, layout):
        raise _damaged(name, "the header is not as written by lamina")
    data = _read_data(name, file, size - 8 - len(raw))
    if digest != _digest(_header(text, EMPTY_DIGEST, layout), [data.data]):
        raise _damaged(name, "the checksum does not match the contents")
    tensors = {t.name: _array(t, data) for t in layout}
    return _description(name, text, tensors), tensors


def _read_header(name: str, file: BinaryIO, size: int) -> bytes:
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > MAX_HEADER:
        raise _other_kind(name, start)
    raw = file.read(min(length, size - 8))
    if not raw.startswith(b'{"'):
        raise _other_kind(name, start)
    if len(raw) < length:
        raise _damaged(name, f"it ends after {size:,} bytes, within the header")
    return raw


def _other_kind(name: str, start: bytes) -> ModelFileError:
    known = (kind for magic, kind in _KINDS if start.startswith(magic))
    text = "text, perhaps a table" if re.fullmatch(rb"[\t\r\n -~]+", start) else ""
    kind = next(known, text)
    looks = f"; it looks like {kind}" if kind else ""
    return ModelFileError(f"{name}: is not a lamina model file{looks}")


def _damaged(name: str, what: str) -> ModelFileError:
    return ModelFileError(f"{name}: the model file is corrupt: {what}")


def _metadata(name: str, header: Any) -> tuple[str, str]:
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ModelFileError(f"{name}: is a safetensors file, but not a lamina model")
    version = metadata.get("version")
    if version != str(VERSION):
        if isinstance(version, str) and re.fullmatch("[1-9][0-9]{0,5}", version):
            raise ModelFileError(
                f"{name}: was written by a newer lamina (format {version}, this one "
                f"reads {VERSION}), or is corrupt; try: pip install -U lamina"
            )
        raise _damaged(name, "the version is invalid")
    text, digest = metadata.get("description"), metadata.get("sha256")
    if not isinstance(text, str) or not isinstance(digest, str):
        raise _damaged(name, "the header lacks the description or the checksum")
    return text, digest


def _tensors(name: str, header: dict[str, Any], data_size: int) -> list[_Tensor]:
    """Check that dtypes and shapes need exactly the bytes of the data."""
    layout: list[_Tensor] = []
    for key, entry in header.items():
        if key == "__metadata__":
            continue
        start = layout[-1].stop if layout else 0
        layout.append(_tensor(name, key, entry, start))
        if layout[-1].stop > data_size:
            raise _damaged(name, "the tensors need more bytes than it has")
    if (layout[-1].stop if layout else 0) != data_size:
        raise _damaged(name, "it has more bytes than the tensors need")
    return layout


def _tensor(name: str, key: str, entry: Any, start: int) -> _Tensor:
    dtype = entry.get("dtype") if isinstance(entry, dict) else None
    shape = entry.get("shape") if isinstance(entry, dict) else None
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise _damaged(name, f"tensor {key[:40]!r} is invalid")
    if not isinstance(shape, list) or len(shape) > 16:
        raise _damaged(name, f"tensor {key[:40]!r} is invalid")
    if not all(type(n) is int and 0 <= n < 2**48 for n in shape):
        raise _damaged(name, f"tensor {key[:40]!r} has an invalid shape")
    return _Tensor(key, dtype, tuple(shape), start)


def _read_data(name: str, file: BinaryIO, size: int) -> np.ndarray:
    memory = _memory()
    if memory and size > MEMORY_SHARE * memory:
        raise ModelFileError(
            f"{name}: needs {size:,} bytes, too many for this computer's {memory:,}"
        )
    data = np.empty(size, np.uint8)
    read = file.readinto(data.data) if size else 0  # type: ignore[attr-defined]
    if read != size:
        raise _damaged(name, "it was truncated while it was read")
    return data


def _memory() -> int | None:
    """Return the bytes of this computer's memory, if known."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _array(tensor: _Tensor, data: np.ndarray) -> np.ndarray:
    dtype = np.dtype(_DTYPES[tensor.dtype])
    array = data[tensor.start : tensor.stop].view(dtype).reshape(tensor.shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _description(
    name: str, text: str, tensors: dict[str, np.ndarray]
) -> dict[str, Any]:
    if not text and DESCRIPTION in tensors:
        packed = tensors.pop(DESCRIPTION)
        if packed.dtype != np.uint8 or packed.size > MAX_DESCRIPTION:
            raise _damaged(name, "the description is invalid")
        text = packed.tobytes().decode("utf-8", errors="replace")
    try:
        description = strict_json.loads(text, MAX_DEPTH)
    except (ValueError, RecursionError):
        raise _damaged(name, "the description is invalid") from None
    if not isinstance(description, dict):
        raise _damaged(name, "the description is invalid")
    return description
