"""The rules of the house that no linter knows.

Which room may import which is held by import-linter (``make contracts``); here stand
the start-up budget, the mirror of source and tests, and the ban on code in files.
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "lamina"
SOURCES = sorted(PACKAGE.rglob("*.py"))

IMPORT_BUDGET_SECONDS = 0.1
HEAVY = ("duckdb", "jax", "jaxlib", "optax", "pandas", "rich", "sklearn", "typer")

# Files without a test file of their own, each with its reason.
UNMIRRORED = {
    "__init__.py": "the lazy public names; tested here and by every other test",
    "__main__.py": "two lines that call the command line",
    "data/datasets/embedded/make.py": "wrote the files beside it, which tests check",
}

# Calls and modules that turn data into running code.
CODE_RUNNERS = {"eval", "exec", "compile", "__import__"}
CODE_CARRIERS = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}


def relative(path: Path) -> str:
    """Path of a source file inside the package, with forward slashes."""
    return path.relative_to(PACKAGE).as_posix()


def call_in_fresh_process(code: str) -> object:
    """Run code that prints one JSON value in a new interpreter; return the value."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    return json.loads(done.stdout)


def test_import_loads_no_heavy_library():
    code = "import json, sys, lamina; print(json.dumps(sorted(sys.modules)))"
    loaded = set(call_in_fresh_process(code))
    assert loaded.isdisjoint(HEAVY)


def test_import_is_fast():
    code = (
        "import time; start = time.perf_counter(); import lamina; "
        "print(time.perf_counter() - start)"
    )
    seconds = [call_in_fresh_process(code) for _ in range(5)]
    assert min(seconds) <= IMPORT_BUDGET_SECONDS


@pytest.mark.slow
def test_public_names_resolve():
    code = (
        "import json, lamina; "
        "print(json.dumps([n for n in lamina.__all__ if not hasattr(lamina, n)]))"
    )
    assert call_in_fresh_process(code) == []


def test_every_source_file_has_a_test_file():
    wanted = [
        mirror(source)
        for source in SOURCES
        if relative(source) not in UNMIRRORED and not is_only_a_shop_window(source)
    ]
    assert wanted
    assert [path for path in wanted if not (ROOT / path).exists()] == []


def mirror(source: Path) -> str:
    """Return where the test file of a source file has to be."""
    folder = source.parent.relative_to(PACKAGE)
    return (Path("tests") / folder / f"test_{source.stem.lstrip('_')}.py").as_posix()


def is_only_a_shop_window(source: Path) -> bool:
    """Whether a file is a room's ``__init__`` that defines nothing but names."""
    if source.name != "__init__.py":
        return False
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = ast.parse(source.read_text(encoding="utf-8")).body
    defined = [node.name for node in nodes if isinstance(node, definitions)]
    return set(defined) <= {"__getattr__", "__dir__"}


def test_every_test_file_has_a_source_file():
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    assert tests
    assert [str(test) for test in tests if not has_a_source(test)] == []


def has_a_source(test: Path) -> bool:
    """Whether a test file stands where the source file it is about stands."""
    inside = test.relative_to(ROOT / "tests")
    if len(inside.parts) == 1 or inside.parts[0] == "contracts":
        return True
    stem = test.stem.removeprefix("test_")
    tops = ROOT if inside.parts[0] == "benchmarks" else PACKAGE
    folder = tops / inside.parent
    return any((folder / f"{name}.py").exists() for name in (stem, f"_{stem}"))


def test_no_file_can_run_code_from_data():
    assert SOURCES
    found = [
        f"{relative(source)}:{line}: {what}"
        for source in SOURCES
        for line, what in code_runners_in(ast.parse(source.read_text(encoding="utf-8")))
    ]
    assert found == []


def code_runners_in(tree: ast.AST):
    """Yield (line, what) for all that could execute what a file contains."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in CODE_RUNNERS:
                yield node.lineno, f"{name}()"
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.split(".")[0] in CODE_CARRIERS:
                        yield node.lineno, f"import {alias.name}"
            case ast.ImportFrom(module=str(module)):
                if module.split(".")[0] in CODE_CARRIERS:
                    yield node.lineno, f"from {module} import"
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                yield node.value.lineno, "allow_pickle=True"


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("eval('1')", "eval()"),
        ("import pickle", "import pickle"),
        ("from joblib import load", "from joblib import"),
        ("np.load(path, allow_pickle=True)", "allow_pickle=True"),
        ("import joblib.numpy_pickle", "import joblib.numpy_pickle"),
    ],
)
def test_code_runners_are_recognised(code, what):
    assert [found for _, found in code_runners_in(ast.parse(code))] == [what]


def test_harmless_code_is_not_flagged():
    harmless = "model.eval()\nnp.load(path)\nre.compile('a')\n'eval(1)'"
    assert list(code_runners_in(ast.parse(harmless))) == []


def test_package_data_is_declared_and_present():
    assert (PACKAGE / "py.typed").exists()
    assert any((PACKAGE / "data" / "datasets" / "embedded").iterdir())
