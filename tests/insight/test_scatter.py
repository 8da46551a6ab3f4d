"""A map of examples."""

import io

import numpy as np
import pytest

from lamina.insight import scatter

CODES = np.random.default_rng(0).standard_normal((12, 2))


def drawn(figure):
    figure.savefig(io.BytesIO(), format="png")
    return figure.axes


def test_points_without_labels_are_of_one_colour():
    (axis,) = drawn(scatter(CODES, heading="all $of$ it"))
    (points,) = axis.collections
    np.testing.assert_allclose(points.get_offsets(), CODES)
    assert axis.get_title() == "all $of$ it"
    assert axis.get_legend() is None


def test_each_label_has_a_colour_and_a_name():
    labels = np.array(["b", "a", None] * 4, dtype=object)
    (axis,) = drawn(scatter(CODES, labels, label_name="kind"))
    grey, a, b = axis.collections
    np.testing.assert_allclose(grey.get_offsets(), CODES[2::3])
    np.testing.assert_allclose(a.get_offsets(), CODES[1::3])
    np.testing.assert_allclose(b.get_offsets(), CODES[::3])
    assert not np.array_equal(a.get_facecolor(), b.get_facecolor())
    box = axis.get_legend()
    assert [text.get_text() for text in box.get_texts()] == ["a", "b"]
    assert box.get_title().get_text() == "kind"


def test_many_labels_and_dollar_signs():
    embedding = np.zeros((40, 2))
    names = np.array([f"${i:02}$" for i in range(40)], dtype=object)
    (axis,) = drawn(scatter(embedding, names))
    assert len(axis.get_legend().get_texts()) == 31


def test_numbers_have_a_scale():
    axis, bar = drawn(scatter(CODES, np.arange(12.0), label_name="age"))
    assert axis.get_legend() is None
    assert bar.get_ylabel() == "age"


@pytest.mark.parametrize(
    ("embedding", "labels", "message"),
    [
        (np.zeros((3, 3)), None, "needs shape .n, 2., got .3, 3."),
        (np.zeros((3, 2)), ["a"], "1 labels for 3 examples"),
    ],
)
def test_what_is_no_map(embedding, labels, message):
    with pytest.raises(ValueError, match=message):
        scatter(embedding, labels)
