"""Pictures at the command line: sizes as written, bars, lists."""

import csv
import sys

import numpy as np
import pytest

from lamina.app import images as module
from lamina.app.images import (
    errors_option,
    folder_of,
    parse_shape,
    parse_size,
    reading_bar,
    write_list,
)
from lamina.data import read_images
from tests.data.images.test_idx import VALUES, idx
from tests.data.picture_files import save


@pytest.mark.parametrize(
    ("text", "size"),
    [("64", 64), ("48x64", (48, 64)), ("48X64", (48, 64)), ("4×5", (4, 5))],
)
def test_sizes_as_they_are_written(text, size):
    assert parse_size(text) == size


def test_shapes_of_rows_of_pixels():
    assert parse_shape("8x6") == (8, 6)
    assert parse_shape("8") == (8, 8)
    with pytest.raises(ValueError, match="--shape is one side or HEIGHTxWIDTH"):
        parse_shape("8,8")
    with pytest.raises(ValueError, match="sides of at least 1"):
        parse_shape("0x8")


@pytest.mark.parametrize("text", ["", "x", "4x", "4x5x6", "-4", "4.5", "four", "٤"])
def test_sizes_that_are_none(text):
    with pytest.raises(ValueError, match="one side or HEIGHTxWIDTH"):
        parse_size(text)


def test_the_word_for_broken_files():
    assert (errors_option(True), errors_option(False)) == ("skip", "raise")


def test_the_bar_is_for_people_only(monkeypatch, capsys):
    with reading_bar() as progress:
        assert progress is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with reading_bar(wanted=False) as progress:
        assert progress is None
    with reading_bar() as progress:
        progress(3, 10)
        progress(10, 10)
    assert capsys.readouterr().out == ""


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "in" / "photos"
    for k, name in enumerate(("cat", "=dog")):
        save(folder / name / f"{k}.png", np.full((4, 4), k, np.uint8))
    return folder


def test_a_list_can_be_read_again(photos, tmp_path):
    images = read_images(photos)
    out = tmp_path / "out" / "held.csv"
    out.parent.mkdir()
    assert write_list(str(out), images, str(photos), np.array([1])) == 1
    assert list(csv.reader(out.open())) == [
        ["picture", "class"],
        ["../in/photos/cat/0.png", "cat"],
    ]
    # From the list too: its names are relative to another folder.
    write_list(str(out), images, str(photos), np.array([1, 0]))
    again = tmp_path / "again.csv"
    assert write_list(str(again), read_images(out), str(out), np.array([0, 1])) == 2
    found = read_images(again)
    assert found.y.tolist() == ["cat", "=dog"]
    assert found.X[:, 0, 0, 0].tolist() == [0, 1]


def test_pictures_without_paths_cannot_be_listed(tmp_path, photos):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(idx(VALUES))
    for source in (path, photos / "cat" / "0.png"):
        with pytest.raises(ValueError, match="lie in one file and have no paths"):
            folder_of(str(source))
    assert folder_of(str(photos)) == str(photos)
    assert module.PATH == "picture"
