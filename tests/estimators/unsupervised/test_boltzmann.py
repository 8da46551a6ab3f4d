"""What estimators of restricted Boltzmann machines share."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import lamina
from lamina import BernoulliRBM, GaussianRBM, data
from lamina.learning import Progress

RNG = np.random.default_rng(0)
X = (RNG.random((60, 12)) < np.linspace(0.1, 0.9, 12)).astype(float)


def machine(**how):
    return BernoulliRBM(**{"n_components": 7, "random_state": 0, "n_iter": 3, **how})


def same(one, other):
    pairs = zip(one.params_[0].items(), other.params_[0].items(), strict=True)
    return all(np.array_equal(a, b) for (_, a), (_, b) in pairs)


@pytest.fixture(scope="module")
def model():
    return machine().fit(X)


def test_sparse_rows_and_lists_teach_the_same(model):
    assert same(model, machine().fit(X.tolist()))
    found = machine().fit(sparse.csr_array(X))
    for name, value in model.params_[0].items():
        np.testing.assert_allclose(found.params_[0][name], value, rtol=1e-4, atol=1e-6)
    dense, rows = model.transform(X), model.transform(sparse.csr_array(X))
    np.testing.assert_allclose(rows, dense, rtol=1e-5)
    for ask in (model.free_energy, model.score_samples):
        np.testing.assert_allclose(ask(sparse.csr_array(X)), ask(X), rtol=1e-5)


def test_errors_are_those_of_what_is_made_of_the_features(model):
    """v̂ = σ(h Wᵀ + a), and e = 1/d Σ (v − v̂)²."""
    own = model.params_[0]
    z = model.transform(X) @ own["weight"].T + own["visible_bias"]
    again = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(model.reconstruct(X), again, rtol=1e-5)
    expected = ((X - again) ** 2).mean(axis=1)
    errors = model.reconstruction_error(X)
    np.testing.assert_allclose(errors, expected, rtol=1e-5)
    of_sparse = model.reconstruction_error(sparse.csr_array(X))
    np.testing.assert_allclose(of_sparse, errors, rtol=1e-5)


def test_numbers_are_made_again_in_their_units():
    numbers = RNG.standard_normal((300, 3)) * [1, 10, 100] + [0, 5, -50]
    model = GaussianRBM(2, random_state=0, n_iter=3).fit(numbers)
    off = (numbers - model.reconstruct(numbers)) / model.feature_scale_
    errors = model.reconstruction_error(numbers)
    np.testing.assert_allclose(errors, (off**2).mean(axis=1), rtol=1e-4)


@pytest.mark.slow
def test_wide_sparse_rows_stay_sparse():
    wide = sparse.random_array((50, 2000), density=0.01, rng=0, format="csr")
    wide.data[:] = 1
    found = machine().fit(wide)
    dense = machine().fit(wide.toarray())
    for name, value in dense.params_[0].items():
        np.testing.assert_allclose(found.params_[0][name], value, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("persistent", [True, False])
def test_a_killed_fit_goes_on_bit_for_bit(tmp_path, persistent):
    class Killed(Exception):
        pass

    def kill(progress: Progress):
        if progress.epoch == 2:
            raise Killed

    how = {"n_iter": 5, "persistent": persistent, "momentum": 0.5}
    how["sparsity_target"] = 0.2
    whole = machine(**how).fit(X)
    broken = machine(**how, checkpoint=tmp_path / "run", checkpoint_seconds=0.0)
    with pytest.raises(Killed):
        broken.set_params(callbacks=[kill]).fit(X)
    again = broken.set_params(callbacks=None).fit(X)
    assert again.resumed_from_ == 1  # what the callback saw of epoch 2 is not kept
    assert same(again, whole)


def test_a_run_goes_on_with_more_epochs(tmp_path):
    how = {"checkpoint": tmp_path / "run"}
    machine(**how).fit(X)
    longer = machine(**how, n_iter=6).fit(X)
    assert longer.resumed_from_ == 3
    assert same(longer, machine(n_iter=6).fit(X))


@pytest.mark.slow
def test_a_file_goes_on_as_the_model_does(model, tmp_path):
    model.save(tmp_path / "m.lamina")
    again = lamina.load(tmp_path / "m.lamina")
    assert np.array_equal(again.h_samples_, model.h_samples_)
    assert np.array_equal(again.sample(4, 20), model.sample(4, 20))
    one = machine().fit(X).partial_fit(X[:20])
    again = machine().fit(X)
    again.save(tmp_path / "n.lamina")
    assert same(one, lamina.load(tmp_path / "n.lamina").partial_fit(X[:20]))


@pytest.mark.slow
def test_partial_fit_is_one_step_of_all_rows():
    model = machine()
    assert model.partial_fit(X) is model
    assert model.n_iter_ == 1
    how = {"persistent": False, "n_iter": 1}
    assert same(machine(**how).partial_fit(X), machine(**how, batch_size=60).fit(X))
    assert model.h_samples_.shape == (10, 7)
    before = model.components_.copy()
    model.partial_fit(X[:5])
    assert not np.array_equal(model.components_, before)


@pytest.mark.slow
def test_draws_can_be_repeated(model):
    one, other = machine().fit(X), machine().fit(X)
    assert np.array_equal(one.sample(3, 5), other.sample(3, 5))
    assert not np.array_equal(one.sample(30, 5), one.sample(30, 5))
    again = [model.sample(30, 5, random_state=4) for _ in range(2)]
    assert np.array_equal(*again)
    again = [model.gibbs(X, random_state=4) for _ in range(2)]
    assert np.array_equal(*again)
    assert set(np.unique(again[0])) <= {0, 1}
    assert again[0].shape == X.shape
    grey = model.sample(3, 5, mean=True, random_state=1)
    assert ((grey > 0) & (grey < 1)).all()


@pytest.mark.slow
def test_samples_have_the_means_of_the_data():
    model = machine(n_iter=100, learning_rate=0.05).fit(np.tile(X, (5, 1)))
    drawn = model.sample(4000, 100)
    np.testing.assert_allclose(drawn.mean(axis=0), X.mean(axis=0), atol=0.1)


@pytest.mark.slow
def test_the_likelihood_is_one_over_all_states():
    model = machine(dtype="float64").fit(X[:, :8])
    states = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(float)
    total = np.exp(model.log_likelihood(states)).sum()
    assert total == pytest.approx(1, rel=1e-10)
    exact = model.log_partition("exact")
    assert model.log_partition() == exact
    found = model.log_partition("annealed", n_temperatures=1000)
    assert found == pytest.approx(exact, rel=0.01)
    assert np.array_equal(
        model.log_likelihood(states, 1.5), -model.free_energy(states) - 1.5
    )
    assert model.score(X[:, :8]) == pytest.approx(model.score_samples(X[:, :8]).mean())


@pytest.mark.slow
def test_a_large_machine_is_estimated():
    model = machine(n_components=30).fit(np.tile(X, (1, 3)))
    with pytest.raises(ValueError, match="smaller side has 30 units"):
        model.log_partition("exact")
    assert np.isfinite(model.log_partition(n_temperatures=100))


@pytest.mark.slow
def test_constant_inputs_and_rows_of_no_weight():
    still = X.copy()
    still[:, 0], still[:, 1] = 0, 1
    model = machine(n_iter=30, batch_size=5).fit(still)
    assert model.sample(200, 50)[:, 1].mean() > 0.9
    assert model.sample(200, 50)[:, 0].mean() < 0.1
    weight = np.repeat([1.0, 0.0], 30)
    how = {"batch_size": 60, "shuffle": False, "persistent": True}
    other = np.concatenate([X[:30], 1 - X[30:]])
    assert same(
        machine(**how).fit(X, sample_weight=weight),
        machine(**how).fit(other, sample_weight=weight),
    )
    with pytest.raises(ValueError, match="at least one non-zero"):
        machine(**how).fit(X, sample_weight=np.zeros(60))


def test_weights_that_start_at_0_learn_too():
    model = machine(init_scale=0, n_iter=5).fit(X)
    assert np.abs(model.intercept_visible_).max() > 0.1
    assert np.isfinite(model.components_).all()


def test_names_and_shapes_of_scikit_learn(model):
    assert model.components_.shape == (7, 12)
    assert model.intercept_hidden_.shape == (7,)
    assert model.intercept_visible_.shape == (12,)
    assert model.h_samples_.shape == (10, 7)
    assert model.n_features_in_ == 12
    assert model.get_feature_names_out()[0] == "bernoullirbm0"
    with pytest.raises(AttributeError, match="no persistent chains"):
        _ = machine(persistent=False).fit(X).h_samples_


def test_what_transform_gives(model):
    z = X @ model.components_.T + model.intercept_hidden_
    np.testing.assert_allclose(model.transform(X), 1 / (1 + np.exp(-z)), rtol=1e-5)


def test_a_second_fit_compiles_nothing():
    machine().fit(X)
    again = machine(random_state=1, learning_rate=0.05).fit(X[:57])
    assert again.n_compiles_ == 0


@pytest.mark.slow
def test_hidden_units_are_features_for_another_estimator():
    """Digits from 100 hidden units, in a pipeline of two steps."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    digits = data.load("digits")
    pixels, labels = digits.X / 16, digits.y
    line = LogisticRegression(C=100, max_iter=2000)
    features = BernoulliRBM(100, learning_rate=0.06, n_iter=20, random_state=0)
    found = make_pipeline(features, line).fit(pixels[:1200], labels[:1200])
    assert found.score(pixels[1200:], labels[1200:]) > 0.88


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"n_components": 0}, "n_components must be a whole number ≥ 1"),
        ({"batch_size": 0}, "batch_size must be a whole number"),
        ({"n_iter": 0.5}, "n_iter must be a whole number"),
        ({"n_steps": 0}, "n_steps must be a whole number"),
        ({"learning_rate": 0}, "learning_rate must be a number in"),
        ({"momentum": 1}, "momentum must be a number in"),
        ({"alpha": -1}, "alpha must be a number in"),
        ({"sparsity_target": 1.5}, "sparsity_target must be a number in"),
        ({"callbacks": [3]}, "callbacks must be functions"),
        ({"dtype": "int8"}, "dtype must be one of"),
    ],
)
def test_impossible_parameters_are_refused(how, message):
    for cls in (BernoulliRBM, GaussianRBM):
        with pytest.raises(ValueError, match=message):
            cls(**how).fit(X)


def test_bad_questions(model):
    with pytest.raises(ValueError, match="n_samples must be a whole number"):
        model.sample(0)
    with pytest.raises(ValueError, match="n_steps must be a whole number"):
        model.gibbs(X, 0)
    with pytest.raises(ValueError, match="method must be one of"):
        model.log_partition("guess")
    with pytest.raises(ValueError, match="expecting 12 features"):
        model.transform(X[:, :5])
    with pytest.raises(ValueError, match="NaN"):
        machine().fit(np.where(X > 0, X, np.nan))


def test_divergence_is_told():
    with pytest.warns(ConvergenceWarning, match="diverged"):
        GaussianRBM(5, learning_rate=1e30, random_state=0).fit(1e3 * X)


def test_a_schedule_changes_the_rate_from_epoch_to_epoch():
    """StepDecay(every=1, factor=0) leaves a rate to the first epoch only."""
    how = {"learning_rate": 0.1, "random_state": 0, "persistent": False}
    one = lamina.BernoulliRBM(4, n_iter=1, **how).fit(X)
    still = lamina.StepDecay(every=1, factor=1e-30)
    three = lamina.BernoulliRBM(4, n_iter=3, schedule=still, **how).fit(X)
    np.testing.assert_array_equal(three.components_, one.components_)
    free = lamina.BernoulliRBM(4, n_iter=3, **how).fit(X)
    word = lamina.BernoulliRBM(4, n_iter=3, schedule="cosine", **how).fit(X)
    assert not np.allclose(word.components_, free.components_)
    with pytest.raises(ValueError, match="schedule must be one of"):
        lamina.BernoulliRBM(4, schedule="cos", **how).fit(X)
