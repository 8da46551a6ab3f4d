"""Numbers become grey and colours; figures say what they show."""

import builtins
import sys

import numpy as np
import pytest

from lamina.insight import plotting


def test_bytes_keep_their_brightness():
    image = np.array([[[0], [51]], [[102], [255]]], np.uint8)
    np.testing.assert_allclose(plotting.as_seen(image), [[0, 0.2], [0.4, 1]])


def test_other_numbers_spread_from_least_to_largest():
    colours = np.array([[[-1.0, 1.0, 3.0]]])
    np.testing.assert_allclose(plotting.as_seen(colours), [[[0, 0.5, 1]]])
    assert plotting.as_seen(np.full((2, 2, 1), 7.0)).tolist() == [[0, 0], [0, 0]]


def test_of_other_channels_the_mean_is_shown():
    np.testing.assert_allclose(plotting.as_seen(np.array([[[0.0, 1.0]]])), [[0.5]])


def test_zero_is_middle_grey():
    weights = np.array([[[-2.0], [0.0], [1.0]]])
    np.testing.assert_allclose(plotting.around_grey(weights), [[0, 0.5, 0.75]])
    np.testing.assert_allclose(plotting.around_grey(weights, 4), [[0.25, 0.5, 0.625]])
    assert plotting.around_grey(np.zeros((1, 1))).tolist() == [[0.5]]


def test_a_grid_has_a_panel_for_each_image():
    figure = plotting.grid([np.eye(2)] * 5, list("abcde"), "letters")
    drawn = [axis for axis in figure.axes if axis.axison]
    assert [axis.get_title() for axis in drawn] == list("abcde")
    assert figure.get_suptitle() == "letters"
    np.testing.assert_array_equal(drawn[0].images[0].get_array(), np.eye(2))


def test_more_images_than_can_be_told_apart_are_counted():
    figure = plotting.grid([np.eye(2)] * 70, list(map(str, range(70))), "filters")
    assert figure.get_suptitle() == "filters: the first 64 of 70"
    assert sum(axis.axison for axis in figure.axes) == 64


def test_a_frame_goes_around_the_pixels():
    figure = plotting.blank(1, 1)
    axis = figure.subplots()
    plotting.frame(axis, np.array([[1, 3], [0, 2]]))
    (line,) = axis.lines
    assert sorted(set(line.get_xdata())) == [-0.5, 1.5]
    assert sorted(set(line.get_ydata())) == [0.5, 2.5]


def test_without_matplotlib_one_line_says_how_to_get_it(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **options):
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *args, **options)

    for name in [n for n in sys.modules if n.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "lamina\[figures\]"$'):
        plotting.blank(1, 1)
