"""Wide delimited text: the same table as narrow text gives, in linear time."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data import TableError, read_table
from lamina.data.formats import delimited

CELLS = [
    *("1", "-2.5", "1e3", "", "NA", "?", '""', "1,5", '"1,5"', "1.5 ", " 7", "inf"),
    *("word", '"two words"', "é", "true", "False", "2024-01-31", "1.2.2024", "007"),
    *('"say ""hi"""', '"a\nb"', '5" pipe', "2024-01-31T10:00:00+02:00", "nan", "x,y"),
]


def read_as(monkeypatch, path, *, wide, **how):
    monkeypatch.setattr(delimited, "_WIDE", 0 if wide else 10**6)
    try:
        return read_table(path, **how), ""
    except TableError as error:
        return None, str(error)


def assert_same(one, other):
    assert one.names == other.names
    assert one.first_line == other.first_line
    for name in one.names:
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 5).flatmap(
        lambda width: st.lists(
            st.lists(st.sampled_from(CELLS), min_size=width, max_size=width),
            min_size=1,
            max_size=5,
        )
    ),
    st.sampled_from(",;\t"),
    st.sampled_from([None, 2]),
    st.booleans(),
)
def test_wide_text_is_read_as_narrow_text(
    tmp_path_factory, rows, delimiter, nrows, blank
):
    """Types, missing values, quotation marks, ragged rows and what is said of them."""
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    lines = [[f"c{i}" for i in range(len(rows[0]))], *rows]
    ends = "\n\n" if blank else "\n"
    path.write_text(ends.join(map(delimiter.join, lines)) + "\n", encoding="utf-8")
    how = {"nrows": nrows, "delimiter": delimiter, "text": ["c1"]}
    with pytest.MonkeyPatch.context() as patch:
        one, message = read_as(patch, path, wide=False, **how)
        other, same = read_as(patch, path, wide=True, **how)
    assert message == same
    if one is not None:
        assert_same(one, other)


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n3\n",
        "a,b\n1,2\n3,4,5\n6,7\n",
        'a,b\n1,"x"y\n',
        'a,b\n1,x\n2,"open\n3,y\n',
        "a,b\n",
        "sep=;\na;b\n1,5;2\n\n2;NA\n",
        "a\tb\n1\tx,y\n",
    ],
)
def test_errors_and_odd_files_are_the_same(write, monkeypatch, content):
    path = write(content.encode())
    one, message = read_as(monkeypatch, path, wide=False)
    other, same = read_as(monkeypatch, path, wide=True)
    assert message == same
    if one is not None:
        assert_same(one, other)


def test_mixed_kinds_of_many_columns(write):
    kinds = ("1.5", "v", "2024-01-31", "NA", '"x, ""y"""', "")
    n = 1200
    names = ",".join(f"c{i}" for i in range(n))
    row = ",".join(kinds[i % 6] for i in range(n))
    table = read_table(write(f"{names}\n{row}\n{row}\n".encode()))
    assert [table["c0"].dtype.kind, table["c1"].dtype.kind] == ["f", "O"]
    assert np.isnan(table["c1199"]).all()
    for i in range(6, n):
        np.testing.assert_array_equal(table[f"c{i}"], table[f"c{i % 6}"])
    assert table["c4"].tolist() == ['x, "y"'] * 2
    assert table["c2"].dtype.kind == "M"
    assert table.where(1) == "line 3"


@pytest.mark.slow
def test_time_grows_with_the_columns_and_not_with_their_square(write):
    """16,000 columns took over a minute of a processor, and now a fifth of a second."""
    n = 16_000
    row = ",".join(["1"] * (n - 1) + ["x"])
    path = write(f"{','.join(f'c{i}' for i in range(n))}\n{row}\n{row}\n".encode())
    start = time.process_time()
    table = read_table(path)
    assert time.process_time() - start < 5
    assert len(table.names) == n
    assert table[f"c{n - 1}"].tolist() == ["x", "x"]
