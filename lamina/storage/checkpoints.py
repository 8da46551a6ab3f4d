"""Checkpoints: the last two snapshots of a run, in a dedicated folder.

::

    checkpoint.lamina            the newest
    checkpoint.previous.lamina   the one before
    checkpoint.lock              held by the process that writes

Each is a file in the format of :mod:`lamina.storage.modelfile`: a description in JSON
and tensors under one SHA-256, without code. A new one is written completely and flushed
to disk under a temporary name; then the newest is renamed to the previous one and the
new one to the newest. So at least one complete file exists at any moment, whenever a
process is killed. If the newest is corrupt nevertheless, for instance because of a
failing disk, the previous one is used.

A checkpoint records its run (data, network, settings, version), and any other run is
rejected.
"""

import contextlib
import math
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lamina.storage import modelfile
from lamina.storage.atomic import UnwritableError, check_writable
from lamina.storage.codec import decode, encode
from lamina.storage.modelfile import ModelFileError

try:
    import fcntl
except ImportError:  # Windows: two processes on one folder are not detected
    fcntl = None

FORMAT = 2
NEWEST, PREVIOUS = "checkpoint.lamina", "checkpoint.previous.lamina"
LOCK = "checkpoint.lock"
CONTENT = {
    "run": dict[str, Any],
    "made_with": dict[str, Any],
    "parts": dict[str, dict[str, Any]],
}
"""Contents of a file and their types."""

MOST_DIFFERENCES = 5
LONGEST = 80

Run = Mapping[str, Mapping[str, Any]]
"""Description of a run: groups of names with JSON values."""


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the one-line message says which and why."""


class Checkpoint:
    """The checkpoint of a run in a folder; see the module's docstring.

    Parameters
    ----------
    folder : path
        Created if it does not exist.
    seconds : float
        Minimum time between writes.
    """

    def __init__(self, folder: str | os.PathLike, seconds: float = 30.0) -> None:
        self.folder, self.seconds = Path(folder), seconds
        self.run: Run = {}
        self.made_with: Mapping[str, Any] = {}
        self._lock: int | None = None
        self._found: dict[str, Any] | None = None
        self._parts: dict[str, Any] = {}
        self._written = -math.inf

    def __enter__(self) -> "Checkpoint":
        """Prepare the folder: writable, locked, without leftovers of killed runs.

        Raises
        ------
        UnwritableError
            If the folder is not writable.
        CheckpointError
            If another process uses the folder, or its contents are corrupt.
        """
        self._make()
        self._take_lock()
        try:
            self._sweep()
            self._found = self._read()
            self._parts = dict(self._found["parts"]) if self._found else {}
        except BaseException:
            self._free_lock()
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        self._free_lock()

    # ---- snapshots ------------------------------------------------------------------

    def part(self, name: str) -> "Part":
        """Return the writer of one part of the run; parts follow each other.

        Most runs have one part. Retraining with the best number of epochs, for
        instance, is a second one.
        """
        return Part(self, name)

    def load(self, part: str | None = None) -> dict[str, Any] | None:
        """Return a part's snapshot, by default the first; None if there is none."""
        first = next(iter(self._parts), "")
        return self._parts.get(first if part is None else part)

    @property
    def begun(self) -> bool:
        """Whether a snapshot was found or written."""
        return bool(self._parts)

    def due(self) -> bool:
        """Return whether the next write is due."""
        return time.monotonic() - self._written >= self.seconds

    def save(self, part: str, snapshot: Mapping[str, Any]) -> None:
        """Write a part's snapshot; the newest file becomes the previous one.

        Parts that were started after this one are dropped, as they depend on its
        result.

        Raises
        ------
        OSError
            If it cannot be written, with its name; existing files are untouched.
        ValueError
            If it has values that cannot be stored.
        """
        names = list(self._parts)
        earlier = names[: names.index(part)] if part in names else names
        parts = {name: self._parts[name] for name in earlier} | {part: snapshot}
        tensors: dict[str, np.ndarray] = {}
        said = {"run": self.run, "made_with": self.made_with, "parts": parts}
        coded = {name: encode(dict(v), name, tensors)[0] for name, v in said.items()}
        description = {"checkpoint": FORMAT, **coded}
        previous = self.folder / PREVIOUS
        try:
            modelfile.write(
                self.folder / NEWEST, description, tensors, previous=previous
            )
        finally:  # do not retry a full disk at every step
            self._written, self._parts = time.monotonic(), parts

    # ---- which run ------------------------------------------------------------------

    def belongs_to(self, run: Run, made_with: Mapping[str, Any]) -> None:
        """Set the run that is written; reject it if the checkpoint is of another run.

        Parameters
        ----------
        run : dict of dict
            Data and settings: all must be the same.
        made_with : dict
            Libraries and computer: a difference is only a warning, as the run can
            resume, though perhaps not with the same bits.

        Raises
        ------
        CheckpointError
            With the differences.
        """
        self.run, self.made_with = run, made_with
        if self._found is None:
            return
        if found := _listed(differences(self._found["run"], run)):
            raise CheckpointError(
                f"{self.folder}: has the checkpoint of another run: {found}. Use "
                "another folder, or remove this one to start a new run"
            )
        was = {"made with": self._found["made_with"]}
        if found := _listed(differences(was, {"made with": made_with})):
            warnings.warn(
                f"{self.folder}: the run resumes, but perhaps not with the same bits: "
                f"{found}",
                stacklevel=2,
            )

    # ---- the folder -----------------------------------------------------------------

    def _make(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise UnwritableError(
                f"{self.folder}: is a file; a checkpoint is a folder"
            ) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise UnwritableError(
                f"{self.folder}: the folder cannot be created: {reason}"
            ) from None
        check_writable(self.folder / NEWEST)

    def _take_lock(self) -> None:
        """Lock out other processes and threads until this one ends."""
        if fcntl is None:
            return
        lock = os.open(self.folder / LOCK, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise CheckpointError(f"{self.folder}: is in use by another run") from None
        except OSError:  # a network disk without locks: continue without
            os.close(lock)
            return
        self._lock = lock

    def _free_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _sweep(self) -> None:
        """Remove partial files of killed processes; the lock protects those of
        others."""
        for path in self.folder.glob(f".{NEWEST}.*.tmp"):
            with contextlib.suppress(OSError):
                path.unlink()

    def _read(self) -> dict[str, Any] | None:
        """Return the contents of the newest valid file."""
        newest, previous = self.folder / NEWEST, self.folder / PREVIOUS
        try:
            return _read(newest) if newest.exists() else _read_if_there(previous)
        except ModelFileError as damage:
            error = damage
        try:
            found = _read_if_there(previous)
        except ModelFileError as damage:
            raise CheckpointError(f"{error}; and {damage}") from None
        if found is None:
            raise CheckpointError(f"{error}; there is no earlier one") from None
        warnings.warn(
            f"{error}; the run resumes from the previous one", UserWarning, stacklevel=2
        )
        os.replace(previous, newest)  # so the corrupt one does not become the previous
        return found


class Part:
    """One part of a run's checkpoint, with the interface of the training loop."""

    def __init__(self, checkpoint: Checkpoint, name: str) -> None:
        self.checkpoint, self.name = checkpoint, name

    @property
    def first(self) -> bool:
        """Whether no snapshot was found and none has been written yet."""
        return not self.checkpoint.begun

    def load(self) -> dict[str, Any] | None:
        """Return the snapshot that was found, None if there was none."""
        return self.checkpoint.load(self.name)

    def due(self) -> bool:
        """Return whether the next write is due."""
        return self.checkpoint.due()

    def save(self, snapshot: Mapping[str, Any]) -> None:
        """Write a snapshot; raise OSError if that fails."""
        self.checkpoint.save(self.name, snapshot)


def is_there(folder: str | os.PathLike) -> bool:
    """Return whether there is a checkpoint in a folder."""
    return any((Path(folder) / name).exists() for name in (NEWEST, PREVIOUS))


def _read_if_there(path: Path) -> dict[str, Any] | None:
    return _read(path) if path.exists() else None


def _read(path: Path) -> dict[str, Any]:
    description, tensors = modelfile.read(path)
    if description.get("checkpoint") != FORMAT:
        other = description.get("checkpoint")
        what = f"format {str(other)[:20]}" if other else "a model, not a checkpoint"
        raise ModelFileError(f"{path}: is {what}; this lamina reads format {FORMAT}")
    try:
        return {
            name: decode(kind, description.get(name), tensors, name)
            for name, kind in CONTENT.items()
        }
    except ValueError as error:
        raise ModelFileError(f"{path}: is corrupt: {error}") from None


def differences(was: Any, now: Run) -> Iterator[str]:
    """Yield the differences between two runs: ``name: this, was that``."""
    for group, names in now.items():
        before = was.get(group)
        before = before if isinstance(before, dict) else {}
        for name in (*names, *(n for n in before if n not in names)):
            old, new = before.get(name), names.get(name)
            if old != new:
                yield f"{name}: {_shown(new, old)}, was {_shown(old, new)}"


def _listed(found: Iterator[str]) -> str:
    parts = list(found)
    more = len(parts) - MOST_DIFFERENCES
    rest = [f"and {more} more"] if more > 0 else []
    return "; ".join([*parts[:MOST_DIFFERENCES], *rest])


def _shown(value: Any, other: Any) -> str:
    """Return a value's text; of a long one the part that differs."""
    text = _text(value)
    if len(text) <= LONGEST:
        return text
    pairs = enumerate(zip(text, _text(other), strict=False))
    same = next((i for i, (a, b) in pairs if a != b), LONGEST)
    start = max(0, same - LONGEST // 2)
    end = start + LONGEST
    return f"{'…' * (start > 0)}{text[start:end]}{'…' * (end < len(text))}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
