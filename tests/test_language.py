"""One language: the field's terms in public names, options, messages and pages."""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "lamina",
    "lamina.data",
    "lamina.estimators",
    "lamina.insight",
    "lamina.learning",
    "lamina.models",
    "lamina.networks",
    "lamina.storage",
)
PAGES = [page for glob in ("*.md", "docs/*.md") for page in sorted(ROOT.glob(glob))]
PAGES.append(ROOT / "benchmarks" / "README.md")

NAMES = {
    "Below": "LossBelow",
    "Budget": "MaxEvaluations",
    "Exact": "LeastSquares",
    "Last": "LastStep",
    "Lengths": "CapsuleLength",
    "Masking": "MaskingNoise",
    "Series": "RaggedArray",
    "Skip": "SkipConnection",
    "Step": "StepDecay",
    "advice_": "diagnosis_",
    "alphabet_": "vocabulary_",
    "attacked": "adversarial_examples",
    "error_": "loss_name_",
    "health_": "diagnostics_",
    "holdout_out": "save_holdout",
    "kinds": "column_types",
    "known": "exogenous",
    "longest_": "max_length_",
    "members": "n_estimators",
    "places": "positions",
    "season": "seasonal_period",
    "shortest_": "min_length_",
    "spread": "init_scale",
    "stopped_": "stop_reason_",
    "up_down": "wake_sleep_epochs",
}
"""Whole names that are retired, and what stands for them now."""

OPTIONS = NAMES | {
    "codes": "latent_dim",
    "data": "datasets",
    "errors": "reconstruction_error",
    "kind": "column_type",
    "series": "group_column",
    "shape": "image_shape",
    "time": "time_column",
}
"""The same for commands and options, which have one meaning each."""

PARTS = {
    "alike": "equal",
    "beside": "concat",
    "deck": "the paper or textbook",
    "dialect": "csv_dialect",
    "feed": "loader",
    "keeper": "checkpointer",
    "lesson": "task",
    "picture": "image",
    "race": "benchmark",
    "room": "package",
    "shares": "shards",
    "spool": "disk_array",
    "told": "predicted",
    "wire": "schema_json",
}
"""Words of which no name may have one: `as_pictures`, `PictureNet`."""

WORDS = {
    r"pictures?": "image",
    r"decks?\b": "the paper, the textbook or docs/sources.md",
    r"net inputs?": "pre-activation",
    r"stacks? of machines": "stack of RBMs",
    r"codes? of (?:rows|data|images|pictures)": "embedding",
    r"(?:learns?|learnt?|has|have|holds|makes) codes": "embedding",
    r"numbers of a code": "latent dimensions",
    r"(?:rows|images|sequences|examples) that were learnt": "training rows",
    r"learnt from": "training rows",
    r"(?:to be|are|is) told": "forecast, predicted or reported",
    r"tells? the": "report, write",
    r"made again|makes? (?:its|their) inputs? again": "reconstructed",
    r"hangs? on": "drives, depends on",
    r"by heart": "overfitting",
    r"one's own": "your own",
    r"stands? twice": "is duplicated",
    r"several times for several": "(repeatable)",
    r"of everything random": "random seed",
    r"anew": "again, new",
    r"brought to": "resized to",
    r"seasons? before": "seasonal naive",
    r"known ends?": "folds, periods that are known",
    r"no improvement for long": "no improvement for N epochs",
    r"trivial baseline": "baseline (mean) or (majority class)",
    r"numbers lay within": "interval covered",
    r"what cannot be": "invalid",
    r"at odds": "differs",
    r"(?<!there )(?:is|are|was) no (?!longer\b|more\b|less\b|match\b)": "is not a",
}
"""Phrases of the old dialect, in messages and on pages, and the standard ones."""

# ---- what is looked through ---------------------------------------------------------


def split(name: str) -> list[str]:
    """The words of a name: as_pictures, PictureNet, NO_PICTURES."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def retired_name(name: str, whole: dict[str, str] = NAMES) -> str | None:
    """What a public name should be called instead, if it is a retired one."""
    if name in whole:
        return whole[name]
    words = {word.removesuffix("s") for word in split(name)} | set(split(name))
    return next((PARTS[word] for word in sorted(words) if word in PARTS), None)


@cache
def trees(package: str) -> dict[str, ast.Module]:
    """The syntax trees of a package's files, by their paths."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def public_names() -> set[str]:
    return {
        name
        for package in PACKAGES
        for name in importlib.import_module(package).__all__
    }


def parameters() -> set[tuple[str, str]]:
    """(class, parameter) of everything with parameters in the public packages."""
    found = set()
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                found |= {(name, one) for one in parameters_of(value)}
    return found


def parameters_of(value: object) -> list[str]:
    names = getattr(value, "_get_param_names", None)
    if names is not None:
        return names()
    if inspect.isfunction(value):
        return list(inspect.signature(value).parameters)
    return []


def options() -> set[str]:
    """The commands of the command line and their options."""
    from lamina.app.cli.entry import COMMANDS, Commands

    found = set(COMMANDS)
    for name in COMMANDS:
        command = Commands.get_command(None, None, name)  # type: ignore[arg-type]
        for one in command.params:
            flags = [flag for flag in one.opts if flag.startswith("-")]
            found |= {flag.lstrip("-").replace("-", "_") for flag in flags}
    return found


def fitted_attributes() -> set[str]:
    """Public attributes that end in _, of estimators and models."""
    found = set()
    for path, tree in trees("lamina").items():
        if path.startswith(("lamina/estimators/", "lamina/models/")):
            for node in ast.walk(tree):
                stored = isinstance(node, ast.Attribute) and isinstance(
                    node.ctx, ast.Store
                )
                name = getattr(node, "attr" if stored else "name", "") or ""
                if re.fullmatch(r"[a-z]\w*[a-z]_", name):
                    found.add(name)
    return found


SPEAKING = {"option", "argument", "Option", "Argument", "warn", "Message", "param"}


def messages(tree: ast.Module) -> list[tuple[int, str]]:
    """(line, text) of the messages and helps in a file."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            found += texts(node.exc)
        elif isinstance(node, ast.Call) and called(node) in SPEAKING:
            found += texts(node)
        elif isinstance(node, ast.keyword) and node.arg in ("help", "hint", "doc"):
            found += texts(node.value)
    return sorted(set(found))


def called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def texts(node: ast.AST) -> list[tuple[int, str]]:
    return [
        (one.lineno, one.value)
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


def retired_words(text: str) -> list[str]:
    """The retired phrases in a text, each with what stands for it now."""
    plain = re.sub(r"\s+", " ", text)
    return [
        f"{match[0]!r}: {standard}"
        for word, standard in WORDS.items()
        for match in re.finditer(rf"\b(?:{word})", plain, re.IGNORECASE)
    ]


def prose(page: Path) -> str:
    """The sentences of a page: no blocks of code, no code in a line."""
    text = re.sub(r"(?ms)^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"))
    return re.sub(r"`[^`]*`", "", text)


# ---- the rules ----------------------------------------------------------------------


def test_public_names():
    found = {name: retired_name(name) for name in public_names()}
    assert {name: new for name, new in found.items() if new} == {}


def test_parameters():
    found = {one: retired_name(one[1]) for one in parameters()}
    assert {one: new for one, new in found.items() if new} == {}


def test_commands_and_options():
    found = {name: retired_name(name, OPTIONS) for name in options()}
    assert {name: new for name, new in found.items() if new} == {}


def test_fitted_attributes():
    found = {name: retired_name(name) for name in fitted_attributes()}
    assert {name: new for name, new in found.items() if new} == {}


@pytest.mark.parametrize("path", sorted(trees("lamina")))
def test_messages(path):
    said = messages(trees("lamina")[path])
    found = [(line, words) for line, text in said if (words := retired_words(text))]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages(page):
    assert retired_words(prose(page)) == []


@pytest.mark.parametrize("folder", ["lamina", "examples", "tests"])
def test_sources_are_cited_by_author_and_title(folder):
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name != "test_language.py"
        and re.search(r"\bdecks?\b", path.read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert found == []


# ---- the check itself ---------------------------------------------------------------


def test_retired_words_are_found():
    assert retired_name("as_pictures") == "image"
    assert retired_name("PictureNet") == "image"
    assert retired_name("image_shape") is None
    assert retired_words("The picture is no\n  table.") == [
        "'picture': image",
        "'is no ': is not a",
    ]
    assert retired_words("There were no images; they are no longer read.") == []


def test_messages_are_found():
    tree = ast.parse(
        "def f(x):\n"
        "    '''no message'''\n"
        "    warn(f'a {x} b')\n"
        "    raise E('c' if x else 'd', hint='e')\n"
    )
    assert {text for _, text in messages(tree)} == {"a ", " b", "c", "d", "e"}
