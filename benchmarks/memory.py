"""Memory: what a fit adds to its data, and what many fits leave behind.

Both are measured in a process of their own, which is why this module is also a
program: ``python -m benchmarks.memory peak lamina`` prints one line of JSON. Needs
Linux, which tells the resident memory and its peak under ``/proc/self``.
"""

import gc
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

from benchmarks.arena import ROOT
from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table

MB = 10**6
ROWS, FEATURES = 500_000, 200  # 400 MB in float32
FITS, WARM_FITS = 200, 5
PEAK_BOUND = 1.1  # one copy, and a tenth for labels, program and activations
GROWTH_BOUND = 150.0


def run(options: Options) -> Report:
    """Measure lamina, and scikit-learn beside it."""
    if not Path("/proc/self/status").exists():
        raise RuntimeError("the memory benchmark needs Linux (/proc/self/status)")
    return Report("memory", "Memory", [peak_table(), growth_table()])


def peak_table() -> Table:
    """Peak of a fit on a large array, above what the process held before."""
    added = {name: measure("peak", name) for name in ("lamina", "scikit-learn")}
    size = ROWS * FEATURES * 4 / MB
    rows = [Row("the array itself", size)]
    rows += [Row(f"added by {name}", value) for name, value in added.items()]
    claim = Claim("added ÷ array", added["lamina"] / size, PEAK_BOUND, at_least=False)
    title = f"Fit on {ROWS:,} × {FEATURES} float32: peak above the data"
    return Table(title, "MB", rows, [claim])


def growth_table() -> Table:
    """Growth of the process over many fits."""
    grown = {name: measure("growth", name) for name in ("lamina", "scikit-learn")}
    rows = [Row(name, value) for name, value in grown.items()]
    claim = Claim("growth in MB", grown["lamina"], GROWTH_BOUND, at_least=False)
    return Table(f"Growth over {FITS} fits of varied shapes", "MB", rows, [claim])


def measure(what: str, library: str) -> float:
    """Run one measurement in a new process."""
    command = [sys.executable, "-m", "benchmarks.memory", what, library]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{what} of {library} failed: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def peak(library: str) -> float:
    """Megabytes that a fit adds at its peak to a process that holds the data."""
    rng = np.random.default_rng(0)
    X = rng.random((ROWS, FEATURES), dtype=np.float32)
    y = np.arange(ROWS) % 10
    model = estimator(library)(
        (16,), batch_size=512, max_iter=1, alpha=0.0, random_state=0
    )
    model.fit(X[:2000], y[:2000])  # libraries loaded, threads started
    gc.collect()
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # peak := now
    model.fit(X, y)
    return (resident("VmHWM") - before) / MB


def growth(library: str) -> float:
    """Megabytes by which fits of 200 shapes enlarge the process.

    The number of rows differs from fit to fit, columns, classes and hidden units take
    turns: 20 × 4 × 3 structures are possible. The first five fits are not counted.
    """
    rng = np.random.default_rng(0)
    before = 0.0
    for number in range(FITS + WARM_FITS):
        if number == WARM_FITS:
            gc.collect()
            before = resident("VmRSS")
        features, classes = 2 + number % 20, 2 + number % 4
        rows = int(rng.integers(50, 2000))
        X = rng.random((rows, features), dtype=np.float32)
        y = np.arange(rows) % classes
        model = estimator(library)(((8, 16, 32)[number % 3],), max_iter=3)
        model.fit(X, y)
    del model, X, y
    gc.collect()
    return (resident("VmRSS") - before) / MB


def estimator(library: str) -> type:
    """The classifier of a library."""
    if library == "lamina":
        from lamina import MLPClassifier
    else:
        from sklearn.neural_network import MLPClassifier
    return MLPClassifier


def resident(field: str) -> float:
    """Bytes of resident memory: ``VmRSS`` now, ``VmHWM`` at its peak."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps({"peak": peak, "growth": growth}[sys.argv[1]](sys.argv[2])))
