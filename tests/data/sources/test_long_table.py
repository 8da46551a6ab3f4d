"""Long tables: a row for each step, in any order, with and without answers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lamina.data import TableSchema, load, read_long, read_table
from tests.data.helpers import refused
from tests.model_files import through_json

LONG = """id,when,x,kind,label,number
b,2024-01-02,3,u,yes,0.5
a,2024-01-02,5,v,no,1.5
b,2024-01-01,1,u,yes,0.25
b,2024-01-03,,v,yes,2.5
a,2024-01-01,7,u,no,3.5
"""


@pytest.fixture
def long(write):
    return write(LONG.encode())


OPTIONS: dict[str, Any] = {"series": "id", "time": "when", "target": "label"}


def test_a_small_table_by_hand(long):
    found = read_long(long, **OPTIONS, exclude=["number"])
    assert found.names == ["b", "a"]
    assert found.X.lengths.tolist() == [3, 2]
    assert found.y.tolist() == ["yes", "no"]
    assert (found.task, found.per_step, found.name) == ("classification", False, "t")
    assert found.rows is not None
    assert found.rows.tolist() == [2, 0, 3, 4, 1]
    assert found.times is not None
    assert found.times[:2].astype("datetime64[D]").astype(str).tolist() == [
        "2024-01-01",
        "2024-01-02",
    ]
    assert found.schema is not None
    assert found.schema.feature_names == ["x", "x missing", "kind = u", "kind = v"]
    # x: mean 4, standard deviation √5
    x = np.array([-3, -1, 0, 3, 1]) / np.sqrt(5)
    np.testing.assert_allclose(found.X.values[:, 0], x, rtol=1e-6)
    assert found.X.values[:, 1:].tolist() == [
        [0, 1, 0],
        [0, 1, 0],
        [1, 0, 1],
        [0, 1, 0],
        [0, 0, 1],
    ]
    assert found.X.dtype == np.float32


def test_the_target_decides_whether_each_step_has_an_answer(long):
    found = read_long(long, "id", "when", "number")
    assert (found.task, found.per_step) == ("regression", True)
    assert [each.tolist() for each in found.y] == [[0.25, 0.5, 2.5], [3.5, 1.5]]
    found = read_long(long, **OPTIONS, per_step=True)
    assert [each.tolist() for each in found.y] == [["yes"] * 3, ["no"] * 2]
    found = read_long(long, "id", "when")
    assert (found.y, found.task, found.per_step) == (None, None, False)
    refused(
        lambda: read_long(long, "id", "when", "number", per_step=False),
        "the target 'number' of series 'b' is '0.5', but '0.25' in line 4; per_step",
    )


def test_without_time_rows_stay_in_order(long):
    found = read_long(long, "id", target="number", features=["x"])
    assert [each.tolist() for each in found.y] == [[0.5, 0.25, 2.5], [1.5, 3.5]]
    assert found.times is None


def test_time_is_a_feature_where_it_is_named(long):
    found = read_long(long, **OPTIONS, features=["when", "x"])
    assert found.schema is not None
    assert found.schema.names == ["when", "x"]


def test_what_is_excluded_may_be_no_feature_anyway(long):
    found = read_long(long, **OPTIONS, exclude=["number", "when", "id", "kind"])
    assert found.schema is not None
    assert found.schema.names == ["x"]


def test_an_answer_that_cannot_be_is_named_with_its_line(write):
    path = write(b"id,x,y\na,1,1\na,2,\nb,3,\nb,4,w\n")
    refused(
        lambda: read_long(path, "id", target="y", task="regression"),
        "column 'y', line 5: expected a number, got 'w'",
    )


def test_every_source_gives_the_same(long, tmp_path):
    right = read_long(long, **OPTIONS)
    frame = pd.read_csv(long, parse_dates=["when"])
    frame.to_parquet(tmp_path / "t.parquet")
    for source in (str(long), frame, tmp_path / "t.parquet", read_table(long)):
        found = read_long(source, **OPTIONS)
        np.testing.assert_array_equal(found.X.values, right.X.values)
        assert (found.names, found.y.tolist()) == (right.names, right.y.tolist())


def test_names_stay_as_they_are_written(write):
    path = write(b"id,x\n007,1\n08,2\n007,3\n")
    assert read_long(path, "id").names == ["007", "08"]


def test_a_learnt_schema_is_applied(long, write):
    learnt = read_long(long, **OPTIONS)
    assert learnt.schema is not None
    schema = through_json(learnt.schema)
    path = write(b"id,x,number,kind,when\n9,6,2,v,2024-02-01\n", "new.csv")
    new = read_long(path, "id", "when", schema=schema)
    assert (new.y, new.task, new.names) == (None, None, ["9"])
    np.testing.assert_array_equal(
        new.X.values, schema.encode(read_table(path)).astype(np.float32)
    )
    again = read_long(long, "id", "when", schema=schema)
    assert again.y.tolist() == learnt.y.tolist()
    np.testing.assert_array_equal(again.X.values, learnt.X.values)
    unseen = read_long(long, "id", "when", schema=schema, labels=False)
    assert (unseen.y, len(unseen)) == (None, 2)
    given: dict[str, Any]
    for given in ({"target": "label"}, {"exclude": ["x"]}, {"features": []}):
        with pytest.raises(ValueError, match="schema= already defines target"):
            read_long(long, "id", "when", schema=schema, **given)
    bare = write(b"id,x\n1,2\n", "bare.csv")
    refused(lambda: read_long(bare, "id", schema=schema), "that the model needs")


GAPS = """id,x,label,state,score
a,1,,u,1
a,2,no,,2
b,3,,,
b,4,,,
c,5,yes,v,
c,6,yes,u,3
d,7,,w,4
"""


def test_sequences_without_an_answer_are_left_out(write):
    path = write(GAPS.encode())
    found = read_long(path, "id", target="label", features=["x"])
    assert (found.names, found.y.tolist()) == (["a", "c"], ["no", "yes"])
    assert found.notes == [
        "target 'label' has no value in 2 of 4 series; they are dropped"
    ]
    assert found.rows is not None
    assert found.rows.tolist() == [0, 1, 4, 5]
    found = read_long(path, "id", target="state", features=["x"])
    assert [each.tolist() for each in found.y] == [["u", None], ["v", "u"], ["w"]]
    assert found.names == ["a", "c", "d"]
    found = read_long(path, "id", target="score", features=["x"], task="regression")
    np.testing.assert_array_equal(np.concatenate(found.y), [1, 2, np.nan, 3, 4])
    assert found.schema is not None
    assert len(read_long(path, "id", schema=found.schema, labels=False)) == 4
    empty = write(b"id,x,score\na,1,\na,2,\n", "empty.csv")
    refused(
        lambda: read_long(empty, "id", schema=found.schema),
        "the target 'score' has no values; labels=False",
    )


def test_labels_that_are_whole_numbers(write):
    rows = "".join(f"{i % 6},{i},{i % 6 % 2},{i % 2}\n" for i in range(24))
    path = write(f"id,x,parity,step\n{rows}".encode())
    found = read_long(path, "id", target="parity", features=["x"])
    assert (found.y.dtype, found.y.tolist()) == (np.int64, [0, 1, 0, 1, 0, 1])
    found = read_long(path, "id", target="parity", features=["x"], per_step=True)
    assert {each.dtype for each in found.y} == {np.dtype(np.int64)}


def test_the_task_follows_from_one_answer_a_sequence(write):
    """Twelve different numbers in 120 rows are few, but each sequence has its own."""
    rows = "".join(f"{i},{i + t},{2 * i}\n" for i in range(12) for t in range(10))
    path = write(f"id,x,y\n{rows}".encode())
    assert read_long(path, "id", target="y").task == "regression"


def test_several_targets(write):
    path = write(b"id,x,y,z\na,1,1.5,2\na,2,1.5,2\nb,3,2.5,\nb,5,,4\n")
    found = read_long(path, "id", target=["y", "z"], features=["x"])
    np.testing.assert_array_equal(found.y, [[1.5, 2], [2.5, 4]])
    found = read_long(path, "id", target=["y", "z"], features=["x"], per_step=True)
    np.testing.assert_array_equal(found.y[1], [[2.5, np.nan], [np.nan, 4]])


def test_long_tables_of_data_sets():
    data = load("japanese_vowels")
    found = read_long(data.as_long_table(), "series", "step", "speaker")
    X = data.X.values
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(found.X.values, scaled, atol=1e-5)
    np.testing.assert_array_equal(found.X.lengths, data.X.lengths)
    assert [int(label) - 1 for label in found.y] == data.y.tolist()
    data = load("hidden_markov")
    found = read_long(data.as_long_table(), "series", "step", "state")
    assert found.per_step
    for states, right in zip(found.y, data.y, strict=True):
        assert states.astype(int).tolist() == right.tolist()


def test_whatever_the_order_of_rows(long):
    table = read_table(long)
    right = read_long(table, **OPTIONS)
    assert isinstance(right.schema, TableSchema)
    for order in ([4, 3, 2, 1, 0], [1, 4, 0, 2, 3]):
        found = read_long(
            table.take(order), schema=right.schema, series="id", time="when"
        )
        pick = [found.names.index(name) for name in right.names]
        np.testing.assert_array_equal(found.only(pick).X.values, right.X.values)
        np.testing.assert_array_equal(found.only(pick).y, right.y)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"series": "ID"}, ("no column 'ID'", "did you mean 'id'")),
        ({"series": "id", "time": "whn"}, ("no column 'whn'",)),
        ({"series": "id", "target": "labl"}, ("no column 'labl'",)),
        ({"series": "id", "features": ["y"]}, ("no column 'y'",)),
        ({"series": "id", "exclude": ["y"]}, ("no column 'y'",)),
        ({"series": "id", "time": "kind"}, ("line 2: expected a number or a date",)),
        ({"series": "id", "time": "label"}, ("expected a number or a date",)),
        ({"series": "x"}, ("column 'x', line 5: the row has no series",)),
        ({"series": "id", "time": "x"}, ("line 5: the time is missing",)),
        ({"series": "id", "target": "id"}, ("must be different columns", "'id', 'id'")),
        (
            {"series": "id", "target": "x", "features": ["x"]},
            ("features: 'x' is the series or the target",),
        ),
        (
            {"series": "id", "features": ["id"]},
            ("features: 'id' is the series or the target",),
        ),
        (
            {"series": "kind", "time": "when"},
            ("series 'u': the time 2024-01-01",),
        ),
    ],
)
def test_what_cannot_be_read_gets_one_clear_line(long, options, parts):
    refused(lambda: read_long(long, **options), *parts)
