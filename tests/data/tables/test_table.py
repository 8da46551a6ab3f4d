"""The table: rows, columns, names, and where a row stood."""

import re

import numpy as np
import pytest

from lamina.data import ImageError, SequenceError, Table, TableError, TableSchema
from lamina.data.errors import LONGEST
from tests.data.helpers import refused


def test_table_take_drop_select_where():
    table = Table({"a": np.arange(3.0), "b": np.arange(3.0)}, "f.csv", first_line=2)
    part = table.take([2, 0])
    assert part["a"].tolist() == [2.0, 0.0]
    assert part.where(0) == "line 4"
    assert part.take(np.array([False, True])).where(0) == "line 2"
    assert table.drop("a").names == ["b"]
    assert table.select(["b", "a"]).names == ["b", "a"]
    assert table != part
    assert not table.same_structure(table.drop("a"))
    assert len(table) == 3
    assert "3 rows × 2" in repr(table)


def test_wrong_column_names_get_the_nearest():
    table = Table({"Height": np.zeros(1), "weight": np.zeros(1)}, "f.csv")
    for call in (table.column, table.drop, lambda n: table.select([n])):
        with pytest.raises(TableError, match=r"no column 'hieght'; did you mean 'Heig"):
            call("hieght")


@pytest.mark.parametrize(
    ("column", "part"),
    [
        (np.arange(3), "got int64"),
        (np.zeros(3, "datetime64[D]"), "got datetime64[D]"),
        (np.zeros((2, 2)), "got shape"),
    ],
)
def test_table_holds_three_types_only(column, part):
    with pytest.raises(TableError, match=re.escape(part)):
        Table({"a": column})


def test_messages_are_bounded_whatever_they_quote():
    """Names of 70,000 characters: the beginning and the fix are kept."""
    long = "n" * 70_000
    for kind in (TableError, SequenceError, ImageError):
        message = str(kind(f"t.csv: column {long}: correct it"))
        assert len(message) <= LONGEST
        assert message.startswith("t.csv: column n")
        assert message.endswith("n: correct it")
    refused(lambda: Table({long: np.zeros(1)}).column(long + "x"), "did you mean")
    table = Table({long: np.zeros(9), "x": np.arange(9.0), "y": np.arange(9.0)})
    (note,) = TableSchema.fit(table, "y").notes
    assert len(note) <= LONGEST
    assert note.endswith("is always '0' and is not used")
