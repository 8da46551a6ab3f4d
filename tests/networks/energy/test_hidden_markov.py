"""Paths and posteriors of hidden Markov chains, against every path there is."""

import itertools

import numpy as np
import pytest

from lamina.networks.energy.hidden_markov import Chain, counted, posteriors, viterbi


@pytest.fixture(params=range(8))
def case(request):
    rng = np.random.default_rng(request.param)
    start, transition = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), 3)
    return Chain(np.log(start), np.log(transition)), np.log(rng.random((5, 3)))


def joint(chain, b, path):
    total = chain.start[path[0]] + b[0, path[0]]
    for t in range(1, len(path)):
        total += chain.transition[path[t - 1], path[t]] + b[t, path[t]]
    return total


def test_the_path_is_the_best_of_all(case):
    chain, b = case
    every = list(itertools.product(range(3), repeat=5))
    best = max(every, key=lambda path: joint(chain, b, path))
    assert tuple(viterbi(chain, b)) == best
    assert viterbi(chain, b[:1]).tolist() == [(chain.start + b[0]).argmax()]


def test_posteriors_are_sums_over_all_paths(case):
    chain, b = case
    right = np.zeros((5, 3))
    for path in itertools.product(range(3), repeat=5):
        right[np.arange(5), path] += np.exp(joint(chain, b, path))
    right /= right.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(posteriors(chain, b), right, rtol=1e-12)


def test_long_sequences_do_not_underflow(case):
    chain, b = case
    long = np.tile(b - 500, (400, 1))
    assert np.isfinite(posteriors(chain, long)).all()
    assert len(viterbi(chain, long)) == 2000


def test_rows_are_where_steps_come_from():
    round_about = counted([np.array([0, 1, 2, 0, 1])], 3, smoothing=0.0)
    goes_to = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    np.testing.assert_array_equal(np.exp(round_about.transition), goes_to)


def test_chains_are_counted():
    """0 0 1 and 1 ? 1 0: starts 0 and 1; steps 00, 01, 10; what is unknown does not
    count."""
    paths = [np.array([0, 0, 1]), np.array([1, -1, 1, 0]), np.array([0])]
    chain = counted(paths, 2, smoothing=0.0)
    np.testing.assert_allclose(np.exp(chain.start), [2 / 3, 1 / 3])
    np.testing.assert_allclose(np.exp(chain.transition), [[0.5, 0.5], [1, 0]])
    smooth = counted(paths, 2, smoothing=1.0)
    np.testing.assert_allclose(np.exp(smooth.start), [3 / 5, 2 / 5])
    np.testing.assert_allclose(np.exp(smooth.transition), [[0.5, 0.5], [2 / 3, 1 / 3]])
    nothing = counted([np.array([0])], 2, smoothing=0.0)
    np.testing.assert_allclose(np.exp(nothing.transition), 0.5)
