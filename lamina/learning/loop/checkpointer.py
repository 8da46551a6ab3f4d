"""Where a run is, written down so that it can go on from there bit for bit.

What is noted is the :class:`lamina.learning.loop.state.ModelState`, and what callbacks
have counted. What a snapshot is written to is the business of a :class:`Checkpoint`;
this room knows no files.
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
    """Keeps the last snapshot of a run."""

    @property
    def first(self) -> bool:
        """Whether nothing was found and nothing has been written yet."""
        ...

    def load(self) -> Snapshot | None:
        """Return the snapshot to go on from, if there is one."""
        ...

    def due(self) -> bool:
        """Return whether it is time to write the next one."""
        ...

    def save(self, snapshot: Snapshot) -> None:
        """Write a snapshot, or raise OSError."""
        ...


class _Note(NamedTuple):
    """What is to be written, and what was reached by then."""

    position: tuple
    told: dict[str, Any]


class Checkpointer:
    """Takes note of where a run is, and has it written from time to time.

    A note holds no copies of arrays, which no step changes, and costs microseconds; it
    is taken only where the run is of one piece, so that Ctrl-C at any moment leaves a
    note from which the run can go on.

    Parameters
    ----------
    run : Controller
    checkpoint : Checkpoint or None
        None: nothing is noted.
    """

    def __init__(self, run: Any, checkpoint: Checkpoint | None) -> None:
        self.run, self.checkpoint = run, checkpoint
        self._noted: _Note | None = None
        self._written: tuple | None = None

    def resume(self) -> None:
        """Go on from the checkpoint; without one, write the start.

        Writing at once finds out, before hours of work, whether it can be written.

        Raises
        ------
        OSError
            If it cannot.
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
        """Take note of where the run is now; write it if that is due."""
        if self.checkpoint is None:
            return
        self._noted = self._note()
        if self.checkpoint.due():
            self.write()

    def write(self) -> None:
        """Write the last note, if it is not written yet; a failure is no end."""
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
                "training goes on, and the last one that was written is kept",
                stacklevel=2,
            )

    def _save(self, checkpoint: Checkpoint, note: _Note) -> None:
        checkpoint.save(plain(note.told))
        self._written = note.position

    def _note(self) -> _Note:
        run = self.run
        told = {
            "seeds": [start.key.seed for start in run.starts],
            "first_epochs": [start.first_epoch for start in run.starts],
            "planned": run.control.epochs,
            "elapsed": time.perf_counter() - run.started,
            "epochs": max(one.epochs for one in run.state.each),
            "callbacks": [memory_if_any(one) for one in run.control.callbacks],
            "recorders": [memory_if_any(one.recorder) for one in run.problems],
        }
        return _Note(run.state.position, told | run.state.noted())

    # ---- the way back ---------------------------------------------------------------

    def _restore(self, snapshot: Snapshot) -> None:
        run = self.run
        run.state.restore(snapshot, [one.loader.rows for one in run.problems])
        # A callback more or less (a progress bar) is no other run.
        callbacks = [c for c in run.control.callbacks if hasattr(c, "set_state")]
        memories = [memory for memory in snapshot["callbacks"] if memory is not None]
        for callback, memory in zip(callbacks, memories, strict=True):
            callback.set_state(memory)
        for problem, memory in zip(run.problems, snapshot["recorders"], strict=True):
            if problem.recorder is not None and memory is not None:
                problem.recorder.set_state(memory)
        run.started -= float(snapshot["elapsed"])

    def _check(self, snapshot: Snapshot) -> None:
        """Refuse a snapshot from which this run would not be the unbroken one."""
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
            raise ValueError("the checkpoint is that of a run from another seed")
        if epochs > asked:
            raise ValueError(
                f"the checkpoint has {epochs} epochs already, more than the "
                f"{asked} asked for: raise max_iter, or start anew elsewhere"
            )
        if (
            epochs
            and planned != asked
            and run.control.depends_on_end(
                run.problems[0].algorithm.rate, epochs, planned
            )
        ):
            raise ValueError(
                f"{asked} epochs are asked for and {planned} were: the rates of "
                "this schedule depend on that, so the run cannot go on with others"
            )
