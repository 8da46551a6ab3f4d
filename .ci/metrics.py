"""Count what the design promises: depth of classes, sizes, dispatch, annotations.

    python .ci/metrics.py [PACKAGE ...]

Reads the sources only and imports nothing, so any commit can be counted; with several
folders their columns stand side by side.

- deepest class chain: classes of the package on the longest way up from a class;
  tables of parameters and others without methods are data and do not count, nor do
  exceptions
- methods of a class: functions, properties included, of it and all its ancestors here
- parameters: of functions and methods outside dataclasses, ``self`` and ``cls`` apart
- isinstance elsewhere: checks for a concrete class, from which none is derived, that
  another package defines, and not the file itself under the same name
- ``Any``: share of parameters annotated ``Any``, or not at all
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MOST_PARAMETERS, MOST_FILES = 8, 15
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
SAME_AS_ANY = ("Any", "object")


class Package:
    """The sources of a package, parsed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.trees = {
            path.relative_to(root): ast.parse(path.read_text(encoding="utf-8"))
            for path in sorted(root.rglob("*.py"))
        }
        self.classes: dict[str, tuple[Path, ast.ClassDef]] = {}
        for path, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self.classes.setdefault(node.name, (path, node))

        self.inherited = {
            _name(base) for _, node in self.classes.values() for base in node.bases
        }

    # ---- classes --------------------------------------------------------------------

    def bases(self, name: str) -> list[str]:
        """Return the names of a class's bases that the package defines itself."""
        names = [_name(base) for base in self.classes[name][1].bases]
        return [base for base in names if base in self.classes and base != name]

    def depth(self, name: str) -> int:
        """Return how many classes with methods are on the longest way up."""
        above = max(map(self.depth, self.bases(name)), default=0)
        return above + any(isinstance(o, FUNCTIONS) for o in self.body(name))

    def body(self, name: str) -> list[ast.stmt]:
        """Return the statements of a class."""
        return self.classes[name][1].body

    def family(self, name: str) -> set[str]:
        """Return a class and all its ancestors in the package."""
        return {name}.union(*map(self.family, self.bases(name)))

    def methods(self, name: str) -> int:
        """Return how many functions a class and its ancestors define."""
        return sum(
            isinstance(node, FUNCTIONS)
            for one in self.family(name)
            for node in self.body(one)
        )

    def deepest(self) -> tuple[int, str]:
        return max((self.depth(name), name) for name in self.classes)

    # ---- files ----------------------------------------------------------------------

    def lines(self, folder: str) -> int:
        return sum(
            len((self.root / path).read_text(encoding="utf-8").splitlines())
            for path in self.trees
            if not folder or path.parts[0] == folder
        )

    def crowded(self) -> dict[str, int]:
        """Return the folders that have more than a few files, and how many."""
        count = Counter(str(p.parent) for p in self.trees if p.name != "__init__.py")
        return {folder: n for folder, n in count.items() if n > MOST_FILES}

    def comments(self) -> float:
        """Return the share of lines that are a comment by themselves, in per cent."""
        found = whole = 0
        for path in self.trees:
            lines = (self.root / path).read_text(encoding="utf-8").splitlines()
            whole += len(lines)
            found += sum(line.strip().startswith("#") for line in lines)
        return 100 * found / max(1, whole)

    # ---- functions ------------------------------------------------------------------

    def functions(self) -> Iterator[tuple[Path, ast.AST, FUNCTIONS]]:
        """Yield (file, what holds it, function)."""
        for path, tree in self.trees.items():
            for holder in ast.walk(tree):
                for node in ast.iter_child_nodes(holder):
                    if isinstance(node, FUNCTIONS):
                        yield path, holder, node

    def wide(self) -> list[str]:
        """Return the functions with many parameters, as file:line name (n)."""
        return [
            f"{path}:{node.lineno} {node.name} ({len(_parameters(node))})"
            for path, _, node in self.functions()
            if len(_parameters(node)) > MOST_PARAMETERS
        ]

    def unannotated(self) -> float:
        """Return the share of parameters that are ``Any`` or nothing, in per cent."""
        found = [
            arg.annotation is None or _name(arg.annotation) in SAME_AS_ANY
            for _, _, node in self.functions()
            for arg in _parameters(node)
        ]
        return 100 * sum(found) / max(1, len(found))

    # ---- dispatch -------------------------------------------------------------------

    def app_dispatch(self) -> list[str]:
        """Return the places of ``app`` that ask for a class's name or an attribute."""
        return [
            f"{path}:{node.lineno} {ast.unparse(node)[:60]}"
            for path, tree in self.trees.items()
            if path.parts[0] == "app"
            for node in ast.walk(tree)
            if _asks_class_name(node) or _sniffs_object(node)
        ]

    def sniffs(self) -> list[str]:
        """Return the calls of ``hasattr``, and of ``getattr`` with a default."""
        return [
            f"{path}:{node.lineno} {ast.unparse(node)[:60]}"
            for path, tree in self.trees.items()
            for node in ast.walk(tree)
            if _calls(node) == "hasattr"
            or (_calls(node) == "getattr" and len(node.args) == 3)
        ]

    def foreign_checks(self) -> list[str]:
        """Return ``isinstance`` of a class that another package defines."""
        return [
            f"{path}:{node.lineno} {ast.unparse(node)[:60]}"
            for path, tree in self.trees.items()
            for node in ast.walk(tree)
            if _calls(node) == "isinstance" and len(node.args) == 2
            if any(
                name in self.classes
                and name not in self.inherited
                and name not in _defined(tree)
                and self.classes[name][0].parts[0] != path.parts[0]
                for name in _names(node.args[1])
            )
        ]


def _parameters(node: FUNCTIONS) -> list[ast.arg]:
    a = node.args
    found = [*a.posonlyargs, *a.args, *a.kwonlyargs]
    return [arg for arg in found if arg.arg not in ("self", "cls")]


def _name(node: ast.AST) -> str:
    """Return the last part of a dotted name, without what is in brackets."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _name(value)
        case ast.Constant(value=str(text)):
            return text
    return ""


def _names(node: ast.AST) -> set[str]:
    kinds = ast.Name | ast.Attribute
    return {_name(part) for part in ast.walk(node) if isinstance(part, kinds)}


def _defined(tree: ast.AST) -> set[str]:
    """Return the names of the classes that a file defines."""
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _calls(node: ast.AST) -> str:
    return _name(node.func) if isinstance(node, ast.Call) else ""


def _asks_class_name(node: ast.AST) -> bool:
    """Whether a class's name decides something; to print it is no question."""
    asked = ast.Compare | ast.Subscript | ast.Match
    return isinstance(node, asked) and any(
        isinstance(part, ast.Attribute) and part.attr in ("__name__", "__class__")
        for part in ast.walk(node)
    )


def _sniffs_object(node: ast.AST) -> bool:
    """Whether an object is asked what it has; a module may lack what a system lacks."""
    return (
        isinstance(node, ast.Call)
        and _calls(node) == "hasattr"
        and _name(node.args[0]) != "os"
    )


def report(package: Package) -> dict[str, str]:
    """Return the table of one package: what is counted, and how much it is."""
    depth, deepest = package.deepest()
    crowded = package.crowded()
    folders = sorted({path.parts[0] for path in package.trees if len(path.parts) > 1})
    return {
        "deepest class chain": f"{depth} ({deepest})",
        "MLPClassifier: class chain": str(package.depth("MLPClassifier")),
        "MLPClassifier: classes": str(len(package.family("MLPClassifier"))),
        "MLPClassifier: methods": str(package.methods("MLPClassifier")),
        **{f"lines of {name}": f"{package.lines(name):,}" for name in folders},
        "lines of all": f"{package.lines(''):,}",
        f"folders with more than {MOST_FILES} files": ", ".join(
            f"{folder} {n}" for folder, n in crowded.items()
        )
        or "0",
        f"functions with more than {MOST_PARAMETERS} parameters": str(
            len(package.wide())
        ),
        "class names or hasattr in app": str(len(package.app_dispatch())),
        "hasattr, or getattr with a default": str(len(package.sniffs())),
        "isinstance elsewhere": str(len(package.foreign_checks())),
        "parameters Any or unannotated": f"{package.unannotated():.0f} %",
        "comment lines": f"{package.comments():.1f} %",
    }


def main(arguments: list[str]) -> None:
    """Print the table of some folders, or with ``--list`` what stands behind it."""
    here = str(Path(__file__).resolve().parent.parent / "lamina")
    listed = "--list" in arguments
    folders = [one for one in arguments if not one.startswith("-")] or [here]
    packages = [Package(Path(folder)) for folder in folders]
    if listed:
        for package in packages:
            for found in ("wide", "app_dispatch", "sniffs", "foreign_checks"):
                print(f"\n{found}")
                print("\n".join(f"  {line}" for line in getattr(package, found)()))
        return
    tables = [report(package) for package in packages]
    rows = dict.fromkeys(name for table in tables for name in table)
    for name in rows:
        columns = "".join(f"{table.get(name, '-'):>24}" for table in tables)
        print(f"{name:42}{columns}")


if __name__ == "__main__":
    main(sys.argv[1:])
