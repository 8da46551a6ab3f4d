"""Tables of paths: the columns found by their values, rows kept with their labels."""

import numpy as np
import pytest

from lamina.data import TableError
from lamina.data.images.images import ImageError
from lamina.data.sources.image_table import path_column, read_image_table
from tests.data.helpers import csv, refused
from tests.data.sample_images import save


@pytest.fixture
def table(tmp_path):
    """Write a table beside images 0.png … 5.png whose values are 0 … 5."""
    for k in range(6):
        save(tmp_path / "pics" / f"{k}.png", np.full((4, 4), k, np.uint8))

    def write(content: str):
        path = tmp_path / "t.csv"
        path.write_text(content)
        return path

    return write


def rows(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def bad(path, *parts, error=ImageError, **options):
    return refused(lambda: read_image_table(path, **options), *parts, error=error)


def test_paths_and_classes(table):
    path = table(
        rows("kind,file", "cat,pics/3.png", "dog,pics/0.png", "cat,pics/1.png")
    )
    found = read_image_table(path)
    assert found.X[:, 0, 0, 0].tolist() == [3, 0, 1]
    assert found.y.tolist() == ["cat", "dog", "cat"]
    assert (found.task, found.target) == ("classification", "kind")
    assert found.names == ["pics/3.png", "pics/0.png", "pics/1.png"]
    assert read_image_table(path, labels=False).y is None


def test_numbers_are_numbers(table):
    lines = [f"pics/{k}.png,{k + 0.5}" for k in range(6)]
    found = read_image_table(table(rows("file,age", *lines)))
    assert found.y.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert (found.task, found.target) == ("regression", "age")
    lines = [f"pics/{k}.png,{k % 2}" for k in range(6)]
    path = table(rows("file,label", *lines))
    assert read_image_table(path).y.dtype == np.int64
    assert read_image_table(path, task="regression").y.dtype == np.float64


def test_the_column_of_labels(table):
    lines = [f"pics/{k}.png,{'ab'[k % 2]},x{k},{k}" for k in range(4)]
    path = table(rows("file,Label,who,n", *lines))
    found = read_image_table(path)
    assert found.y.tolist() == ["a", "b", "a", "b"]
    assert "unused columns: who, n" in found.notes
    assert read_image_table(path, "who").y.tolist() == ["x0", "x1", "x2", "x3"]
    bad(path, "'file' has the paths", target="file")
    bad(
        path,
        "no column 'lable'; did you mean 'Label'?",
        target="lable",
        error=TableError,
    )
    path = table(rows("file,who,n", *(f"pics/{k}.png,x,{k}" for k in range(4))))
    bad(path, "which column has the labels? Pass for instance target='who'")
    bad(table(rows("file", "pics/0.png")), "no column of labels besides 'file'")


def test_the_column_of_paths(table, tmp_path):
    bad(table(rows("a,b", "1,2")), "no column has paths", "the columns are: a, b")
    bad(table(rows("a,b", "x.png,y.jpg")), "several columns have paths", "a, b")
    mostly = csv(rows("f,y", *["a.PNG,1"] * 9, "b,1"))
    assert path_column(mostly) == "f"
    assert path_column(csv(rows("f,y", *["a.png,1"] * 8, "b,1", "c,1"))) is None
    assert path_column(csv(rows("y", "1"))) is None


def test_paths_are_relative_to_the_table_or_whole(table, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    lines = [f"{tmp_path}/pics/1.png,a", "pics\\2.png,b", "./pics/../pics/3.png,a"]
    found = read_image_table(table(rows("f,y", *lines)))
    assert found.X[:, 0, 0, 0].tolist() == [1, 2, 3]


def test_what_is_missing(table):
    path = table(rows("f,y", "pics/1.png,a", "pics/2.png,", "pics/3.png,b"))
    found = read_image_table(path)
    assert found.y.tolist() == ["a", "b"]
    assert "1 row has no 'y' and dropped, first in line 3" in found.notes
    lines = [
        "pics/1.png,a",
        ",b",
        "pics/9.png,b",
        "pics/2.png,b",
        "https://x.y/a.png,a",
    ]
    path = table(rows("f,y", *lines))
    bad(path, "3 of 5 images cannot be read: (line 3) does not", "pics/9.png does")
    found = read_image_table(path, errors="skip")
    assert found.y.tolist() == ["a", "b"]
    assert [name for name, _ in found.skipped] == [
        "(line 3)",
        *[s[:-2] for s in lines[2::2]],
    ]


def test_bad_labels_are_told_before_images_are_read(table):
    path = table(rows("f,y", "nowhere/1.png,a", "nowhere/2.png,a"))
    bad(path, "is 'a' in every row", error=TableError)


def test_a_table_that_cannot_be_read(table, tmp_path):
    bad(tmp_path / "none.csv", "no such file", error=TableError)
    bad(table("f,y\npics/1.png,a,b\n"), "line 2", error=TableError)
