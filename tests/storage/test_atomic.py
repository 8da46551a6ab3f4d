"""A file is there whole, or not at all."""

import errno
import os
import stat
import time

import pytest

from lamina.storage import atomic
from lamina.storage.atomic import UnwritableError, check_writable, replace_file


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_chunks_are_written_one_after_the_other(tmp_path):
    replace_file(tmp_path / "a", [b"one", memoryview(b"two")])
    assert (tmp_path / "a").read_bytes() == b"onetwo"
    assert names(tmp_path) == ["a"]


def test_new_files_have_the_permissions_that_the_user_gives_new_files(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    replace_file(tmp_path / "a", [b""])
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_permissions_of_a_file_that_is_replaced_are_kept(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    replace_file(path, [b"new"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_links_are_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    replace_file(tmp_path / "link", [b"new"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


class PowerCutError(Exception):
    """What happens at the worst moment."""


def failing_chunks():
    yield b"half"
    raise PowerCutError


@pytest.mark.parametrize("old", [b"old", None])
def test_failure_amid_writing_changes_nothing(tmp_path, old):
    path = tmp_path / "a"
    if old:
        path.write_bytes(old)
    with pytest.raises(PowerCutError):
        replace_file(path, failing_chunks())
    assert names(tmp_path) == (["a"] if old else [])
    assert not old or path.read_bytes() == old


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "no space"), KeyboardInterrupt()]
)
def test_failure_of_the_system_changes_nothing(tmp_path, monkeypatch, step, error):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*args):
        raise error

    monkeypatch.setattr(atomic.os, step, fail)
    with pytest.raises(type(error)):
        replace_file(path, [b"new"])
    assert names(tmp_path) == ["a"]
    assert path.read_bytes() == b"old"


def test_data_is_flushed_before_and_the_folder_after_renaming(tmp_path, monkeypatch):
    calls = []
    flush, rename = os.fsync, os.replace
    monkeypatch.setattr(atomic.os, "fsync", lambda f: (calls.append("flush"), flush(f)))
    monkeypatch.setattr(
        atomic.os, "replace", lambda a, b: (calls.append("rename"), rename(a, b))
    )
    replace_file(tmp_path / "a", [b"new"])
    assert calls == ["flush", "rename", "flush"]


def test_only_old_temporary_files_of_the_same_file_are_swept(tmp_path):
    old, young, other = (tmp_path / n for n in (".a.1.tmp", ".a.2.tmp", ".b.1.tmp"))
    for path in (old, young, other):
        path.write_bytes(b"")
    past = time.time() - 2 * atomic.STALE_SECONDS
    os.utime(old, (past, past))
    os.utime(other, (past, past))
    replace_file(tmp_path / "a", [b"new"])
    assert names(tmp_path) == [".a.2.tmp", ".b.1.tmp", "a"]


def test_devices_are_written_to_and_not_replaced():
    replace_file(os.devnull, [b"new"])
    assert not os.path.isfile(os.devnull)


@pytest.mark.parametrize("path", ["/dev/full", "gone/a"])
def test_what_cannot_be_written_is_named(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=r"No space left|No such file") as caught:
        replace_file(path, [b"new"])
    assert caught.value.filename == path


def test_another_file_that_fails_meanwhile_keeps_its_name(tmp_path):
    def chunks():
        yield (tmp_path / "source").read_bytes()

    with pytest.raises(FileNotFoundError) as caught:
        replace_file(tmp_path / "a", chunks())
    assert caught.value.filename == str(tmp_path / "source")


def test_places_that_can_be_written_are_left_as_they_are(tmp_path):
    check_writable(tmp_path / "a")
    check_writable(os.devnull)
    assert names(tmp_path) == []


def test_missing_folders_and_folders_are_refused(tmp_path):
    with pytest.raises(UnwritableError, match="does not exist"):
        check_writable(tmp_path / "missing" / "a")
    with pytest.raises(UnwritableError, match="is a folder"):
        check_writable(tmp_path)


def test_folders_that_cannot_be_written_are_refused(tmp_path, monkeypatch):
    def fail(*args):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(atomic.os, "open", fail)
    with pytest.raises(
        UnwritableError, match="a: cannot be written: Permission denied"
    ):
        check_writable(tmp_path / "a")


def test_the_file_before_keeps_another_name(tmp_path):
    for content in (b"1", b"2", b"3"):
        replace_file(tmp_path / "a", [content], previous=tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == b"3"
    assert (tmp_path / "b").read_bytes() == b"2"
    with pytest.raises(PowerCutError):
        replace_file(tmp_path / "a", failing_chunks(), previous=tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"2"
    assert names(tmp_path) == ["a", "b"]
