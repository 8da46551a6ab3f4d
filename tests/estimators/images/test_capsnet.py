"""Capsule networks: classes by lengths, images drawn from vectors."""

import numpy as np
import pytest

import lamina
from lamina import CapsNetClassifier, Conv, PrimaryCapsules

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LAYERS = [Conv(8, 3), PrimaryCapsules(2, 4, 3, 1)]


@pytest.fixture(scope="module")
def images(digits):
    X, y = digits
    return (16 * X).astype(np.uint8).reshape(-1, 8, 8), y


def net(**params):
    how = {"layers": LAYERS, "capsule_size": 4, "decoder": (16,), "max_iter": 3}
    return CapsNetClassifier(**how | {"random_state": 0} | params)


@pytest.fixture(scope="module")
def fitted(images):
    how = {"max_iter": 40, "learning_rate_init": 0.01, "reconstruction": 0.2}
    return net(**how).fit(*images)


@pytest.fixture(scope="module")
def begun(images):
    """Images, and a network that has seen them once."""
    X, y = (one[:20] for one in images)
    return X, net(max_iter=1, reconstruction=0.2).fit(X, y)


@pytest.mark.slow
def test_it_learns_digits_and_draws_them(images, fitted):
    X, y = images
    assert fitted.score(X, y) > 0.97
    drawn = fitted.reconstruct(X)
    assert drawn.shape == (300, 8, 8, 1)
    rest = ((drawn[..., 0] - X) ** 2).mean()
    means = np.array([X[y == k].mean(axis=0) for k in range(10)])
    assert rest < ((X - means[y]) ** 2).mean()  # better than the mean of each class


@pytest.mark.slow
def test_default_reads_held_out_digits():
    digits = lamina.data.load("digits")
    order = np.random.default_rng(0).permutation(len(digits.y))
    X, y = digits.X.reshape(-1, 8, 8)[order], digits.y[order]
    model = CapsNetClassifier(max_iter=30, random_state=0).fit(X[:1347], y[:1347])
    assert model.score(X[1347:], y[1347:]) >= 0.98


@pytest.mark.slow
def test_the_longest_capsule_decides_and_draws(images, fitted):
    X, _ = images
    vectors = fitted.transform(X, flatten=False)
    assert np.array_equal(fitted.transform(X), vectors.reshape(300, 40))
    assert fitted.transform(X, 0).shape == (300, 64)
    lengths = np.linalg.norm(vectors, axis=2)
    np.testing.assert_allclose(fitted.decision_function(X), lengths, atol=1e-5)
    assert np.array_equal(fitted.predict(X), lengths.argmax(axis=1))
    longest = fitted.reconstruct(X, fitted.predict(X))
    assert np.array_equal(longest, fitted.reconstruct(X))
    assert not np.array_equal(longest, fitted.reconstruct(X, np.zeros(300, int)))
    assert len(fitted.get_feature_names_out()) == 40


@pytest.mark.slow
def test_drawing_by_hand(begun):
    """Masked vector, two dense layers, and back to the units of the images."""
    X, model = begun
    vectors = model.transform(X[:1]).reshape(10, 4)
    k = model.predict(X[:1])[0]
    first, second = model.params_[-1]["decoder"]
    a = np.maximum(0, vectors[k] @ first["weight"][4 * k : 4 * k + 4] + first["bias"])
    drawn = a @ second["weight"] + second["bias"]
    drawn = drawn * X.std() + X.mean()
    np.testing.assert_allclose(model.reconstruct(X[:1]).ravel(), drawn, rtol=1e-3)


@pytest.mark.slow
def test_without_weight_the_decoder_learns_nothing(images):
    model = net(reconstruction=0.0).fit(*images)
    again = net(reconstruction=0.0, max_iter=1).fit(*images)
    for a, b in zip(
        model.params_[-1]["decoder"], again.params_[-1]["decoder"], strict=True
    ):
        assert np.array_equal(a["weight"], b["weight"])


@pytest.mark.slow
def test_no_probabilities(begun):
    _, model = begun
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "predict_log_proba")


@pytest.mark.slow
def test_two_classes_are_two_capsules(images):
    X, y = images
    model = net().fit(X, np.where(y > 4, "high", "low"))
    assert model.n_outputs_ == 2
    found = model.decision_function(X)
    assert found.shape == (300,)
    assert np.array_equal(model.predict(X) == "low", found > 0)


@pytest.mark.slow
def test_early_stopping_and_file(images, tmp_path):
    X, y = images
    model = net(early_stopping=True, augmentation="default").fit(X, y)
    assert 0 <= max(model.validation_scores_) <= 1
    model.save(tmp_path / "net.lamina")
    again = lamina.load(tmp_path / "net.lamina")
    assert np.array_equal(again.reconstruct(X), model.reconstruct(X))
    assert np.array_equal(again.predict(X), model.predict(X))
    model.set_params(early_stopping=False).partial_fit(X, y)
    again.set_params(early_stopping=False).partial_fit(X, y)
    assert np.array_equal(again.predict(X), model.predict(X))


@pytest.mark.slow
def test_summary_and_health(begun):
    _, model = begun
    table = model.summary()
    assert "Reconstruction" in table
    assert "10×4" in table
    assert len(set(model.diagnostics_["layer"])) == 4


def test_refused(images):
    X, y = images
    with pytest.raises(ValueError, match="one label per example"):
        net().fit(X, np.column_stack([y > 4, y % 2]))
    with pytest.raises(ValueError, match=r"layers\[1\] = Capsules"):
        net(layers=[Conv(8, 3)]).fit(X, y)
    for params in ({"capsule_size": 0}, {"decoder": (0,)}, {"reconstruction": -1}):
        with pytest.raises(ValueError, match=next(iter(params))):
            net(**params).fit(X, y)
