"""A sandboxed DuckDB, which can read a single file and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.tables.parsing import clean_text
from lamina.data.tables.table import TableError

if TYPE_CHECKING:
    import duckdb

#: Fallback if the operating system does not report the size of memory.
_UNKNOWN_MEMORY = 16 * 2**30
_CGROUP = Path("/sys/fs/cgroup/memory.max")


def identifier(name: str) -> str:
    """Quote a name for SQL, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string for SQL, whatever characters it has."""
    return "'" + text.replace("'", "''") + "'"


def verbatim(path: Path) -> str:
    """Quote a path for SQL with ``*``, ``?`` and ``[`` escaped, so it is not a glob."""
    return literal("".join(f"[{c}]" if c in "*?[" else c for c in str(path)))


@contextmanager
def reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection that can read `path` and nothing else, on disk or network.

    No extension is installed or loaded, no setting can be changed afterwards, nothing
    is spilled to disk, and Python variables are not visible to SQL.
    """
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_unsigned_extensions": "false",
        },
    )
    try:
        for setting in (
            "python_enable_replacements = false",
            "temp_directory = ''",
            "enable_external_file_cache = false",
            # Times with a zone become UTC, wherever this computer is.
            "TimeZone = 'UTC'",
            # The name itself, and the glob pattern that matches only it.
            f"allowed_paths = [{literal(str(path))}, {verbatim(path)}]",
            # In this order: the path is allowed before access ends, and after the last
            # setting none can be changed.
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            connection.execute(f"SET {setting}")
        yield connection
    finally:
        connection.close()


def memory_bytes() -> int:
    """Return the memory of this computer, or of the container of this process."""
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN_MEMORY
    try:
        # The file holds "max" where there is no limit: a ValueError.
        return min(physical, int(_CGROUP.read_text()))
    except (OSError, ValueError):
        return physical


def refuse_too_large(source: str, n_rows: int, n_columns: int) -> None:
    """Raise if a table cannot fit into memory: at least eight bytes per cell."""
    needed, there = 8 * n_rows * n_columns, memory_bytes()
    if needed > there:
        raise TableError(
            f"{source}: {n_rows:,} rows × {n_columns:,} columns need at least "
            f"{needed / 1e9:.0f} GB, but this computer has {there / 1e9:.0f} GB; "
            "read fewer rows with nrows="
        )


def plain(error: Exception) -> str:
    """Return the first line of a DuckDB message, without its prefix and hints."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split("Error: ", 1)[-1].rstrip(". ")[:160]


def columns_of(rows: Sequence[str]) -> str:
    """Return a struct of text columns named c0, c1, …, never by names from the file."""
    return "{" + ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(rows))) + "}"


def as_column(values: Any) -> np.ndarray:
    """Return DuckDB's result (masked where NULL) as a column of a `Table`."""
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    data = np.asarray(np.ma.getdata(values))
    if data.dtype.kind == "M":
        data = data.astype("datetime64[us]")
        return data if mask is None else np.where(mask, np.datetime64("NaT"), data)
    if data.dtype != object:
        data = data.astype(np.float64)
        return data if mask is None else np.where(mask, np.nan, data)
    if mask is not None:
        data[mask] = None
    return clean_text(data)
