"""Many files → images of one shape: sizes chosen, broken ones named, memory bounded."""

import os
import shutil
import threading
import time
from collections import namedtuple

import numpy as np
import pytest

from lamina.data.images import decoding, image_files
from lamina.data.images.disk_images import DiskImages
from lamina.data.images.image_files import Reading, read_files, skipped_note
from lamina.data.images.images import ImageError
from tests.data.helpers import refused
from tests.data.sample_images import broken, colours, save


def read(paths, **options):
    names = [path.name for path in paths]
    return read_files(paths, names, "here", Reading(**options))


def grey(height, width, value=90):
    return np.full((height, width), value, np.uint8)


def test_equal_images_are_taken_as_they_are(tmp_path):
    values = [colours() // (k + 1) for k in range(5)]
    paths = [save(tmp_path / f"{k}.png", each) for k, each in enumerate(values)]
    found = read(paths)
    np.testing.assert_array_equal(found.X, values)
    assert found.rows.tolist() == [0, 1, 2, 3, 4]
    assert found.notes == ["images are 8 × 12, colour, not resized"]
    assert found.skipped == []


def test_different_sizes_get_the_median(tmp_path):
    sizes = [(20, 40), (30, 50), (40, 60)]
    paths = [save(tmp_path / f"{h}.png", grey(h, w)) for h, w in sizes]
    found = read(paths)
    assert found.X.shape == (3, 32, 48, 1)
    assert (found.X == 90).all()
    (note,) = found.notes
    assert "from 20 × 40 to 40 × 60" in note
    assert "32 × 48, grey, letterbox" in note
    assert "size=(32, 48)" in note


def test_colour_if_any_is_and_as_told(tmp_path):
    paths = [save(tmp_path / "a.png", grey(4, 4)), save(tmp_path / "b.png")]
    assert read(paths).schema.channels == 3
    assert read(paths[:1]).schema.channels == 1
    assert read(paths, channels=1).X.shape == (2, 8, 8, 1)
    assert read(paths[:1], channels=3).X.shape == (1, 4, 4, 3)
    assert read(paths, size=(5, 6), resize="crop").X.shape == (2, 5, 6, 3)
    assert read(paths, size=7, channels=1, resize="stretch").notes == []


def test_all_that_is_told_spares_the_first_look(tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "look", None)
    assert read([save(tmp_path / "a.png")], size=4, channels=3).X.shape == (1, 4, 4, 3)


def test_the_search_for_colour_ends_at_the_first(tmp_path, monkeypatch):
    sound = [save(tmp_path / f"{k}.png", grey(4, 4)) for k in range(3)]
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    colour = save(tmp_path / "colour.png")
    late = read([bad, *sound, colour], size=4, errors="skip")
    assert late.schema.channels == 3
    assert [name for name, _ in late.skipped] == ["bad.png"]
    assert read([bad, *sound], size=4, errors="skip").schema.channels == 1
    looked = []
    look = image_files.look
    monkeypatch.setattr(image_files, "look", lambda p: looked.append(p) or look(p))
    assert read([sound[0], colour, *sound], size=4).schema.channels == 3
    assert looked == [sound[0], colour]


def test_small_files_are_decoded_by_one_thread(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (80, 80), dtype=np.uint8)
    small = save(tmp_path / "small.png", grey(4, 4))
    large = save(tmp_path / "large.png", noise)
    assert small.stat().st_size < image_files.SMALL_FILE < large.stat().st_size
    asked = []
    for_each = image_files.for_each

    def watched(work, n, threads=None, progress=None):
        asked.append(threads)
        for_each(work, n, threads=threads, progress=progress)

    monkeypatch.setattr(image_files, "for_each", watched)
    missing = tmp_path / "missing.png"
    for paths in ([small], [small, small, large], [missing, small], [missing, large]):
        read(paths, size=4, channels=1, errors="skip")
    assert asked == [1, 1, 1, None]
    asked.clear()
    read([large, large, small])  # a first look at the sizes, then the decoder
    assert asked == [None, None]
    asked.clear()
    read([small], size=4, channels=1, threads=2)
    assert asked == [2]


def test_broken_files_are_refused_by_name(tmp_path):
    reasons = broken(tmp_path)
    paths = [*(tmp_path / name for name in reasons), save(tmp_path / "sound.png")]
    message = refused(
        lambda: read(paths),
        "here: 8 of 9 images cannot be read: ",
        "; and 3 more",
        "(errors='skip' skips them)",
        error=ImageError,
    )
    for name, reason in list(reasons.items())[:5]:
        assert f"{name} " in message
        assert reason in message
    assert "phone.jpg" not in message
    assert len(message) < 600


def test_broken_files_are_left_out_and_listed(tmp_path):
    reasons = broken(tmp_path / "broken")
    sound = [save(tmp_path / f"{k}.png", grey(4, 4, k)) for k in range(3)]
    bad = [tmp_path / "broken" / name for name in reasons]
    for in_memory in (0, 10**6):
        paths = [sound[0], *bad[:4], sound[1], *bad[4:], sound[2]]
        found = read(paths, errors="skip", size=4, in_memory=in_memory)
        assert found.rows.tolist() == [0, 5, 10]
        assert found.X[:][:, 0, 0, 0].tolist() == [0, 1, 2]
        assert [name for name, _ in found.skipped] == list(reasons)
        for name, reason in found.skipped:
            assert reasons[name] in reason
    (note,) = skipped_note(found.skipped)
    assert note.startswith("8 files cannot be read and are skipped: cut.jpg is trun")
    assert skipped_note([]) == []
    refused(
        lambda: read(bad, errors="skip"),
        "none of 8 images can be read: cut.jpg",
        error=ImageError,
    )


def test_unusual_files_are_noted(tmp_path):
    paths = [
        save(tmp_path / "dot.png", grey(1, 1)),
        save(tmp_path / "long.jpg", grey(20, 30_000)),
        save(tmp_path / "usual.png", grey(9, 9)),
        save(tmp_path / "usual.png", grey(9, 9)).rename(tmp_path / "really.jpg"),
    ]
    save(tmp_path / "usual.png", grey(9, 9))
    notes = read(paths, size=8).notes
    assert notes == [
        "2 images are of unusual size: dot.png (1 × 1), long.jpg (20 × 30000)",
        "1 image is of another format than the extension: really.jpg (PNG)",
    ]


def test_large_collections_lie_in_a_file(tmp_path):
    paths = [save(tmp_path / f"{k}.png", grey(4, 4, k)) for k in range(30)]
    large, small = read(paths, in_memory=479), read(paths, in_memory=481)
    assert isinstance(large.X, DiskImages)
    assert isinstance(small.X, np.ndarray)
    np.testing.assert_array_equal(large.X[:], small.X)


def test_a_disk_that_is_too_small(tmp_path, monkeypatch):
    paths = [save(tmp_path / "a.png")]
    disk = namedtuple("disk", "total used free")(9, 8, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: disk)
    refused(lambda: read(paths, in_memory=0), "free some space", error=ImageError)


def test_progress_and_interruption(tmp_path, monkeypatch):
    paths = [save(tmp_path / "a.png", grey(4, 4))] * 40
    told = []
    read(paths, progress=lambda done, n: told.append((done, n)))
    assert told[-1] == (40, 40)

    def interrupt(done, n):
        raise KeyboardInterrupt

    threads = threading.active_count()
    files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with pytest.raises(KeyboardInterrupt):
        read(paths, progress=interrupt, in_memory=0)
    assert threading.active_count() == threads
    if files:
        assert len(os.listdir("/proc/self/fd")) == files


def test_as_many_images_at_a_time_as_there_are_threads(tmp_path, monkeypatch):
    paths = [save(tmp_path / "a.png", grey(4, 4))] * 30
    at_once, most, lock = 0, 0, threading.Lock()
    flat = decoding._flat

    def counted(image, schema):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.001)
        with lock:
            at_once -= 1
        return flat(image, schema)

    monkeypatch.setattr(decoding, "_flat", counted)
    read(paths, threads=3)
    assert 1 < most <= 3


@pytest.mark.parametrize(
    "options",
    [
        {"errors": "ignore"},
        {"channels": 2},
        {"resize": "tile"},
        {"size": 0},
        {"channels": 0},
    ],
)
def test_wrong_options(options):
    refused(lambda: Reading(**options), error=ImageError)
