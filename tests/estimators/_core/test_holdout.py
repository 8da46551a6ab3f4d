"""Rows held out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lamina.estimators._core.holdout import hold_out, split
from lamina.networks import Key


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=60),
    st.floats(0, 0.9),
    st.integers(0, 100),
)
def test_no_class_is_held_out_whole_and_no_row_is_lost(y, share, seed):
    y = np.array(y)
    rest, held = hold_out(Key(seed), y, share, by_class=True)
    assert sorted([*rest, *held]) == list(range(len(y)))
    assert set(y[rest]) == set(y)


def test_every_class_gives_its_share():
    y = np.repeat([0, 1, 2], [100, 50, 10])
    _, held = hold_out(Key(0), y, 0.2, by_class=True)
    assert np.bincount(y[held]).tolist() == [20, 10, 2]


def test_small_classes_give_their_share_together():
    y = np.repeat(np.arange(300), 2)
    _, held = hold_out(Key(0), y, 0.2, by_class=True)
    assert 90 <= len(held) <= 150


def test_numbers_are_split_at_random_and_repeatably():
    y = np.linspace(0, 1, 50)
    _, held = hold_out(Key(1), y, 0.2, by_class=False)
    _, again = hold_out(Key(1), y, 0.2, by_class=False)
    _, other = hold_out(Key(2), y, 0.2, by_class=False)
    assert len(held) == 10
    assert held.tolist() == again.tolist() != other.tolist()


@given(
    n=st.integers(4, 200),
    classes=st.integers(1, 6),
    fraction=st.floats(0.05, 0.6),
    seed=st.integers(0, 5),
)
def test_split_gives_every_class_its_share(n, classes, fraction, seed):
    strata = np.random.default_rng(seed).integers(0, classes, n)
    size = int(np.ceil(fraction * n))
    if size < 2:
        return
    rows, held = split(Key(seed), n, fraction, strata)
    assert sorted([*rows, *held]) == list(range(n))
    assert len(held) == size
    share = size / n
    for c in range(classes):
        expected = share * np.sum(strata == c)
        assert abs(np.sum(strata[held] == c) - expected) < 1 + 1e-9


def test_split_differs_by_key_and_repeats():
    a, b, c = (split(Key(s), 50, 0.2, None)[1] for s in (0, 0, 1))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
