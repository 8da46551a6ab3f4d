"""What comes out of each layer, as features."""

import numpy as np
import pytest

from lamina import Conv, ConvNetClassifier, Dense, Flatten, MaxPool

N, SIDE = 24, 6


@pytest.fixture(scope="module")
def images():
    """Bytes: the second class is brighter on the left."""
    X = np.random.default_rng(0).integers(0, 100, (N, SIDE, SIDE, 1), np.uint8)
    X[N // 2 :, :, :3] += 100
    return X


LABELS = np.repeat(["dark", "light"], N // 2)


def net(**params):
    """Return one structure, so that most tests share one program."""
    how = {"max_iter": 2, "random_state": 0, "n_iter_no_change": 5}
    return ConvNetClassifier([Conv(2, 3), MaxPool(2)], **how | params)


@pytest.fixture(scope="module")
def fitted(images):
    return net(max_iter=30, tol=0.0, learning_rate_init=0.03).fit(images, LABELS)


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_transform_gives_what_each_layer_makes_by_hand(images, fitted):
    """Rescale, Conv, MaxPool, Flatten, Dense: their equations in NumPy."""
    scale, *_ = fitted.network_.layers
    x = (images - scale.shift) * scale.factor
    weight, bias = fitted.params_[1]["weight"], fitted.params_[1]["bias"]
    h = np.zeros((N, 4, 4, 2))
    for u in range(3):
        for v in range(3):
            h += x[:, u : u + 4, v : v + 4] * weight[u, v, 0]
    a = np.maximum(0, h + bias)
    pooled = a.reshape(N, 2, 2, 2, 2, 2).max(axis=(2, 4))
    make = fitted.transform
    np.testing.assert_allclose(make(images, 0, flatten=False), x, atol=1e-5)
    np.testing.assert_allclose(make(images, 1, flatten=False), a, atol=1e-5)
    np.testing.assert_allclose(make(images, 2, flatten=False), pooled, atol=1e-5)
    np.testing.assert_allclose(make(images), pooled.reshape(N, -1), atol=1e-5)
    np.testing.assert_allclose(
        make(images, -1)[:, 0], fitted.predict_proba(images)[:, 1]
    )
    assert isinstance(fitted.network_.layers[3], Flatten)
    assert isinstance(fitted.network_.layers[4], Dense)


def test_names_of_features(images, fitted):
    names = fitted.get_feature_names_out()
    assert len(names) == fitted.transform(images).shape[1] == 8
    assert names[7] == "convnetclassifier7"


@pytest.mark.parametrize("layer", [5, -6, 1.0, "conv", True])
def test_no_such_layer(layer, images, fitted):
    with pytest.raises(ValueError, match="layer must be a number from -5 to 4"):
        fitted.transform(images, layer)
