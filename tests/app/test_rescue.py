"""Work that cannot be written where it should go is written elsewhere."""

import os
import tempfile
from pathlib import Path

import pytest

from lamina.app.rescue import places, user_state, write_or_rescue
from lamina.storage import replace_file


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The folders in which a place is looked for, none of them a person's."""
    here, state, temporary = (tmp_path / n for n in ("here", "state", "temporary"))
    here.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return here, state / "lamina", temporary


def write(path):
    replace_file(path, [b"work"])
    return "done"


def test_what_can_be_written_is_written_and_nothing_else(folders, tmp_path):
    path = tmp_path / "m.lamina"
    assert write_or_rescue("the model", str(path), write) == "done"
    assert path.read_bytes() == b"work"
    assert not any(map(os.path.exists, (folders[0] / "m.lamina", folders[1])))


def test_a_full_disk_loses_nothing(folders):
    (folders[0] / "full").write_bytes(b"older")
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_or_rescue("the model", "/dev/full", write)
    place = folders[0] / "full-2"
    assert caught.value.filename == "/dev/full"
    assert f"the model was saved to {place} instead" in caught.value.strerror
    assert place.read_bytes() == b"work"
    assert (folders[0] / "full").read_bytes() == b"older"


def test_a_folder_that_has_vanished_loses_nothing(folders, tmp_path):
    path = str(tmp_path / "gone" / "m.lamina")
    with pytest.raises(FileNotFoundError, match=r"saved to .*here.m\.lamina"):
        write_or_rescue("the model", path, write)
    assert (folders[0] / "m.lamina").read_bytes() == b"work"


def test_places_are_tried_in_turn(folders):
    here, state, temporary = folders
    asked = []

    def choosy(path):
        asked.append(Path(path))
        if len(asked) < 4:
            raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        write_or_rescue("the model", "/dev/m.lamina", choosy)
    names = [folder / "m.lamina" for folder in (Path("/dev"), here, state, temporary)]
    assert asked == names


def test_the_folder_that_is_full_is_not_tried_again(folders):
    assert [place.parent for place in places("m.lamina")] == list(folders[1:])


def test_if_nothing_takes_it_the_first_reason_is_told(folders):
    def never(path):
        raise OSError(28, "full")

    with pytest.raises(OSError, match="full; the model could not be .* elsewhere"):
        write_or_rescue("the model", "/dev/m.lamina", never)


def test_a_reader_that_went_away_is_no_full_disk(folders):
    def closed(path):
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        write_or_rescue("the table", "/dev/stdout", closed)
    assert not list(folders[0].iterdir())


def test_without_a_setting_the_user_has_a_folder_at_home(monkeypatch):
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert user_state() == Path.home() / ".local" / "state" / "lamina"
