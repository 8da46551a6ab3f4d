"""The temporary file: what was written is read, and it goes away."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from lamina.data.images import disk_array as spool
from lamina.data.images.disk_array import DiskArray, disk_array_folder
from lamina.data.images.images import ImageError
from tests.data.helpers import refused

DISK = namedtuple("DISK", "total used free")


def read(file: DiskArray, row: int, n: int = 1) -> bytes:
    target = bytearray(n * file.row_bytes)
    file.read_into(row, memoryview(target))
    return bytes(target)


def test_rows_come_back_whatever_the_order_of_writing(tmp_path):
    file = DiskArray(3, 4, tmp_path)
    assert file.nbytes == 12
    for row, data in ((2, b"last"), (0, b"frst"), (1, b"midl")):
        file.write(row, data)
    assert read(file, 1) == b"midl"
    assert read(file, 0, 3) == b"frstmidllast"
    with pytest.raises(ValueError, match="4 bytes, not 3"):
        file.write(0, b"abc")
    with pytest.raises(OSError, match="truncated"):
        read(file, 2, 2)


def test_partial_writes_and_reads_go_on(tmp_path, monkeypatch):
    file = DiskArray(2, 5, tmp_path)
    pwrite, preadv = os.pwrite, os.preadv
    monkeypatch.setattr(os, "pwrite", lambda f, v, p: pwrite(f, v[:2], p))
    monkeypatch.setattr(os, "preadv", lambda f, v, p: preadv(f, [v[0][:3]], p))
    file.write(1, b"abcde")
    assert read(file, 1) == b"abcde"


def test_the_file_is_gone_with_the_object(tmp_path):
    file = DiskArray(1, 4, tmp_path)
    descriptor = file._descriptor
    os.fstat(descriptor)
    del file
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_the_file_is_gone_with_the_process(tmp_path, way):
    code = (
        "import sys, time\nfrom lamina.data.images.disk_array import DiskArray\n"
        "s = DiskArray(1000, 1000, sys.argv[1]); s.write(5, bytes(1000))\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as child:
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(way)
        assert child.wait(30) != 0
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: DISK(9e9, 8e9, 1_000_000_000))
    message = refused(
        lambda: DiskArray(50_000, 96 * 96 * 3, tmp_path),
        "50,000 images of 27,648 bytes need 1.4 GB",
        "has 1.0 GB free",
        "size=",
        "TMPDIR",
        error=ImageError,
    )
    assert str(tmp_path) in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="cannot reserve room")
def test_a_disk_that_others_fill_meanwhile(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    refused(lambda: DiskArray(2, 4, tmp_path), "free some space", error=ImageError)
    monkeypatch.undo()

    def unable(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unable)
    file = DiskArray(2, 4, tmp_path)
    file.write(1, b"abcd")
    assert read(file, 1) == b"abcd"


def test_the_folder_is_told_or_one_on_a_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(spool.tempfile, "tempdir", None)
    assert disk_array_folder() == tmp_path
    monkeypatch.delenv("TMPDIR")
    if os.access("/var/tmp", os.W_OK):
        assert disk_array_folder() == Path("/var/tmp")
