"""Delimited text: types over the whole file, ragged rows, quotation marks."""

import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data import read_table
from lamina.data.tables import parsing as values
from tests.data.helpers import attempted, unreadable


def test_decimal_comma_only_where_all_numbers_have_it(write):
    table = read_table(write(b"a;b;c\n1,5;1.5;1,234,5\n2;2,5;1\n"))
    assert table["a"].tolist() == [1.5, 2.0]
    assert table["b"].tolist() == ["1.5", "2,5"]
    assert table["c"].tolist() == ["1,234,5", "1"]


def test_decimal_comma_in_comma_separated_text_must_be_stated(write):
    path = write(b'a,b\n"1,5",x\n"2,5",y\n')
    assert read_table(path)["a"].tolist() == ["1,5", "2,5"]
    assert read_table(path, decimal=",")["a"].tolist() == [1.5, 2.5]


def test_quotes_newlines_and_delimiters_inside_fields(write):
    table = read_table(write(b'"a,\nb",c\n"x\ny",1\n"say ""hi"", you",2\n'))
    assert table.names == ["a,\nb", "c"]
    assert table["a,\nb"].tolist() == ["x\ny", 'say "hi", you']
    assert table.where(1) == "row 2"  # a row is not a line here


def test_quoted_file_keeps_its_line_numbers(write):
    assert read_table(write(b'"a","b"\n"1","x"\n')).where(0) == "line 2"


def test_empty_lines_are_no_rows(write):
    table = read_table(write(b"\n\na,b\n1,2\n\n3,4\n\n"))
    assert table["a"].tolist() == [1.0, 3.0]
    assert read_table(write(b"a\n1\n\n2\n\n"))["a"].tolist() == [1.0, 2.0]


def test_text_keeps_leading_zeros(write):
    path = write(b"zip,n\n007,1\n")
    assert read_table(path)["zip"].tolist() == [7.0]
    assert read_table(path, text=["zip"])["zip"].tolist() == ["007"]


def test_a_late_word_makes_a_column_text(write):
    rows = "\n".join(str(i) for i in range(30_000))
    column = read_table(write(f"a\n{rows}\nlate\n".encode()))["a"]
    assert column.dtype == object
    assert column[-1] == "late"
    assert column[0] == "0"


def test_names_that_differ_in_case_only_and_hostile_names(write):
    names = ["a", "A", "x'); DROP TABLE t; --", '"', "c0"]
    quoted = ",".join('"' + n.replace('"', '""') + '"' for n in names)
    table = read_table(write(f"{quoted}\n1,2,3,4,5\n".encode()))
    assert table.names == names
    assert [table[n][0] for n in names] == [1, 2, 3, 4, 5]


cell = st.one_of(
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**9), 10**9),
)


word = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n\r\t"),
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(cell, word), min_size=1, max_size=20), st.sampled_from(",;\t|")
)
def test_round_trip_through_csv(tmp_path_factory, rows, delimiter):
    import csv

    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow(["n", "t"])
        writer.writerows([("" if a is None else repr(a), "w " + b) for a, b in rows])
    table = read_table(path, text=["t"])
    wanted = [np.nan if a is None else float(a) for a, _ in rows]
    np.testing.assert_array_equal(table["n"], wanted)
    texts = ["w " + re.sub("\r\n|\r", "\n", b) for _, b in rows]
    assert table["t"].tolist() == values.clean_text(texts).tolist()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_table_or_one_line(content):
    table, message = attempted(io.BytesIO(content))
    if table is None:
        assert "\n" not in message
    else:
        assert table.n_rows >= 1
        assert table.names


def test_ragged_rows_name_the_line(write):
    unreadable(
        write(b"a,b\n1,2\n3,4,five\n5,6\n"),
        "line 3 has 3 fields where 2 columns are expected",
        "after column 'b' comes 'five'",
    )
    message = unreadable(
        write(b"a,b\n1,2\n3\n5,6\n"), "line 3 has 1 field", "column 'b'", "missing"
    )
    assert "truncated" not in message
    unreadable(write(b"a,b\n1,2\n3"), "line 3 has 1 field", "the file may be truncated")
    unreadable(write(b'sep=;\na;b\n"x\ny";1\n2;3;4\n'), "line 5 has 3 fields")


def test_one_ragged_row_in_many(write):
    rows = b"".join(b"%d,x\n" % i for i in range(50_000))
    unreadable(write(b"a,b\n" + rows + b"1,2,3\n" + rows), "line 50002 has 3 fields")


def test_quotation_marks(write):
    unreadable(write(b'a,b\n1,x\n2,"open\n3,y\n'), "line 3", "never closed")
    unreadable(write(b'a,b\n1,"x"y\n'), "line 2", "continues after its closing", '("")')
    unreadable(write(b'"a,b\n1,2\n'), "line 1", "quotation mark")
    assert read_table(write(b'a,b\n1,5" pipe\n'))["b"].tolist() == ['5" pipe']


def test_wide_tables_of_mixed_columns(write):
    n = 600
    names = ",".join(f"n{i},t{i}" for i in range(n))
    rows = "\n".join(",".join(f"{i},v{i}" for i in range(n)) for _ in range(3))
    table = read_table(write(f"{names}\n{rows}\n".encode()))
    assert all(table[f"n{i}"].tolist() == [i] * 3 for i in range(n))
    assert all(table[f"t{i}"].tolist() == [f"v{i}"] * 3 for i in range(n))
