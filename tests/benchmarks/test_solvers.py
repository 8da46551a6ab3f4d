"""The race of the solvers: rates in use, and who takes part."""

import json

import pytest

from benchmarks.report import RESULTS
from benchmarks.solvers import COURSES, GRID, NAMES, RATES, entrants


@pytest.mark.parametrize("solver", RATES)
def test_each_library_races_at_its_best_rate_of_the_kept_grid(solver):
    kept = json.loads((RESULTS / "solver_rates.json").read_text(encoding="utf-8"))
    tables = {table["title"]: table["rows"] for table in kept["tables"]}
    course, rivals = COURSES[solver]
    for library in ("lamina", *rivals.split()):
        rows = tables[f"{solver}, {NAMES[library]}"]
        assert [float(row["name"]) for row in rows] == list(GRID)
        epochs = {float(row["name"]): row["value"] for row in rows if row["value"]}
        assert epochs[RATES[solver][library]] == min(epochs.values())
    for contender in entrants(course, rivals):
        library = next(k for k, v in NAMES.items() if contender.name.startswith(v))
        assert contender.arguments["rate"] == RATES[solver][library]


def test_newton_meets_both_of_scipys():
    names = [contender.name for contender in entrants(*COURSES["newton"])]
    assert {"lamina", "SciPy Newton-CG, 1 thread", "SciPy trust-exact, 1 thread"} <= {
        *names
    }
