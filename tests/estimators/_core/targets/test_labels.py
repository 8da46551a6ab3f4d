"""Labels ↔ class numbers."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from lamina.data.tables.levels import UnseenWarning
from lamina.estimators._core.targets.labels import Labels, compared


@pytest.mark.parametrize(
    ("y", "kind", "n_outputs"),
    [
        (["b", "a", "b"], "binary", 1),
        ([3, 3, 3], "binary", 1),
        ([-1, 1], "binary", 1),
        ([True, False], "binary", 1),
        ([5, 7, 9], "multiclass", 3),
        (["x", "y", "z", "x"], "multiclass", 3),
        ([[0, 1], [1, 1]], "multilabel", 2),
    ],
)
def test_kinds(y, kind, n_outputs):
    y = np.array(y)
    labels, codes = Labels.of(y)
    assert (labels.kind, labels.n_outputs) == (kind, n_outputs)
    assert codes.dtype == np.int32
    assert np.array_equal(codes, labels.encode(y))


@given(st.lists(st.sampled_from(["α", "b", "", "zz"]), min_size=1))
def test_decoding_the_one_hot_rows_gives_the_labels_back(y):
    y = np.array(y)
    labels, codes = Labels.of(y)
    assert np.array_equal(labels.decode(labels.one_hot(codes)), y)
    assert labels.one_hot(codes).shape == (len(y), labels.n_outputs)


def test_an_output_is_a_label_above_one_half():
    outputs = np.array([[0.2, 0.7], [0.51, 0.5], [0.0, 1.0]])
    several = Labels("multilabel", np.arange(2))
    assert several.decode(outputs).tolist() == [[0, 1], [1, 0], [0, 1]]
    assert Labels.from_classes(["a", "b"]).decode(outputs[:, :1]).tolist() == [*"aba"]


def test_multilabel_takes_sparse_columns():
    Y = np.array([[0, 1, 0], [1, 1, 0]])
    labels, codes = Labels.of(sp.csr_array(Y))
    assert np.array_equal(codes, Y)
    assert np.array_equal(labels.decode(Y * 0.9), Y)
    with pytest.raises(ValueError, match=r"3 0/1 columns, got shape \(2, 2\)"):
        labels.encode(Y[:, :2])


def test_given_classes_are_sorted_and_numbered():
    labels = Labels.from_classes(["c", "a", "b", "a"])
    assert labels.classes.tolist() == ["a", "b", "c"]
    assert labels.encode(np.array(["b", "a"])).tolist() == [1, 0]


def test_one_class_is_never_left():
    labels, _ = Labels.of(np.array(["only"]))
    assert labels.decode(np.array([[0.0], [1.0]])).tolist() == ["only", "only"]


def test_strangers_are_named():
    labels = Labels.from_classes([0, 1])
    with pytest.raises(ValueError, match=r"not among the classes \[0 1\]: \[4 9\]"):
        labels.encode(np.array([0, 9, 4, 1]))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.5, 1.5], "continuous.*use a regressor"),
        ([[1, 2], [3, 4]], "multiclass-multioutput"),
    ],
)
def test_what_is_no_classification_target_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        Labels.of(np.array(y))


def test_labels_of_another_source_are_compared_in_one_type():
    """x and 9 are none of the classes; missing labels are not reported."""
    words, numbers = np.array(["7", "x", None], object), np.array([7, 8])
    with pytest.warns(UnseenWarning, match=r"target 'y': 'x' \(1 row\) was not seen"):
        found = compared(words, numbers, ["y"])
    assert found[:2].tolist() == [7, np.inf]
    assert np.isnan(found[2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        of_words = np.array(["7", "8"])
        known = compared(np.array([7.0, np.nan]), of_words, ["y"])
        assert known.tolist() == ["7", None]
        assert compared(np.array([7]), of_words, ["y"]).tolist() == ["7"]
        assert compared(np.array(["7.0", "8"]), of_words, ["y"]).tolist() == ["7", "8"]
        assert compared(words[::2], of_words, ["y"]).tolist() == ["7", None]
        assert compared(numbers, numbers, ["y"]).dtype == numbers.dtype


def test_labels_never_learnt_stay_different_and_are_counted():
    y, classes = np.array([1, 5, 5, 2]), np.array([1, 2])
    with pytest.warns(UnseenWarning) as caught:
        assert compared(y, classes, ["y"]).tolist() == [1, 5, 5, 2]
    assert caught[0].message.unseen.to_json() == {
        "column": "y",
        "target": True,
        "rows": 2,
        "n_values": 1,
        "values": [{"value": "5", "rows": 2, "similar": []}],
    }


def test_of_several_labels_each_that_is_neither_0_nor_1_is_reported():
    y = np.array([[0, 1], [2, np.nan], [1, 0]])
    with pytest.warns(UnseenWarning, match="target 'a': '2'") as caught:
        assert compared(y, np.arange(2), ["a", "b"]) is y
    assert len(caught) == 1


@pytest.mark.parametrize("y", [[None, "a", "b"] * 99, [1, "a", 2.5] * 99])
def test_labels_of_different_kinds_are_refused_in_short(y):
    with pytest.raises(
        ValueError, match="Unknown label type: y holds .* and "
    ) as caught:
        Labels.of(np.array(y, object))
    assert len(str(caught.value)) < 200
