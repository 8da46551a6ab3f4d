"""A network and a chain: what both know is more than what one does."""

from itertools import pairwise

import numpy as np
import pytest

import lamina
from lamina import (
    HybridHMM,
    MLPClassifier,
    RecurrentClassifier,
    RecurrentTagger,
    data,
)
from lamina.data.datasets.sequence_generators import markov_chain
from lamina.data.sequences.ragged_array import as_ragged_array
from lamina.estimators.sequences.hybrid_hmm import framed
from tests.model_files import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
CHAIN = data.load("hidden_markov", n=100, noise=1.0, seed=0)
MORE = data.load("hidden_markov", n=100, noise=1.0, seed=1)


def right(paths, y):
    return np.mean(np.concatenate(paths) == np.concatenate(y))


@pytest.fixture(scope="module")
def model():
    return HybridHMM(context=0, random_state=0).fit(CHAIN.X, CHAIN.y)


@pytest.mark.slow
def test_the_order_of_states_helps(model):
    """The network sees single steps: 69 %; with the chain 83 %."""
    alone, together = (
        right(model.predict_frames(MORE.X), MORE.y),
        model.score(MORE.X, MORE.y),
    )
    assert together > alone + 0.1
    best = [model.classes_[p.argmax(axis=1)] for p in model.predict_proba(MORE.X)]
    assert right(best, MORE.y) >= together - 0.005  # step by step, it is the best rule
    wider = HybridHMM(random_state=0).fit(CHAIN.X, CHAIN.y)
    assert wider.score(MORE.X, MORE.y) > right(wider.predict_frames(MORE.X), MORE.y)


@pytest.mark.slow
def test_the_chain_is_that_which_made_the_sequences(model):
    truth = markov_chain(3)
    np.testing.assert_allclose(model.transition_, truth.transition, atol=0.03)
    np.testing.assert_allclose(model.start_, truth.start, atol=0.12)
    shares = np.bincount(np.concatenate(CHAIN.y)) / 5000
    np.testing.assert_allclose(model.prior_, shares)


@pytest.mark.slow
def test_frequent_states_are_not_counted_twice():
    """Where each step is drawn by itself from p(k), the chain adds nothing to what the
    network says: p(k) p(x | k) ∝ p(k | x), if p(x | k) ∝ p(k | x) / p(k)."""
    rng = np.random.default_rng(0)
    y = [rng.choice(3, 30, p=[0.85, 0.1, 0.05]) for _ in range(40)]
    X = [2 * one + rng.standard_normal(30) for one in y]
    rows = MLPClassifier((4,), max_iter=60, random_state=0)
    model = HybridHMM(rows, context=0).fit(X, y)
    assert model.prior_.max() > 10 * model.prior_.min()
    model.start_, model.transition_ = model.prior_, np.tile(model.prior_, (3, 1))
    alone = model.estimator_.predict_proba(np.concatenate(X)[:, None])
    together = np.concatenate(model.predict_proba(X))
    np.testing.assert_allclose(together, alone, atol=1e-6)
    path = np.concatenate(model.predict(X))
    assert np.array_equal(path, np.concatenate(model.predict_frames(X)))
    assert len(set(path.tolist())) > 1


def test_frames_repeat_the_ends():
    X = as_ragged_array([[1.0, 2.0, 3.0], [9.0]])
    assert framed(X, 1).tolist() == [[1, 1, 2], [1, 2, 3], [2, 3, 3], [9, 9, 9]]
    assert framed(X, 0).tolist() == [[1], [2], [3], [9]]


@pytest.mark.slow
def test_any_network_tells_states():
    tagger = RecurrentTagger([lamina.GRU(8)], max_iter=5, random_state=0)
    found = HybridHMM(tagger).fit(CHAIN.X, CHAIN.y).predict(MORE.X)
    assert [len(one) for one in found] == MORE.X.lengths.tolist()
    names = np.array(["a", "b", "c"])
    y = [names[one] for one in CHAIN.y]
    rows = MLPClassifier((8,), max_iter=5, random_state=0)
    assert set(np.concatenate(HybridHMM(rows).fit(CHAIN.X, y).predict(MORE.X))) <= {
        *names
    }


@pytest.mark.slow
def test_steps_without_a_label_do_not_count():
    rng = np.random.default_rng(0)
    told = [np.where(rng.random(50) < 0.3, -1, one) for one in CHAIN.y]
    tagger = RecurrentTagger(
        [lamina.GRU(8)], max_iter=5, ignore_label=-1, random_state=0
    )
    model = HybridHMM(tagger).fit(CHAIN.X, told)
    y = np.concatenate(told)
    np.testing.assert_allclose(model.prior_, np.bincount(y[y >= 0]) / (y >= 0).sum())
    pairs = [p for one in told for p in pairwise(one.tolist()) if -1 not in p]
    counts = np.ones((3, 3))  # of smoothing
    np.add.at(counts, tuple(np.transpose(pairs)), 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.transition_, shares)
    found = np.concatenate(model.predict(CHAIN.X))
    assert model.score(CHAIN.X, told) == np.mean((found == y)[y != -1])
    assert np.isnan(model.score(CHAIN.X[:1], [np.full(50, -1)]))


@pytest.mark.slow
def test_a_file_answers_the_same(model, tmp_path):
    model.save(tmp_path / "model.lamina")
    again = lamina.load(tmp_path / "model.lamina")
    for a, b in zip(again.predict(MORE.X), model.predict(MORE.X), strict=True):
        assert np.array_equal(a, b)


def test_bad_input(model):
    with pytest.raises(ValueError, match="X has 1 features a step"):
        model.predict([np.ones(3)])
    with pytest.raises(ValueError, match="sequence 0 has 50 steps, but y has 49"):
        HybridHMM().fit(CHAIN.X[:1], [CHAIN.y[0][1:]])
    with pytest.raises(ValueError, match="a classifier of rows with predict_proba"):
        HybridHMM(lamina.MLPRegressor()).fit(CHAIN.X, CHAIN.y)
    for other in (RecurrentClassifier(), RecurrentTagger(loss="squared_error")):
        with pytest.raises(ValueError, match="for labels or None; got Recurrent"):
            HybridHMM(other).fit(CHAIN.X, CHAIN.y)
    with pytest.raises(ValueError, match="smoothing must be a number"):
        HybridHMM(smoothing=-1).fit(CHAIN.X, CHAIN.y)


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("fitted", "estimator", 3, "estimator must be a fitted estimator; got 3"),
        ("fitted", "classes", [1], "classes must be an array of labels"),
        ("fitted", "prior", [0.5], "prior must be an array"),
        ("fitted", "transition", None, "transition must be .*; got None"),
        ("fitted", "n_features_in", 3, "does not fit the features"),
        ("parameters", "context", 10**12, "does not fit the features"),
        ("parameters", "context", None, "context must be a whole number"),
    ],
)
def test_damaged_files_are_refused(model, part, name, value, message):
    """A context of a terabyte is refused before anything is allocated."""
    description, tensors = opened(model)
    description[part][name] = value
    with pytest.raises(ValueError, match=message):
        closed(description, tensors)
