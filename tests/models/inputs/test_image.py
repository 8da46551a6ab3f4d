"""Images read in the size and colours that a model has learnt."""

import numpy as np
import pytest

from lamina.data import ImageError, ImageSchema, read_images
from lamina.models.inputs.image import checked_alike, has_column, read_alike
from tests.data.sample_images import save


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alike")
    for k, name in enumerate(("cat", "dog")):
        save(folder / "photos" / name / "0.png", np.full((9, 7, 3), 90 * k, np.uint8))
    rows = ["file,kind,age", "photos/cat/0.png,cat,3", "photos/dog/0.png,dog,4"]
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_size_and_colours_are_those_that_were_learnt(folder):
    schema = ImageSchema(4, 6, 1, "stretch")
    images = read_alike(folder / "photos", schema)
    assert images.X.shape == (2, 4, 6, 1)
    assert images.y is None
    assert checked_alike(images, schema) is images
    with pytest.raises(ImageError, match="but the model expects"):
        checked_alike(images, ImageSchema(5, 6, 1))


def test_labels_by_folder_or_by_column(folder):
    schema = ImageSchema(4, 6)
    of_folders = read_alike(folder / "photos", schema, "class")
    by_column = read_alike(folder / "t.csv", schema, "kind")
    assert of_folders.y.tolist() == by_column.y.tolist() == ["cat", "dog"]
    assert read_alike(folder / "t.csv", schema).y is None


def test_what_has_been_read_is_handed_back(folder):
    images = read_images(folder / "photos")
    assert read_alike(images, ImageSchema(3, 3)) is images


def test_columns_of_tables_alone(folder):
    assert has_column(folder / "t.csv", "kind")
    assert not has_column(folder / "t.csv", "class")
    assert not has_column(folder / "photos", "kind")
