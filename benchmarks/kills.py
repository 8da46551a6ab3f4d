"""Kill a fit again and again, at random moments, and compare what it ends with.

``python -m benchmarks.kills 200`` kills 200 processes with SIGKILL: amid an epoch, amid
the writing of a checkpoint, while a checkpoint is read, and before anything happened.
Each is followed by a process that goes on, until the fit is done; then a digest of its
weights, solver state, history and health must be that of a fit which nobody killed.

A process that imports JAX takes seconds to start. So one process imports everything and
computes nothing, and each fit is a fork of it: JAX starts its threads only when it
computes, and a fork from before that is as good as a new process.
"""

import argparse
import contextlib
import hashlib
import importlib
import itertools
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

STEPS_PER_CALL = 8
"""An epoch of 26 steps takes four calls, and after each a checkpoint is written."""

KILLS_PER_FIT = 10

MOST_SECONDS = 0.15
"""A process is killed at most so long after its first checkpoint."""

EARLY = 0.1
"""Share of the processes that are killed at any moment after their start."""

FITS: dict[str, dict[str, Any]] = {
    "refit": {"early_stopping": True, "refit": "restart", "n_iter_no_change": 100},
    "lbfgs": {"solver": "lbfgs"},
    "adam": {"early_stopping": True, "n_iter_no_change": 100, "dropout": 0.2},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.02},
}


EIGHT = "eight models"
"""A fit of eight networks side by side, with other rates, decays and seeds."""


def estimator(name: str, **more: Any) -> Any:
    """Return the estimator of a fit of 60 epochs."""
    from lamina import MLPClassifier

    common = {"hidden_layer_sizes": (32,), "batch_size": 64, "max_iter": 60}
    return MLPClassifier(random_state=0, **common | FITS[name] | more)


def digest(model: Any) -> str:
    """Return the SHA-256 of all that a fit leaves behind."""
    import jax
    import numpy as np

    found = hashlib.sha256()
    for leaf in jax.tree.leaves((model.params_, model._state)):
        leaf = np.asarray(leaf)
        found.update(f"{leaf.dtype} {leaf.shape}".encode() + leaf.tobytes())
    ends = [
        model.n_iter_,
        model.t_,
        model.stop_reason_,
        model.history_,
        model.diagnostics_,
    ]
    found.update(repr(ends).encode())
    return found.hexdigest()


def eight_models(X: Any, y: Any, folder: Path | None) -> str:
    """Train eight networks that end by themselves; return the digest of all."""
    import jax
    import numpy as np

    from lamina import learning
    from lamina.networks import Dense, Dropout, Key, Network
    from lamina.storage import Checkpoint

    held = np.arange(0, len(X), 5)
    examples = learning.Dataset(X, y)
    loader = learning.Loader(
        examples, np.setdiff1d(np.arange(len(X)), held), batch_size=64
    )
    seen = learning.Loader(examples, held, batch_size=512, shuffle=False)
    validation = learning.Validation(
        seen, lambda outputs: float((outputs.argmax(axis=1) == y[held]).mean())
    )
    problems, starts = [], []
    for i in range(8):
        layers = Dense(16, "relu"), Dropout(0.05 * i), Dense(10, "softmax")
        network, key = Network(layers), Key(i)
        terms = learning.penalties(10.0 ** (-i))
        objective = learning.Objective(network, "cross_entropy", terms)
        algorithm = learning.Adam(0.001 * 2.0**i)
        problems.append(learning.Problem(objective, algorithm, loader, validation))
        start, _ = network.init(key.fold_in("init"), X.shape[1:])
        starts.append(learning.Start(start, key))
    rule = learning.NoImprovement("validation_loss", 1e-3, 3)
    with contextlib.ExitStack() as stack:
        part = None
        if folder is not None:
            checkpoint = stack.enter_context(Checkpoint(folder, 0))
            checkpoint.belongs_to({}, {})
            part = checkpoint.part("run")
        control = learning.Control(
            60, [rule], keep_best="validation_loss", checkpoint=part
        )
        results = learning.fit_many(problems, starts, control)
    found = hashlib.sha256()
    for one in results:
        for leaf in jax.tree.leaves((one.params, one.state)):
            found.update(np.asarray(leaf).tobytes())
        found.update(repr((one.epochs, one.reason, one.history)).encode())
    return found.hexdigest()


def child(name: str, folder: Path, checkpoint: bool) -> None:
    """Fit in a process of its own; the digest goes to a file. Never returns."""
    import lamina.learning.loop.plan as loop
    from lamina import data

    warnings.simplefilter("ignore")
    loop.STEPS_PER_SUM = STEPS_PER_CALL
    digits = data.load("digits")
    X, y = digits.X / 16, digits.y
    if name == EIGHT:
        found = eight_models(X, y, folder if checkpoint else None)
    else:
        more = {"checkpoint": folder, "checkpoint_seconds": 0} if checkpoint else {}
        found = digest(estimator(name, **more).fit(X, y))
    (folder / "digest").write_text(found)
    os._exit(0)


def forked(*args: Any) -> int:
    """Start :func:`child`; return the number of its process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of JAX, which has computed nothing yet
        pid = os.fork()
    if pid == 0:
        try:
            child(*args)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    return pid


def killed(pid: int, newest: Path, rng: random.Random) -> bool:
    """Kill a process at a random moment; return whether it was not done by then."""
    before = stamp(newest)
    if rng.random() < EARLY:
        wait = rng.uniform(0, 1.0)
    else:
        while stamp(newest) == before and not ended(pid):
            time.sleep(0.001)
        wait = rng.uniform(0, MOST_SECONDS)
    time.sleep(wait)
    if ended(pid):
        done(pid)
        return False
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def done(pid: int) -> None:
    """Wait for a process that was not killed.

    Raises
    ------
    RuntimeError
        If it failed: a checkpoint could not be taken up.
    """
    if os.waitpid(pid, 0)[1] != 0:
        raise RuntimeError("a fit that was killed could not go on")


def stamp(path: Path) -> Any:
    """Return what changes when a file is replaced."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def ended(pid: int) -> bool:
    """Whether a process has ended by itself; it can be waited for still."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def amid(folder: Path) -> str:
    """Say what the process was doing when it was killed."""
    from lamina.storage import read

    if list(folder.glob(".checkpoint*.tmp")):
        return "writing"
    if not (folder / "checkpoint.lamina").exists():
        return "before"
    parts = read(folder / "checkpoint.lamina")[0]["parts"]["dict"]
    last = list(parts.values())[-1]["dict"]
    return "between epochs" if last["within"] is None else "amid an epoch"


def reference(name: str) -> str:
    """Return the digest of a fit that nobody kills."""
    with tempfile.TemporaryDirectory() as folder:
        done(forked(name, Path(folder), False))
        return (Path(folder) / "digest").read_text()


def tortured(name: str, kills: int, rng: random.Random) -> tuple[str, Counter]:
    """Fit and kill at most so many times; return digest and moments of the kills."""
    moments: Counter = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        while moments.total() < kills and not (folder / "digest").exists():
            pid = forked(name, folder, True)
            if killed(pid, folder / "checkpoint.lamina", rng):
                moments[amid(folder)] += 1
        if not (folder / "digest").exists():
            done(forked(name, folder, True))
        return (folder / "digest").read_text(), moments


def run(kills: int, seed: int) -> bool:
    """Kill so many processes; print what came of it, return whether all is well."""
    rng, started, moments = random.Random(seed), time.perf_counter(), Counter()
    expected: dict[str, str] = {}
    names = itertools.cycle((EIGHT, *FITS))
    wrong = fits = 0
    while moments.total() < kills:
        name, most = next(names), min(KILLS_PER_FIT, kills - moments.total())
        expected[name] = expected.get(name) or reference(name)
        found, own = tortured(name, most, rng)
        same = found == expected[name]
        print(
            f"{name:12} {own.total():3} kills: "
            f"{'the same bits' if same else 'OTHER BITS'}",
            flush=True,
        )
        moments, wrong, fits = moments + own, wrong + (not same), fits + 1
    told = ", ".join(f"{n} {moment}" for moment, n in moments.most_common())
    seconds = time.perf_counter() - started
    print(
        f"{moments.total()} kills ({told}), {fits} fits in {seconds:.0f} s: "
        f"{wrong} with other bits"
    )
    return not wrong


def main() -> None:
    """Read the command line; exit with 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    # Imported here, once, and not in every one of the forked processes.
    for name in ("sklearn.neural_network", "lamina.estimators"):
        importlib.import_module(name)
    sys.exit(0 if run(args.kills, args.seed) else 1)


if __name__ == "__main__":
    main()
