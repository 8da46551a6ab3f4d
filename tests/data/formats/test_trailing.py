"""An empty field too many at the end of rows: refused, or the same in all of them."""

import warnings

import pytest

from tests.data.helpers import csv, refused


@pytest.mark.parametrize(
    ("rows", "line", "other"),
    [
        ("1,2,\n3,4\n", 2, 3),
        ("1,2\n3,4,\n", 3, 2),
        ("1,2\n3,4,", 3, 2),
        ('"1\n1",2\n3,4,\n', 4, 2),
        ('1,"2,"\n3,4,\n', 3, 2),
        ("1,2\n\n3,,\n", 4, 2),
    ],
)
def test_a_field_too_many_in_some_rows_is_refused(rows, line, other):
    wanted = f"line {line} has 3 fields, the last one empty", f"as in line {other};"
    refused(lambda: csv(f"a,b\n{rows}"), *wanted)


def test_lines_above_the_header_count():
    refused(lambda: csv("sep=;\na;b\n1;2;\n3;4\n"), "line 3 has 3 fields", "line 4")


@pytest.mark.parametrize("rows", ["1,2,\n3,4,\n", "1,2,\n3,4,", '"1",2,\n"3",4,\n'])
def test_one_in_every_row_is_said_and_left_out(rows):
    with pytest.warns(UserWarning, match="every row ends with an extra ','"):
        table = csv(f"a,b\n{rows}")
    assert table.names == ["a", "b"]
    assert table["b"].tolist() == [2, 4]


@pytest.mark.parametrize(
    "text", ["a,b\n1,\n2,3\n", "a,b,\n1,2,\n", 'a,b\n1,"x,"\n2,y\n', "a,b\n,\n1,2\n"]
)
def test_an_empty_last_column_is_none_too_many(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert csv(text).n_rows == text.count("\n") - 1


def test_only_rows_that_are_read_are_looked_at():
    assert csv("a,b\n1,2\n3,4,\n", nrows=1).n_rows == 1
