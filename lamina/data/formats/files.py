"""From a file, a gzip file or a stream to plain UTF-8 text with LF line endings.

DuckDB 2.0 reads a file with CRLF line endings, a fixed dialect and ``skip=1`` as empty,
and accepts NUL bytes as text. So every text file is scanned once, and converted to
plain text first if it is not plain already.
"""

from __future__ import annotations

import codecs
import gzip
import io
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from lamina.data.formats.duckdb_engine import memory_bytes
from lamina.data.tables.table import TableError

_CHUNK = 1 << 20
_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
#: First bytes of files that users pass in place of a text table.
_MAGIC = {
    b"\x1f\x8b": ("a gzip file", "rename it so that it ends in .gz"),
    b"PK\x03\x04": ("a zip or Excel file", "unpack it, or save the sheet as CSV"),
    b"PAR1": ("a Parquet file", "rename it so that it ends in .parquet"),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", "save the sheet as CSV"),
    b"\x89PNG": ("a PNG image", "a table is expected here"),
    b"\xff\xd8\xff": ("a JPEG image", "a table is expected here"),
    b"%PDF": ("a PDF document", "a table is expected here"),
    b"SQLite format 3": ("an SQLite database", "export the table as CSV"),
    b"BZh": ("a bzip2 file", "unpack it first"),
    b"\xfd7zXZ": ("an xz file", "unpack it first"),
    b"(\xb5/\xfd": ("a zstd file", "unpack it first"),
}
#: Control characters that text files do not have, except rarely by accident.
_CONTROL = bytes(b for b in range(32) if b not in b"\0\t\n\r\f\v\x1a\x1b")


@runtime_checkable
class Readable(Protocol):
    """An open binary file, or any object with the same `read`."""

    def read(self, size: int = -1, /) -> bytes: ...


def in_unicode(path: Path, folder: Path) -> Path:
    """Return a path of the same file that DuckDB can open: file names may be any bytes.

    Parameters
    ----------
    path : Path
    folder : Path
        Private temporary folder for a link to the file.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        link = folder / f"link{path.suffix if path.suffix.isascii() else ''}"
        link.symlink_to(path)
        return link
    return path


@dataclass(frozen=True)
class TextFile:
    """Plain UTF-8 text with LF line endings, and the results of scanning it.

    `n_lines` counts physical lines; `quotes` and `blanks` say whether there are
    quotation marks or empty lines, so that lines and rows may differ.
    """

    path: Path
    n_lines: int
    quotes: bool
    blanks: bool

    def opened(self) -> io.TextIOWrapper:
        """Open the text for the csv module."""
        return open(self.path, encoding="utf-8", newline="")


@dataclass
class _Scan:
    """The results of scanning the bytes."""

    size: int = 0
    lines: int = 0
    returns: int = 0
    quotes: bool = False
    blanks: bool = False
    utf8: bool = True
    last: bytes = b"\n"

    def look(
        self, chunk: bytes, decoder: codecs.IncrementalDecoder, source: str
    ) -> None:
        nul = chunk.find(b"\0")
        if nul >= 0:
            _refuse_nul(source, self.lines + chunk[:nul].count(b"\n") + 1)
        # An empty line may lie across two chunks.
        self.blanks |= b"\n\n" in chunk or (self.last + chunk[:1]) == b"\n\n"
        self.quotes |= b'"' in chunk
        self.returns += chunk.count(b"\r")
        self.lines += chunk.count(b"\n")
        self.size += len(chunk)
        self.last = chunk[-1:]
        self._decode(chunk, decoder)

    def _decode(self, chunk: bytes, decoder: codecs.IncrementalDecoder) -> None:
        # ASCII is UTF-8: only other chunks are decoded, and one that may complete a
        # character cut by the end of the chunk before.
        if self.utf8 and not (chunk.isascii() and not decoder.getstate()[0]):
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError:
                self.utf8 = False


def plain_text(
    path: Path | None,
    stream: Readable | None,
    source: str,
    folder: Path,
    encoding: str | None = None,
) -> TextFile:
    """Return the text of a file (decompressed if it ends in .gz) or of a stream.

    Parameters
    ----------
    path, stream
        One of the two. A plain file is used in place.
    source : str
        Name of the file in messages.
    folder : Path
        Private temporary folder for converted files.
    encoding : str, optional
        The encoding, if the guess (byte order mark, else UTF-8, else cp1252) is wrong.

    Raises
    ------
    TableError
        Empty, truncated, binary, with NUL bytes, or not in this encoding.
    """
    if stream is not None:
        path = _spool(stream, folder / "raw", source)
    elif path is not None and path.suffix == ".gz":
        with gzip.open(path) as unpacked:
            path = _spool(unpacked, folder / "raw", source)
    assert path is not None
    head = _head(path, source, encoding)
    coding = encoding or _marked(head)
    scan = None if coding else _scan(path, source)
    if scan and scan.utf8 and not scan.returns and not head.startswith(b"\xef\xbb\xbf"):
        return _text_file(path, scan)
    coding = coding or ("utf-8-sig" if scan and scan.utf8 else _single_byte(path))
    written = _rewrite(path, folder / "plain", coding, source)
    return _text_file(written, _scan(written, source))


def _text_file(path: Path, scan: _Scan) -> TextFile:
    partial = scan.last != b"\n"
    return TextFile(path, scan.lines + partial, scan.quotes, scan.blanks)


def _spool(stream: Readable, target: Path, source: str) -> Path:
    limit = min(memory_bytes(), shutil.disk_usage(target.parent).free)
    written = 0
    with open(target, "wb") as out:
        for chunk in _chunks(stream, source):
            written += len(chunk)
            if written > limit:
                raise TableError(
                    f"{source}: has more than {limit / 1e9:.0f} GB of text, too much "
                    "for this computer; convert it to Parquet or read a part"
                )
            out.write(chunk)
    return target


def _chunks(stream: Readable, source: str) -> Iterator[bytes]:
    while True:
        try:
            chunk = stream.read(_CHUNK)
        except EOFError:
            raise TableError(
                f"{source}: the gzip file is truncated; copy or download it again"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise TableError(
                f"{source}: is not a valid gzip file ({error}); copy or download it "
                "again, or rename it if it is not compressed"
            ) from None
        if not chunk:
            return
        if isinstance(chunk, str):
            chunk = chunk.encode()
        yield chunk


def _head(path: Path, source: str, encoding: str | None) -> bytes:
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise TableError(f"{source}: the file is empty; a table is expected")
    for magic, (what, fix) in _MAGIC.items():
        if head.startswith(magic):
            raise TableError(f"{source}: this is {what}, not a text table; {fix}")
    if not (encoding or _marked(head)):
        controls = len(head) - len(head.translate(None, _CONTROL))
        if controls > 0.005 * len(head) + 1:
            raise TableError(
                f"{source}: this is binary data, not a text table; CSV, TSV, JSON or "
                "Parquet is expected"
            )
    return head


def _marked(head: bytes) -> str | None:
    return next((name for bom, name in _WIDE.items() if head.startswith(bom)), None)


def _scan(path: Path, source: str) -> _Scan:
    scan, decoder = _Scan(), codecs.getincrementaldecoder("utf-8")()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            scan.look(chunk, decoder, source)
    if decoder.getstate()[0]:
        scan.utf8 = False
    return scan


def _refuse_nul(source: str, line: int) -> None:
    raise TableError(
        f"{source}: line {line} has a NUL byte, which text must not have; if the file "
        "is UTF-16 save it as UTF-8 or pass encoding='utf-16-le', else copy it again"
    )


def _single_byte(path: Path) -> str:
    """Return cp1252, or latin-1 if there are bytes that cp1252 leaves undefined."""
    undefined = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            if len(chunk.translate(None, undefined)) != len(chunk):
                return "latin-1"
    return "cp1252"


def _rewrite(path: Path, target: Path, encoding: str, source: str) -> Path:
    try:
        with (
            open(path, encoding=encoding, newline=None) as text,
            open(target, "w", encoding="utf-8", newline="\n") as out,
        ):
            while chunk := text.read(_CHUNK):
                out.write(chunk.removeprefix("\ufeff"))
    except LookupError:
        raise TableError(
            f"{source}: unknown encoding {encoding!r}; common ones are utf-8, utf-16, "
            "cp1252 and latin-1"
        ) from None
    except UnicodeError as error:
        raise TableError(
            f"{source}: the text is not valid {encoding} ({error.args[-1]}); the file "
            "may be truncated, or pass another encoding="
        ) from None
    return target
