"""What the tests of this room share: tables from a few lines, refusals in one line."""

import io

import numpy as np
import pytest

from lamina.data import Table, TableError, TableSchema, read_table

GOOD = b"a,b,when\n1,x,2024-01-05\n,NA,\n2.5,y,2024/1/6 12:30\n"
WANTED = Table(
    {
        "a": np.array([1.0, np.nan, 2.5]),
        "b": np.array(["x", None, "y"], dtype=object),
        "when": np.array(["2024-01-05", "NaT", "2024-01-06T12:30"], "datetime64[us]"),
    }
)


def csv(content: str, **options) -> Table:
    """The table in a few lines of CSV."""
    return read_table(io.StringIO(content), **options)


def refused(call, *parts: str, error: type[Exception] = TableError) -> str:
    """The one line that a call is refused with; it has all `parts`."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message
    return message


def unreadable(source, *parts: str, **options) -> str:
    """The one line that `read_table` refuses a source with; it has all `parts`."""
    return refused(lambda: read_table(source, **options), *parts)


def attempted(source) -> tuple[Table | None, str]:
    """The table, or why there is none; any other exception fails the test."""
    try:
        return read_table(source), ""
    except TableError as error:
        return None, str(error)


def kinds(table: Table, **options) -> dict[str, str]:
    """Kind of each column that a schema finds."""
    return {c.name: c.kind for c in TableSchema.fit(table, **options).columns}
