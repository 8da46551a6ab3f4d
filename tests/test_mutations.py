"""Mutation testing: the lists are about this source, and a survivor is reported."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from mutations import run

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "tests" / "mutations" / "run.py"
LEAST = {
    "learning": 40,
    "networks": 40,
    "estimators": 40,
    "models": 10,
    "metrics": 5,
    "data": 30,
}


@cache
def functions(path):
    """Return the names of the tests of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("package", run.PACKAGES)
def test_mutations_are_of_lines_and_tests_that_there_are(package):
    listed = list(run.mutations(package))
    assert len(listed) >= LEAST[package]
    assert len({(one.file, one.old, one.new) for one in listed}) == len(listed)
    for one in listed:
        assert one.file.startswith(f"{package}/")
        assert one.new != one.old
        ast.parse(one.source())  # refuses a line that is not there once
        for test in one.tests:
            file, _, name = test.partition("::")
            path = ROOT / "tests" / file
            assert path.is_file(), test
            assert not name or name.split("[")[0] in functions(path), test


def test_a_line_that_is_not_there_once_is_told():
    stale = run.Mutation("networks/layers/dense.py", "return h + 1", "return h", ())
    with pytest.raises(ValueError, match="list is stale: lamina/networks/layers/den"):
        stale.source()
    several = run.Mutation(
        "networks/functional/losses.py", "return False", "return True", ()
    )
    with pytest.raises(ValueError, match="has 0 lines 'return False', but must have"):
        several.source()


@pytest.mark.slow
def test_a_test_that_notices_nothing_is_told(tmp_path):
    """The tests of initialisers know nothing of the bias of a layer."""
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import run\n"
        "tests = ('networks/functional/test_initializers.py"
        "::test_unknown_names_are_refused_with_what_is_known',)\n"
        "blind = run.Mutation('networks/layers/dense.py', "
        "'h = x @ params[\"weight\"]', 'h = -x @ params[\"weight\"]', tests)\n"
        "seen = blind._replace(file='networks/functional/initializers.py', "
        "old='known = \", \".join(INITIALIZERS)', new='known = \"none\"')\n"
        "run.prepare(1)\n"
        "sys.exit(run.report([blind, seen], 1, True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "survived: lamina/networks/layers/dense.py:" in done.stdout
    assert "networks      2 mutations    1 killed    1 survived" in done.stdout
