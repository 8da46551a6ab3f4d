"""The deep belief network: a stack of RBMs."""

import numpy as np
import pytest
from scipy import special, stats

import lamina
from lamina import BernoulliRBM, DeepBeliefNetwork, data
from lamina.estimators._core.run import start_anew
from lamina.learning import Progress
from lamina.networks import RBM

RNG = np.random.default_rng(0)
X = (RNG.random((60, 12)) < np.linspace(0.1, 0.9, 12)).astype(float)
NUMBERS = RNG.standard_normal((60, 3)) * [1, 10, 100] + [0, 5, -50]


def stack(units=(7, 4), **how):
    return DeepBeliefNetwork(units, **{"random_state": 0, "n_iter": 3, **how})


def states(n):
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)


def same(one, other):
    return all(
        np.array_equal(a[name], b[name])
        for a, b in zip(one.params_, other.params_, strict=True)
        for name in a
    )


@pytest.fixture(scope="module")
def model():
    return stack().fit(X)


def test_the_first_machine_learns_the_inputs(model):
    one = BernoulliRBM(7, random_state=0, n_iter=3).fit(X)
    for name, value in one.params_[0].items():
        assert np.array_equal(model.params_[0][name], value)
    assert model.network_.layers == (RBM(7), RBM(4))


def test_the_second_learns_what_the_first_makes_of_them(model):
    """As one machine alone would, with its own start and key."""
    below = BernoulliRBM(7, random_state=0, n_iter=3).fit(X).transform(X)
    alone = BernoulliRBM(4, random_state=0, n_iter=3).fit(below)
    key = model._run_key.fold_in("layer", 1)
    alone._run_key = key
    fresh = stack().fit(X)
    start = fresh.network_.init(fresh._run_key.fold_in("init"), (12,), np.float32)[0]
    start_anew(alone, alone.network_, key, (7,))
    alone.params_ = (start[1],)
    alone._train_one(0, slice(1), below, None, False)
    for name, value in alone.params_[0].items():
        np.testing.assert_allclose(model.params_[1][name], value, rtol=1e-5, atol=1e-7)


def test_a_stack_of_one_is_one_machine():
    one = BernoulliRBM(5, random_state=0, n_iter=2).fit(X)
    for units in (5, [5], np.array([5])):
        assert same(stack(units, n_iter=2).fit(X), one)


def test_features_are_those_of_the_top(model):
    h = X
    for params in model.params_:
        h = 1 / (1 + np.exp(-(h @ params["weight"] + params["bias"])))
    np.testing.assert_allclose(model.transform(X), h, rtol=1e-4)
    assert model.get_feature_names_out().tolist() == [
        f"deepbeliefnetwork{i}" for i in range(4)
    ]


@pytest.mark.slow
def test_samples_come_from_the_top_machine_and_its_way_down():
    """χ² of all states of two inputs, summed over all states of the others."""
    model = stack((3, 2), n_iter=20).fit(X[:, :2])
    low, top = model.params_
    seen, middle = states(2), states(3)
    free = np.asarray(RBM(2).free_energy(top, middle.astype("f4")), float)
    p_middle = np.exp(-free - np.logaddexp.reduce(-free))
    on = 1 / (1 + np.exp(-(middle @ low["weight"].T + low["visible_bias"])))
    of = [np.prod(np.where(v, on, 1 - on), axis=1) for v in seen]
    p = np.array([(p_middle * each).sum() for each in of])
    drawn = model.sample(20_000, 100, random_state=1)
    counts = np.bincount(drawn.astype(int) @ [1, 2], minlength=4)
    assert stats.chisquare(counts, p * len(drawn)).pvalue > 1e-3


@pytest.mark.slow
def test_samples_have_the_means_of_the_data():
    model = stack((20, 10), n_iter=100, learning_rate=0.05).fit(np.tile(X, (5, 1)))
    drawn = model.sample(4000, 100)
    np.testing.assert_allclose(drawn.mean(axis=0), X.mean(axis=0), atol=0.12)
    grey = model.sample(10, 5, mean=True)
    assert ((grey > 0) & (grey < 1)).all()


@pytest.mark.slow
def test_gaussian_inputs_keep_their_units():
    model = stack(visible="gaussian", learning_rate=0.01).fit(NUMBERS)
    assert model.network_.layers == (RBM(7, "gaussian"), RBM(4))
    drawn = model.sample(2000, 20)
    np.testing.assert_allclose(drawn.mean(axis=0), NUMBERS.mean(axis=0), atol=30)
    np.testing.assert_allclose(drawn.std(axis=0), NUMBERS.std(axis=0), rtol=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [2, 4])
def test_a_killed_fit_goes_on_bit_for_bit(tmp_path, epoch):
    """Killed in the first machine, or in the second."""

    class Killed(Exception):
        pass

    seen = []

    def kill(progress: Progress):
        seen.append(progress.epoch)
        if len(seen) == epoch:
            raise Killed

    whole = stack(momentum=0.5).fit(X)
    broken = stack(momentum=0.5, checkpoint=tmp_path / "run", checkpoint_seconds=0.0)
    with pytest.raises(Killed):
        broken.set_params(callbacks=[kill]).fit(X)
    again = broken.set_params(callbacks=None).fit(X)
    assert same(again, whole)
    assert np.array_equal(again.sample(3, 5), whole.sample(3, 5))


@pytest.mark.slow
def test_a_file_samples_as_the_model_does(tmp_path):
    for persistent in (True, False):
        model = stack(persistent=persistent).fit(X)
        model.save(tmp_path / "m.lamina")
        again = lamina.load(tmp_path / "m.lamina")
        assert np.array_equal(again.transform(X), model.transform(X))
        assert np.array_equal(again.sample(4, 20), model.sample(4, 20))
    model._top_chains = np.ones((3, 3), "f4")
    model.save(tmp_path / "m.lamina")
    with pytest.raises(
        lamina.storage.ModelFileError, match="top_chains must be None or an array"
    ):
        lamina.load(tmp_path / "m.lamina")


def test_history_knows_the_machines(model):
    assert set(model.history_) == {"loss", "layer2_loss"}
    assert all(len(values) == 3 for values in model.history_.values())


def test_a_second_fit_compiles_nothing():
    stack().fit(X)
    assert stack(random_state=1).fit(X[:57]).n_compiles_ == 0


def test_an_interruption_ends_all_machines():
    def interrupt(progress: Progress):
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        model = stack(callbacks=[interrupt]).fit(X)
    assert model.stop_reason_ == "interrupted"
    assert set(model.history_) == {"loss"}
    assert model.sample(3, 5).shape == (3, 12)


@pytest.mark.slow
def test_features_serve_another_estimator():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    digits = data.load("digits")
    pixels, labels = digits.X / 16, digits.y
    stacked = stack((100, 100), n_iter=20, learning_rate=0.06)
    line = LogisticRegression(C=100, max_iter=2000)
    found = make_pipeline(stacked, line).fit(pixels[:1200], labels[:1200])
    assert found.score(pixels[1200:], labels[1200:]) > 0.8


@pytest.mark.parametrize(
    ("units", "message"),
    [
        (5.5, "n_components must be .* or a list of hidden units"),
        ((), "n_components must be .* or a list of hidden units"),
        ("55", "n_components must be .* or a list of hidden units"),
        ((5, 0), r"n_components must be .* got \(5, 0\)"),
    ],
)
def test_impossible_stacks_are_refused(units, message):
    with pytest.raises(ValueError, match=message):
        DeepBeliefNetwork(units).fit(X)


def test_other_impossible_parameters_are_refused():
    with pytest.raises(ValueError, match="visible must be one of"):
        stack(visible="poisson").fit(X)


# ---- up and down --------------------------------------------------------------------


def bits(n, seed=0):
    """Rows of four bits that are all alike, or turned by chance."""
    rng = np.random.default_rng(seed)
    first = rng.random((n, 1)) < 0.5
    return (first ^ (rng.random((n, 4)) < 0.1)).astype(float)


def log_likelihood(model, X):
    """Return log P(v), summed over all states of the directed stack."""
    below, top = model.params_
    h, g = states(len(top["visible_bias"])), states(len(top["bias"]))
    energy = -(h @ top["visible_bias"])[:, None] - g @ top["bias"]
    energy = energy - h @ top["weight"] @ g.T
    prior = special.logsumexp(-energy, axis=1)
    prior = prior - special.logsumexp(prior)
    down = below.get("down", below["weight"])
    z = h @ down.T + below["visible_bias"]
    each = X @ z.T - np.logaddexp(0, z).sum(axis=1)
    return special.logsumexp(each + prior, axis=1)


@pytest.mark.slow
def test_up_and_down_makes_the_data_more_likely():
    """Exact likelihoods; the stack alone has learnt each machine by itself."""
    X = bits(500)
    how = {"n_iter": 20, "random_state": 0, "learning_rate": 0.05}
    greedy = DeepBeliefNetwork((3, 2), **how).fit(X)
    together = DeepBeliefNetwork(
        (3, 2), **how, wake_sleep_epochs=60, wake_sleep_rate=0.05
    ).fit(X)
    before = log_likelihood(greedy, X).mean()
    after = log_likelihood(together, X).mean()
    assert after > before + 0.02
    assert len(together.history_["up_down_loss"]) == 60
    assert together.n_iter_ == 100
    assert greedy.n_iter_ == 40


@pytest.mark.slow
def test_up_and_down_starts_from_the_stack():
    greedy = stack().fit(X)
    still = stack(wake_sleep_epochs=1, wake_sleep_rate=1e-30).fit(X)
    for one, other in zip(greedy.params_, still.params_, strict=True):
        for name, value in one.items():
            np.testing.assert_allclose(other[name], value, atol=1e-20)
    below = still.params_[0]
    np.testing.assert_array_equal(below["down"], below["weight"])
    np.testing.assert_array_equal(greedy.transform(X), still.transform(X))


@pytest.mark.slow
def test_samples_go_down_by_the_weights_of_the_way_down():
    model = stack(wake_sleep_epochs=1).fit(X)
    model.params_[0]["down"][:] = 0
    model.params_[0]["visible_bias"][:] = [50] * 6 + [-50] * 6
    np.testing.assert_array_equal(model.sample(3), [[1] * 6 + [0] * 6] * 3)


@pytest.mark.slow
def test_a_stack_that_went_up_and_down_is_saved_and_loaded(tmp_path):
    model = stack(wake_sleep_epochs=2, random_state=3).fit(X)
    model.save(tmp_path / "stack.lamina")
    again = lamina.load(tmp_path / "stack.lamina")
    assert same(model, again)
    np.testing.assert_array_equal(
        model.sample(4, random_state=1), again.sample(4, random_state=1)
    )


@pytest.mark.parametrize("after", [2, 5, 8])
def test_a_killed_fit_goes_on_up_and_down(tmp_path, after):
    seen = []

    def kill(progress: Progress):
        seen.append(progress.epoch)
        if len(seen) == after:
            raise RuntimeError

    how = {"wake_sleep_epochs": 3, "checkpoint": tmp_path, "checkpoint_seconds": 0}
    with pytest.raises(RuntimeError):
        stack(callbacks=[kill], **how).fit(X)
    assert same(stack(**how).fit(X), stack(wake_sleep_epochs=3).fit(X))


def test_up_and_down_needs_two_machines():
    with pytest.raises(ValueError, match="only one"):
        stack((5,), wake_sleep_epochs=2).fit(X)
    with pytest.raises(ValueError, match="wake_sleep_rate"):
        stack(wake_sleep_epochs=2, wake_sleep_rate=0).fit(X)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed", [{"wake_sleep_epochs": 0}, {"batch_size": 20}, {"n_components": (3, 2)}]
)
def test_parameters_may_change_between_fit_and_save(changed, tmp_path):
    X = np.random.default_rng(0).random((30, 4))
    how = {"n_iter": 1, "wake_sleep_epochs": 1, "random_state": 0}
    model = DeepBeliefNetwork((5, 4), **how).fit(X).set_params(**changed)
    model.save(tmp_path / "m.lamina")
    found = lamina.load(tmp_path / "m.lamina")
    np.testing.assert_array_equal(found.transform(X), model.transform(X))
    once = {"n_steps": 2, "random_state": 0}
    np.testing.assert_array_equal(found.sample(3, **once), model.sample(3, **once))
