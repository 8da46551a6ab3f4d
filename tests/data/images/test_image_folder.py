"""Folders of images: classes, strays, links, and what is refused."""

import os
import shutil

import numpy as np
import pytest

from lamina.data.images.image_folder import _Found, read_image_folder
from lamina.data.images.images import ImageError
from tests.data.helpers import refused
from tests.data.sample_images import broken, save


def grey(value=90):
    return np.full((4, 4), value, np.uint8)


@pytest.fixture
def photos(tmp_path):
    """Cats 1 and 2, dogs 3 and 4 (one of them deeper)."""
    folder = tmp_path / "photos"
    save(folder / "cat" / "b.png", grey(2))
    save(folder / "cat" / "a.png", grey(1))
    save(folder / "dog" / "deep" / "er" / "c.png", grey(3))
    save(folder / "dog" / "d.png", grey(4))
    return folder


def bad(folder, *parts, **options):
    return refused(
        lambda: read_image_folder(folder, **options), *parts, error=ImageError
    )


def test_a_folder_a_class(photos):
    found = read_image_folder(photos)
    assert found.names == ["cat/a.png", "cat/b.png", "dog/d.png", "dog/deep/er/c.png"]
    assert found.y.tolist() == ["cat", "cat", "dog", "dog"]
    assert found.X[:, 0, 0, 0].tolist() == [1, 2, 4, 3]
    assert found.classes == ["cat", "dog"]
    assert found.task == "classification"
    assert found.notes == ["images are 4 × 4, grey, not resized"]
    assert read_image_folder(str(photos)).names == found.names


def test_without_labels(photos):
    found = read_image_folder(photos, labels=False)
    assert (found.y, found.task, len(found)) == (None, None, 4)
    flat = read_image_folder(photos / "cat")
    assert (flat.y, flat.names) == (None, ["a.png", "b.png"])
    bad(photos / "cat", "one subfolder per class is expected", labels=True)


def test_what_is_left_out_is_counted(photos):
    for name in ("notes.txt", "more.txt", "cat/list.csv", "README"):
        (photos / name).write_text("x")
    for name in (".DS_Store", "cat/Thumbs.db", "cat/.hidden.png", "desktop.ini"):
        (photos / name).write_text("x")
    save(photos / ".git" / "a.png")
    save(photos / "__MACOSX" / "cat" / "a.png")
    save(photos / "cover.png")
    (photos / "cat" / "phone.HEIC").write_text("x")
    (photos / "bird").mkdir()
    found = read_image_folder(photos)
    assert len(found) == 4
    assert found.notes[1:] == [
        "1 image is outside the class folders, without a label, and skipped: cover.png",
        "folders without images are not classes: bird",
        "1 image is of an unsupported format and skipped: 1 .heic; save them "
        "as JPEG or PNG",
        "4 files are not of an image format and skipped: 2 .txt, 1 without extension, "
        "1 .csv",
    ]
    assert len(read_image_folder(photos, labels=False)) == 5


def test_broken_images_and_a_class_of_nothing_else(photos):
    reasons = broken(photos / "cat")
    bad(photos, "8 of 12 images cannot be read: cat/cut.jpg is truncated")
    found = read_image_folder(photos, errors="skip")
    assert found.y.tolist() == ["cat", "cat", "dog", "dog"]
    assert [name for name, _ in found.skipped] == [f"cat/{name}" for name in reasons]
    assert found.notes[-1].startswith("8 files cannot be read and are skipped")
    broken(photos / "bird")
    bad(photos, "none of the 8 images of the class 'bird' can be read", errors="skip")


def test_classes_that_differ_in_case_only(photos):
    save(photos / "Cat" / "x.png")
    if len(os.listdir(photos)) == 2:
        pytest.skip("the file system does not tell them apart")
    bad(photos, "the classes 'Cat' and 'cat' differ only in case")


def test_one_class_is_noted(tmp_path):
    save(tmp_path / "cat" / "a.png")
    assert "there is only one class" in read_image_folder(tmp_path).notes


def test_loops_of_links_end(photos):
    (photos / "cat" / "again").symlink_to(photos / "cat")
    (photos / "dog" / "up").symlink_to(photos)
    (photos / "dog" / "self").symlink_to(photos / "dog" / "self")
    found = read_image_folder(photos / "cat")
    assert len(found) == 2
    found = read_image_folder(photos, labels=False)
    assert len(found) == len(set(found.names))
    assert len(found) == 4
    (photos / "dog" / "cats").symlink_to(photos / "cat")
    assert read_image_folder(photos).y.tolist() == ["cat"] * 2 + ["dog"] * 4


def test_links_out_of_the_folder_are_read_and_noted(photos, tmp_path):
    elsewhere = save(tmp_path / "store" / "e.png", grey(9))
    (photos / "cat" / "link.png").symlink_to(elsewhere)
    (photos / "bird").symlink_to(elsewhere.parent)
    (photos / "dog" / "inside.png").symlink_to(photos / "dog" / "d.png")
    found = read_image_folder(photos)
    assert found.y.tolist() == ["bird", *["cat"] * 3, *["dog"] * 3]
    assert "2 links point out of the folder; they are followed" in found.notes
    (photos / "cat" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    bad(photos, "1 of 8 images cannot be read: cat/gone.png does not exist")


def test_what_is_no_folder_of_images(tmp_path, photos):
    bad(tmp_path / "none", "no such folder")
    bad(photos / "cat" / "a.png", "is not a folder")
    empty = tmp_path / "empty"
    empty.mkdir()
    bad(empty, "has no images of a supported format (it is empty)")
    (empty / "a.txt").write_text("x")
    bad(empty, "(1 .txt)")
    (empty / "train-images-idx3-ubyte.gz").write_text("x")
    bad(empty, "has MNIST files; pass one of them:", "train-images-idx3-ubyte.gz")


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_names_of_any_bytes_become_text(tmp_path):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        os.mkdir(folder)
    except OSError:
        pytest.skip("the file system wants UTF-8")
    save(tmp_path / "b" / "a.png")
    (tmp_path / "b" / "a.png").rename(os.fsdecode(folder + b"/\xff.png"))
    found = read_image_folder(tmp_path)
    assert found.y.tolist() == ["caf�"]
    assert found.names == ["caf�/�.png"]
    "".join(found.names).encode()


def test_folders_that_vanish_while_they_are_listed_are_passed_over(tmp_path):
    for name in "ab":
        save(tmp_path / "top" / name / "1.png")
    found = _Found(tmp_path)
    assert len(found.classes["top"]) == 2
    walk = found._inside(tmp_path / "top")
    first = next(walk).parent
    shutil.rmtree(tmp_path / "top" / ("b" if first.name == "a" else "a"))
    assert list(walk) == []
    assert list(found._entries(tmp_path / "none")) == []


def test_options_reach_the_reading(photos):
    found = read_image_folder(photos, size=(6, 5), channels=3, resize="stretch")
    assert found.X.shape == (4, 6, 5, 3)
    assert found.schema.describe() == "6 × 5, colour, stretch"
    with pytest.raises(TypeError):
        read_image_folder(photos, sice=5)
