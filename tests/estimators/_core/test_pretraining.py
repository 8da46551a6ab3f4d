"""Perceptrons whose hidden layers learn first."""

import io
import sys

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import lamina
from lamina import (
    SGD,
    Adam,
    Autoencoder,
    AutoencoderPretraining,
    ContrastiveDivergence,
    Conv,
    DeepBeliefNetwork,
    Dense,
    Dropout,
    MaskingNoise,
    MLPClassifier,
    MLPRegressor,
    RBMPretraining,
    SupervisedPretraining,
    data,
)
from lamina.estimators._core.reporting.progress import ProgressBar

pytestmark = pytest.mark.filterwarnings("ignore:max_iter")

RNG = np.random.default_rng(0)
X = RNG.random((90, 6))
Y = np.array(["no", "so", "yes"])[(3 * X[:, 0]).astype(int)]
MORE = RNG.random((40, 6))
WORDS = ["rbm", "autoencoder", "denoising", "supervised"]
RBM2, AUTO2 = RBMPretraining(2), AutoencoderPretraining(2)


def net(pretraining=RBM2, **how):
    how = {"random_state": 0, "max_iter": 4, "activation": "logistic", **how}
    return MLPClassifier((8, 5), pretraining=pretraining, **how)


def same(a, b):
    for one, other in zip(a.params_, b.params_, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


# ---- it helps -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def deep():
    """Return how well five layers of logistic units read digits, by their beginning."""
    digits = data.load("digits")
    x, y = digits.X / 16, digits.y
    train, held, t, h = train_test_split(x, y, random_state=0, stratify=y)
    way = {"activation": "logistic", "solver": SGD(0.1, momentum=0.9)}
    way = {**way, "max_iter": 100, "random_state": 0}

    def score(pretraining):
        model = MLPClassifier((100,) * 5, **way, pretraining=pretraining)
        return model.fit(train, t).score(held, h)

    return score


@pytest.mark.slow
def test_a_deep_logistic_network_does_not_train_by_itself(deep):
    """δ shrinks by 4 a layer and nothing is learnt."""
    assert deep(None) < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("how", WORDS)
def test_a_deep_logistic_network_trains_from_what_its_layers_learnt(deep, how):
    assert deep(how) > 0.85


# ---- what it means ------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS)
def test_words_are_descriptions(word):
    known = {
        "rbm": RBMPretraining(),
        "autoencoder": AutoencoderPretraining(),
        "denoising": AutoencoderPretraining(corruption=MaskingNoise(0.3)),
        "supervised": SupervisedPretraining(),
    }
    same(net(word).fit(X, Y), net(known[word]).fit(X, Y))


@pytest.mark.slow
def test_each_layer_has_a_way_of_its_own():
    model = net([RBM2, None]).fit(X, Y)
    assert [k for k in model.history_ if "pretraining" in k] == ["pretraining1_loss"]
    assert len(model.history_["pretraining1_loss"]) == 2
    both = net(["rbm", AUTO2], max_iter=1).fit(X, Y)
    assert len(both.history_["pretraining1_loss"]) == 50
    assert len(both.history_["pretraining2_loss"]) == 2


@pytest.mark.slow
def test_the_network_starts_from_what_the_layers_learnt():
    still = net(solver=SGD(1e-30), max_iter=1, alpha=0).fit(X, Y)
    longer = net(RBMPretraining(3), solver=SGD(1e-30), max_iter=1, alpha=0).fit(X, Y)
    plain = net(None, solver=SGD(1e-30), max_iter=1, alpha=0).fit(X, Y)
    for a, b in ((still, longer), (still, plain)):
        assert not np.allclose(a.coefs_[0], b.coefs_[0])
        np.testing.assert_array_equal(a.coefs_[2], b.coefs_[2])


@pytest.mark.slow
def test_numbers_of_it_are_found_by_a_search():
    model = net([RBMPretraining(1, ContrastiveDivergence(0.2)), None])
    assert model.get_params()["pretraining__0__solver__learning_rate"] == 0.2
    model.set_params(pretraining__0__solver__steps=3, pretraining__0__epochs=2)
    assert model.pretraining[0].solver == ContrastiveDivergence(0.2, 3)
    grid = {"pretraining": [None, "supervised"], "max_iter": [1]}
    search = GridSearchCV(model, grid, cv=2).fit(X, Y)
    assert len(search.cv_results_["params"]) == 2
    assert clone(model).pretraining == model.pretraining


@pytest.mark.slow
def test_layers_of_ones_own_learn_too():
    layers = [Dense(8, "logistic"), Dropout(0.2), Dense(5, "logistic")]
    model = MLPClassifier(
        layers=layers, pretraining=[RBM2, AUTO2], max_iter=2, random_state=0
    ).fit(X, Y)
    assert {"pretraining1_loss", "pretraining2_loss"} <= set(model.history_)


@pytest.mark.slow
def test_a_regressor_has_it_too():
    y = X @ np.arange(6.0)
    model = MLPRegressor(
        hidden_layer_sizes=(8, 5),
        pretraining=["autoencoder", "supervised"],
        activation="tanh",
        solver="lbfgs",
        random_state=0,
    ).fit(X, y)
    assert model.score(X, y) > 0.99


@pytest.mark.slow
def test_it_works_in_a_pipeline_on_columns_of_any_scale():
    x = X * [1, 10, 100, 1, 1, 1] - 3
    model = make_pipeline(
        StandardScaler(), net([RBM2, RBM2], solver="lbfgs", max_iter=200)
    )
    assert model.fit(x, Y).score(x, Y) > 0.9


@pytest.mark.slow
def test_sparse_inputs():
    x = np.where(X > 0.5, X, 0)
    thin = net(AUTO2).fit(scipy.sparse.csr_array(x), Y)
    for a, b in zip(thin.coefs_, net(AUTO2).fit(x, Y).coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_second_fit_compiles_nothing():
    net().fit(X, Y)
    assert net(random_state=1).fit(X, Y).n_compiles_ == 0


@pytest.mark.slow
def test_double_precision_and_methods_of_second_order():
    model = net(dtype="float64").fit(X, Y)
    assert all(w.dtype == np.float64 for w in model.coefs_)
    lm = net(solver="lm", max_iter=2).fit(X, Y)
    assert lm.n_iter_ == 2
    assert "pretraining2_loss" in lm.history_


# ---- examples without a label -------------------------------------------------------


@pytest.mark.slow
def test_examples_without_a_label_are_learnt_from():
    plain = net().fit(X, Y)
    model = net().fit(X, Y, X_unlabelled=MORE)
    assert not np.allclose(plain.coefs_[0], model.coefs_[0])
    assert model.t_ == plain.t_
    thin = scipy.sparse.csr_array(X), scipy.sparse.csr_array(MORE)
    both = net().fit(thin[0], Y, X_unlabelled=thin[1])
    np.testing.assert_allclose(both.coefs_[0], model.coefs_[0], rtol=1e-3, atol=1e-5)
    same(net().fit(X, Y, X_unlabelled=thin[1]), model)
    same(net().fit(thin[0], Y, X_unlabelled=MORE), both)


def test_examples_without_a_label_that_cannot_be_used():
    with pytest.raises(ValueError, match="X_unlabelled is for pre-training"):
        net(None).fit(X, Y, X_unlabelled=MORE)
    with pytest.raises(ValueError, match="5 features"):
        net().fit(X, Y, X_unlabelled=MORE[:, :5])
    with pytest.raises(ValueError, match="NaN"):
        net().fit(X, Y, X_unlabelled=np.full((3, 6), np.nan))
    for how in ("supervised", [None, "supervised"]):
        with pytest.raises(ValueError, match="X_unlabelled has none"):
            net(how).fit(X, Y, X_unlabelled=MORE)


# ---- going on -----------------------------------------------------------------------


def test_warm_starts_and_partial_fit_go_on_from_what_was_learnt():
    model = net(warm_start=True).fit(X, Y)
    lost = len(model.history_["pretraining1_loss"])
    model.fit(X, Y).partial_fit(X, Y)
    assert len(model.history_["loss"]) == 9
    assert len(model.history_["pretraining1_loss"]) == lost
    with pytest.raises(ValueError, match="partial_fit does not support pretraining"):
        net().partial_fit(X, Y)


@pytest.mark.slow
def test_held_out_rows_decide_and_are_learnt_from_afterwards():
    how = {"early_stopping": True, "refit": "restart", "validation_fraction": 0.3}
    model = net(**how, max_iter=6).fit(X, Y)
    plain = net(None, **how, max_iter=6).fit(X, Y)
    assert model.refit_n_iter_ == model.best_epoch_
    assert model.history_["refit_loss"] != plain.history_["refit_loss"]
    with pytest.raises(ValueError, match="warm_start=False"):
        net(**how, warm_start=True).fit(X, Y)


@pytest.mark.slow
def test_it_is_saved_and_loaded(tmp_path):
    model = net([RBMPretraining(1, ContrastiveDivergence(0.2)), "denoising"])
    model.fit(X, Y).save(tmp_path / "model.lamina")
    again = lamina.load(tmp_path / "model.lamina")
    assert again.pretraining == model.pretraining
    assert again.history_ == model.history_
    same(again, model)


class KilledError(Exception):
    """What is raised in place of a power cut."""


def kill(monkeypatch, after):
    """Raise after so many epochs of a progress bar."""
    seen = []

    def killing(self, progress):
        seen.append(progress.epoch)
        if len(seen) == after:
            raise KilledError

    monkeypatch.setattr(ProgressBar, "__call__", killing)


@pytest.mark.parametrize("after", [1, 3, 5, 7])
@pytest.mark.parametrize("seed", [0, None])
def test_a_fit_that_is_killed_goes_on_with_the_same_bits(
    tmp_path, monkeypatch, after, seed
):
    """2 + 3 epochs of pre-training and 4 of the network."""
    how = {"checkpoint": tmp_path, "checkpoint_seconds": 0, "random_state": seed}
    plan = [AUTO2, RBMPretraining(3)]
    with monkeypatch.context() as patched:
        kill(patched, after)
        with pytest.raises(KilledError):
            net(plan, verbose=True, **how).fit(X, Y, X_unlabelled=MORE)
    seeds = []
    model = net(plan, **how).fit(X, Y, X_unlabelled=MORE)
    seeds.append(model._run_key.seed)
    whole = net(plan, random_state=seeds[0]).fit(X, Y, X_unlabelled=MORE)
    same(model, whole)
    assert model.history_ == whole.history_
    again = net(plan, **how).fit(X, Y, X_unlabelled=MORE)  # it had ended
    same(again, whole)


@pytest.mark.slow
def test_a_checkpoint_of_other_unlabelled_examples_is_refused(tmp_path):
    net(checkpoint=tmp_path).fit(X, Y, X_unlabelled=MORE)
    with pytest.raises(ValueError, match="those unlabelled"):
        net(checkpoint=tmp_path).fit(X, Y, X_unlabelled=MORE[::-1])


def test_ctrl_c_in_pre_training_leaves_no_network(monkeypatch):
    def interrupt(self, progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressBar, "__call__", interrupt)
    model = net(verbose=True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert not hasattr(model, "params_")


@pytest.mark.slow
def test_a_layer_that_diverges_is_told_of_and_keeps_its_last_weights():
    wild = AutoencoderPretraining(5, SGD(1e4))
    with pytest.warns(ConvergenceWarning, match="hidden layer 2 diverged in epoch 2"):
        model = net([None, wild], activation="relu").fit(X, Y)
    assert all(np.isfinite(w).all() for w in model.coefs_)


def test_progress_is_shown_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    net([RBMPretraining(3), RBMPretraining(4)], verbose=True).fit(X, Y)
    assert "7/7" in screen.getvalue()
    assert "4/4" in screen.getvalue()


# ---- what cannot be -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"pretraining": "rmb"}, "pretraining must be one of .*'rbm'.*got 'rmb'"),
        ({"pretraining": Adam()}, "pretraining must be"),
        ({"pretraining": ["rbm"]}, "1 entries for 2 hidden layers"),
        ({"pretraining": "rbm", "activation": "tanh"}, "activation='logistic'"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(how, message):
    with pytest.raises(ValueError, match=message):
        net(**how).fit(X, Y)


def test_a_network_without_hidden_layers_has_nothing_to_learn_first():
    with pytest.raises(ValueError, match="needs a hidden layer"):
        MLPClassifier((), pretraining="rbm").fit(X, Y)


# ---- given weights ------------------------------------------------------------------

STILL = {"solver": SGD(1e-30), "max_iter": 1, "alpha": 0, "activation": "logistic"}


def logistic(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.slow
@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_a_perceptron_starts_from_a_deep_belief_network(visible):
    x = X if visible == "binary" else X * [1, 9, 1, 70, 1, 1] - 2
    rate = 0.1 if visible == "binary" else 0.01
    how = {"visible": visible, "learning_rate": rate, "random_state": 0}
    stack = DeepBeliefNetwork((8, 5), **how).fit(x)
    start = {"coefs_init": stack.coefs_, "intercepts_init": stack.intercepts_}
    model = MLPClassifier((8, 5), random_state=0, **STILL).fit(x, Y, **start)
    plain = MLPClassifier((8, 5), random_state=0, **STILL).fit(x, Y)
    np.testing.assert_array_equal(model.coefs_[2], plain.coefs_[2])
    h = x
    for weight, bias in zip(model.coefs_[:2], model.intercepts_[:2], strict=True):
        h = logistic(h @ weight + bias)
    np.testing.assert_allclose(h, stack.transform(x), rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_a_perceptron_starts_from_an_encoder():
    x = X * [1, 9, 1, 70, 1, 1] - 2
    coder = Autoencoder((8, 5), latent_activation="relu", random_state=0).fit(x)
    start = {"coefs_init": coder.coefs_, "intercepts_init": coder.intercepts_}
    how = {**STILL, "activation": "relu", "random_state": 0}
    model = MLPClassifier((8, 5), **how).fit(x, Y, **start)
    h = x
    for weight, bias in zip(model.coefs_[:2], model.intercepts_[:2], strict=True):
        h = np.maximum(h @ weight + bias, 0)
    np.testing.assert_allclose(h, coder.transform(x), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_an_encoder_of_other_layers_has_no_such_weights():
    images = RNG.random((20, 6, 6))
    coder = Autoencoder(layers=[Conv(2, 3), Dense(3)], max_iter=1).fit(images)
    with pytest.raises(AttributeError, match="fully connected"):
        _ = coder.coefs_


def test_layers_that_are_left_out_start_as_they_would():
    plain = net(None, **STILL).fit(X, Y)
    weight = RNG.standard_normal((8, 5))
    model = net(None, **STILL).fit(X, Y, coefs_init=[None, weight])
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])
    np.testing.assert_allclose(model.coefs_[1], weight, rtol=1e-6)
    assert np.abs(model.intercepts_[1]).max() < 1e-20


def test_given_weights_are_the_first_ones_of_a_second_run_too():
    how = {"early_stopping": True, "refit": "restart", "solver": SGD(1e-30)}
    weight = RNG.standard_normal((6, 8))
    model = net(None, **how, alpha=0).fit(X, Y, coefs_init=[weight])
    np.testing.assert_allclose(model.coefs_[0], weight, rtol=1e-6)


def test_a_checkpoint_of_other_given_weights_is_refused(tmp_path):
    weight = RNG.standard_normal((6, 8))
    net(None, checkpoint=tmp_path).fit(X, Y, coefs_init=[weight])
    net(None, checkpoint=tmp_path).fit(X, Y, coefs_init=[weight])
    with pytest.raises(ValueError, match="coefs_init 0"):
        net(None, checkpoint=tmp_path).fit(X, Y, coefs_init=[weight + 1])


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"coefs_init": [np.ones((6, 7))]}, r"coefs_init\[0\] must be of shape \(6, 8"),
        ({"intercepts_init": [None, np.ones(4)]}, r"intercepts_init\[1\] .* \(5,\)"),
        ({"coefs_init": [None] * 4}, "4 entries for 3 layers"),
        ({"coefs_init": [np.full((6, 8), np.nan)]}, "not finite"),
        ({"coefs_init": [np.full((6, 8), 1e300)]}, "not finite in float32"),
        ({"coefs_init": ["rbm"]}, "array of numbers"),
        ({"coefs_init": [np.ones((6, 8)) * 1j]}, "array of numbers"),
        ({"coefs_init": 3}, "must be a list of arrays, one a layer, got a int"),
        ({"intercepts_init": np.ones(8)}, "must be a list of arrays"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_given_weights_that_do_not_fit_are_refused(start, message):
    with pytest.raises(ValueError, match=message):
        net(None).fit(X, Y, **start)


def test_warm_starts_have_their_own_weights():
    model = net(None, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="start afresh"):
        model.fit(X, Y, coefs_init=[np.ones((6, 8))])
