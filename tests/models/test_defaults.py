"""What a table is learnt with when nobody says otherwise."""

import numpy as np
import pytest

from lamina import MLPClassifier, MLPRegressor
from lamina.models.defaults import (
    EMBEDDING_MODELS,
    MIN_HELD_OUT,
    WIDE,
    default_embedding_estimator,
    default_estimator,
)


@pytest.mark.parametrize("n_rows", [4, 100, 20_000, 1_000_000])
@pytest.mark.parametrize("n_features", [1, 100])
def test_defaults_are_valid_parameters(n_rows, n_features):
    classifier = default_estimator("classification", n_rows, n_features)
    regressor = default_estimator("regression", n_rows, n_features)
    assert isinstance(classifier, MLPClassifier)
    assert isinstance(regressor, MLPRegressor)
    assert regressor.scale_target
    classifier._check_params()
    regressor._check_params()


def test_few_rows_are_all_learnt_at_once():
    assert default_estimator("regression", MIN_HELD_OUT - 1, 3).solver == "lbfgs"


def test_only_wide_tables_lose_inputs():
    assert default_estimator("classification", 500, WIDE).input_dropout > 0
    assert default_estimator("classification", 500, WIDE - 1).input_dropout == 0


@pytest.mark.parametrize("n_rows", [2, 100, 1_000_000])
@pytest.mark.parametrize("model", EMBEDDING_MODELS)
def test_defaults_without_labels(model, n_rows):
    for latent_dim, n_features in ((None, 1), (7, 100)):
        found = default_embedding_estimator(model, latent_dim, n_rows, n_features)
        found._check_params()
        codes = found.encoder if model == "autoencoder" else found.n_components
        last = codes if isinstance(codes, int) else codes[-1]
        assert last == (latent_dim or (1 if model == "autoencoder" else 100))


@pytest.mark.parametrize("seed", range(10))
def test_ten_seeds_learn_exclusive_or(seed):
    X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
    model = default_estimator("classification", 4, 2).set_params(random_state=seed)
    assert model.fit(X, y).predict(X).tolist() == y
