"""Sparse inputs at the shape of Tox21: memory and time of a fit beside scikit-learn.

12,000 examples, 40,000 features of which about 340 an example are 1 (molecular
fingerprints), twelve yes/no labels. As dense float32 they would take 1.9 GB. Each
library fits in a process of its own, which is why this module is also a program:
``python -m benchmarks.sparse lamina 100`` prints one line of JSON.

The last table has the two products that such a fit consists of, beside those of dense
rows: the figures that :mod:`lamina.networks.core.sparse` tells.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.arena import ROOT
from benchmarks.memory import estimator
from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table

ROWS, FEATURES, LABELS = 12_000, 40_000, 12
LIBRARIES = ("lamina", "scikit-learn")
HIDDEN = (100, 256)
EPOCHS = 2  # of each fit that is timed
MOST_MIB = 2048.0
LEAST_RATIO = 2.0
PRODUCT_ROWS, UNITS, SHARE = (200, 2048), 100, 0.01
REPETITIONS = 20
TIMES = (("seconds an epoch", "epoch"), ("seconds to predict all rows", "predict"))


def run(options: Options) -> Report:
    """Measure both libraries, in alternation."""
    found: dict[Any, list[dict[str, float]]] = {}
    for _ in range(min(options.rounds, 3)):
        for hidden in HIDDEN:
            for library in LIBRARIES:
                one = measure(library, hidden)
                found.setdefault((library, hidden), []).append(one)
    tables = [table for hidden in HIDDEN for table in tables_of(found, hidden)]
    return Report("sparse", "Sparse inputs", [*tables, products()])


def tables_of(found: dict, hidden: int) -> list[Table]:
    """Memory, and times, of networks with so many hidden units."""

    def middle(library: str, what: str) -> float:
        return statistics.median(one[what] for one in found[library, hidden])

    shape = f"{ROWS:,} × {FEATURES:,} CSR, {hidden} hidden units, {LABELS} labels"
    peaks = [Row(name, middle(name, "peak")) for name in LIBRARIES]
    claim = Claim("lamina's peak in MiB", peaks[0].value, MOST_MIB, at_least=False)
    tables = [Table(f"{shape}: peak of the process", "MiB", peaks, [claim])]
    for title, what in TIMES:
        rows = [Row(name, middle(name, what)) for name in LIBRARIES]
        mine, theirs = (middle(name, what) for name in LIBRARIES)
        claims = [Claim("scikit-learn ÷ lamina", theirs / mine, LEAST_RATIO)]
        claims = claims if what == "epoch" else []
        tables.append(Table(f"{shape}: {title}", "s", rows, claims))
    return tables


def products() -> Table:
    """Milliseconds of h = x W and of ∇W = xᵀ δ, sparse and dense."""
    import jax

    multiply = jax.jit(lambda x, m: x @ m)
    gradient = jax.jit(lambda x, m: x.T @ m)
    rng = np.random.default_rng(0)
    W = jax.device_put(rng.standard_normal((FEATURES, UNITS), np.float32))
    rows = []
    for n in PRODUCT_ROWS:
        x, dense = sample(n, rng)
        delta = jax.device_put(rng.standard_normal((n, UNITS), np.float32))
        for name, function, m in (("x W", multiply, W), ("xᵀ δ", gradient, delta)):
            apart = np.asarray(function(x, m)) - np.asarray(function(dense, m))
            if np.abs(apart).max() > 1e-3:
                raise RuntimeError(f"{name} of sparse and of dense rows differ")
            for kind, argument in (("sparse", x), ("dense", dense)):
                rows.append(timed(f"{name}, {n} rows, {kind}", function, argument, m))
    title = f"products, {FEATURES:,} features, {SHARE:.0%} not 0, {UNITS} units"
    return Table(title, "ms", rows)


def sample(n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return rows with as many entries each, in both forms, on the device."""
    import jax

    from lamina.networks.core.sparse import SparseRows

    most = round(SHARE * FEATURES)
    columns = [rng.choice(FEATURES, most, replace=False) for _ in range(n)]
    values = rng.standard_normal(n * most, np.float32)
    starts = np.arange(0, n * most + 1, most)
    csr = sp.csr_array((values, np.concatenate(columns), starts), shape=(n, FEATURES))
    x = SparseRows.from_csr(csr, np.float32, n, csr.nnz)
    return jax.device_put(x), jax.device_put(csr.toarray())


def timed(name: str, function: Any, *args: Any) -> Row:
    """Median, shortest and longest time of calls of a compiled function."""
    import jax

    jax.block_until_ready(function(*args))
    ms = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        jax.block_until_ready(function(*args))
        ms.append(1e3 * (time.perf_counter() - began))
    return Row(name, statistics.median(ms), min(ms), max(ms))


def measure(library: str, hidden: int) -> dict[str, float]:
    """Fit in a new process."""
    command = [sys.executable, "-m", "benchmarks.sparse", library, str(hidden)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{library} failed: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def fingerprints() -> tuple[Any, np.ndarray]:
    """CSR of 0 and 1 whose features are of very different frequency, and labels."""
    rng = np.random.default_rng(0)
    frequency = np.cumsum(rng.lognormal(0, 1.5, FEATURES))
    sizes = np.clip(rng.lognormal(np.log(400), 0.4, ROWS), 20, 3000).astype(int)
    drawn = [rng.random(size) * frequency[-1] for size in sizes]
    columns = [np.unique(np.searchsorted(frequency, d)) for d in drawn]
    ends = np.r_[0, np.cumsum([len(c) for c in columns])]
    values = np.ones(ends[-1], np.float32)
    X = sp.csr_array((values, np.concatenate(columns), ends), shape=(ROWS, FEATURES))
    toxic = rng.standard_normal((FEATURES, LABELS)) * (rng.random((FEATURES, 1)) < 0.05)
    score = X @ toxic
    return X, (score > np.quantile(score, 0.93, axis=0)).astype(int)


def fitted(library: str, hidden: int) -> dict[str, float]:
    """Peak of this process in MiB, and seconds, of everything the second time."""
    X, Y = fingerprints()
    model = estimator(library)((hidden,), max_iter=EPOCHS, random_state=0)
    model.fit(X, Y).predict_proba(X)  # compiled, threads started
    began = time.perf_counter()
    model.fit(X, Y)
    ended = time.perf_counter()
    model.predict_proba(X)
    predicted = time.perf_counter()
    return {
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "epoch": (ended - began) / EPOCHS,
        "predict": predicted - ended,
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(fitted(sys.argv[1], int(sys.argv[2]))))
