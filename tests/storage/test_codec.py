"""Values ↔ JSON and tensors."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lamina import SGD, Dense, Dropout, Network, Residual
from lamina.data import ImageSchema, TableSchema, load
from lamina.estimators._core.targets.labels import Labels
from lamina.learning import L2, Objective
from lamina.metrics.scores import Baseline
from lamina.models import records  # noqa: F401  (registers schemas and baselines)
from lamina.networks import Key
from lamina.networks.core.description import Nested, description
from lamina.storage import read_models, write_models
from lamina.storage.codec import LONG_LIST, MAX_DEPTH, decode, encode, register
from lamina.storage.rules import Whole


@description
class Inside:
    """A description around anything."""

    inner: Nested = None


def there_and_back(value, kind=Any):
    packed, tensors = encode(value, "value")
    text = json.dumps(packed, allow_nan=False)
    return decode(kind, json.loads(text), tensors)


def read(packed, tensors, kind=Any):
    return decode(kind, packed, tensors)


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
        [0.1] * LONG_LIST,
        [0.1] * (LONG_LIST - 1),
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
        Network((Dense(3, "tanh"), Dropout(0.25))),
        Objective(Network((Dense(3),)), "squared_error", (L2(0.5),)),
        Residual((Dense(3), Dense(3))),
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
    assert there_and_back(ImageSchema(5, 7, 1, "crop")) == ImageSchema(5, 7, 1, "crop")


def test_lists_and_tuples_are_kept_apart():
    assert there_and_back([1, (2, [3])]) == [1, (2, [3])]


def own_activation(h):
    return h


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (own_activation, "value: the function 'own_activation'"),
        ([Dense(3, own_activation)], "value/0/activation: the function 'own_activ"),
        ({"a": object()}, "value/a: a object cannot be written"),
        (b"x", "value: a bytes cannot be written"),
        (Dense, "value: the function 'Dense'"),
        (np.array([{1}], object), "value/0: a set"),
        (np.array([1j]), "value is an array of complex128"),
        (np.complex64(1), "value is a complex64"),
        ({"a": [np.ones(1)], "a/0": np.ones(1)}, "the name value/a/0 is duplicated"),
        (2**70, "too large"),
    ],
)
def test_what_has_no_place_in_a_file_is_named(value, message):
    with pytest.raises(ValueError, match=message):
        encode(value, "value")


HOSTILE = [
    {"module": "os"},
    {"tuple": [], "dict": {}},
    {},
    {"tuple": None},
    {"tuple": 3},
    {"dict": [1]},
    {"dict": None},
    {"items": [[[], 1]]},
    {"items": [[1, 2, 3]]},
    {"float": "1"},
    {"float": "1e999"},
    {"float": []},
    {"scalar": ["O", 1]},
    {"scalar": ["f4", "x"]},
    {"scalar": ["i1", 1000]},
    {"scalar": ["nonsense", 1]},
    {"scalar": 3},
    {"tensor": "missing"},
    {"tensor": 3},
    {"tensor": ["t"]},
    {"floats": "t"},
    {"floats": "table"},
    {"texts": {"tensor": "t", "lengths": "l", "shape": [2], "width": None}},
    {"texts": {"tensor": "u", "lengths": "v", "shape": [9], "width": None}},
    {"texts": {"tensor": "u", "lengths": "v"}},
    {"texts": "u"},
    {"objects": {"items": [1], "shape": [-1, -1]}},
    {"objects": {"items": [1], "shape": ["1"]}},
    {"objects": {"items": 1, "shape": []}},
    {"os.system": {}},
    {"Dense": 3},
    {"Dense": {}},
    {"Dense": {"units": -1}},
    {"Dense": {"units": 3, "colour": 1}},
    {"Key": {"seed": -1, "path": {"tuple": []}}},
    {"Key": {"seed": 2**63, "path": {"tuple": []}}},
    {"Key": {"seed": 1, "path": {"tuple": ["x"]}}},
    {"Key": {"seed": 1, "path": []}},
    {"Key": {}},
    {"Labels": {"kind": "binary", "classes": 3}},
    {"Labels": {"kind": "x", "classes": {"tensor": "t"}}},
    {"Baseline": {"shares": None, "mean": 3}},
    {"TableSchema": {}},
]


@pytest.mark.parametrize("value", HOSTILE, ids=str)
def test_hostile_values_are_refused(value):
    tensors = {
        "t": np.array([97], np.uint8),
        "l": np.array([2, -1]),
        "u": np.array([97], np.uint8),
        "v": np.array([1]),
        "table": np.zeros((2, 2)),
    }
    with pytest.raises(ValueError, match="^the value.* "):
        read(value, tensors)


def test_deep_values_are_refused():
    value = 1
    for _ in range(MAX_DEPTH + 2):
        value = [value]
    with pytest.raises(ValueError, match="nested deeper"):
        read(value, {})
    with pytest.raises(ValueError, match="nested deeper"):
        encode(value)  # or it could never be read again


@pytest.mark.parametrize(
    "around",
    [
        lambda v: (v,),
        lambda v: [v],
        lambda v: {"a": v},
        lambda v: {1: v},
        lambda v: Inside(v),
        lambda v: np.array([v, None], object),
    ],
)
def test_the_deepest_value_comes_back_from_a_file(around, tmp_path):
    """Reading counts as writing does, and JSON may nest as deep as it needs."""
    value = None
    for _ in range(MAX_DEPTH):
        value = around(value)
    write_models(tmp_path / "m", {"a": value})
    assert repr(read_models(tmp_path / "m")) == repr({"a": value})


def test_a_width_that_asks_for_memory_is_not_believed():
    tensors = {"t": np.array([97], np.uint8), "l": np.array([1])}
    value = {"tensor": "t", "lengths": "l", "shape": [1], "width": 2**40}
    assert read({"texts": value}, tensors).dtype == "<U1"


def test_texts_of_equal_width_do_not_outgrow_their_file():
    """One long text among many short ones: half a gigabyte out of 100 kB."""
    lengths = np.zeros(10_000, np.int64)
    lengths[0] = 13_000
    tensors = {"t": np.full(13_000, 97, np.uint8), "l": lengths}
    value = {"tensor": "t", "lengths": "l", "shape": [10_000], "width": 13_000}
    with pytest.raises(ValueError, match="too much memory"):
        read({"texts": value}, tensors)


def test_a_tensor_is_taken_once():
    """A list of a few letters a time could ask for the same million floats."""
    again = {"floats": "x"}
    assert read([again], {"x": np.ones(3)}) == [[1.0, 1.0, 1.0]]
    with pytest.raises(ValueError, match=r"\[1\]: the tensor 'x' is missing"):
        read([again, again], {"x": np.ones(3)})
    again = {"tensor": "x"}
    with pytest.raises(ValueError, match="the tensor 'x' is missing"):
        read({"tuple": [again, again]}, {"x": np.ones(3)})


# ---- what a value must be -----------------------------------------------------------


def test_a_value_is_what_it_must_be_or_the_error_says_where():
    assert there_and_back([1, 2], list[int]) == [1, 2]
    expected = r"^the value\['a'\]\[1\] must be a whole number; got 'x'$"
    with pytest.raises(ValueError, match=expected):
        there_and_back({"a": [1, "x"]}, dict[str, list[int]])


class Place(NamedTuple):
    """A named tuple."""

    step: int
    sums: dict[str, np.ndarray]
    note: str | None = None


@dataclass(frozen=True)
class Box:
    """A dataclass with a rule that names a field before."""

    n: Annotated[int, Whole(1)]
    last: Annotated[int, Whole(0, "n")] = 0


def _not_five(box):
    if box.n == 5:
        raise ValueError("n is five")


register(Place)
register(Box, name="box", version=3, check=_not_five)


def test_registered_named_tuples_and_dataclasses_come_back():
    place = there_and_back(Place(3, {"loss": np.ones(2)}))
    assert type(place) is Place
    assert (place.step, place.note) == (3, None)
    assert place.sums["loss"].tolist() == [1, 1]
    assert there_and_back([Box(4, 2)], list[Box]) == [Box(4, 2)]
    assert encode(Box(4, 2))[0] == {"box": {"version": 3, "n": 4, "last": 2}}


def test_a_field_with_a_default_need_not_be_there():
    assert read({"box": {"version": 3, "n": 4}}, {}) == Box(4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"version": 3, "n": 0}, r"\.n must be a whole number from 1 .*; got 0"),
        ({"version": 3, "n": 2, "last": 3}, r"\.last must .* from 0 to 2; got 3"),
        ({"version": 3}, r"\.n must be a whole number .*; got nothing"),
        ({"version": 3, "n": 1, "more": 1}, "has no field 'more'"),
        ({"version": 3, "n": 5}, "n is five"),
        ({"version": 2, "n": 1}, "has version 2; this lamina reads version 3"),
        ({"version": True, "n": 1}, "has version True"),
        ({"n": 1}, "has version None"),
        ([1], " is not a valid 'box'"),
    ],
)
def test_fields_of_records_are_checked(content, message):
    with pytest.raises(ValueError, match=f"^the value.*{message}"):
        read({"box": content}, {})


def test_a_name_is_of_one_class():
    register(Box, name="box", version=3, check=_not_five)  # its module anew
    for name in ("box", "tensor"):
        with pytest.raises(ValueError, match=f"{name} is (already )?registered for"):
            register(Place, name=name)


def test_named_tuples_that_are_not_registered_are_refused():
    class Pair(NamedTuple):
        a: int

    with pytest.raises(ValueError, match="a Pair cannot be written"):
        encode(Pair(1))
