"""Values ↔ JSON and tensors."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lamina import SGD, Dense, Dropout
from lamina.data import TableSchema, load
from lamina.estimators._core.labels import Labels
from lamina.estimators._core.packing import MAX_DEPTH, pack, unpack
from lamina.metrics.scores import Baseline
from lamina.networks import Key


def there_and_back(value):
    tensors = {}
    packed = pack(value, "value", tensors)
    text = json.dumps(packed, allow_nan=False)
    return unpack(json.loads(text), tensors)


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray | np.generic):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_same(a, b)
    elif isinstance(expected, dict):
        assert_same(list(found.items()), list(expected.items()))
    else:
        assert repr(found) == repr(expected)  # NaN is NaN here


plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats()
    | st.text()
    | hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=2, min_side=0))
)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=20)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(values)
def test_any_value_comes_back_with_its_types(value):
    assert_same(there_and_back(value), value)


@pytest.mark.parametrize(
    "value",
    [
        np.array(["a", "bb", ""]),
        np.array(["", ""]),
        np.array([], "<U3"),
        np.array([["ä", "日本"]], object),
        np.array([None, "a", 1.5, True], object),
        np.float32(0.1),
        np.int64(-3),
        np.bool_(True),
        np.array([True, False]),
        [0.1] * 100,
        [float("nan"), float("inf")] * 20,
    ],
    ids=repr,
)
def test_values_of_numpy_and_histories(value):
    assert_same(there_and_back(value), value)


@pytest.mark.parametrize(
    "value",
    [
        SGD(0.1, momentum=0.9),
        [Dense(4, "tanh"), Dropout(0.5)],
        (Dense(3),),
        Key(3, (1, 2)),
    ],
    ids=repr,
)
def test_descriptions_and_keys(value):
    found = there_and_back(value)
    assert found == value
    assert type(found) is type(value)


def test_labels_baselines_and_schemas():
    labels = there_and_back(Labels.from_classes(["b", "a", "c"]))
    assert labels.kind == "multiclass"
    assert labels.classes.tolist() == ["a", "b", "c"]
    baseline = there_and_back(Baseline(shares=np.array([0.25, 0.75])))
    assert baseline.shares.tolist() == [0.25, 0.75]
    assert baseline.mean is None
    schema = TableSchema.fit(load("iris").as_table(), target="species")
    assert there_and_back(schema) == schema


def test_lists_and_tuples_are_kept_apart():
    assert there_and_back([1, (2, [3])]) == [1, (2, [3])]


def own_activation(h):
    return h


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (own_activation, "value is the function 'own_activation'"),
        ([Dense(3, own_activation)], "value/0: the function 'own_activation'"),
        ({"a": object()}, "value/a is a object"),
        (np.array([{1}], object), "value/0 is a set"),
        (np.array([1j]), "value is an array of complex128"),
        (2**70, "too large"),
    ],
)
def test_what_has_no_place_in_a_file_is_named(value, message):
    with pytest.raises(ValueError, match=message):
        pack(value, "value", {})


HOSTILE = [
    {"type": "module", "name": "os"},
    {"type": ["tuple"]},
    {},
    {"type": "tuple"},
    {"type": "tuple", "items": 3},
    {"type": "dict", "items": [[[], 1]]},
    {"type": "dict", "items": [[1, 2, 3]]},
    {"type": "float", "value": "1"},
    {"type": "scalar", "dtype": "O", "value": 1},
    {"type": "scalar", "dtype": "f4", "value": "x"},
    {"type": "scalar", "dtype": "nonsense", "value": 1},
    {"type": "array", "tensor": "missing"},
    {"type": "array", "tensor": 3},
    {"type": "texts", "tensor": "t", "shape": [2], "width": None},
    {"type": "texts", "tensor": "u", "shape": [9], "width": None},
    {"type": "objects", "items": [1], "shape": [-1, -1]},
    {"type": "objects", "items": [1], "shape": ["1"]},
    {"type": "description", "value": {"class": "os.system"}},
    {"type": "description", "value": 3},
    {"type": "description", "value": {"class": "Dense", "units": -1}},
    {"type": "key", "seed": -1, "path": []},
    {"type": "key", "seed": 1, "path": ["x"]},
    {"type": "labels", "kind": "binary", "classes": 3},
    {"type": "labels", "kind": "x", "classes": {"type": "array", "tensor": "t"}},
    {"type": "baseline", "parts": {"type": "dict", "items": []}},
    {"type": "schema", "value": {}},
]


@pytest.mark.parametrize("value", HOSTILE, ids=str)
def test_hostile_values_are_refused(value):
    tensors = {
        "t": np.array([97], np.uint8),
        "t/lengths": np.array([2, -1]),
        "u": np.array([97], np.uint8),
        "u/lengths": np.array([1]),
    }
    with pytest.raises(ValueError, match=r"\w+"):
        unpack(value, tensors)


def test_deep_values_are_refused():
    value = 1
    for _ in range(MAX_DEPTH + 2):
        value = [value]
    with pytest.raises(ValueError, match="nested deeper"):
        unpack(value, {})


def test_a_width_that_asks_for_memory_is_not_believed():
    tensors = {"t": np.array([97], np.uint8), "t/lengths": np.array([1])}
    value = {"type": "texts", "tensor": "t", "shape": [1], "width": 2**40}
    assert unpack(value, tensors).dtype == "<U1"


def test_texts_of_equal_width_do_not_outgrow_their_file():
    """One long text among many short ones: half a gigabyte out of 100 kB."""
    lengths = np.zeros(10_000, np.int64)
    lengths[0] = 13_000
    tensors = {"t": np.full(13_000, 97, np.uint8), "t/lengths": lengths}
    value = {"type": "texts", "tensor": "t", "shape": [10_000], "width": 13_000}
    with pytest.raises(ValueError, match="too much memory"):
        unpack(value, tensors)


def test_a_tensor_is_taken_once():
    """A list of a few letters a time could ask for the same million floats."""
    again = {"type": "floats", "tensor": "x"}
    assert unpack([again], {"x": np.ones(3)}) == [[1.0, 1.0, 1.0]]
    with pytest.raises(ValueError, match="the tensor 'x' is missing"):
        unpack([again, again], {"x": np.ones(3)})
