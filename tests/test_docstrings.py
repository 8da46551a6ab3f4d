"""The examples in docstrings and in the documentation do what they say they do."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TRAINING = ("lamina/estimators/", "lamina/models/")
FENCE = re.compile("^```.*$", re.MULTILINE)  # else the closing one would be expected
HOW = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def sources():
    """Yield the source files with examples, slow where the examples train something."""
    for path in sorted((ROOT / "lamina").rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            name = path.relative_to(ROOT).as_posix()
            marks = [pytest.mark.slow] * name.startswith(TRAINING)
            yield pytest.param(path, marks=marks, id=name)


def run(test):
    """Run a test in a namespace of its own; fail with what differs."""
    report = []
    runner = doctest.DocTestRunner(optionflags=HOW, verbose=False)
    runner.run(test, out=report.append)
    assert not report, "".join(report)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("path", list(sources()))
def test_docstrings(path, tmp_path, monkeypatch):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    tests = doctest.DocTestFinder().find(importlib.import_module(module))
    assert any(test.examples for test in tests)
    monkeypatch.chdir(tmp_path)
    for test in tests:
        run(test)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_documents(tmp_path, monkeypatch):
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert documents
    monkeypatch.chdir(tmp_path)
    for path in documents:
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        run(doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0))


def test_an_example_that_is_wrong_fails():
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "sum", None, 0)
    with pytest.raises(AssertionError, match=r"Expected:\s+3\s+Got:\s+2"):
        run(wrong)
