"""Parquet: types as stated, files that are cut off or damaged."""

import duckdb
import numpy as np
import pytest

from lamina.data import Table, read_table
from tests.data.helpers import attempted, unreadable


def parquet(tmp_path, query: str, name: str = "t.parquet"):
    path = tmp_path / name
    duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def test_parquet_types(tmp_path):
    query = """SELECT i::TINYINT a, i::DECIMAL(9, 2) / 2 b, i = 1 c, 'x' || i d,
        TIMESTAMPTZ '2024-01-05 12:00:00+02' e, CASE WHEN i = 1 THEN DATE '2024-01-05'
        END f, CASE WHEN i = 1 THEN 7::BIGINT END g, CASE WHEN i = 0 THEN 'NA' END h
        FROM range(2) t(i)"""
    table = read_table(parquet(tmp_path, query, "t[0].parquet"))
    noon = np.datetime64("2024-01-05T10:00", "us")
    day, none = np.datetime64("2024-01-05", "us"), np.datetime64("NaT", "us")
    assert table == Table(
        {
            "a": np.array([0.0, 1.0]),
            "b": np.array([0.0, 0.5]),
            "c": np.array(["false", "true"], dtype=object),
            "d": np.array(["x0", "x1"], dtype=object),
            "e": np.array([noon, noon]),
            "f": np.array([none, day]),
            "g": np.array([np.nan, 7.0]),
            "h": np.array([None, None], dtype=object),
        }
    )
    assert read_table(tmp_path / "t[0].parquet", nrows=1).n_rows == 1


def test_bad_parquet(tmp_path, write):
    whole = parquet(tmp_path, "SELECT range a, 'x' || range b FROM range(1000)")
    content = whole.read_bytes()
    unreadable(write(content[:500], "cut.parquet"), "truncated at byte 500")
    unreadable(write(b"", "e.parquet"), "the file is empty")
    unreadable(write(b"hello world, csv", "no.parquet"), "is not a Parquet file")
    unreadable(write(b"PAR1" + b"x" * 40 + b"PAR1", "bad.parquet"), "is corrupt")
    for query, part in (
        ("SELECT [1, 2] a", "column 'a' has lists or structures"),
        ("SELECT {'x': 1} a", "column 'a' has lists or structures"),
        ("SELECT 'x'::BLOB a", "column 'a' is of type BLOB"),
        ("SELECT 1 a WHERE false", "has columns (a) but no rows"),
    ):
        unreadable(parquet(tmp_path, query, "q.parquet"), part)


@pytest.mark.slow
def test_flipped_bits_of_parquet_never_escape(tmp_path, write):
    content = parquet(tmp_path, "SELECT range a FROM range(50)").read_bytes()
    random = np.random.default_rng(1)
    refusals = 0
    for _ in range(60):
        broken = bytearray(content)
        broken[random.integers(len(broken))] ^= 1 << random.integers(8)
        table, message = attempted(write(bytes(broken), "b.parquet"))
        refusals += table is None
        assert "\n" not in message
    assert refusals > 5
