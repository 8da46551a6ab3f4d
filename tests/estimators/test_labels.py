"""Labels ↔ class numbers."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from lamina.estimators.labels import Labels, alike


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
    words, numbers = np.array(["7", "x", None], object), np.array([7, 8])
    assert alike(words, numbers)[:2].tolist() == [7, np.inf]  # x is none of them
    assert np.isnan(alike(words, numbers)[2])
    assert alike(np.array([7.0, np.nan]), words).tolist() == ["7", None]
    assert alike(np.array([7]), np.array(["7", "8"])).tolist() == ["7"]
    for same in (words, numbers, np.array(["a", "b"])):
        assert alike(same, same) is same
    assert alike(words, np.array(["7", "8"])) is words


@pytest.mark.parametrize("y", [[None, "a", "b"] * 99, [1, "a", 2.5] * 99])
def test_labels_of_different_kinds_are_refused_in_short(y):
    with pytest.raises(
        ValueError, match="Unknown label type: y holds .* and "
    ) as caught:
        Labels.of(np.array(y, object))
    assert len(str(caught.value)) < 200
