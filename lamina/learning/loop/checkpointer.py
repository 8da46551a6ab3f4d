"""Checkpointing of a run, so that it can resume bit for bit.

A snapshot holds the :class:`lamina.learning.loop.state.ModelState` and the state of
callbacks. Where it is written is up to a :class:`Checkpoint`; this package does not
know about files.
"""

import time
import warnings
from typing import Any, NamedTuple, Protocol, runtime_checkable

from lamina.learning.loop.snapshot import (
    NONSENSE,
    Snapshot,
    UnreadableError,
    memory_if_any,
    plain,
    whole_number,
)
from lamina.learning.parallel.mesh import check_devices


@runtime_checkable
class Checkpoint(Protocol):
    """Stores the last snapshot of a run."""

    @property
    def first(self) -> bool:
        """Whether no snapshot was found and none has been written yet."""
        ...

    def load(self) -> Snapshot | None:
        """Return the snapshot to resume from, if there is one."""
        ...

    def due(self) -> bool:
        """Return whether the next snapshot is due."""
        ...

    def save(self, snapshot: Snapshot) -> None:
        """Write a snapshot; raise OSError if that fails."""
        ...


class _Note(NamedTuple):
    """The snapshot to write, and the position it was taken at."""

    position: tuple
    entries: dict[str, Any]


class Checkpointer:
    """Takes snapshots of a run, and has them written from time to time.

    A snapshot holds no copies of arrays, as no step modifies them in place, and costs
    microseconds. It is taken only where the run is consistent, so Ctrl-C at any moment
    leaves a snapshot from which the run can resume.

    Parameters
    ----------
    run : Controller
    checkpoint : Checkpoint or None
        None: no snapshots are taken.
    """

    def __init__(self, run: Any, checkpoint: Checkpoint | None) -> None:
        self.run, self.checkpoint = run, checkpoint
        self._noted: _Note | None = None
        self._written: tuple | None = None

    def resume(self) -> None:
        """Resume from the checkpoint; without one, write the start.

        Writing at once shows, before hours of work, whether the checkpoint is writable.

        Raises
        ------
        OSError
            If it is not.
        ValueError
            If the snapshot does not fit this run.
        """
        if self.checkpoint is None:
            return
        snapshot = self.checkpoint.load()
        if snapshot is None:
            self._noted = note = self._note()
            if self.checkpoint.first:
                self._save(self.checkpoint, note)
            self.write()
            return
        self._check(snapshot)
        try:
            self._restore(snapshot)
        except UnreadableError:
            raise
        except NONSENSE as error:
            raise UnreadableError(error) from None
        state = self.run.state
        check_devices(state.shards, state.threads)
        self._written = state.position

    def note(self) -> None:
        """Take a snapshot of the run; write it if one is due."""
        if self.checkpoint is None:
            return
        self._noted = self._note()
        if self.checkpoint.due():
            self.write()

    def write(self) -> None:
        """Write the last snapshot unless that is done; only warn if it fails."""
        note = self._noted
        if self.checkpoint is None or note is None or note.position == self._written:
            return
        try:
            self._save(self.checkpoint, note)
        except OSError as error:
            where = f" {error.filename}" if error.filename else ""
            warnings.warn(
                f"the checkpoint{where} could not be written: "
                f"{error.strerror or error}; "
                "training continues, and the previous checkpoint is kept",
                stacklevel=2,
            )

    def _save(self, checkpoint: Checkpoint, note: _Note) -> None:
        checkpoint.save(plain(note.entries))
        self._written = note.position

    def _note(self) -> _Note:
        run = self.run
        entries = {
            "seeds": [start.key.seed for start in run.starts],
            "first_epochs": [start.first_epoch for start in run.starts],
            "planned": run.control.epochs,
            "elapsed": time.perf_counter() - run.started,
            "epochs": max(one.epochs for one in run.state.each),
            "callbacks": [memory_if_any(one) for one in run.control.callbacks],
            "recorders": [memory_if_any(one.recorder) for one in run.problems],
        }
        return _Note(run.state.position, entries | run.state.noted())

    # ---- resuming -------------------------------------------------------------------

    def _restore(self, snapshot: Snapshot) -> None:
        run = self.run
        run.state.restore(snapshot, [one.loader.rows for one in run.problems])
        # Adding or removing a stateless callback (a progress bar) does not change the
        # run.
        callbacks = [c for c in run.control.callbacks if hasattr(c, "set_state")]
        memories = [memory for memory in snapshot["callbacks"] if memory is not None]
        for callback, memory in zip(callbacks, memories, strict=True):
            callback.set_state(memory)
        for problem, memory in zip(run.problems, snapshot["recorders"], strict=True):
            if problem.recorder is not None and memory is not None:
                problem.recorder.set_state(memory)
        # Callbacks see the time of the whole run, earlier parts included.
        run.started -= float(snapshot["elapsed"])

    def _check(self, snapshot: Snapshot) -> None:
        """Reject a snapshot from which this run could not resume bit for bit."""
        run, asked = self.run, self.run.control.epochs
        if "models" not in snapshot:
            raise UnreadableError("it was written by another version of lamina")
        try:
            whose = [
                list(map(whole_number, snapshot[name]))
                for name in ("seeds", "first_epochs")
            ]
            epochs, planned = (whole_number(snapshot[n]) for n in ("epochs", "planned"))
        except NONSENSE as error:
            raise UnreadableError(error) from None
        now = [[s.key.seed for s in run.starts], [s.first_epoch for s in run.starts]]
        if whose != now:
            raise ValueError("the checkpoint is of a run with another seed")
        if epochs > asked:
            raise ValueError(
                f"the checkpoint already has {epochs} epochs, more than the requested "
                f"{asked}: raise max_iter, or start a new run elsewhere"
            )
        if (
            epochs
            and planned != asked
            and run.control.depends_on_end(
                run.problems[0].algorithm.rate, epochs, planned
            )
        ):
            raise ValueError(
                f"max_iter is {asked}, but was {planned}: the rates of this schedule "
                "depend on it, so the run can resume only with the same max_iter"
            )
