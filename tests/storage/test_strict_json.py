"""JSON of unknown origin."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.storage.strict_json import depth, dumps, loads

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(values.filter(lambda v: "inf" not in repr(v)))
def test_what_is_written_is_read(value):
    assert loads(dumps(value), 64) == value


def depth_by_recursion(value):
    match value:
        case dict():
            return 1 + max(map(depth_by_recursion, value.values()), default=0)
        case list():
            return 1 + max(map(depth_by_recursion, value), default=0)
    return 0


@given(values)
def test_depth_ignores_brackets_in_strings(value):
    assert depth(json.dumps(value)) == depth_by_recursion(value)


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 10**6, '\\"' * 10**6, '"' * (10**6 + 1)]
)
def test_a_string_that_never_ends_is_read_once(text):
    """From each of its marks to the end once more would take hours."""
    start = time.perf_counter()
    assert depth("[[" + text) == 2
    assert time.perf_counter() - start < 10


def test_deep_json_is_refused_without_recursion():
    with pytest.raises(ValueError, match="deeper than 32"):
        loads("[" * 1_000_000, 32)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"a": {"b": 1, "b": 1}}]'])
def test_keys_that_repeat_are_refused(text):
    with pytest.raises(ValueError, match="has a duplicate key"):
        loads(text, 32)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="not a number"):
        loads(text, 32)
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(float("nan"))
