"""How good codes are, beside the mean and PCA."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from lamina import Autoencoder, BernoulliRBM, DeepBoltzmannMachine, GaussianRBM
from lamina.estimators._core.reporting import embedding_scores as scores
from lamina.networks import Key

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = (RNG.standard_normal((60, 2)) @ RNG.standard_normal((2, 5))).astype("f4")
BITS = (RNG.random((60, 5)) < np.linspace(0.2, 0.8, 5)).astype("f4")
LABELS = np.array(["a", "b", None] * 20, dtype=object)


def compared(model, x, k=2, labels=None):
    components = scores.principal_components(x, k, Key(0))
    return scores.embedding_scores(
        model, x, x, x.mean(axis=0), components, len(x), labels
    )


def test_principal_components_are_those_of_all_rows_or_of_some(monkeypatch):
    found = scores.principal_components(X, 2, Key(0))
    assert found.dtype == np.float32
    mean = X.mean(axis=0)
    codes = scores.pca_embedding(X, mean, found)
    expected = PCA(2).fit_transform(X)
    np.testing.assert_allclose(np.abs(codes), np.abs(expected), rtol=1e-3, atol=1e-4)
    for k in (5, 60):
        assert scores.principal_components(X, k, Key(0)) is None
    monkeypatch.setattr(scores, "MAX_NUMBERS", 5 * 20)
    again = scores.principal_components(X, 2, Key(0))
    # All rows lie in one plane, so that any of them tell it.
    plane = (X - mean) @ again.T @ again
    np.testing.assert_allclose(plane, codes @ found, rtol=1e-2, atol=1e-2)
    assert again.shape == (2, 5)


def test_errors_stand_beside_those_of_the_mean_and_of_pca():
    model = Autoencoder((2,), standardize=False, max_iter=3, random_state=0).fit(X)
    own, base, pca = compared(model, X)
    error = "reconstruction_error"
    assert own[error] == pytest.approx(-model.score(X))
    assert base[error] == pytest.approx(X.var(axis=0).mean(), rel=1e-5)
    assert pca[error] == pytest.approx(0, abs=1e-6)  # the rows lie in a plane
    assert set(own) == set(base) == set(pca) == {error}
    assert compared(model, X, k=5)[2] == {error: None}


def test_pseudo_likelihoods_stand_beside_independent_inputs():
    """Σⱼ log σ((2 xⱼ − 1) aⱼ), aⱼ = log((n μⱼ + 1) / (n (1 − μⱼ) + 1))."""
    model = BernoulliRBM(3, n_iter=2, random_state=0).fit(BITS)
    own, base, pca = compared(model, BITS)
    ones = BITS.sum(axis=0)
    p = (ones + 1) / (len(BITS) + 2)
    expected = np.log(np.where(BITS == 1, p, 1 - p)).sum(axis=1).mean()
    assert base["pseudo_likelihood"] == pytest.approx(expected, rel=1e-5)
    assert own["pseudo_likelihood"] == pytest.approx(model.score(BITS))
    assert pca["pseudo_likelihood"] is None


@pytest.mark.slow
def test_densities_stand_beside_independent_normal_numbers():
    x = RNG.standard_normal((60, 3)) * [1, 10, 100]
    model = GaussianRBM(2, n_iter=2, random_state=0).fit(x)
    z = (x - model.feature_mean_) / model.feature_scale_
    found = scores.embedding_scores(model, x, z, z.mean(axis=0), None, 60, None)
    own, base, _ = found
    density = -0.5 * (z**2 + np.log(2 * np.pi)) - np.log(model.feature_scale_)
    expected = density.sum(axis=1).mean()
    assert base["log_likelihood"] == pytest.approx(expected, rel=1e-6)
    assert own["log_likelihood"] == pytest.approx(model.log_likelihood(x).mean())
    assert own["log_likelihood"] == pytest.approx(expected, abs=0.2)
    many = GaussianRBM(30, n_iter=1, random_state=0).fit(x)
    own, base, _ = scores.embedding_scores(many, x, z, z.mean(axis=0), None, 60, None)
    assert own["free_energy"] == pytest.approx(many.free_energy(x).mean())
    assert base["free_energy"] is None


@pytest.mark.slow
def test_a_deep_machine_tells_its_bound():
    model = DeepBoltzmannMachine((4, 2), n_iter=1, random_state=0).fit(BITS)
    own, base, _ = compared(model, BITS)
    assert (own["bound"], base["bound"]) == (model.score(BITS), None)
    assert set(own) <= set(scores.NAMES)


def test_the_nearest_other_row(monkeypatch):
    codes = np.array([[0.0], [0.1], [5.0], [5.1], [0.2]])
    labels = np.array(["a", "a", "b", "a", None], dtype=object)
    assert scores.same_label(codes, labels) == 2 / 4
    monkeypatch.setattr(scores, "MAX_NEIGHBOURS", 2)  # the first and the last
    assert scores.same_label(codes[:3], labels[:3]) == 0


def test_labels_that_are_classes():
    assert scores.comparable(LABELS).tolist() == LABELS.tolist()
    assert scores.comparable(np.repeat([1.0, 2.0], 3)).tolist() == list("111222")
    for labels in (LABELS[:1], np.arange(9.0), np.array(["a"] * 9, dtype=object)):
        assert scores.comparable(labels) is None
    model = Autoencoder((2,), standardize=False, max_iter=2, random_state=0).fit(X)
    own, base, pca = compared(model, X, labels=LABELS)
    assert base["same_label"] == 0.5
    assert own["same_label"] == scores.same_label(model.transform(X), LABELS)
    assert pca["same_label"] is not None
