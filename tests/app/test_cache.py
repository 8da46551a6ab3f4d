"""The compilation cache of the command line."""

import os
import stat

import pytest

from lamina.app import cache


@pytest.fixture
def environment(monkeypatch, tmp_path):
    for name in ("JAX_COMPILATION_CACHE_DIR", "LAMINA_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "1")
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    yield monkeypatch
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)


def test_the_folder_is_private_and_the_users(environment, tmp_path):
    folder = cache.enable()
    assert folder is not None
    assert folder.parent == tmp_path / "lamina" / "xla"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(folder)
    assert os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "0"
    assert os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] == "-1"


def test_an_open_folder_is_closed(environment, tmp_path):
    folder = tmp_path / "lamina" / "xla" / cache.processor()
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert cache.enable() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_of_somebody_else_is_not_used(environment, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert cache.enable() is None
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_a_link_is_not_used(environment, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "lamina" / "xla").mkdir(parents=True)
    link = tmp_path / "lamina" / "xla" / cache.processor()
    link.symlink_to(tmp_path / "elsewhere")
    assert cache.enable() is None


@pytest.mark.parametrize("off", ["off", "OFF", "0", "no"])
def test_it_can_be_switched_off(environment, off):
    environment.setenv("LAMINA_CACHE", off)
    assert cache.enable() is None


def test_it_can_be_moved(environment, tmp_path):
    environment.setenv("LAMINA_CACHE", str(tmp_path / "mine"))
    assert cache.enable() == tmp_path / "mine" / cache.processor()


def test_a_cache_that_is_set_already_is_respected(environment):
    environment.setenv("JAX_COMPILATION_CACHE_DIR", "/somewhere")
    assert cache.enable() is None
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "/somewhere"


def test_the_oldest_programs_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MAX_BYTES", 25)
    for age, name in enumerate(["new", "middle", "old"]):
        (tmp_path / name).write_bytes(b"0123456789")
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    cache.trim(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["middle", "new"]
