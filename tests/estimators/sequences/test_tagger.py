"""An answer at each step: what is learnt, scored, left out, and refused."""

import jax
import numpy as np
import pytest

import lamina
from lamina import GRU, LastStep, RecurrentTagger
from lamina.data.tables.levels import UnseenWarning
from tests.model_files import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = [RNG.standard_normal(n) for n in RNG.integers(3, 15, 120)]
SUMS = [np.cumsum(x) for x in X]
SIGNS = [np.where(s > 0, "above", "below") for s in SUMS]


def net(**params):
    how = {"layers": [GRU(12)], "max_iter": 40, "random_state": 0, "batch_size": 16}
    return RecurrentTagger(**how | {"learning_rate_init": 0.02} | params)


@pytest.fixture(scope="module")
def tagger():
    return net().fit(X, SIGNS)


@pytest.mark.slow
def test_labels(tagger):
    assert tagger.classes_.tolist() == ["above", "below"]
    found = tagger.predict(X)
    assert [len(one) for one in found] == [len(one) for one in X]
    right = np.concatenate(found) == np.concatenate(SIGNS)
    assert tagger.score(X, SIGNS) == pytest.approx(right.mean())
    assert right.mean() > 0.93
    for p, one in zip(tagger.predict_proba(X), found, strict=True):
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        assert np.array_equal(tagger.classes_[p.argmax(axis=1)], one)


@pytest.mark.slow
def test_labels_never_learnt_count_as_errors(tagger):
    strange = [np.where(np.arange(len(one)) == 0, "upon", one) for one in SIGNS]
    found, truth = map(np.concatenate, (tagger.predict(X), strange))
    with pytest.warns(UnseenWarning, match=r"target 'y': 'upon' \(120 steps\)"):
        assert tagger.score(X, strange) == pytest.approx((found == truth).mean())


@pytest.mark.slow
def test_numbers():
    model = net(loss="squared_error").fit(X, SUMS)
    found = model.predict(X)
    assert all(a.shape == b.shape for a, b in zip(found, SUMS, strict=True))
    rest = np.concatenate(found) - (flat := np.concatenate(SUMS))
    r2 = 1 - np.sum(rest**2) / np.sum((flat - flat.mean()) ** 2)
    assert model.score(X, SUMS) == pytest.approx(r2)
    assert r2 > 0.9
    with pytest.raises(AttributeError, match="no probabilities"):
        model.predict_proba(X)


@pytest.mark.slow
def test_several_numbers_some_of_them_unknown():
    y = [np.stack([np.cumsum(x), -x], axis=1) for x in X]
    for one in y:
        one[0, 1] = np.nan
    model = net(loss="absolute_error", early_stopping=True).fit(X, y)
    assert model.predict(X)[0].shape == y[0].shape
    assert model.score(X, y) > 0.8


@pytest.mark.slow
def test_steps_without_a_label_at_the_end_teach_as_little_as_no_steps():
    """A GRU reads forward: no step with a label depends on those after it."""
    inputs = np.random.default_rng(2).standard_normal((24, 8))
    labels = np.where(np.cumsum(inputs, axis=1) > 0, "above", "below")
    some = np.where(np.arange(8) < 4, labels, "?")
    how = {
        "max_iter": 2,
        "standardize": False,
        "dtype": "float64",
        "batch_size": "full",
    }
    one = net(ignore_label="?", **how).fit(inputs, some)
    other = net(**how).fit(inputs[:, :4], labels[:, :4])
    for a, b in zip(
        jax.tree.leaves(one.params_), jax.tree.leaves(other.params_), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_steps_without_a_label_do_not_count():
    rng = np.random.default_rng(1)
    known = [rng.random(len(x)) < 0.7 for x in X]
    one = [np.where(k, s, "?") for k, s in zip(known, SIGNS, strict=True)]
    model = net(max_iter=3, ignore_label="?").fit(X, one)
    assert model.classes_.tolist() == ["above", "below"]
    flat = np.concatenate(known)
    right = np.concatenate(model.predict(X)) == np.concatenate(SIGNS)
    assert model.score(X, one) == pytest.approx(right[flat].mean())


@pytest.mark.slow
def test_arrays_of_one_length_are_what_lists_are():
    A = RNG.standard_normal((40, 9))
    y = (np.cumsum(A, axis=1) > 0).astype(int)
    one = net(max_iter=2).fit(A, y)
    other = net(max_iter=2).fit(list(A), list(y))
    for a, b in zip(one.predict_proba(A), other.predict_proba(A), strict=True):
        assert np.array_equal(a, b)
    filled = np.where(np.arange(9) < 7, A, np.nan)
    shorter = net(max_iter=2).fit(filled, y)
    assert shorter.max_length_ == 7
    numbers = net(max_iter=2, loss="squared_error", early_stopping=True)
    assert numbers.fit(A, np.cumsum(A, axis=1)).predict(A)[0].shape == (9,)


@pytest.mark.slow
def test_validation_refit_and_going_on():
    model = net(max_iter=3, early_stopping=True, refit="restart").fit(X, SIGNS)
    assert len(model.validation_scores_) <= 3
    own = net(max_iter=2).fit(X, SIGNS, X_val=X[:9], y_val=SIGNS[:9])
    assert own.history_["score"][-1] == pytest.approx(own.score(X[:9], SIGNS[:9]))
    own.partial_fit(X[:20], SIGNS[:20])
    with pytest.raises(ValueError, match="not among the classes"):
        own.partial_fit(X[:1], [["other"] * len(X[0])])
    weighted = net(max_iter=1).fit(X, SIGNS, np.arange(120))
    assert weighted.score(X, SIGNS, np.arange(120)) <= 1


def test_a_file_answers_the_same(tagger, tmp_path):
    tagger.save(tmp_path / "tagger.lamina")
    again = lamina.load(tmp_path / "tagger.lamina")
    for a, b in zip(tagger.predict_proba(X), again.predict_proba(X), strict=True):
        assert np.array_equal(a, b)
    assert "GRU" in again.summary()


def test_other_bad_input(tagger):
    with pytest.raises(ValueError, match="requires y to be passed"):
        net().fit(X, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        net().fit(X, SIGNS[:-1])
    with pytest.raises(ValueError, match=r"LastStep\(\) has one answer for a whole"):
        net(layers=[GRU(4), LastStep()]).fit(X, SIGNS)
    with pytest.raises(ValueError, match="one answer an example, not one a step"):
        net(solver="lm", schedule=None, clip_norm=None).fit(X, SIGNS)
    with pytest.raises(ValueError, match="all steps have the ignore_label"):
        net(ignore_label=1).fit(X[:2], [np.ones(len(x), int) for x in X[:2]])


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("fitted", "classes", 3, "classes must be an array of labels"),
        ("parameters", "loss", "squared_error", "targets does not fit the loss"),
        ("parameters", "layers", 7, "the layers are not readable"),
        ("fitted", "feature_mean", [0.0, 0.0], "feature_mean must be an array"),
        ("fitted", "max_length", 2.5, "max_length must be a whole number"),
    ],
)
def test_damaged_files_are_refused(tagger, part, name, value, message):
    description, tensors = opened(tagger)
    description[part][name] = value
    with pytest.raises(ValueError, match=message):
        closed(description, tensors)
