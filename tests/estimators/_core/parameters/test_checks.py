"""Checks of parameters: what passes, and what the error says."""

import numpy as np
import pytest

from lamina.estimators._core.parameters.checks import (
    BOOLEAN,
    NONE,
    TEXT,
    check_fits_float32,
    check_integer,
    check_number,
    check_option,
    each,
    having,
    integer,
    number,
    option,
)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.1), np.int64(1)])
def test_numbers_inside_pass(value):
    check_number("p", value, 0, 1)


@pytest.mark.parametrize(
    "value", [-0.1, 1.1, "1", None, True, np.bool_(True), float("nan"), 1j, [0.5]]
)
def test_numbers_outside_are_refused(value):
    with pytest.raises(ValueError, match=r"p must be a number in \[0, 1\]; got "):
        check_number("p", value, 0, 1)


def test_open_and_infinite_ends_are_written_as_such():
    check_number("s", 0.999, 0, 1, open_high=True)
    with pytest.raises(ValueError, match=r"s must be a number in \[0, 1\); got 1"):
        check_number("s", 1, 0, 1, open_high=True)
    with pytest.raises(ValueError, match=r"rate must be a number in \(0, ∞\); got 0"):
        check_number("rate", 0, 0, open_low=True)


def test_infinity_is_a_number_only_where_it_means_something():
    number(1, infinite=True)("epochs", float("inf"))
    with pytest.raises(ValueError, match=r"epochs must be a number in \[1, ∞\]; got 0"):
        number(1, infinite=True)("epochs", 0)
    for value in (float("inf"), 10**400):
        with pytest.raises(ValueError, match=r"α must be a number in \[0, ∞\); got"):
            check_number("α", value, 0)


@pytest.mark.parametrize("value", [1, np.int32(7)])
def test_whole_numbers_pass(value):
    check_integer("n", value, 1)


@pytest.mark.parametrize("value", [0, 1.0, True, "3", None])
def test_other_numbers_are_refused(value):
    with pytest.raises(ValueError, match="n must be a whole number ≥ 1; got"):
        check_integer("n", value, 1)


def test_options():
    check_option("kind", "a", ["a", "b"])
    for value in ("c", 1, None, ["a"]):
        with pytest.raises(ValueError, match=r"kind must be one of \('a', 'b'\); got"):
            check_option("kind", value, ["a", "b"])


def test_float32_range_names_row_and_column():
    largest = float(np.finfo(np.float32).max)
    check_fits_float32(np.array([[largest, -largest]]))
    check_fits_float32(np.empty((0, 3)))
    for bad in (1e39, -1e39):
        X = np.zeros((4, 3))
        X[2, 1] = bad
        with pytest.raises(ValueError, match=r"X\[2, 1\] = -?1e\+39 .*float64"):
            check_fits_float32(X)
    with pytest.raises(ValueError, match=r"y\[0, 0\]"):
        check_fits_float32(np.array([[1e40]]), "y")


def test_float32_range_names_sequence_and_step():
    values = np.zeros((6, 2))
    values[4, 1] = -1e39
    with pytest.raises(
        ValueError,
        match=r"y, sequence 1, step 1, feature 1: -1e\+39 is beyond.*scale the feature",
    ):
        check_fits_float32(values, "y", np.array([3, 3]))


@pytest.mark.parametrize("value", [True, np.bool_(False)])
def test_booleans_pass(value):
    BOOLEAN("shuffle", value)


@pytest.mark.parametrize("value", ["no", "True", 0, 1, None, np.int64(1), [True]])
def test_what_python_takes_for_true_or_false_is_no_boolean(value):
    with pytest.raises(ValueError, match="^shuffle must be True or False; got"):
        BOOLEAN("shuffle", value)


def test_one_of_two_checks():
    check = integer(1) | option("auto", "full") | NONE
    for value in (3, "full", None):
        check("batch_size", value)
    expected = r"a whole number ≥ 1 or one of \('auto', 'full'\) or None; got"
    for value in (0, "some", 2.5, True, ["auto"], np.array(["auto", "full"])):
        with pytest.raises(ValueError, match=f"batch_size must be {expected}"):
            check("batch_size", value)


@pytest.mark.parametrize("values", [[], (1, 2), np.array([1, 2]), range(1, 3), {1}])
def test_a_list_of_what_passes(values):
    each(integer(1), "sizes")("layers", values)


@pytest.mark.parametrize(
    "values", ["12", 1, None, [0], [1, "2"], {1: 2}, [[1]], np.array(1), iter([1])]
)
def test_a_list_of_something_else(values):
    with pytest.raises(ValueError, match="layers must be sizes; got"):
        each(integer(1), "sizes")("layers", values)


def test_a_list_that_may_not_be_empty():
    with pytest.raises(ValueError, match=r"must be sizes; got \[\]"):
        each(integer(1), "sizes", empty=False)("layers", [])


def test_an_object_with_a_method_and_no_class():
    check = having("append", "a list")
    check("values", [])
    for value in (list, (), None):
        with pytest.raises(ValueError, match="values must be a list; got"):
            check("values", value)


def test_the_message_is_one_short_line_and_has_the_nearest_word():
    with pytest.raises(ValueError, match=r"got 'Adams'; did you mean 'Adam'\?$"):
        option("Adam", "SGD")("solver", "Adams")
    with pytest.raises(ValueError, match=r"^a must be a text; got") as caught:
        TEXT("a", np.zeros((1000, 3)))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 140


@pytest.mark.parametrize(
    ("check", "typed", "value"),
    [
        (BOOLEAN, "no", False),
        (BOOLEAN, "Yes", True),
        (BOOLEAN, "off", False),
        (BOOLEAN, 1, True),
        (BOOLEAN | NONE, None, None),
        (BOOLEAN | option("auto"), "on", True),
        (BOOLEAN | option("auto"), "auto", "auto"),
        (option("no", "maybe"), "no", "no"),
        (integer(1), 1000.0, 1000),
        (integer(1) | NONE, 1000.0, 1000),
        (each(integer(1), "sizes"), (50.0, 20), (50, 20)),
        (number(0), 1000.0, 1000.0),
    ],
)
def test_what_a_person_types_is_read_as_what_is_expected(check, typed, value):
    found = check.read(typed)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("typed", ["banana", 2, 1.5, None, [True], {}])
def test_what_cannot_be_read_is_left_as_it_is_and_refused(typed):
    assert BOOLEAN.read(typed) is typed
    with pytest.raises(ValueError, match="must be True or False"):
        BOOLEAN("shuffle", BOOLEAN.read(typed))
