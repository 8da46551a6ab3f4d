"""Labels of places, some of which have none."""

import numpy as np
import pytest

from lamina.data.tables.levels import UnseenWarning
from lamina.estimators._core.targets.pixels import PixelTarget
from lamina.estimators._core.targets.target import TargetValues

Y = np.array([[[3, 1, 9]], [[1, 9, 3]]])


def target_of(y=Y, **how):
    target = PixelTarget("float32", "log_loss", **{"ignore_label": 9} | how)
    return target.learn(TargetValues(y), None)


def test_ignored_labels_are_no_class():
    target, codes = target_of()
    assert target.classes.tolist() == [1, 3]
    assert codes.tolist() == [[[1, 0, -1]], [[0, -1, 1]]]
    assert (target.n_outputs, target.head) == (2, "softmax")
    everything, codes = target_of(ignore_label=None)
    assert everything.classes.tolist() == [1, 3, 9]
    assert codes.min() == 0


def test_all_classes_may_be_named_beforehand():
    target = PixelTarget("float32", "log_loss", 9)
    target, codes = target.learn(TargetValues(Y), [1, 2, 3, 9])
    assert target.classes.tolist() == [1, 2, 3]
    assert codes[0].tolist() == [[2, 0, -1]]


def test_going_on_needs_the_same_classes():
    target, codes = target_of()
    assert np.array_equal(target.resume(TargetValues(Y), False, None), codes)
    fewer = TargetValues(np.ones_like(Y))
    assert not target.resume(fewer, True, None).any()
    with pytest.raises(ValueError, match="only be used with the same classes"):
        target.resume(fewer, False, None)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        target.resume(fewer, True, [1, 2])
    with pytest.raises(ValueError, match="labels that are not among the classes"):
        target.resume(TargetValues(np.full_like(Y, 4)), True, None)


def test_labels_never_learnt_are_one_more_class_in_a_score():
    target, _ = target_of()
    with pytest.warns(UnseenWarning, match="2 pixels"):
        codes = target.encode_any(TargetValues(np.array([[[3, 4, 9]], [[4, 1, 1]]])))
    assert codes.tolist() == [[[1, 2, -1]], [[2, 0, 0]]]


def test_no_label_at_all_is_refused():
    with pytest.raises(ValueError, match="all pixels have the ignore_label"):
        target_of(np.full_like(Y, 9))
