"""An answer at each step: labels, or numbers."""

import numpy as np
import pytest

from lamina.data.sequences.ragged_array import as_ragged_array
from lamina.estimators._core.targets.steps import StepLabels, StepNumbers, step_answers
from lamina.learning.protocols import Needs

X = as_ragged_array([np.zeros((2, 1)), np.zeros((3, 1))])


def test_answers_lie_one_behind_the_other():
    lengths = np.array([2, 3])
    flat = step_answers([["a", "b"], ["c", "a", "b"]], lengths, labels=True)
    assert flat.tolist() == ["a", "b", "c", "a", "b"]
    array = np.arange(8.0).reshape(2, 4)
    assert step_answers(array, lengths, labels=False).tolist() == [0, 1, 4, 5, 6]


@pytest.mark.parametrize(
    ("y", "labels", "message"),
    [
        ([[1, 0], [1, 0]], True, "sequence 1 has 3 steps, but y has 2 for it"),
        ([1, 0], True, "sequence 0 has 2 steps, but y has one answer"),
        (
            [[1.5, 0], [1, 0, 2]],
            True,
            "not labels; for numbers set loss='squared_error",
        ),
        ([[[1], [0]], [[1], [0], [2]]], True, r"shape \(2, 1\); \(steps,\) is expec"),
        ([[[1], [0]], [1, 0, 2]], False, "answers of sequence 1 have shape"),
        ([["a", "b"], ["c", "a", "b"]], False, "numbers are expected, but y holds"),
        ([[1, np.inf], [1, 2, 3]], False, "infinite"),
        ([["a", "b"], ["a", None, "b"]], True, "sequence 1, step 1: the label is miss"),
        ([[1, np.nan], [1, 0, 2]], True, "sequence 0, step 1: .* as ignore_label"),
        ([[np.nan] * 2, [np.nan] * 3], False, "no known number"),
    ],
)
def test_bad_answers_are_refused(y, labels, message):
    with pytest.raises(ValueError, match=message):
        step_answers(y, np.array([2, 3]), labels)


def test_answers_in_data_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([["a", "b", "a"], ["b", "a", "b"]])
    lengths = np.array([3, 2])
    for y in (frame, pandas.Series([["a", "b", "a"], ["b", "a"]])):
        assert step_answers(y, lengths, labels=True).tolist() == [
            "a",
            "b",
            "a",
            "b",
            "a",
        ]


def test_labels_are_encoded_scored_and_decoded_by_sequence():
    target = StepLabels("float32", "log_loss", "?")
    answers = target.check(target, [["a", "?"], ["b", "b", "a"]], X)
    target, y = target.learn(answers, None)
    assert y.values[:, 0].tolist() == [0, -1, 1, 1, 0]
    outputs = [np.eye(2)[[0, 1]], np.eye(2)[[1, 0, 0]]]
    assert [one.tolist() for one in target.decode(outputs, np.dtype("f4"))] == [
        ["a", "b"],
        ["b", "a", "a"],
    ]
    # three of four labelled steps are right; the second sequence counts twice
    assert target.score(y, outputs, np.ones(2)) == pytest.approx(3 / 4)
    assert target.score(y, outputs, np.array([1.0, 2.0])) == pytest.approx(5 / 7)


def test_numbers_are_scaled_over_all_steps_and_restored():
    target = StepNumbers("float32", "squared_error", scale_target=True)
    answers = target.check(target, [[0.0, 2.0], [4.0, 6.0, 8.0]], X)
    target, y = target.learn(answers, None)
    target = target.measure(y, "identity", Needs())
    assert (target.mean[0], target.scale[0]) == (4, pytest.approx(np.sqrt(8)))
    scaled = target.for_loss(y, "identity")
    again = target.decode([scaled.values[:2], scaled.values[2:]], np.dtype("f4"))
    np.testing.assert_allclose(np.concatenate(again), [0, 2, 4, 6, 8])
    assert again[0].dtype == np.float64
