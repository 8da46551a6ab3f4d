"""The deep Boltzmann machine as an estimator."""

import numpy as np
import pytest
from scipy import sparse

import lamina
from lamina import DeepBoltzmannMachine
from lamina.learning import MeanFieldLearning, Progress
from lamina.networks import RBM
from lamina.networks.energy import dbm

RNG = np.random.default_rng(0)
X = (RNG.random((60, 12)) < np.linspace(0.1, 0.9, 12)).astype(float)
NUMBERS = RNG.standard_normal((60, 3)) * [1, 10, 100] + [0, 5, -50]


def deep(units=(7, 4), **how):
    return DeepBoltzmannMachine(
        units, **{"random_state": 0, "n_iter": 3, "batch_size": 20, **how}
    )


def same(one, other):
    return all(
        np.array_equal(a[name], b[name])
        for a, b in zip(one.params_, other.params_, strict=True)
        for name in a
    )


@pytest.fixture(scope="module")
def model():
    return deep().fit(X)


@pytest.mark.slow
def test_rows_are_made_again_of_the_lowest_means(model):
    means = dbm.mean_field(model.network_.layers, model.params_, X.astype("f4"), 10)
    own = model.params_[0]
    z = np.asarray(means[1]) @ own["weight"].T + own["visible_bias"]
    again = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(model.reconstruct(X), again, rtol=1e-5)
    expected = ((X - again) ** 2).mean(axis=1)
    np.testing.assert_allclose(model.reconstruction_error(X), expected, rtol=1e-5)


@pytest.mark.slow
def test_layers_learn_one_after_the_other_and_then_together():
    """With one layer, and then from there with two."""
    found, first = deep().fit(X), deep((7,)).fit(X)
    assert found.network_.layers == (RBM(7), RBM(4))
    key = first._run_key
    start, _ = found.network_.init(key.fold_in("init"), (12,), np.float32)
    second = deep().fit(X)
    second.params_ = (first.params_[0], start[1])
    second._state = None
    second._train_one(1, slice(2), X, None, False)
    assert same(second, found)
    assert set(found.history_) == {"loss", "layer2_loss"}
    assert not np.array_equal(found.params_[0]["weight"], first.params_[0]["weight"])


@pytest.mark.slow
def test_a_new_layer_changes_nothing_before_it_learns(model):
    """log P(v) of one layer is the bound of two, less what the new units choose."""
    (own, upper), layers = model.params_, model.network_.layers
    silent = {name: np.zeros_like(value) for name, value in upper.items()}
    means = dbm.mean_field(layers, (own, silent), X.astype("f4"), 3)
    found = np.asarray(dbm.bound(layers, (own, silent), means)) - 4 * np.log(2)
    free = layers[0].free_energy(own, X.astype("f4"))
    np.testing.assert_allclose(found, -np.asarray(free), rtol=1e-4)


def test_features_are_the_means_of_the_top(model):
    means = dbm.mean_field(model.network_.layers, model.params_, X.astype("f4"), 10)
    np.testing.assert_allclose(model.transform(X), means[-1], rtol=1e-4)
    bounds = dbm.bound(model.network_.layers, model.params_, means)
    np.testing.assert_allclose(model.score_samples(X), bounds, rtol=1e-4)
    assert model.score(X) == pytest.approx(float(np.mean(np.asarray(bounds))), rel=1e-4)
    assert model.get_feature_names_out().tolist()[0] == "deepboltzmannmachine0"


@pytest.mark.slow
def test_samples_have_the_means_of_the_data():
    model = deep((12, 6), n_iter=150, learning_rate=0.05).fit(np.tile(X, (5, 1)))
    drawn = model.sample(4000, 100)
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_allclose(drawn.mean(axis=0), X.mean(axis=0), atol=0.12)
    grey = model.sample(10, 5, mean=True)
    assert ((grey > 0) & (grey < 1)).all()


@pytest.mark.slow
def test_it_knows_which_inputs_go_together():
    """Two groups of inputs that are on in turn: mixed ones are less likely."""
    side = RNG.integers(0, 2, 400)[:, None]
    pairs = np.hstack([np.repeat(side, 4, 1), 1 - np.repeat(side, 4, 1)]).astype(float)
    model = deep((6, 3), n_iter=60, learning_rate=0.1, batch_size=50).fit(pairs)
    mixed = np.hstack([np.ones((1, 2)), np.zeros((1, 2))] * 2)
    assert model.score_samples(pairs[:20]).min() > model.score_samples(mixed)[0] + 3
    drawn = model.sample(500, 500)
    left, right = drawn[:, :4].mean(axis=1), drawn[:, 4:].mean(axis=1)
    assert np.mean(np.abs(left - right) > 0.7) > 0.8


@pytest.mark.slow
def test_gaussian_inputs_keep_their_units():
    model = deep(visible="gaussian", learning_rate=0.005).fit(NUMBERS)
    drawn = model.sample(2000, 20)
    np.testing.assert_allclose(drawn.std(axis=0), NUMBERS.std(axis=0), rtol=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("calls", [2, 4])
def test_a_killed_fit_goes_on_bit_for_bit(tmp_path, calls):
    """Killed with one layer, or with two."""

    class Killed(Exception):
        pass

    seen = []

    def kill(progress: Progress):
        seen.append(progress.epoch)
        if len(seen) == calls:
            raise Killed

    whole = deep(momentum=0.5).fit(X)
    broken = deep(momentum=0.5, checkpoint=tmp_path / "run", checkpoint_seconds=0.0)
    with pytest.raises(Killed):
        broken.set_params(callbacks=[kill]).fit(X)
    again = broken.set_params(callbacks=None).fit(X)
    assert same(again, whole)
    assert np.array_equal(again.sample(3, 5), whole.sample(3, 5))


def test_a_file_samples_as_the_model_does(model, tmp_path):
    model.save(tmp_path / "m.lamina")
    again = lamina.load(tmp_path / "m.lamina")
    assert np.array_equal(again.transform(X), model.transform(X))
    assert np.array_equal(
        again.sample(4, 20, random_state=1), model.sample(4, 20, random_state=1)
    )


def test_an_interruption_ends_all_layers():
    def interrupt(progress: Progress):
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        model = deep(callbacks=[interrupt]).fit(X)
    assert set(model.history_) == {"loss"}
    assert model.sample(3, 5).shape == (3, 12)
    assert model.transform(X).shape == (60, 4)


def test_a_second_fit_compiles_nothing():
    deep().fit(X)
    assert deep(random_state=1).fit(X[:57]).n_compiles_ == 0


def test_parameters_reach_the_algorithm():
    model = deep(n_updates=3, n_steps=2, momentum=0.9, learning_rate=0.2)
    assert model._algorithm() == MeanFieldLearning(0.2, 2, 20, 3, 0.9)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"n_components": ()}, "n_components must be .* or a list of hidden units"),
        ({"n_components": (3, 0)}, "n_components must be a whole number"),
        ({"n_updates": 0}, "n_updates must be a whole number"),
        ({"visible": "poisson"}, "visible must be one of"),
    ],
)
def test_impossible_parameters_are_refused(how, message):
    with pytest.raises(ValueError, match=message):
        DeepBoltzmannMachine(**how).fit(X)


def test_sparse_rows_are_refused():
    with pytest.raises(TypeError, match="[Ss]parse"):
        deep().fit(sparse.csr_array(X))
