"""An own estimator of three parts; early stopping; adversarial inputs."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils import check_array

from lamina import FGSM, PGD, Dense, MLPClassifier, MLPRegressor, Network
from lamina.estimators._core.answering import Classifying
from lamina.estimators._core.architecture.architecture import Architecture
from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.parameters.shared import ClassParams
from lamina.estimators._core.parts import learnt
from lamina.estimators._core.targets.classes import ClassTarget
from lamina.estimators._core.trained import TrainedNetwork
from lamina.networks.core.description import description
from lamina.networks.core.layer import Layer


@pytest.mark.slow
def test_early_stopping_by_the_loss_gives_back_its_lowest_weights(digits):
    model = MLPClassifier(
        (20,),
        early_stopping=True,
        monitor="loss",
        learning_rate_init=0.05,
        random_state=1,
    ).fit(*digits)
    losses = model.history_["validation_loss"]
    assert model.stop_reason_ == "stopped"
    assert model.best_epoch_ == int(np.argmin(losses)) + 1 < model.n_iter_
    short = clone(model).set_params(max_iter=model.best_epoch_)
    with pytest.warns(UserWarning, match="max_iter"):
        short.fit(*digits)
    np.testing.assert_array_equal(short.coefs_[0], model.coefs_[0])


# ---- a family of its own ------------------------------------------------------------


@description
class Unrolled(Layer):
    """Images as rows, to stand before a layer of units."""

    def init(self, key, shape):
        return {}, (int(np.prod(shape)),)

    def __call__(self, params, x, *, key=None, mask=None):
        return x.reshape(len(x), -1)


@dataclass(eq=False)
class WholeImages(Inputs):
    """Images (height, width) of one size."""

    size: tuple[int, ...] = learnt("size_")

    @property
    def shape(self):
        return self.size

    def learn(self, owner, X):
        X = self.valid(X)
        return replace(self, size=X.shape[1:]), X

    def check(self, owner, X):
        X = self.valid(X)
        if X.shape[1:] != self.size:
            raise ValueError(f"images must be {self.size}")
        return X

    def valid(self, X):
        return check_array(X, allow_nd=True, dtype=np.float64)

    def join(self, parts):
        return np.concatenate(parts)


@dataclass(frozen=True)
class OneHiddenLayer(Architecture):
    """So many tanh units, which see all pixels."""

    units: int

    @property
    def given(self):
        return "units", None

    def network(self, inputs, target):
        hidden = Unrolled(), Dense(self.units, "tanh")
        output = Dense(target.n_outputs, target.head)
        return Network((*hidden, output))


class ImageClassifier(Classifying, ClassParams, TrainedNetwork):
    """A signature of six parameters; the others have the values of the class."""

    def __init__(
        self,
        units=8,
        *,
        max_iter=200,
        early_stopping=False,
        refit=None,
        random_state=None,
        dtype="float32",
    ):
        self.units = units
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.refit = refit
        self.random_state = random_state
        self.dtype = dtype

    def _inputs(self):
        return WholeImages(self.dtype)

    def _target(self):
        return ClassTarget(self.dtype, self.loss)

    def _architecture(self):
        return OneHiddenLayer(self.units)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:max_iter")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_family_brings_its_inputs_layers_and_signature(early_stopping, digits):
    """Images teach the same as the rows they are unrolled to."""
    X, y = digits
    images = X.reshape(-1, 8, 8)
    how = {"early_stopping": early_stopping, "random_state": 0, "max_iter": 5}
    how["refit"] = "restart" if early_stopping else None
    rows = MLPClassifier(layers=[Unrolled(), Dense(8, "tanh")], **how).fit(X, y)
    model = ImageClassifier(**how).fit(images, y)
    assert set(model.get_params()) == {"units", "dtype", *how}
    np.testing.assert_array_equal(model.predict_proba(images), rows.predict_proba(X))
    assert model.score(images, y) == rows.score(X, y)
    assert model.history_ == rows.history_
    assert "8×8 → 64" in model.summary()
    with pytest.raises(ValueError, match="images must be"):
        model.predict(images[:, :4])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:max_iter")
def test_a_family_may_be_given_a_validation_set_and_go_on(digits):
    X, y = digits[0].reshape(-1, 8, 8), digits[1]
    model = ImageClassifier(
        early_stopping=True, refit="restart", random_state=0, max_iter=3
    )
    model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    plain = ImageClassifier(random_state=0, max_iter=model.best_epoch_).fit(X, y)
    np.testing.assert_array_equal(plain.predict_proba(X), model.predict_proba(X))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:-1])


@pytest.mark.slow
def test_attacked_inputs_are_within_bounds_and_worse_than_noise(digits):
    X, y = digits
    model = MLPClassifier((16,), solver="lbfgs", random_state=0).fit(X, y.astype(str))
    attack = FGSM(0.1, low=0.0, high=1.0)
    moved = model.adversarial_examples(X, y.astype(str), attack)
    assert moved.shape == X.shape
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert np.max(np.abs(moved - X)) == pytest.approx(0.1, abs=1e-6)
    noisy = X + 0.1 * np.sign(np.random.default_rng(0).standard_normal(X.shape))
    scores = [model.score(inputs, y.astype(str)) for inputs in (moved, noisy, X)]
    assert scores[0] < scores[1] - 0.2 < scores[2]
    again = model.adversarial_examples(X, y.astype(str), attack)
    np.testing.assert_array_equal(moved, again)


@pytest.mark.slow
def test_attacks_move_inputs_of_numbers_too(diabetes):
    X, y = diabetes
    model = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", tol=10.0)
    model.fit(X, y)
    moved = model.adversarial_examples(X, y, PGD(0.3, norm="l2"))
    assert np.max(np.linalg.norm(moved - X, axis=1)) <= 0.3 + 1e-6
    assert model.score(moved, y) < model.score(X, y)


def test_what_is_no_attack_is_refused(digits):
    X, y = digits
    model = MLPClassifier((4,), max_iter=1, random_state=0)
    with pytest.raises(NotFittedError):
        model.adversarial_examples(X, y, FGSM())
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    with pytest.raises(ValueError, match="attack must be FGSM.*, got 0.1"):
        model.adversarial_examples(X, y, 0.1)
