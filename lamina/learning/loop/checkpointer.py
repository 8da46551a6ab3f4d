"""Where a run is, written down so that it can go on from there bit for bit.

All random numbers derive from a key, an epoch and a step, so no generator has to be
kept: the position, the weights, the algorithm's state and what rules and callbacks
have counted are all there is. What a snapshot is written to is the business of a
:class:`Checkpoint`; this room knows no files.
"""

import copy
import time
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np

from lamina.learning.parallel.mesh import check_devices
from lamina.learning.protocols import StoppingRule

Snapshot = dict[str, Any]

UNREADABLE = (KeyError, TypeError, IndexError, AttributeError, OverflowError)
"""What nonsense in the place of a snapshot's parts leads to."""

REASONS = ("finished", "stopped", "diverged")
"""Ends that a snapshot knows; an interrupted run is one that goes on."""


@runtime_checkable
class Checkpoint(Protocol):
    """Keeps the last snapshot of a run.

    A snapshot is a dictionary of plain numbers, texts, None and NumPy arrays, and of
    lists, tuples and dictionaries of these.
    """

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


class Within(NamedTuple):
    """Where a run is amid an epoch: the steps taken, and what they came to.

    ``sums`` are those that the calls of the compiled program gave back so far.
    """

    step: int
    params: Any
    state: Any
    sums: Sequence[dict[str, Any]] = ()


class Keeper:
    """Takes note of where a run is, and has it written from time to time.

    A note holds no copies of arrays, which no step changes, and costs microseconds; it
    is taken only where the run is of one piece, so that Ctrl-C at any moment leaves a
    note from which the run can go on.

    Parameters
    ----------
    run : the run of :func:`lamina.learning.loop.driver.fit`
    checkpoint : Checkpoint or None
        None: nothing is noted.
    """

    def __init__(self, run: Any, checkpoint: Checkpoint | None) -> None:
        self.run, self.checkpoint = run, checkpoint
        self._noted: dict[str, Any] | None = None
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
            self._noted = self._note(None)
            if self.checkpoint.first:
                self._save(self.checkpoint, self._noted)
            self.write()
            return
        self._check(snapshot)
        try:
            self._restore(snapshot)
        except (ValueError, *UNREADABLE) as error:
            raise ValueError(f"the checkpoint is not readable: {error}") from None
        check_devices(self.run.shares, self.run.threads)
        self._written = _position(snapshot)

    def note(self, within: Within | None = None) -> None:
        """Take note of where the run is now; write it if that is due."""
        if self.checkpoint is None:
            return
        self._noted = self._note(within)
        if self.checkpoint.due():
            self.write()

    def write(self) -> None:
        """Write the last note, if it is not written yet; a failure is no end."""
        note = self._noted
        if self.checkpoint is None or note is None:
            return
        if _position(note) == self._written:
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

    def _save(self, checkpoint: Checkpoint, note: dict[str, Any]) -> None:
        checkpoint.save(_snapshot(note))
        self._written = _position(note)

    def _note(self, within: Within | None) -> dict[str, Any]:
        run, result = self.run, self.run.result
        return {
            "seed": run.key.seed,
            "first_epoch": run.first_epoch,
            "planned": run.epochs,
            "elapsed": time.perf_counter() - run.started,
            "epochs": result.epochs,
            "examples": result.examples,
            "reason": result.reason,
            "history": result.history,
            "lengths": {name: len(values) for name, values in result.history.items()},
            "params": result.params,
            "state": result.state,
            "kept": {name: getattr(run, name) for name in run.kept},
            "best_params": run.best_params,
            "anchor": run.anchor,
            "within": within,
            "rules": [memory_of(rule) for rule in run.stopping],
            "callbacks": [memory_if_any(callback) for callback in run.callbacks],
            "health": memory_if_any(run.health),
        }

    # ---- the way back ---------------------------------------------------------------

    def _restore(self, snapshot: Snapshot) -> None:
        run, result = self.run, self.run.result
        params, state = shapes_of(result.params), shapes_of(result.state)
        result.epochs = _count(snapshot["epochs"])
        result.examples = _count(snapshot["examples"])
        result.reason = snapshot["reason"]
        history = snapshot["history"].items()
        result.history = {str(k): [float(v) for v in values] for k, values in history}
        result.params = like(params, snapshot["params"])
        result.state = like(state, snapshot["state"])
        for name in run.kept:
            value, now = snapshot["kept"][name], getattr(run, name)
            setattr(run, name, _same_kind(value, now, name))
        if run.selected is not None:
            run.selected = _rows(run.selected, run.all_rows.rows)
        if snapshot["best_params"] is not None:
            run.best_params = like(params, snapshot["best_params"])
        run.anchor = result.params, result.state, result.epochs
        if snapshot["anchor"] is not None:
            anchor = snapshot["anchor"]
            weights = like(params, anchor["params"]), like(state, anchor["state"])
            run.anchor = (*weights, _count(anchor["epochs"]))
        if snapshot["within"] is not None:
            run.within = _within(snapshot["within"], params, state)
        for rule, memory in zip(run.stopping, snapshot["rules"], strict=True):
            remind(rule, memory)
        # A callback more or less (a progress bar) is no other run.
        callbacks = [c for c in run.callbacks if hasattr(c, "set_state")]
        memories = [memory for memory in snapshot["callbacks"] if memory is not None]
        for callback, memory in zip(callbacks, memories, strict=True):
            callback.set_state(memory)
        if run.health is not None and snapshot["health"] is not None:
            run.health.set_state(snapshot["health"])
        run.started -= float(snapshot["elapsed"])

    def _check(self, snapshot: Snapshot) -> None:
        """Refuse a snapshot from which this run would not be the unbroken one."""
        run, names = self.run, ("seed", "first_epoch", "epochs", "planned")
        try:
            seed, first_epoch, epochs, planned = (_count(snapshot[n]) for n in names)
            known = snapshot["reason"] in REASONS
        except (ValueError, *UNREADABLE) as error:
            raise ValueError(f"the checkpoint is not readable: {error}") from None
        if not known:
            raise ValueError("the checkpoint is not readable: it knows no such end")
        if (seed, first_epoch) != (run.key.seed, run.first_epoch):
            raise ValueError("the checkpoint is that of a run from another seed")
        if epochs > run.epochs:
            raise ValueError(
                f"the checkpoint has {epochs} epochs already, more than the "
                f"{run.epochs} asked for: raise max_iter, or start anew elsewhere"
            )
        if epochs and planned != run.epochs and run.depends_on_end(epochs, planned):
            raise ValueError(
                f"{run.epochs} epochs are asked for and {planned} were: the rates of "
                "this schedule depend on that, so the run cannot go on with others"
            )


def _position(place: dict[str, Any]) -> tuple:
    within = place["within"]
    if within is None:
        step = 0
    else:
        step = within["step"] if isinstance(within, dict) else within.step
    return place["epochs"], step, place["reason"]


def _snapshot(note: dict[str, Any]) -> Snapshot:
    """Return a note as plain values and arrays of its own."""
    snapshot = {
        name: note[name]
        for name in ("seed", "first_epoch", "planned", "elapsed", "epochs", "examples")
    }
    lengths, history = note["lengths"], note["history"]
    snapshot |= {
        "reason": note["reason"],
        "history": {name: history[name][:n] for name, n in lengths.items()},
        "params": leaves_of(note["params"]),
        "state": leaves_of(note["state"]),
        "kept": on_host(note["kept"]),
        "best_params": None,
        "anchor": None,
        "within": None,
        "rules": note["rules"],
        "callbacks": on_host(note["callbacks"]),
        "health": on_host(note["health"]),
    }
    if note["best_params"] is not None:
        snapshot["best_params"] = leaves_of(note["best_params"])
    params, state, epochs = note["anchor"]
    if epochs != note["epochs"]:  # the best weights are not those of now
        weights = {"params": leaves_of(params), "state": leaves_of(state)}
        snapshot["anchor"] = weights | {"epochs": epochs}
    if note["within"] is not None:
        step, params, state, sums = note["within"]
        snapshot["within"] = {
            "step": step,
            "params": leaves_of(params),
            "state": leaves_of(state),
            "sums": first_epoch(total(sums)),
        }
    return snapshot


def _within(saved: dict[str, Any], params: Any, state: Any) -> Within:
    return Within(
        _count(saved["step"]),
        like(params, saved["params"]),
        like(state, saved["state"]),
        [{str(k): np.asarray(v, np.float64) for k, v in saved["sums"].items()}],
    )


def total(sums: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Return the sum of what several calls reported, in double precision.

    From left to right, so that a sum may be broken off and taken up again.
    """
    if not sums:
        return {}
    first, *others = (
        {k: np.asarray(v, np.float64) for k, v in s.items()} for s in sums
    )
    return {k: sum((s[k] for s in others), start=first[k]) for k in first}


def first_epoch(sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the first epoch's part: one that takes several calls is taken alone."""
    return {name: value[:1] for name, value in sums.items()}


def leaves_of(tree: Any) -> list[np.ndarray]:
    """Return the arrays of a tree on the host."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def shapes_of(tree: Any) -> Any:
    """Return a tree's structure with shapes and types in place of arrays."""
    return jax.eval_shape(lambda: tree)


def like(shapes: Any, leaves: Sequence[Any]) -> Any:
    """Put arrays into a tree of such shapes.

    Raises
    ------
    ValueError
        If one is missing, or of another shape or type.
    """
    wanted, structure = jax.tree.flatten(shapes)
    fits = len(wanted) == len(leaves) and all(
        isinstance(leaf, np.ndarray)
        and (leaf.shape, leaf.dtype) == (want.shape, want.dtype)
        for leaf, want in zip(leaves, wanted, strict=True)
    )
    if not fits:
        raise ValueError("the arrays of the checkpoint do not fit the network")
    return jax.tree.unflatten(structure, leaves)


def on_host(value: Any) -> Any:
    """Return a tree with its device arrays as NumPy arrays, all else as it is."""
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, value
    )


def is_plain(value: Any) -> bool:
    """Whether a snapshot can hold a value."""
    if isinstance(value, dict):
        return all(isinstance(k, str) and is_plain(v) for k, v in value.items())
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return all(map(is_plain, value))
    plain = bool | int | float | str | np.ndarray | np.generic | jax.Array | None
    return isinstance(value, plain)


def memory_of(rule: StoppingRule) -> dict[str, Any]:
    """Return a rule's fields, a copy of them; functions among them are no memory."""
    fields = rule.memory.items()
    return {k: copy.deepcopy(v) for k, v in fields if is_plain(v)}


def remind(rule: StoppingRule, memory: dict[str, Any]) -> None:
    """Give a rule the fields back that :func:`memory_of` took.

    Raises
    ------
    ValueError
        If it has other fields, or fields of another kind.
    """
    now = memory_of(rule)
    if set(memory) != set(now):
        raise ValueError(f"the checkpoint's {type(rule).__name__} has other fields")
    rule.memory.update({k: _same_kind(v, now[k], k) for k, v in memory.items()})


def memory_if_any(watcher: Any) -> dict[str, Any] | None:
    """Return what ``get_state`` of a callback says, or None if it has no memory."""
    return watcher.get_state() if hasattr(watcher, "get_state") else None


def _same_kind(value: Any, now: Any, name: str) -> Any:
    """Return the value if it may stand where ``now`` stands."""
    number = int | float
    numbers = isinstance(value, number) and isinstance(now, number)
    if not numbers and now is not None and type(value) is not type(now):
        raise ValueError(f"the checkpoint's {name} is not readable")
    return value


def _rows(value: Any, known: np.ndarray) -> np.ndarray:
    """Return row numbers, all of which are known."""
    numbers = isinstance(value, np.ndarray) and value.dtype.kind == "i"
    if not numbers or value.ndim != 1 or not np.isin(value, known).all():
        raise ValueError("the rows of the checkpoint are not readable")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError("a number of the checkpoint is not readable")
    return value
