"""BernoulliRBM and GaussianRBM: scores, scales and what they take."""

import numpy as np
import pytest
from scipy import stats
from sklearn.neural_network import BernoulliRBM as Peer

import lamina
from lamina import BernoulliRBM, GaussianRBM, data

RNG = np.random.default_rng(0)
X = (RNG.random((60, 12)) < np.linspace(0.1, 0.9, 12)).astype(float)
NUMBERS = RNG.standard_normal((200, 3)) * [1, 10, 100] + [0, 5, -50]


def given(peer, model):
    """Put scikit-learn's parameters in place of what was learnt."""
    weight, params = peer.components_.T, model.params_[0]
    params["weight"][:] = weight
    params["bias"][:] = peer.intercept_hidden_
    params["visible_bias"][:] = peer.intercept_visible_
    return model


@pytest.fixture(scope="module")
def peer():
    return Peer(7, random_state=0, n_iter=20).fit(X)


def test_the_same_parameters_give_what_scikit_learn_gives(peer):
    model = given(peer, BernoulliRBM(7, n_iter=1, dtype="float64").fit(X))
    np.testing.assert_allclose(model.transform(X), peer.transform(X), rtol=1e-10)
    free = peer._free_energy(X)
    np.testing.assert_allclose(model.free_energy(X), free, rtol=1e-10)


def test_scores_are_estimates_of_the_pseudo_likelihood(peer):
    """One of n log P(vᵢ | others), each i as often; on average their sum."""
    model = given(peer, BernoulliRBM(7, n_iter=1, dtype="float64").fit(X))
    rows = (np.arange(4096)[:, None] >> np.arange(12) & 1).astype(float)
    terms = np.zeros(rows.shape)
    for i in range(12):
        other = rows.copy()
        other[:, i] = 1 - other[:, i]
        change = model.free_energy(rows) - model.free_energy(other)
        terms[:, i] = -12 * np.logaddexp(0, change)
    found = model.score_samples(rows)
    off = np.abs(terms - found[:, None])
    assert off.min(axis=1).max() < 1e-9
    counts = np.bincount(off.argmin(axis=1), minlength=12)
    assert stats.chisquare(counts).pvalue > 1e-3
    rest = found - terms.mean(axis=1)
    assert abs(rest.mean()) < 4 * rest.std() / 64
    np.testing.assert_allclose(model.score_samples(rows[::-1][:50]), found[::-1][:50])


@pytest.mark.slow
def test_learns_as_well_as_scikit_learn():
    """Pseudo-likelihood on digits with the same settings, two seeds each."""
    pixels = data.load("digits").X / 16
    how = {"n_components": 50, "learning_rate": 0.05, "n_iter": 5}
    scores = {
        cls: np.mean(
            [
                cls(**how, random_state=seed).fit(pixels).score_samples(pixels).mean()
                for seed in range(2)
            ]
        )
        for cls in (BernoulliRBM, Peer)
    }
    assert scores[BernoulliRBM] > scores[Peer] - 0.3


@pytest.mark.slow
def test_inputs_that_are_no_probabilities_are_told():
    with pytest.warns(UserWarning, match="values from 0 to 16, but binary units"):
        BernoulliRBM(3, n_iter=1).fit(data.load("digits").X)
    X = data.load("digits").X[:20]
    model = BernoulliRBM(3).partial_fit(X / 16)
    with pytest.warns(UserWarning, match="values from 0 to 16, but binary units"):
        model.partial_fit(X)


@pytest.mark.slow
def test_gaussian_inputs_have_their_own_scale():
    model = GaussianRBM(5, random_state=0, n_iter=3).fit(NUMBERS)
    np.testing.assert_allclose(model.feature_mean_, NUMBERS.mean(axis=0))
    np.testing.assert_allclose(model.feature_scale_, NUMBERS.std(axis=0))
    plain = GaussianRBM(5, random_state=0, n_iter=3, standardize=False)
    scaled = (NUMBERS - NUMBERS.mean(axis=0)) / NUMBERS.std(axis=0)
    plain.fit(scaled)
    np.testing.assert_allclose(plain.transform(scaled), model.transform(NUMBERS))
    drawn = model.sample(5000, 50, random_state=1)
    np.testing.assert_allclose(drawn.std(axis=0), NUMBERS.std(axis=0), rtol=0.1)
    again = plain.sample(5000, 50, random_state=1)
    np.testing.assert_allclose(
        drawn, again * NUMBERS.std(axis=0) + NUMBERS.mean(axis=0), rtol=1e-3, atol=0.01
    )


@pytest.mark.slow
def test_gaussian_density_is_one_in_all():
    """Over one input in its own units, whose grid is fine enough."""
    one = NUMBERS[:, 1:2]
    model = GaussianRBM(4, random_state=0, n_iter=5, dtype="float64").fit(one)
    at = np.linspace(-95, 105, 4001)[:, None]
    density = np.exp(model.log_likelihood(at))
    assert density.sum() * 0.05 == pytest.approx(1, rel=1e-6)
    normal = stats.norm(one.mean(), one.std()).logpdf(one[:, 0]).mean()
    assert model.log_likelihood(one).mean() == pytest.approx(normal, abs=0.1)
    assert np.array_equal(model.score_samples(at), -model.free_energy(at))


def test_weights_count_in_the_scale():
    weight = np.repeat([1.0, 0.0], 100)
    model = GaussianRBM(3, n_iter=1).fit(NUMBERS, sample_weight=weight)
    np.testing.assert_allclose(model.feature_mean_, NUMBERS[:100].mean(axis=0))


def test_a_constant_input_keeps_its_value():
    still = NUMBERS.copy()
    still[:, 0] = 7
    model = GaussianRBM(3, n_iter=2, random_state=0).fit(still)
    assert model.feature_scale_[0] == 1
    assert abs(model.sample(500, 20)[:, 0].mean() - 7) < 0.5


@pytest.mark.slow
def test_gaussian_machines_know_two_clusters():
    """Samples come from both, and hardly from between."""
    side = RNG.choice([-4.0, 4.0], 500)
    pairs = side[:, None] + 0.5 * RNG.standard_normal((500, 2))
    model = GaussianRBM(8, learning_rate=0.02, n_iter=80, n_steps=5, random_state=0)
    drawn = model.fit(pairs).sample(1000, 300).mean(axis=1)
    between = np.abs(drawn) < 1.5
    assert between.mean() < 0.35
    assert 0.2 < (drawn > 0).mean() < 0.8


def test_sparse_numbers_are_refused():
    from scipy import sparse

    with pytest.raises(TypeError, match="[Ss]parse"):
        GaussianRBM(3).fit(sparse.csr_array(X))


@pytest.mark.parametrize("cls", [BernoulliRBM, GaussianRBM])
def test_damaged_files_are_refused(cls, tmp_path):
    model = cls(3, n_iter=1, random_state=0).fit(X)
    model.params_[0]["visible_bias"] = np.zeros(5, "f4")
    model.save(tmp_path / "m.lamina")
    with pytest.raises(lamina.storage.ModelFileError):
        lamina.load(tmp_path / "m.lamina")


def test_a_gaussian_file_keeps_its_scale(tmp_path):
    model = GaussianRBM(3, n_iter=1, random_state=0).fit(NUMBERS)
    model.save(tmp_path / "m.lamina")
    again = lamina.load(tmp_path / "m.lamina")
    assert np.array_equal(again.transform(NUMBERS), model.transform(NUMBERS))
    model.feature_scale_ = np.ones(2)
    model.save(tmp_path / "m.lamina")
    with pytest.raises(
        lamina.storage.ModelFileError, match="feature_scale must be an array"
    ):
        lamina.load(tmp_path / "m.lamina")
