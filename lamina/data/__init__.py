"""What goes in: tables of files and data frames, their encoding, embedded data sets.

The names are handed on when they are first asked for, so that a program that only
loads a data set does not pay for the readers of files.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamina.data.schema import TableSchema
    from lamina.data.sets import Dataset, load, names
    from lamina.data.table import Table, TableError
    from lamina.data.tables import read_table

__all__ = [
    "Dataset",
    "Table",
    "TableError",
    "TableSchema",
    "load",
    "names",
    "read_table",
]

_HOMES = {
    "Dataset": "sets",
    "Table": "table",
    "TableError": "table",
    "TableSchema": "schema",
    "load": "sets",
    "names": "sets",
    "read_table": "tables",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
