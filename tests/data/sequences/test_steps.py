"""Rows of a table as steps of sequences."""

import numpy as np
import pytest

from lamina.data import read_table
from lamina.data.sequences.steps import check_roles, find_steps
from tests.data.helpers import csv, refused

TABLE = csv("id,t\nb,3\na,1\nb,1\nb,2\nc,5\na,0\n", text=["id"])


def test_rows_are_sorted_by_sequence_and_time():
    steps = find_steps(TABLE, "id", "t")
    assert steps.names == ["b", "a", "c"]
    assert steps.codes.tolist() == [0, 1, 0, 0, 2, 1]
    assert steps.lengths.tolist() == [3, 2, 1]
    assert steps.order.tolist() == [2, 3, 0, 5, 1, 4]
    assert steps.times is not None
    assert steps.times.tolist() == [1, 2, 3, 0, 1, 5]


def test_without_time_they_stay_as_they_are():
    steps = find_steps(TABLE, "id", None)
    assert steps.order.tolist() == [0, 2, 3, 1, 5, 4]
    assert steps.times is None


def test_without_series_all_are_one():
    table = csv("t\n2024-03\n2024-01\n2024-02\n")
    steps = find_steps(table, None, "t")
    assert (steps.names, steps.lengths.tolist()) == (["stream"], [3])
    assert steps.order.tolist() == [1, 2, 0]
    assert find_steps(table, None, None).order.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        ("7,7,10", ["7", "10"]),
        ("2024-01-01,2024-01-02,2024-01-01", ["2024-01-01", "2024-01-02"]),
        ("true,false,true", ["true", "false"]),
    ],
)
def test_names_are_written_as_they_stand(ids, names):
    table = csv("id\n" + ids.replace(",", "\n") + "\n")
    assert find_steps(table, "id", None).names == names


def test_what_cannot_be_sorted_is_refused():
    refused(lambda: find_steps(TABLE, "ids", None), "no column 'ids'", "mean 'id'?")
    hole = csv("id,t\na,1\n,2\n")
    refused(lambda: find_steps(hole, "id", "t"), "'id', line 3", "has no series")
    twice = csv("id,t\na,2024-01-01\nb,2024-01-01\nb,2024-01-02\nb,2024-01-01\n")
    refused(
        lambda: find_steps(twice, "id", "t"),
        "series 'b': the time 2024-01-01 is duplicated, in line 3 and line 5",
    )
    refused(
        lambda: find_steps(csv("t\n1\n2\n1\n"), None, "t"),
        "stream: the time 1 is duplicated, in line 2 and line 4; if there are ",
    )


def test_a_column_has_one_role():
    assert check_roles(TABLE, series="id", time=None, target=["t"]) == ["id", "t"]
    refused(
        lambda: check_roles(TABLE, series="id", target=["t", "id"]),
        "series, target must be different columns; got 'id', 't', 'id'",
    )
    refused(lambda: check_roles(TABLE, series="id", target="y"), "no column 'y'")


def test_many_rows_and_series():
    rng = np.random.default_rng(0)
    codes, times = rng.integers(0, 1000, 200_000), rng.permutation(200_000)
    table = read_table({"id": codes, "t": times})
    steps = find_steps(table, "id", "t")
    as_they_come = find_steps(table, "id", None)
    ends = np.cumsum(steps.lengths)[:-1]
    for part in np.split(as_they_come.order, ends):
        assert (np.diff(part) > 0).all()
    for part in np.split(steps.order, ends)[::100]:
        assert (np.diff(table["t"][part]) > 0).all()
        assert len(set(table["id"][part])) == 1
