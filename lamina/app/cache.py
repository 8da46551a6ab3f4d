"""The compilation cache of the command line.

Each command is a new process; without a cache on disk it would compile the same
programs again every time. The cache contains machine code, so it is stored in a folder
that only the user can read or write; without such a folder there is no cache. Machine
code for another processor is useless, so each processor type has its own folder.

Environment variables
---------------------
LAMINA_CACHE
    ``off`` disables the cache; a path replaces the user's cache folder.
JAX_COMPILATION_CACHE_DIR
    If set, JAX's own setting is used and this module does nothing.
"""

import contextlib
import hashlib
import os
import platform
import stat
import sys
from pathlib import Path

MAX_BYTES = 256 * 2**20
"""Above this size the least recently used programs are removed."""


def enable() -> Path | None:
    """Enable the cache; call this before JAX is imported.

    Returns
    -------
    Path or None
        The cache folder; None if there is no cache.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return None
    wanted = os.environ.get("LAMINA_CACHE", "")
    if wanted.lower() in ("off", "0", "no", "false"):
        return None
    base = Path(wanted) if wanted else user_cache() / "lamina" / "xla"
    try:
        folder = private_folder(base / processor())
        trim(folder)
    except OSError:
        return None
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    return folder


def user_cache() -> Path:
    """Return the user's cache folder on this operating system."""
    if folder := os.environ.get("XDG_CACHE_HOME"):
        return Path(folder)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32" and (folder := os.environ.get("LOCALAPPDATA")):
        return Path(folder)
    return Path.home() / ".cache"


def private_folder(folder: Path) -> Path:
    """Create a folder that only the user can open, or check an existing one.

    Raises
    ------
    OSError
        If it cannot be created, is a link, or belongs to another user.
    """
    for part in (folder.parent, folder):
        part.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(part)
    return folder


def _check_private(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(f"{folder} is not a folder")
    if hasattr(os, "getuid"):
        if found.st_uid != os.getuid():
            raise OSError(f"{folder} belongs to another user")
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)


def processor() -> str:
    """Return an identifier of this processor type."""
    features = f"{platform.machine()} {platform.system()}"
    with contextlib.suppress(OSError), open("/proc/cpuinfo", "rb") as file:
        first = file.read(8192).splitlines()  # all cores are alike
        known = (b"model name", b"flags", b"Features", b"CPU part")
        lines = [line for line in first if line.startswith(known)][:3]
        features += b" ".join(lines).decode(errors="replace")
    return hashlib.sha256(features.encode()).hexdigest()[:12]


def trim(folder: Path) -> None:
    """Remove the least recently used programs."""
    files = [(e.stat(), e.path) for e in os.scandir(folder) if e.is_file()]
    excess = sum(s.st_size for s, _ in files) - MAX_BYTES
    for status, path in sorted(files, key=lambda f: max(f[0].st_atime, f[0].st_mtime)):
        if excess <= 0:
            return
        with contextlib.suppress(OSError):
            os.unlink(path)
        excess -= status.st_size
