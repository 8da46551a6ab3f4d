"""Dialects: delimiter, column names, what stands above them."""

import numpy as np
import pytest

from lamina.data import read_table
from tests.data.helpers import GOOD, WANTED, unreadable


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("delimiter", [b",", b";", b"\t", b"|"])
@pytest.mark.parametrize("last", [True, False])
def test_every_delimiter_and_line_end_gives_the_same_table(
    write, newline, delimiter, last
):
    content = GOOD if last else GOOD.removesuffix(b"\n")
    content = content.replace(b",", delimiter).replace(b"\n", newline)
    table = read_table(write(content))
    assert table == WANTED
    assert table.where(2) == "line 4"


def test_excel_export(write):
    content = "\ufeffsep=;\r\npreis;ort\r\n1,5;Köln\r\n-2,25;\r\n;Ulm\r\n"
    table = read_table(write(content.encode()))
    np.testing.assert_array_equal(table["preis"], [1.5, -2.25, np.nan])
    assert table["ort"].tolist() == ["Köln", None, "Ulm"]
    assert table.where(0) == "line 3"


def test_nameless_columns_get_the_name_of_their_place(write):
    assert read_table(write(b"a,b,\n1,2,3\n")).names == ["a", "b", "column_3"]


@pytest.mark.parametrize("content", [b"a,b", b"a,b\n", b'"a","b"\r\n', b"a,b\n\n\n"])
def test_header_only(write, content):
    unreadable(write(content), "has a header (a, b) but no rows below it")


def test_names_twice(write):
    unreadable(write(b"x,a,b,a\n1,2,3,4\n"), "'a' is duplicated", "columns 2 and 4")


def test_numbers_where_names_should_stand(write):
    unreadable(write(b"5.1,3.5\n1,2\n"), "line 1 has numbers", "header=False")
    unreadable(write(b"1,1\n1,2\n"), "line 1 has numbers")
    assert read_table(write(b"0,1,2\n1,2,3\n")).names == ["0", "1", "2"]


def test_too_many_columns(write):
    content = b",".join(b"c%d" % i for i in range(65_537)) + b"\n1\n"
    unreadable(write(content), "65,537 columns")
