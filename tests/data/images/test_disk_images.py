"""Images in a file: rows as of an array, and never all of them in memory."""

import copy
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from lamina.data.images.disk_images import DiskImages, ImageBuffer
from lamina.data.images.images import ImageError, as_images
from tests.data.helpers import refused

SHAPE = (4, 3, 2)


@pytest.fixture
def array(rng):
    return rng.integers(0, 256, (20, *SHAPE), dtype=np.uint8)


@pytest.fixture
def stored(array):
    return filled(array)


def filled(array, in_memory=0) -> DiskImages:
    images = ImageBuffer(len(array), array.shape[1:], in_memory)
    for row in reversed(range(len(array))):
        images.put(row, array[row])
    return images.finished()[0]


@pytest.mark.parametrize(
    "rows",
    [
        slice(None),
        slice(3, 17, 4),
        slice(None, None, -1),
        slice(5, 5),
        [3, 4, 5, 9, 0, 0],
        [-1, -20],
        [],
        np.array([7, 8, 2], np.int32),
        np.arange(20) % 3 == 0,
    ],
)
def test_rows_are_those_of_an_array(array, stored, rows):
    found = stored[rows]
    wanted = array[:0] if isinstance(rows, list) and not rows else array[rows]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, wanted)
    part = stored.take(rows)
    assert part.shape == wanted.shape
    np.testing.assert_array_equal(part[:], wanted)


def test_what_an_estimator_asks_for(array, stored):
    assert isinstance(stored, DiskImages)
    assert (stored.shape, stored.dtype, stored.ndim) == (array.shape, array.dtype, 4)
    assert (len(stored), stored.nbytes, stored.size) == (20, array.nbytes, array.size)
    np.testing.assert_array_equal(stored[7], array[7])
    np.testing.assert_array_equal(np.asarray(stored), array)
    assert np.asarray(stored, np.float32).dtype == np.float32
    assert sum(1 for _ in stored) == 20
    assert as_images(stored) is stored
    assert "20 × 4 × 3 × 2" in repr(stored)
    nested = stored.take([9, 3, 5]).take([2, 0])
    np.testing.assert_array_equal(nested[:], array[[5, 9]])


def test_what_cannot_be(stored):
    for rows in ([20], [-21], [0.5], [[1]], "a", np.ones(3, bool)):
        with pytest.raises(IndexError):
            stored[rows]
    for copied in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="temporary file of this process"):
            copied(stored)
    with pytest.raises(ValueError, match="need a copy"):
        np.asarray(stored, copy=False)
    with pytest.raises(ValueError, match="is not 24 bytes"):
        DiskImages(stored._disk_array, (5, 5, 5))


def test_a_part_keeps_the_file(array):
    part = filled(array).take([3])
    np.testing.assert_array_equal(part[0], array[3])


@pytest.mark.parametrize("in_memory", [0, 10**6])
def test_images_that_did_not_come_are_left_out(array, in_memory):
    images = ImageBuffer(5, SHAPE, in_memory)
    for row in (4, 1):
        images.put(row, array[row])
    refused(lambda: images.put(0, array[0][:2]), "not (4, 3, 2)", error=ImageError)
    found, rows = images.finished()
    assert isinstance(found, DiskImages if in_memory == 0 else np.ndarray)
    assert rows.tolist() == [1, 4]
    np.testing.assert_array_equal(found[:], array[[1, 4]])


def test_a_small_collection_is_an_array_that_is_not_copied(array):
    images = ImageBuffer(20, SHAPE, 10**6)
    for row in range(20):
        images.put(row, array[row])
    held = images._array
    assert images.finished()[0] is held


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the memory")
def test_reading_all_of_a_large_file_takes_little_memory():
    """128 MB are written and read in random order: 128 rows of 64 kB at a time."""
    code = """
import json, numpy as np
from lamina.data.images.disk_images import ImageBuffer
def peak():
    with open("/proc/self/status") as lines:
        return next(int(s.split()[1]) for s in lines if s.startswith("VmHWM")) / 1024
image = np.zeros((256, 256, 1), np.uint8)
images = ImageBuffer(2048, image.shape, 0)
before = peak()
for row in range(2048):
    images.put(row, image + row % 256)
images, _ = images.finished()
order = np.random.default_rng(0).permutation(2048)
total = sum(int(images[order[i:i + 128]][:, 0, 0, 0].sum())
            for i in range(0, 2048, 128))
print(json.dumps([total, peak() - before]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    total, grown = json.loads(done.stdout)
    assert total == 8 * sum(range(256))
    assert grown < 32  # two batches of 8 MB, and not the 128 MB of the file
