"""DuckDB behind bars: one file, nothing else, and no more than fits."""

import duckdb
import pytest

from lamina.data import read_table
from lamina.data.formats import duckdb_engine as engine
from tests.data.helpers import GOOD, unreadable


@pytest.mark.parametrize("name", ["t[1].csv", "t*?.csv", "t'; --.csv", "ü {a,b}.csv"])
def test_file_names_are_literal(write, name):
    write(b"a\n99\n", "t1.csv")
    write(b"a\n99\n", "tx1.csv")
    assert read_table(write(b"a\n1\n", name))["a"].tolist() == [1.0]


def test_what_cannot_fit_is_refused_before_it_is_read(write, monkeypatch):
    monkeypatch.setattr(engine, "memory_bytes", lambda: 100)
    path = write(b"a,b\n" + b"1,2\n" * 100)
    unreadable(path, "100 rows × 2 columns need at least", "nrows=")
    assert read_table(path, nrows=3).n_rows == 3


def test_the_connection_reaches_nothing_else(write, tmp_path):
    path, other = write(GOOD), write(b"secret\n1\n", "other.csv")
    with engine.reading(path) as connection:
        for query in (
            f"SELECT * FROM read_csv('{other}')",
            f"SELECT * FROM read_text('{other}')",
            f"SELECT * FROM '{other}'",
            f"COPY (SELECT 1) TO '{tmp_path / 'new.csv'}'",
            f"ATTACH '{tmp_path / 'new.db'}'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            "SELECT * FROM glob('/*')",
            "SELECT * FROM path",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(query).fetchall()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.csv", "t.csv"]
