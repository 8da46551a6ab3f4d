"""`read_table`: paths, streams, names of data sets, options."""

import gzip
import io
import os

import duckdb
import pytest

from lamina.data import read_table
from lamina.data.sources import tables
from tests.data.helpers import GOOD, WANTED, unreadable


def test_nrows_header_and_delimiter(write):
    path = write(b"1.5;x,y\n2.5;z,w\n")
    table = read_table(path, header=False, delimiter=";", nrows=1)
    assert table.names == ["column_1", "column_2"]
    assert table["column_2"].tolist() == ["x,y"]
    assert table.where(0) == "line 1"
    unreadable(path, "one character", delimiter=";;")
    unreadable(path, "nrows must be a positive whole number", nrows=0)
    unreadable(path, "decimal must be", decimal="x")


def test_missing_file_and_folder_and_address(tmp_path):
    unreadable(tmp_path / "no.csv", "no.csv", "no such file")
    unreadable("irs", "did you mean the data set 'iris'?")
    unreadable("a\0b", "'a\\x00b': no such file")
    unreadable("x" * 5000 + ".csv", "no such file")
    unreadable(tmp_path, "is a folder")
    unreadable("", "a path or the name of a data set is expected, got ''")
    for url in ("http://h/a.csv", "s3://b/a.parquet", "file:///etc/passwd"):
        unreadable(url, url, "URLs are not supported")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("t.xlsx", "save the sheet as CSV"),
        ("t.pkl", "pickles can run code"),
        ("t.foo", "files with extension '.foo'"),
        ("table", "without extension"),
        ("t.gz", "'.gz'"),
    ],
)
def test_unknown_endings(write, name, advice):
    unreadable(write(b"x", name), advice, ".parquet")


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "jsonl", "parquet"])
def test_names_that_are_no_utf8(tmp_path, ending):
    """Of the file, and of the folder that it lies in; wildcards stand for nothing."""
    path = str(tmp_path / os.fsdecode(b"d\xe9*") / os.fsdecode(b"non\xff.")) + ending
    try:
        os.mkdir(os.path.dirname(path))
    except OSError:
        pytest.skip("the file system wants UTF-8")
    plain = "a,b\n1,x\n2,y\n" if "csv" in ending else '{"a":1,"b":"x"}\n{"a":2,"b":"y"}'
    if ending == "parquet":
        query = "COPY (SELECT * FROM (VALUES (1, 'x'), (2, 'y')) t(a, b)) TO '{}'"
        duckdb.sql(query.format(tmp_path / "t.parquet"))
        os.rename(tmp_path / "t.parquet", path)
    else:
        content = plain.encode()
        content = gzip.compress(content) if ending == "csv.gz" else content
        with open(path, "wb") as file:
            file.write(content)
    table = read_table(path)
    assert (table["a"].tolist(), table["b"].tolist()) == ([1, 2], ["x", "y"])
    assert table.source == path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(write):
    path = write(GOOD)
    path.chmod(0)
    unreadable(path, "cannot be read: Permission denied")


def test_streams_and_stdin(monkeypatch, write, tmp_path):
    assert read_table(io.BytesIO(GOOD)) == WANTED
    assert read_table(io.StringIO(GOOD.decode())) == WANTED
    with open(write(GOOD), "rb") as file:
        assert read_table(file).source == "t.csv"

    class Stdin:
        buffer = io.BytesIO(GOOD)

    monkeypatch.setattr(tables.sys, "stdin", Stdin)
    table = read_table("-")
    assert table == WANTED
    assert table.source == "stdin"
    unreadable(io.BytesIO(b""), "stream: the file is empty")


def test_named_pipe(tmp_path):
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(GOOD,))
    writer.start()
    assert read_table(pipe) == WANTED
    writer.join()


def test_data_set_names_give_way_to_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_table("iris").n_rows == 150
    assert read_table("iris", nrows=5).n_rows == 5
    (tmp_path / "iris").write_bytes(b"a\n1\n")
    unreadable("iris", "without extension")


def test_tables_pass_through():
    assert read_table(WANTED) is WANTED
    assert read_table(WANTED, nrows=1).n_rows == 1
