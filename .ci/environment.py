"""Make a virtual environment with lamina in it, unless it is there already.

Usage: ``python environment.py VENV [EXTRA ...]``. The environment is made anew only
when what pyproject.toml asks for, the interpreter or the wish for an extra has changed;
a stamp inside it remembers. A lock lets several calls run at once. Only the standard
library is used, because nothing else is there yet.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(name: str, *extras: str) -> None:
    """Bring the environment ``name`` to a state that holds all ``extras``."""
    venv = ROOT / name
    with locked(ROOT / ".cache" / f"{name.lstrip('.')}.lock"):
        stamp = venv / "lamina-stamp.json"
        wanted = {"recipe": recipe(), "extras": sorted(extras)}
        found = read(stamp) if works(venv) else {}
        if found.get("recipe") == wanted["recipe"]:
            wanted["extras"] = sorted({*found["extras"], *extras})
        if found != wanted:
            stamp.unlink(missing_ok=True)
            build(venv, wanted["extras"])
            stamp.write_text(json.dumps(wanted), encoding="utf-8")


def recipe() -> str:
    """Digest of all that decides what is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    decisive = [project["project"], project["build-system"], str(ROOT)]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def read(stamp: Path) -> dict:
    """Contents of the stamp; empty if it is missing or damaged."""
    try:
        return json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def interpreter(venv: Path) -> Path:
    """Python inside the environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def works(venv: Path) -> bool:
    """Whether the environment has a Python 3.11 or newer that starts, and pip."""
    test = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    try:
        call = [interpreter(venv), "-c", test]
        return subprocess.run(call, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def build(venv: Path, extras: list[str]) -> None:
    """Create the environment if need be and install lamina in editable form."""
    label = f"lamina[{','.join(extras)}]" if extras else "lamina"
    print(f"Installing {label} into {venv.name} (once) ...", flush=True)
    if not works(venv):
        create(venv)
    target = f".[{','.join(extras)}]" if extras else "."
    python = str(interpreter(venv))
    uv = shutil.which("uv")
    if uv and attempt([uv, "pip", "install", "-q", "--python", python, "-e", target]):
        return
    if not attempt([python, "-m", "pip", "install", "-qq", "-e", target]):
        sys.exit(f"Installing {label} failed; the messages above say why.")


def create(venv: Path) -> None:
    """Create an empty environment with pip, by uv where there is uv."""
    uv = shutil.which("uv")
    options = ["--seed", "--clear", "--quiet", "--python", sys.executable]
    if uv and attempt([uv, "venv", *options, str(venv)]):
        return
    if not attempt([sys.executable, "-m", "venv", "--clear", str(venv)]):
        sys.exit(
            f"{sys.executable} cannot make a virtual environment. On Debian and Ubuntu "
            "install the package python3-venv; or install uv."
        )


def attempt(command: list[str]) -> bool:
    """Run a command in the repository; tell whether it succeeded."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment).returncode == 0


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock; the system lets go of it when the process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        try:
            import fcntl
        except ImportError:  # Windows: no second make runs at the same time there
            yield
            return
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main(*sys.argv[1:])
