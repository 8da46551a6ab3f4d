"""Room for a model is set aside before hours of work."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lamina.storage import UnwritableError, claim, disk_space, reserved
from lamina.storage.disk_space import MARGIN, Reservation, allocate

LIMITED = """
import resource
from lamina.storage import UnwritableError, claim, replace_file, reserved
from lamina.storage.atomic import check_writable
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
check_writable("m.lamina")
with reserved("m.lamina"):
    claim(20_000)
    try:
        claim(200_000)
    except UnwritableError as error:
        print(error)
try:
    replace_file("m.lamina", [bytes(200_000)])
except OSError as error:
    print(error.filename, error.strerror)
"""


def blocks(file):
    return os.fstat(file.fileno()).st_blocks * 512


def test_what_is_claimed_is_taken_from_the_disk_and_given_back(tmp_path):
    with reserved(tmp_path / "m") as place:
        assert place.size == 0
        claim(300_000)
        assert place.size == 300_000 + MARGIN
        assert blocks(place._file) >= place.size
        claim(1000)  # there is more already
        assert place.size == 300_000 + MARGIN
        claim(900_000)
        assert blocks(place._file) >= place.size == 900_000 + MARGIN
        assert list(tmp_path.iterdir()) == []  # it has no name, so nothing stays
        file = place._file
    assert file.closed
    assert place.size == 0


def test_a_claim_without_a_reserved_place_does_nothing(tmp_path):
    claim(10**18)
    with reserved(tmp_path / "m"):
        pass
    claim(10**18)


def test_what_is_no_file_needs_no_room():
    with reserved(os.devnull):
        claim(10**18)


def test_more_than_there_is_is_refused_with_name_need_and_room(tmp_path):
    expected = r"m\.lamina: cannot be written: .*; the model needs about 1,000,.* bytes"
    with (
        reserved(tmp_path / "m.lamina") as place,
        pytest.raises(UnwritableError, match=expected),
    ):
        claim(10**18)
    assert place.size == 0
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_says_what_is_free(tmp_path):
    place = Reservation(tmp_path / "m")
    assert "are free" in place._available(OSError(errno.ENOSPC, "full"))
    assert place._available(OSError(errno.EDQUOT, "quota")) == ""


def test_a_folder_that_has_vanished_is_refused(tmp_path):
    with (
        reserved(tmp_path / "gone" / "m") as place,
        pytest.raises(UnwritableError, match="m: cannot be written: No such file"),
    ):
        place.claim(10)


def test_where_nothing_can_be_promised_zeros_are_written(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(disk_space, "CHUNK", 1000)
    with open(tmp_path / "a", "w+b") as file:
        monkeypatch.setattr(disk_space.os, "posix_fallocate", refuse)
        allocate(file.fileno(), 0, 2500)
        monkeypatch.delattr(disk_space.os, "posix_fallocate")
        allocate(file.fileno(), 2500, 7001)
    assert (tmp_path / "a").read_bytes() == bytes(7001)


def test_a_full_device_is_noticed_by_writing():
    with (
        open("/dev/full", "wb", buffering=0) as file,
        pytest.raises(OSError, match="No space left"),
    ):
        allocate(file.fileno(), 0, 10)


def test_the_limit_of_a_shell_is_refused_beforehand_and_named_afterwards(tmp_path):
    pytest.importorskip("resource")
    told = subprocess.run(
        [sys.executable, "-c", LIMITED],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(disk_space.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert told == [
        "m.lamina: cannot be written: File too large; the model needs about 232,768 "
        "bytes, but files are limited to 100,000 (ulimit -f)",
        "m.lamina File too large",
    ]
    assert list(tmp_path.iterdir()) == []
