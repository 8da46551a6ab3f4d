"""Files that may be gzip-compressed, whatever their names say."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

_GZIP = b"\x1f\x8b"
BinaryFile = gzip.GzipFile | io.BufferedReader
#: Exceptions raised by reading them if they are missing, truncated or corrupt.
UNREADABLE = (OSError, EOFError, zlib.error)


def opened(path: Path) -> BinaryFile:
    """Open a file for reading, decompressed if its first bytes are those of gzip.

    Raises
    ------
    OSError
        If it cannot be opened; reading may raise each of `UNREADABLE`.
    """
    with open(path, "rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path) if packed else open(path, "rb")
