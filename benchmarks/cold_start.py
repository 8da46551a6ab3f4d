"""Fresh processes: importing lamina, asking for help, and a first fit of all.

The compilation cache of the command line lies in the user's cache folder; here
``XDG_CACHE_HOME`` points to an empty folder for the first fit and to the same folder
for the second. Files of the libraries have been read before, so the disk is not in it.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.arena import wait_for_silence
from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table

IMPORT_LAMINA = """
import time
start = time.perf_counter()
import lamina
print(time.perf_counter() - start)
"""

SKLEARN_FIT = """
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_iris(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, random_state=0, stratify=y)
model = make_pipeline(StandardScaler(), MLPClassifier(early_stopping=True))
print(model.fit(X, y).score(X_test, y_test))
"""

# Upper bounds in seconds.
BOUNDS = {
    "import lamina": 0.1,
    "lamina --help": 0.4,
    "lamina fit iris, first time ever": 3.5,
    "lamina fit iris, second time": 2.0,
}


def run(options: Options) -> Report:
    """Measure every start several times, alternating; keep the medians."""
    for measure in MEASURES:  # once without the clock: files into memory, bytecode
        measure()
    samples: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for measure in MEASURES:
            for name, seconds in measure().items():
                samples.setdefault(name, []).append(seconds)
    rows = [row(name, seconds) for name, seconds in samples.items()]
    claims = [
        Claim(name, statistics.median(samples[name]), bound, at_least=False)
        for name, bound in BOUNDS.items()
    ]
    table = Table("From a fresh process to the end", "s", rows, claims)
    return Report("cold_start", "Cold start", [table])


def row(name: str, seconds: Sequence[float]) -> Row:
    """Row of one measurement."""
    note = f"{len(seconds)} runs"
    return Row(name, statistics.median(seconds), min(seconds), max(seconds), note)


def bare_python() -> dict[str, float]:
    """The interpreter alone, for comparison."""
    return {"python, nothing imported": clock([sys.executable, "-c", "pass"])}


def import_lamina() -> dict[str, float]:
    """The import statement itself, clocked inside the process."""
    wait_for_silence()
    done = call([sys.executable, "-c", IMPORT_LAMINA])
    return {"import lamina": float(done.stdout)}


def ask_for_help() -> dict[str, float]:
    """The help page of the command line."""
    return {"lamina --help": clock([*lamina_command(), "--help"])}


def first_and_second_fit() -> dict[str, float]:
    """Two fits by the command line that share an empty cache folder."""
    with tempfile.TemporaryDirectory() as folder:
        model = str(Path(folder) / "iris.lamina")
        command = [*lamina_command(), "fit", "iris", "-o", model]
        cache = {"XDG_CACHE_HOME": str(Path(folder) / "cache")}
        first = clock(command, cache)
        return {
            "lamina fit iris, first time ever": first,
            "lamina fit iris, second time": clock(command, cache),
        }


def sklearn_fit() -> dict[str, float]:
    """Scikit-learn's own classifier on the same data, with a held-out score."""
    return {"scikit-learn, fit on iris": clock([sys.executable, "-c", SKLEARN_FIT])}


MEASURES = (bare_python, import_lamina, ask_for_help, first_and_second_fit, sklearn_fit)


def lamina_command() -> list[str]:
    """The console script beside this interpreter."""
    return [str(Path(sys.executable).with_name("lamina"))]


def clock(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> float:
    """Seconds from the start of a process to its end."""
    wait_for_silence()
    start = time.perf_counter()
    call(command, environment)
    return time.perf_counter() - start


def call(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess:
    """Run a command without terminal; fail with what it said if it fails."""
    done = subprocess.run(
        command,
        env=user_environment() | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} failed: {done.stderr[-500:]}")
    return done


def user_environment() -> dict[str, str]:
    """This environment, but bytecode is kept between starts as it is by default."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONWARNINGS": "ignore"}
