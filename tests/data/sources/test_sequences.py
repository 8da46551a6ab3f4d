"""Sequences from wherever they lie: what is one, how it is read, what is refused."""

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lamina.data import (
    SequenceError,
    SequenceSet,
    Table,
    TableError,
    holds_sequences,
    load,
    read_long,
    read_sequences,
    read_table,
    read_ts,
)
from lamina.data.sources.sequences import is_ts
from tests.data.helpers import refused

TS = b"@problemName Letters\n@classLabel true\n@data\n1,2,3:a\n4,5:b\n6:a\n"
LONG = {
    "id": ["p", "q", "p", "q"],
    "day": [2.0, 1.0, 1.0, 2.0],
    "x": [1.0, 2.0, 3.0, 5.0],
    "label": ["u", "v", "u", "v"],
}


def test_what_holds_sequences_without_being_told(write):
    path = write(TS, "letters.ts")
    for source in (path, str(path), "a.TS", "far/away.ts.gz", "noisy_sines"):
        assert holds_sequences(source), source
    assert holds_sequences(read_sequences(path))
    others = ("iris", "airline", "t.csv", "none", "ts", LONG, [[1.0, 2.0]], None, 7)
    for source in (*others, read_table(LONG), pd.DataFrame(LONG), b"a.ts"):
        assert not holds_sequences(source), source


def test_a_path_is_known_by_its_end():
    assert is_ts("a.ts")
    assert is_ts(Path("b/A.Ts.Gz"))
    assert not is_ts("a.csv")
    assert not is_ts("a.ts.zip")
    assert not is_ts(["a.ts"])


def test_a_file_is_not_taken_for_a_data_set_of_its_name(tmp_path, monkeypatch):
    assert holds_sequences("parity")
    monkeypatch.chdir(tmp_path)
    Path("parity").write_text("id,x\na,1\n")
    assert not holds_sequences("parity")


def test_a_large_table_is_never_written_out_as_text():
    """Asking what it is takes no time, however long the table."""

    class Unprintable(dict):
        def __str__(self):
            raise AssertionError

        __repr__ = __str__

    table = Unprintable(LONG)
    assert not holds_sequences(table)
    assert len(read_sequences(table, "id", "day", "label")) == 2
    refused(
        lambda: read_sequences(table),
        "dict: which column has the sequence of a row? Pass it, for "
        "example series='id'; the columns are: id, day, x, label",
        error=SequenceError,
    )


def test_files_of_the_archives(write):
    for path in (write(TS, "letters.ts"), write(gzip.compress(TS), "letters.ts.gz")):
        found, plain = read_sequences(path), read_ts(path)
        assert isinstance(found, SequenceSet)
        np.testing.assert_array_equal(found.X.values, plain.X.values)
        assert found.y.tolist() == ["a", "b", "a"]
        assert (found.task, found.per_step, found.target) == (
            "classification",
            False,
            [],
        )
        assert (found.name, found.source) == ("Letters", str(path))


def test_a_long_table_is_read_as_by_read_long():
    one = read_sequences(LONG, "id", "day", "label", column_types={"x": "number"})
    other = read_long(LONG, "id", "day", "label", column_types={"x": "number"})
    np.testing.assert_array_equal(one.X.values, other.X.values)
    assert one.y.tolist() == other.y.tolist() == ["u", "v"]
    assert (one.target, one.skipped) == (["label"], 0)
    assert one.schema == other.schema
    later = read_sequences(LONG, "id", "day", schema=one.schema, labels=False)
    np.testing.assert_array_equal(later.X.values, one.X.values)
    assert later.y is None


def test_sequences_without_an_answer_are_counted():
    rows = {name: [*values, values[-1]] for name, values in LONG.items()}
    rows |= {"id": ["p", "q", "p", "q", "r"], "label": ["u", "v", "u", "v", None]}
    found = read_sequences(rows, "id", None, "label")
    assert (len(found), found.skipped) == (2, 1)
    assert found.notes == [
        "target 'label' has no value in 1 of 3 series; they are dropped"
    ]
    steps = read_sequences(rows, "id", None, "label", per_step=True)
    assert (len(steps), steps.skipped, steps.target) == (2, 1, ["label"])


@pytest.mark.parametrize(
    ("name", "task", "per_step", "target"),
    [
        ("noisy_sines", "classification", False, "class"),
        ("adding_problem", "regression", False, "sum"),
        ("hidden_markov", "classification", True, "state"),
    ],
)
def test_embedded_sets(name, task, per_step, target):
    found, known = read_sequences(name), load(name)
    np.testing.assert_array_equal(found.X.values, known.X.values)
    assert (found.task, found.per_step, found.target) == (task, per_step, [target])
    assert found.names == [str(i) for i in range(len(known.X))]
    flat = np.concatenate(found.y) if per_step else found.y
    numbers = np.concatenate(known.y) if per_step else known.y
    if task == "classification":  # by their names
        numbers = np.array(known.target_names, object)[numbers]
    assert flat.tolist() == numbers.tolist()


def test_what_is_kept_for_the_test():
    learnt, kept = (read_sequences("japanese_vowels", test=t) for t in (False, True))
    known = load("japanese_vowels")
    assert (len(learnt), len(kept)) == (270, 370) == (len(known.X), len(known.X_test))
    assert kept.y.tolist() == [str(k + 1) for k in known.y_test]
    assert learnt.target == ["speaker"]
    whole = read_sequences(
        "parity", test=True, column_types={}, exclude=()
    )  # not divided
    assert len(whole) == len(read_sequences("parity"))


def test_what_has_been_read_is_handed_back(write):
    found = read_sequences("parity")
    assert read_sequences(found) is found
    assert read_sequences(found, "id", "t", "label", exclude=["x"]) is found
    blind = read_sequences(found, labels=False)
    assert (blind.y, blind.task, found.task) == (None, None, "classification")
    assert blind.X is found.X
    assert read_sequences(write(TS, "letters.ts"), labels=False).y is None


def test_classes_that_are_whole_numbers_may_be_numbers(write):
    path = write(b"@classLabel true\n@data\n1,2:30\n3:40\n", "ages.ts")
    found = read_sequences(path, task="regression")
    assert (found.task, found.y.dtype, found.y.tolist()) == (
        "regression",
        np.float64,
        [30, 40],
    )
    same = read_sequences(path, task="classification", per_step=False)
    assert (same.task, same.y.tolist()) == ("classification", [30, 40])
    by_hand = SequenceSet(found.X, np.array([1, 2]), "ab", "a", "b")
    each: dict[str, Any] = {"y": [np.ones(2, int), np.ones(1, int)], "per_step": True}
    steps = replace(by_hand, task="classification", **each)
    numbers = read_sequences(steps, task="regression")
    assert [one.tolist() for one in numbers.y] == [[1.0, 1.0], [1.0]]
    assert read_sequences(by_hand, task="classification").task == "classification"


@pytest.mark.parametrize(
    ("source", "options", "complaint"),
    [
        ("parity", {"target": "class"}, "parity: target='class' is a column, but"),
        ("parity", {"time": "t"}, "parity: time='t' is a column, but this is not a ta"),
        ("parity", {"exclude": ["bit"]}, "exclude=['bit'] is a column"),
        (
            "parity",
            {"column_types": {"a": "number"}},
            "column_types={'a': 'number'} is a column",
        ),
        ("none.ts", {"series": "id"}, "none.ts: series='id' is a column"),
        ("none.ts", {}, "none.ts: cannot be read (No such file"),
        ("parity", {"per_step": True}, "a target for each sequence, so per_step must"),
        (
            "hidden_markov",
            {"per_step": False},
            "for each step, so per_step must not",
        ),
        ("parity", {"task": "regression"}, "are classes, which task='regression' does"),
        ("adding_problem", {"task": "classification"}, "targets are numbers, which"),
        ("parity", {"task": "ranking"}, "task must be 'classification' or 'regression"),
    ],
)
def test_what_a_set_cannot_be_told(source, options, complaint):
    refused(lambda: read_sequences(source, **options), complaint, error=SequenceError)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("none.csv", "none.csv: no such file in"),
        ("noisy_sine", "did you mean the data set 'noisy_sines'?"),
        ([np.ones(3), np.ones(2)], "expected a path, '-', an open binary file"),
        (None, "got NoneType"),
    ],
)
def test_what_cannot_be_read_at_all(source, complaint):
    refused(lambda: read_sequences(source), complaint)


def test_tables_say_which_columns_there_are(write):
    wide = Table({f"c{i}": np.ones(2) for i in range(30)}, "wide.csv")
    line = refused(lambda: read_sequences(wide), error=SequenceError)
    assert line.startswith("wide.csv: which column has the sequence")
    assert line.endswith("c18, c19, …")
    for name in ("iris", "airline"):
        refused(lambda n=name: read_sequences(n), f"{name}: whi", error=SequenceError)
    path = write(b"id,x\n")
    refused(lambda: read_sequences(path), "has a header (id, x) but no rows below it")
    refused(lambda: read_sequences(path, "id"), "but no rows below it")
    refused(lambda: read_sequences(write(b"")), "the file is empty")
    with pytest.raises(TableError, match="no column 'idd'; did you mean 'id'"):
        read_sequences(LONG, "idd")
