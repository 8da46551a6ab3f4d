"""MNIST's format: written here by hand, and damaged."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from lamina.data.images.idx import is_idx, read_array, read_idx
from lamina.data.images.images import ImageError
from tests.data.helpers import refused

VALUES = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
LABELS = np.array([3, 1, 4, 1], np.uint8)


def idx(values: np.ndarray, kind: int = 8) -> bytes:
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, kind, values.ndim, *values.shape)
    return head + values.tobytes()


def bad(path, *parts):
    return refused(lambda: read_idx(path), str(path), *parts, error=ImageError)


@pytest.mark.parametrize("part", ["train", "t10k", "emnist-letters-train"])
@pytest.mark.parametrize("images", ["-images-idx3-ubyte", "-images.idx3-ubyte"])
@pytest.mark.parametrize(("first", "second"), [("", ".gz"), (".gz", ""), ("", "")])
def test_labels_lie_beside_the_images(tmp_path, part, images, first, second):
    labels = images.replace("images", "labels").replace("idx3", "idx1")
    path = tmp_path / f"{part}{images}{first}"
    beside = tmp_path / f"{part}{labels}{second}"
    packers = {"": bytes, ".gz": gzip.compress}
    path.write_bytes(packers[first](idx(VALUES)))
    beside.write_bytes(packers[second](idx(LABELS)))
    found = read_idx(path)
    np.testing.assert_array_equal(found.X[..., 0], VALUES)
    assert found.X.dtype == np.uint8
    assert found.y.tolist() == [3, 1, 4, 1]
    assert found.y.dtype == np.int64
    assert found.classes == [1, 3, 4]
    assert found.names == ["0", "1", "2", "3"]
    assert (found.task, found.notes) == ("classification", [])
    assert found.schema.shape == (3, 2, 1)
    assert read_idx(path, labels=False).y is None
    assert is_idx(path)


def test_without_labels(write):
    path = write(idx(VALUES), "train-images-idx3-ubyte")
    found = read_idx(path)
    assert found.y is None
    assert found.notes == ["there is no labels file next to the images"]
    assert read_idx(path, labels=False).notes == []
    assert read_idx(write(idx(VALUES), "mine.idx")).y is None
    colour = np.zeros((2, 4, 4, 3), np.uint8)
    assert read_idx(write(idx(colour), "c-images-idx4-ubyte")).X.shape == colour.shape


def test_labels_of_other_images(write):
    path = write(idx(VALUES), "t10k-images-idx3-ubyte")
    labels = write(idx(LABELS[:3]), "t10k-labels-idx1-ubyte")
    bad_labels = refused(lambda: read_idx(path), error=ImageError)
    assert bad_labels.startswith(f"{labels}: has an array of shape (3,), but t10k-")
    bad(labels, "where images (n, height, width) are expected; pass the file of the")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_too_short_and_too_long(write, pack):
    sound = idx(VALUES)
    for cut in (0, 3, 4, 12, 16, len(sound) - 1):
        bad(write(pack(sound[:cut]), "a"), "")
    states = "states 4 × 3 × 2 = 24 bytes of values, but "
    bad(write(pack(sound[:-1]), "a"), "is truncated", states + "23 follow")
    bad(write(pack(sound[:14]), "a"), "is truncated within its header")
    bad(write(pack(sound + b"xy"), "a"), "has extra data at its end", states)
    np.testing.assert_array_equal(read_array(write(pack(sound), "a")), VALUES)


def test_other_files(write, tmp_path):
    bad(write(b"", "a"), "is not an IDX file: it begins with nothing")
    bad(write(b"\x89PNG....", "a"), "is not an IDX file: it begins with 89 50 4e 47")
    bad(write(idx(VALUES, 0x0D), "a"), "values of type 0x0d; only bytes (0x08)")
    bad(write(b"\0\0\x08\0" + bytes(20), "a"), "has 0 dimensions")
    bad(write(b"\0\0\x08\xff" + bytes(2000), "a"), "has 255 dimensions")
    bad(write(idx(np.zeros((2, 4, 4, 2), np.uint8)), "a"), "1 or 3 channels, not 2")
    bad(write(idx(np.zeros((0, 4, 4), np.uint8)), "a-images-idx3-ubyte"), "")
    bad(tmp_path / "none", "No such file")
    for content in (
        b"",
        b"\0\0\x08",
        b"a,b\n1,2\n",
        gzip.compress(b"a,b\n"),
        b"\x1f\x8b",
    ):
        assert not is_idx(write(content, "a"))
    assert not is_idx(tmp_path)


def test_damaged_gzip(write):
    packed = gzip.compress(idx(VALUES), mtime=0)
    bad(write(packed[:-9], "a"), "the gzip file is truncated")
    damaged = bytearray(packed)
    damaged[-5] ^= 1  # the checksum
    bad(write(bytes(damaged), "a"), "the gzip file is corrupt")
    bad(write(packed[:10] + b"\xff" * 40, "a"), "the gzip file is")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_sizes_are_checked_before_memory_is_taken(write, pack):
    huge = struct.pack(">BBBB3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)
    large = struct.pack(">BBBB3I", 0, 0, 8, 3, 60_000, 28, 28)
    for head in (huge, large):
        path = write(pack(head + bytes(100)), "a")
        tracemalloc.start()
        bad(path, " bytes")
        assert tracemalloc.get_traced_memory()[1] < 10**6
        tracemalloc.stop()


def test_a_bomb_is_not_unpacked(write):
    path = write(gzip.compress(idx(VALUES) + bytes(50_000_000)), "a")
    tracemalloc.start()
    bad(path, "has extra data at its end")
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()
