"""Checkpoints: two generations, one of which is whole whatever happens."""

import contextlib
import errno
import json
import math
import os
import threading

import numpy as np
import pytest

from lamina.storage import (
    Checkpoint,
    CheckpointError,
    UnwritableError,
    atomic,
    checkpoints,
    modelfile,
    write,
)

FORMAT = checkpoints.FORMAT
RUN = {"parameters": {"alpha": 0.1, "layers": [1, 2]}, "data": {"data": "120 rows"}}
MADE_WITH = {"jax": "1.0"}
SNAPSHOT = {
    "epochs": 3,
    "best": -math.inf,
    "history": {"loss": [1.5, 0.1, math.nan] * 10, "score": [0.5]},
    "params": [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(3.5)],
    "within": None,
    "rules": [{"count": 2, "monitor": "loss"}],
    "kept": (1, [True, "ü"], {}, {1: 2}),
}
SETTINGS = {**RUN, "data": {"data": "150 rows"}, "parameters": {"alpha": 0.2}}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def written(folder, *snapshots, run=RUN):
    """Write snapshots as one process would."""
    with Checkpoint(folder) as checkpoint:
        checkpoint.belongs_to(run, MADE_WITH)
        for snapshot in snapshots:
            checkpoint.part("run").save(snapshot)


def found(folder, run=RUN, made_with=MADE_WITH):
    """Read what the next process finds."""
    with Checkpoint(folder) as checkpoint:
        checkpoint.belongs_to(run, made_with)
        return checkpoint.part("run").load()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_round_trip(folder):
    written(folder, SNAPSHOT)
    back = found(folder)
    arrays = back.pop("params")
    assert repr(back) == repr({k: v for k, v in SNAPSHOT.items() if k != "params"})
    for array, expected in zip(arrays, SNAPSHOT["params"], strict=True):
        assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
        assert array.tobytes() == expected.tobytes()


def test_an_empty_folder_has_nothing_and_is_made(folder):
    assert not checkpoints.is_there(folder)
    assert found(folder / "deep" / "down") is None
    assert not checkpoints.is_there(folder / "deep" / "down")
    written(folder, {"epochs": 1})
    assert checkpoints.is_there(folder)


def test_the_last_two_are_kept(folder):
    written(folder, *({"epochs": n} for n in range(5)))
    assert names(folder) == [
        "checkpoint.lamina",
        "checkpoint.lock",
        "checkpoint.previous.lamina",
    ]
    assert found(folder) == {"epochs": 4}
    (folder / "checkpoint.lamina").unlink()  # killed between the two renamings
    assert found(folder) == {"epochs": 3}


def damaged(path, how):
    raw = bytearray(path.read_bytes())
    if how == "cut":
        raw = raw[: len(raw) // 2]
    elif how == "empty":
        raw = b""
    else:
        raw[-5] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("how", ["cut", "empty", "flipped"])
def test_a_damaged_one_gives_way_to_the_one_before(folder, how):
    written(folder, {"epochs": 1, "x": np.ones(9)}, {"epochs": 2, "x": np.ones(9)})
    damaged(folder / "checkpoint.lamina", how)
    with pytest.warns(UserWarning, match=r"checkpoint\.lamina.*from the previous one"):
        assert found(folder)["epochs"] == 1
    assert found(folder)["epochs"] == 1  # and without a warning from now on
    assert names(folder) == ["checkpoint.lamina", "checkpoint.lock"]


def test_if_both_are_damaged_nothing_is_guessed(folder):
    written(folder, {"x": np.ones(9)}, {"x": np.ones(9)})
    damaged(folder / "checkpoint.lamina", "cut")
    damaged(folder / "checkpoint.previous.lamina", "flipped")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CheckpointError, match=r"lamina: .* and .*previous.*checksum"):
        found(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_if_the_only_one_is_damaged_nothing_is_guessed(folder):
    written(folder, {"x": np.ones(9)})
    damaged(folder / "checkpoint.lamina", "flipped")
    with pytest.raises(CheckpointError, match="there is no earlier one"):
        found(folder)


# ---- killed while writing -----------------------------------------------------------


class Killed(BaseException):
    """The process is gone; nothing of it runs any more."""


CALLS = ["open", "fsync", "chmod", "replace", "replace", "open", "fsync", "close"]
"""Of the system, to write a snapshot: the second renaming makes it the newest."""


@pytest.mark.parametrize("moment", range(len(CALLS) + 1))
def test_killed_at_any_moment_there_is_a_whole_one(folder, moment, monkeypatch):
    """At every call to the system while a third snapshot is written."""
    written(folder, {"epochs": 1}, {"epochs": 2})
    calls = []

    def killing(function):
        def call(*args, **how):
            if len(calls) == moment:
                raise Killed
            calls.append(function.__name__)
            return function(*args, **how)

        return call

    checkpoint = Checkpoint(folder)
    checkpoint.__enter__()
    checkpoint.belongs_to(RUN, MADE_WITH)
    with monkeypatch.context() as patch:
        patch.setattr(atomic.Path, "unlink", lambda *a, **k: None)  # it is gone
        for name in ("open", "fsync", "replace", "chmod", "close"):
            patch.setattr(atomic.os, name, killing(getattr(os, name)))
        with contextlib.suppress(Killed):
            checkpoint.save("run", {"epochs": 3})
    checkpoint.__exit__()
    assert calls == CALLS[:moment]
    assert found(folder)["epochs"] == (3 if calls.count("replace") == 2 else 2)
    assert not [name for name in names(folder) if name.endswith(".tmp")]


def test_what_killed_processes_left_is_swept_up(folder):
    written(folder, {"epochs": 1})
    for name in (".checkpoint.lamina.0123456789ab.tmp", "my notes.tmp"):
        (folder / name).write_bytes(b"half")
    assert found(folder) == {"epochs": 1}
    assert "my notes.tmp" in names(folder)
    assert ".checkpoint.lamina.0123456789ab.tmp" not in names(folder)


# ---- two at a time ------------------------------------------------------------------


@pytest.mark.skipif(checkpoints.fcntl is None, reason="no locks on this system")
def test_two_runs_cannot_write_to_one_folder(folder):
    with Checkpoint(folder):
        errors = []

        def other():
            try:
                found(folder)
            except CheckpointError as error:
                errors.append(str(error))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert len(errors) == 1
        assert "is in use by another run" in errors[0]
    assert found(folder) is None


@pytest.mark.skipif(checkpoints.fcntl is None, reason="no locks on this system")
def test_a_disk_without_locks_does_without(folder, monkeypatch):
    def none(*args):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(checkpoints.fcntl, "flock", none)
    written(folder, {"epochs": 1})
    assert found(folder) == {"epochs": 1}


def test_a_refused_folder_is_unlocked_again(folder):
    written(folder, {"x": np.ones(9)})
    damaged(folder / "checkpoint.lamina", "cut")
    for _ in range(2):
        with pytest.raises(CheckpointError, match="corrupt"):
            found(folder)


# ---- which run ----------------------------------------------------------------------


def test_another_run_is_refused_naming_what_differs(folder):
    written(folder, {"epochs": 1})
    with pytest.raises(CheckpointError) as refused:
        found(folder, SETTINGS)
    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith(f"{folder}: has the checkpoint of another run: ")
    assert "alpha: 0.2, was 0.1" in message
    assert "layers: None, was [1, 2]" in message
    assert "data: 150 rows, was 120 rows" in message


def test_many_differences_are_counted(folder):
    written(folder, {"epochs": 1}, run={"p": dict.fromkeys("abcdefgh", 0)})
    with pytest.raises(CheckpointError, match="e: 1, was 0; and 3 more. Use"):
        found(folder, {"p": dict.fromkeys("abcdefgh", 1)})


def test_of_long_values_the_part_that_differs_is_shown(folder):
    layers = [f"Dense({units})" for units in range(40)]
    written(folder, {"epochs": 1}, run={"p": {"layers": layers}})
    other = [*layers[:30], "Dropout(0.5)", *layers[31:]]
    with pytest.raises(CheckpointError, match=r"layers: ….*Dropout.*…, was ….*30\)"):
        found(folder, {"p": {"layers": other}})


def test_other_libraries_are_a_warning(folder):
    written(folder, {"epochs": 1})
    with pytest.warns(UserWarning, match="not with the same bits: jax: 2.0, was 1.0"):
        assert found(folder, made_with={"jax": "2.0"}) == {"epochs": 1}


def test_parts_follow_each_other(folder):
    """A part that is written again takes back those that followed from it."""
    with Checkpoint(folder) as checkpoint:
        assert checkpoint.part("first").first
        checkpoint.part("first").save({"epochs": 1})
        assert not checkpoint.part("second").first
        checkpoint.part("second").save({"epochs": 5})
    with Checkpoint(folder) as checkpoint:
        assert checkpoint.part("first").load() == {"epochs": 1}
        assert checkpoint.part("second").load() == {"epochs": 5}
        checkpoint.part("second").save({"epochs": 6})
        assert checkpoint.part("first").load() == {"epochs": 1}
        checkpoint.part("first").save({"epochs": 2})
        assert checkpoint.part("second").load() is None
    with Checkpoint(folder) as checkpoint:
        assert checkpoint.part("first").load() == {"epochs": 2}
        assert checkpoint.part("second").load() is None


def test_it_is_due_some_time_after_the_last(folder, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    with Checkpoint(folder, seconds=30) as checkpoint:
        part = checkpoint.part("run")
        assert part.due()
        part.save({})
        assert not part.due()
        now[0] = 129.9
        assert not part.due()
        now[0] = 130.0
        assert part.due()


# ---- places that cannot be written --------------------------------------------------


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "run").write_bytes(b"mine")
    with pytest.raises(UnwritableError, match="is a file; a checkpoint is a folder"):
        found(tmp_path / "run")
    assert (tmp_path / "run").read_bytes() == b"mine"


def test_a_folder_inside_a_file_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnwritableError, match="cannot be created"):
        found(tmp_path / "file" / "run")


def test_a_folder_without_permission_is_refused_at_once(folder, monkeypatch):
    def forbidden(path, *args):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(atomic, "_write_new", forbidden)
    with pytest.raises(UnwritableError, match="cannot be written: Permission denied"):
        found(folder)


def test_a_full_disk_is_told_and_not_asked_again_at_once(folder, monkeypatch):
    written(folder, {"epochs": 1})

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with Checkpoint(folder) as checkpoint:
        monkeypatch.setattr(atomic, "_write_new", full)
        with pytest.raises(OSError, match="device: '.*run/checkpoint.lamina'"):
            checkpoint.save("run", {"epochs": 2})
        assert not checkpoint.due()
        assert not checkpoint.part("second").first
    monkeypatch.undo()
    assert found(folder) == {"epochs": 1}


@pytest.mark.parametrize("value", [print, {"a": object()}])
def test_what_has_no_place_in_a_file_is_refused(folder, value):
    with pytest.raises(ValueError, match="parts/run"):
        written(folder, {"value": value})


def test_two_values_of_one_name_are_refused(folder):
    with pytest.raises(ValueError, match="the name parts/run/a/0 is duplicated"):
        written(folder, {"a": [np.zeros(1)], "a/0": np.ones(1)})


# ---- hostile files ------------------------------------------------------------------


def test_a_model_is_no_checkpoint(folder):
    folder.mkdir()
    write(folder / "checkpoint.lamina", {"class": "MLPClassifier"}, {})
    with pytest.raises(CheckpointError, match="is a model, not a checkpoint"):
        found(folder)


def test_another_format_is_refused(folder):
    folder.mkdir()
    write(folder / "checkpoint.lamina", {"checkpoint": FORMAT + 1}, {})
    expected = f"is format {FORMAT + 1}; this lamina reads format {FORMAT}"
    with pytest.raises(CheckpointError, match=expected):
        found(folder)


def nested(depth):
    return {"tuple": [nested(depth - 1)]} if depth else None


HOSTILE = [
    {"tensor": "parts/none"},
    {"tensor": 3},
    {"floats": "x"},
    {"floats": "bytes"},
    {"floats": "table"},
    {"tuple": [{"tensor": "y"}, {"tensor": "y"}]},
    {"dict": {"run": {"dict": {"a": {"floats": "y"}, "b": {"floats": "y"}}}}},
    {"float": "1e999"},
    {"float": []},
    {"dict": [1]},
    {"dict": None},
    {"tuple": 3},
    {"code": "import os"},
    {"dict": {}, "tuple": []},
    {},
    [],
    None,
    "parts",
    {"dict": {"run": {"float": {}}}},
    nested(70),
]
NO_SNAPSHOTS = [{"dict": {"run": None}}, {"dict": {"run": [1]}}]


@pytest.mark.parametrize(
    ("name", "part"),
    [(name, part) for name in ("run", "made_with", "parts") for part in HOSTILE]
    + [("parts", part) for part in NO_SNAPSHOTS],
    ids=lambda value: json.dumps(value)[:30],
)
def test_nonsense_under_a_right_digest_is_refused(folder, name, part):
    folder.mkdir()
    description = {key: {"dict": {}} for key in ("run", "made_with", "parts")}
    description |= {"checkpoint": FORMAT, name: part}
    tensors = {
        "y": np.zeros(2),
        "bytes": np.zeros(2, np.uint8),
        "table": np.zeros((2, 2)),
    }
    write(folder / "checkpoint.lamina", description, tensors)
    with pytest.raises(CheckpointError, match=r"checkpoint\.lamina: "):
        found(folder)


def test_sizes_are_checked_before_memory_is_taken(folder):
    """The header asks for 8 TB; the reader of model files refuses it unallocated."""
    written(folder, {"x": np.zeros(4)})
    path = folder / "checkpoint.lamina"
    raw = path.read_bytes().replace(b'"shape":[4]', b'"shape":[1000000000000]')
    path.write_bytes(raw)
    with pytest.raises(CheckpointError, match="corrupt"):
        found(folder)


def test_every_byte_is_covered_by_the_digest(folder):
    written(folder, SNAPSHOT)
    path = folder / "checkpoint.lamina"
    raw = path.read_bytes()
    for place in range(0, len(raw), 7):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 4]) + raw[place + 1 :])
        with pytest.raises(CheckpointError):
            found(folder)


def test_the_file_opens_with_any_reader_of_safetensors(folder):
    written(folder, SNAPSHOT)
    _, tensors = modelfile.read(folder / "checkpoint.lamina")
    assert set(tensors) == {"parts/run/params/0", "parts/run/params/1"} | {
        "parts/run/history/loss"
    }
