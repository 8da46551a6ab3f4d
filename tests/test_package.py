"""What is published: one version, the Pythons that are tested, commands that exist."""

import re
import tomllib
from pathlib import Path

import pytest

import lamina

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_version_stands_in_one_place():
    assert "version" not in PROJECT
    assert PROJECT["dynamic"] == ["version"]
    source = ROOT / PYPROJECT["tool"]["hatch"]["version"]["path"]
    assert source == Path(lamina.__file__)
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", lamina.__version__)
    assert not re.search(r"^version:", read("CITATION.cff"), re.MULTILINE)


@pytest.mark.parametrize("name", ["ci.yml", "nightly.yml"])
def test_all_supported_pythons_are_tested(name):
    matrix = re.search(r"python: \[(.*)\]", read(f".github/workflows/{name}"))
    assert matrix is not None
    prefix = "Programming Language :: Python :: 3."
    supported = [c for c in PROJECT["classifiers"] if c.startswith(prefix)]
    assert re.findall(r"3\.\d+", matrix[1]) == [c.split()[-1] for c in supported]
    assert PROJECT["requires-python"] == f">={supported[0].split()[-1]}"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_targets_that_exist(workflow):
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    calls = re.findall(r"run: make (.*)", workflow.read_text(encoding="utf-8"))
    called = [word for call in calls for word in call.split() if "=" not in word]
    assert called
    assert set(called) <= targets


def test_ci_on_github_runs_every_step_of_the_local_one():
    local = re.findall(r"make ([a-z-]+)$", read(".ci/run"), re.MULTILINE)
    calls = re.findall(r"run: make (.*)", read(".github/workflows/ci.yml"))
    assert local
    assert set(local) <= {word for call in calls for word in call.split()}


def read(name: str) -> str:
    """Text of a file at ``name`` below the root."""
    return (ROOT / name).read_text(encoding="utf-8")
