"""What single values mean: the same in Python and in SQL."""

import io
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data import read_table
from lamina.data.tables import parsing as values


@pytest.mark.parametrize("marker", values.MISSING)
def test_missing_markers_in_numbers_text_and_dates(write, marker):
    content = f"a,b,c\n1,x,2024-01-05\n{marker}, {marker} ,{marker}\n"
    row = read_table(write(content.encode())).take([1])
    assert values.is_missing(row["a"])[0]
    assert row["a"].dtype == np.float64
    assert row["b"][0] is None
    assert np.isnat(row["c"][0])


def test_a_column_of_markers_only_is_empty_numbers(write):
    column = read_table(write(b"a,b\nNA,1\n?,2\n"))["a"]
    assert column.dtype == np.float64
    assert np.isnan(column).all()


def test_booleans_are_lower_case_text(write):
    table = read_table(write(b"a,b\nTrue,TRUE\nFalse,maybe\n"))
    assert table["a"].tolist() == ["true", "false"]
    assert table["b"].tolist() == ["TRUE", "maybe"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024-01-05", "2024-01-05"),
        ("5.1.2024 10:00", "2024-01-05T10:00"),
        ("2024-01-05T10:00:00.5", "2024-01-05T10:00:00.500"),
        ("2024/1/5 10:00Z", "2024-01-05T10:00"),
        ("2024-01-05T10:00+02:30", "2024-01-05T07:30"),
        ("2024-01-05 20:00-05:30", "2024-01-06T01:30"),
        ("2024-01-05T10:00-05", "2024-01-05T15:00"),
    ],
)
def test_dates_by_hand(text, wanted):
    assert values.moment(text) == np.datetime64(wanted, "us")
    assert read_table(io.StringIO(f"a\n{text}\n"))["a"][0] == np.datetime64(wanted)


def test_digits_of_other_scripts_are_no_numbers():
    assert float("١٢") == 12
    assert values.number("١٢") is values.moment("٢٠٢٤-01-05") is None


dates = st.one_of(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(
        lambda d: d.isoformat()
    ),
    st.datetimes().map(lambda d: d.strftime("%d.%m.%Y %H:%M")),
    st.from_regex(values.ISO_DATE, fullmatch=True),
    st.from_regex(values.DOTTED_DATE, fullmatch=True),
    st.sampled_from(["2024-01-05T10:00+02:30", "2024-01-05 10:00:00Z", "24-01-05"]),
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(dates)
def test_sql_and_python_read_the_same_dates(text):
    column = read_table(io.StringIO(f'a\n"{text}"\n'))["a"]
    wanted = values.moment(text)
    if wanted is None:
        assert column.dtype == object
    else:
        assert column[0] == wanted


@pytest.mark.parametrize(
    "text", ["1_000", "1e400", "inf", "-Infinity", ".5", "5.", "+1e-3", "0x1F", "1e"]
)
def test_sql_and_python_read_the_same_numbers(text):
    column = read_table(io.StringIO(f"a\n{text}\n"))["a"]
    wanted = values.number(text)
    assert column[0] == (text if wanted is None else wanted)
