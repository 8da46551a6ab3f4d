"""From files and streams to plain text: encodings, line ends, gzip, junk."""

import gzip
import os

import numpy as np
import pytest

from lamina.data import read_table
from tests.data.helpers import GOOD, WANTED, unreadable


def test_mixed_line_ends_lose_no_row(write):
    assert read_table(write(GOOD.replace(b"\n", b"\r\n", 2))) == WANTED


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]
)
def test_encodings_are_found(write, encoding):
    table = read_table(write("größe,näme\n1,é\n2,ü\n".encode(encoding)))
    assert table.names == ["größe", "näme"]
    assert table.columns["näme"].tolist() == ["é", "ü"]


def test_cp1252_euro_and_the_bytes_that_only_latin_1_has(write):
    assert read_table(write(b"a\n\x80x\n"))["a"].tolist() == ["€x"]
    assert read_table(write(b"a\n\x81x\n"))["a"].tolist() == ["\x81x"]


def test_encoding_without_a_mark_can_be_stated(write):
    path = write("a,b\n1,é\n".encode("utf-16-le"))
    unreadable(path, "line 1 has a NUL byte", "encoding='utf-16-le'")
    assert read_table(path, encoding="utf-16-le")["b"].tolist() == ["é"]
    unreadable(path, "unknown encoding 'utf-99'", encoding="utf-99")
    unreadable(write(b"a\n\xff\n"), "not valid ascii", encoding="ascii")


def test_character_split_between_two_chunks(write):
    content = b"a\n" + b"x" * ((1 << 20) - 3) + "é\n".encode()
    assert read_table(write(content))["a"][0].endswith("xé")


@pytest.mark.parametrize("content", [b"", b"\n \n\r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_empty_file(write, content):
    unreadable(write(content), "t.csv: the file is empty")
    unreadable(write(gzip.compress(content), "t.csv.gz"), "the file is empty")


def test_nul_bytes_and_binary_junk(write):
    unreadable(write(b"a,b\n1,2\n3,\x004\n"), "line 3 has a NUL byte")
    junk = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes()
    unreadable(write(junk), "binary data")


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\x1f\x8b\x08", ".gz"),
        (b"PK\x03\x04", "Excel"),
        (b"PAR1", ".parquet"),
        (b"\xd0\xcf\x11\xe0", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"SQLite format 3\0", "SQLite"),
    ],
)
def test_other_formats_are_named(write, head, what):
    unreadable(write(head + b"rest of the file"), what)


def test_gzip(write):
    packed = gzip.compress(GOOD * 1)
    assert read_table(write(packed, "t.csv.gz")) == WANTED
    whole = gzip.compress(os.urandom(4000).hex().encode())
    unreadable(write(whole[:2000], "t.csv.gz"), "gzip file is truncated")
    flipped = bytearray(whole)
    flipped[1000] ^= 0xFF
    unreadable(write(bytes(flipped), "t.csv.gz"), "not a valid gzip file")
    unreadable(write(GOOD, "u.csv.gz"), "not a valid gzip file")


def test_gzip_bomb_is_stopped(write, monkeypatch):
    from lamina.data.formats import files

    monkeypatch.setattr(files, "memory_bytes", lambda: 10**6)
    bomb = gzip.compress(b"a\n" + b"1\n" * 5_000_000)
    unreadable(write(bomb, "t.csv.gz"), "too much for this computer")
