"""Shared parameters do in every family what they do in a perceptron."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lamina import (
    FGSM,
    RNN,
    SGD,
    Adam,
    Autoencoder,
    CapsNetClassifier,
    Conv,
    ConvNetClassifier,
    ConvNetRegressor,
    ConvNetSegmenter,
    InverseScaling,
    MLPClassifier,
    PrimaryCapsules,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
    SelectiveDelta,
)
from lamina.estimators._core.parameters.shared import TrainingParams
from lamina.estimators._core.parameters.table import missing_parameters, parameters
from tests.tiers import in_tiers

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(12, 6, 6))
LABELS = (IMAGES[:, 0, 0] > 0).astype(int)
PIXELS = (IMAGES > 0).astype(int)
SERIES = [RNG.normal(size=(n, 2)) for n in (3, 4, 5, 6) * 3]
STEPS = [(one[:, 0] > 0).astype(int) for one in SERIES]
SUMS = [one.sum() for one in SERIES]

FAMILIES = {
    "mlp": (MLPClassifier((3,)), IMAGES.reshape(12, -1), LABELS),
    "conv": (ConvNetClassifier([Conv(2, 3)]), IMAGES, LABELS),
    "conv, numbers": (ConvNetRegressor([Conv(2, 3)]), IMAGES, IMAGES.mean((1, 2))),
    "segmenter": (ConvNetSegmenter([Conv(2, padding="same")]), IMAGES, PIXELS),
    "capsules": (
        CapsNetClassifier([PrimaryCapsules(1, 2, 3, 1)], decoder=(3,)),
        IMAGES,
        LABELS,
    ),
    "recurrent": (RecurrentClassifier([RNN(3)]), SERIES, [int(s > 0) for s in SUMS]),
    "recurrent, numbers": (RecurrentRegressor([RNN(3)]), SERIES, SUMS),
    "tagger": (RecurrentTagger([RNN(3)]), SERIES, STEPS),
    "autoencoder": (Autoencoder((3,)), IMAGES.reshape(12, -1), None),
}
FAST = ("mlp", "conv", "recurrent", "autoencoder")
every_family = pytest.mark.parametrize("family", in_tiers(FAMILIES, FAST))
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted(family, **params):
    model, X, y = FAMILIES[family]
    how = {"random_state": 0, "max_iter": 3, "batch_size": 4, "schedule": None}
    model = type(model)(**model.get_params(deep=False) | how | params)
    return model.fit(X, y)


def losses(family, **params):
    return fitted(family, **params).history_["loss"]


@every_family
def test_the_numbers_of_sgd_are_those_of_its_description(family):
    words = {"learning_rate_init": 0.02, "momentum": 0.7, "nesterovs_momentum": False}
    found = losses(family, solver="sgd", **words)
    assert found == losses(family, solver=SGD(0.02, 0.7, False))


@every_family
def test_the_numbers_of_adam_are_those_of_its_description(family):
    words = {"learning_rate_init": 0.02, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1}
    found = losses(family, solver="adam", **words)
    assert found == losses(family, solver=Adam(0.02, 0.5, 0.8, 0.1))


@every_family
def test_the_schedules_of_sgd_are_those_of_their_descriptions(family):
    found = losses(family, solver="sgd", learning_rate="invscaling", power_t=0.9)
    schedule = InverseScaling(0.9)
    assert found == losses(family, solver="sgd", schedule=schedule)


@every_family
def test_evaluations_of_lbfgs_are_limited(family):
    how = {"solver": "lbfgs", "clip_norm": None, "tol": 0.0, "max_iter": 50}
    with pytest.warns(ConvergenceWarning, match=r"after 4 evaluations .* max_fun"):
        fitted(family, max_fun=4, **how)


@every_family
def test_selective_delta_learns_from_some_examples_in_some_epochs(family):
    model = fitted(family, selective_delta=SelectiveDelta(0.5, 1))
    assert model.t_ == 12 + 6 + 12
    whole = SelectiveDelta(1.0, 1)
    assert losses(family, selective_delta=whole) == losses(family)


SMOOTHED = pytest.mark.parametrize("family", ["segmenter", "tagger"])


def smoothed_by_hand(model, X, y, s):
    """Return the mean loss, and ∂E/∂b of the output layer, of K = 2 classes."""
    each, gradients = [], []
    for p, labels in zip(model.predict_proba(X), y, strict=True):
        p, labels = p.reshape(-1, 2), np.ravel(labels)
        known = labels >= 0
        target = (1 - s) * np.eye(2)[labels[known]] + s / 2
        each.append(-(target * np.log(p[known])).sum(axis=1).mean())
        gradients.append((p[known] - target).mean(axis=0))
    return np.mean(each), np.mean(gradients, axis=0)


@SMOOTHED
def test_smoothed_labels_of_places_by_hand(family):
    """ℓ = −Σ ỹ ln p over labelled places, ỹ = (1 − s) y + s / K, and b ← b − η (p − ỹ).

    Places without a label are left out.
    """
    model, X, y = FAMILIES[family]
    y = [np.array(one) for one in y]
    for one in y:
        one.flat[1] = -1
    s, how = 0.2, {"max_iter": 1, "batch_size": "full", "schedule": None}
    how |= {"dtype": "float64", "clip_norm": None, "alpha": 0.0, "random_state": 0}
    how |= {"ignore_label": -1, "label_smoothing": s, "layers": model.layers}
    y = np.array(y) if family == "segmenter" else y
    still = type(model)(solver=SGD(1e-30), **how).fit(X, y)
    expected, gradient = smoothed_by_hand(still, X, y, s)
    assert still.history_["loss"][0] == pytest.approx(expected, rel=1e-9)
    moved = type(model)(solver=SGD(0.1, 0.0), **how).fit(X, y)
    step = moved.params_[-1]["bias"] - still.params_[-1]["bias"]
    np.testing.assert_allclose(step, -0.1 * gradient, rtol=1e-9)


def test_numbers_have_no_labels_to_smooth():
    with pytest.raises(ValueError, match="label_smoothing needs one of the losses"):
        RecurrentTagger(loss="squared_error", label_smoothing=0.1).fit(SERIES, SERIES)


AS_IT_IS = {"loss": "squared_error", "standardize": False}


def linear(**how):
    """Return an autoencoder x̂ = x M + c that does not move, and M and c."""
    model = Autoencoder(
        (2,),
        **AS_IT_IS,
        solver=SGD(1e-30),
        dtype="float64",
        alpha=0.0,
        max_iter=1,
        batch_size="full",
        random_state=0,
        **how,
    )
    model.fit(X := RNG.normal(size=(4000, 3)))
    (w, b), (v, c) = ((one["weight"], one["bias"]) for one in model.params_)
    return model.history_["loss"][0], X, w @ v, b @ v + c


def test_an_autoencoder_makes_clean_inputs_of_noisy_ones():
    """⟨½ ‖(x + ε) M + c − x‖²⟩ = ½ ‖x M + c − x‖² + ½ σ² Σ M²"""
    loss, X, M, c = linear(input_noise=2.0)
    clean = 0.5 * ((X @ M + c - X) ** 2).sum(axis=1).mean()
    assert loss == pytest.approx(clean + 0.5 * 2.0**2 * (M**2).sum(), rel=0.05)
    assert loss > 1.2 * clean


def test_an_autoencoder_makes_clean_inputs_of_adversarial_ones():
    """x̃ = x + ε sign (x M + c − x) Mᵀ: the target x stays."""
    loss, X, M, c = linear(adversarial=FGSM(0.3, share=1.0))
    moved = X + 0.3 * np.sign((X @ M + c - X) @ M.T)
    by_hand = 0.5 * ((moved @ M + c - X) ** 2).sum(axis=1).mean()
    assert loss == pytest.approx(by_hand, rel=1e-9)


MISSING = {
    "conv, numbers": {"label_smoothing"},
    "capsules": {"label_smoothing"},
    "recurrent, numbers": {"label_smoothing"},
    "autoencoder": {"label_smoothing"},
}


@every_family
def test_a_network_has_all_training_parameters_but_those_it_gives_a_reason_for(family):
    cls, training = type(FAMILIES[family][0]), parameters(TrainingParams)
    found = {row.name for row in training} - {row.name for row in parameters(cls)}
    assert found == MISSING.get(family, set())
    assert found <= set(missing_parameters(cls))
    assert all(missing_parameters(cls).values())
