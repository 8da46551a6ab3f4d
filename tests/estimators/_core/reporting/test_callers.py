"""Warnings point at the line outside of lamina."""

import warnings

from lamina.estimators._core.reporting.callers import callers_level


def test_the_level_is_that_of_the_first_line_outside():
    assert callers_level() == 1  # nothing of lamina has called this test


def test_a_warning_points_at_the_line_that_called_lamina():
    from lamina import MLPRegressor

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MLPRegressor(hidden_layer_sizes=(2,), max_iter=1).fit([[1.0], [2.0]], [1, 2])
    assert {warning.filename for warning in caught} == {__file__}
