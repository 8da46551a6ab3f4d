"""Sequences with defaults: what the figures are compared with."""

import numpy as np

from benchmarks.sequences import ACCURACY, PUBLISHED, known, markov, right, spread


def test_who_knows_the_chain_is_better_than_who_looks_for_the_nearest_mean():
    from lamina.data.datasets.sequence_generators import markov_chain

    chain, means = markov(1), markov_chain().means
    nearest = [((x[:, None] - means) ** 2).sum(axis=2).argmin(axis=1) for x in chain.X]
    assert right(known(chain.X), chain.y) > right(nearest, chain.y) + 0.05


def test_all_steps_count_the_same():
    y = [np.array([0, 1, 2]), np.array([1])]
    assert right([np.array([0, 1, 1]), np.array([1])], y) == 0.75


def test_a_row_shows_the_median_between_the_extremes():
    row = spread("a", [0.9, 0.5, 0.6])
    assert (row.low, row.value, row.high) == (0.5, 0.6, 0.9)


def test_published_accuracies_are_shares_with_a_source():
    assert all(0.9 < value <= 1 and "20" in note for _, value, note in PUBLISHED)
    assert sum(value > ACCURACY for _, value, _ in PUBLISHED) > 2
