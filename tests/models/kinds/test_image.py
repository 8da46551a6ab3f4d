"""Images at the command line: lists of them that can be read again."""

import csv

import numpy as np
import pytest

from lamina.app.tables import csv_chunks, table_rows
from lamina.data import read_images
from lamina.models.kinds.image import PATH, Images, folder_of, image_inputs, listed
from tests.data.images.test_idx import VALUES, idx
from tests.data.sample_images import save


def write(path, table):
    path.write_bytes(b"".join(csv_chunks(table_rows(table))))


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
    write(out, listed(images, np.array([1]), str(out)))
    assert list(csv.reader(out.open())) == [
        ["image", "class"],
        ["../in/photos/cat/0.png", "cat"],
    ]
    # From the list too: its names are relative to another folder.
    write(out, listed(images, np.array([1, 0]), str(out)))
    again = tmp_path / "again.csv"
    write(again, listed(read_images(out), np.array([0, 1]), str(again)))
    found = read_images(again)
    assert found.y.tolist() == ["cat", "=dog"]
    assert found.X[:, 0, 0, 0].tolist() == [0, 1]


def test_images_without_paths_cannot_be_listed(tmp_path, photos):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(idx(VALUES))
    for source in (path, photos / "cat" / "0.png"):
        with pytest.raises(ValueError, match="they are all in one file"):
            folder_of(str(source))
    assert folder_of(str(photos)) == str(photos)
    assert PATH == "image"


def test_what_a_network_sees_of_images(photos):
    inputs = image_inputs(read_images(photos).schema)
    assert (inputs.examples, inputs.features) == ("images", 16)
    assert inputs.size == "4 × 4, grey, letterbox"
    assert Images().recognises(str(photos), {})
    assert not Images().recognises("iris", {})


def test_labels_that_are_numbers_stay_numbers(tmp_path, photos):
    rows = "\n".join(
        f"{p.relative_to(tmp_path)},{i}.5"
        for i, p in enumerate(sorted(photos.rglob("*.png")))
    )
    (tmp_path / "t.csv").write_text(f"file,age\n{rows}\n")
    table = listed(read_images(tmp_path / "t.csv"), np.array([1]), str(tmp_path / "o"))
    assert table["age"].tolist() == [1.5]
