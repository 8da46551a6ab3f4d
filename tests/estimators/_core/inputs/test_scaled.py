"""Inputs that are targets too: in [0, 1], or standardised."""

import numpy as np
import pytest
from scipy import sparse

from lamina import Autoencoder
from lamina.estimators._core.inputs.scaled import ScaledInputs

UNIT = np.array([[0.0, 1.0], [0.5, 0.25], [1.0, 0.0]])
NUMBERS = np.array([[0.0, 10.0], [2.0, 20.0], [4.0, 60.0]])
BYTES = np.array([[[0, 255]], [[51, 102]]], np.uint8)


def measured(X, weight=None, **how):
    given = {"dtype": "float64", "loss": "auto", "standardize": True} | how
    inputs = ScaledInputs(**given, given_layers=None, corruption=None)
    inputs, X = inputs.learn(Autoencoder(), X)
    return inputs.measure(X, weight), X


def test_inputs_from_0_to_1_stay_as_they_are():
    inputs, X = measured(UNIT)
    assert inputs.found_loss == "binary_cross_entropy"
    np.testing.assert_array_equal(inputs.encode(X), UNIT)
    sparse_rows = sparse.csr_array(UNIT)
    assert sparse.issparse(inputs.encode(sparse_rows))


def test_bytes_are_divided_by_255():
    inputs, X = measured(BYTES)
    assert inputs.found_loss == "binary_cross_entropy"
    seen = inputs.encode(X)
    np.testing.assert_allclose(seen, [[0, 1], [0.2, 0.4]])
    np.testing.assert_allclose(inputs.restore(seen), BYTES[..., None])


def test_other_numbers_are_standardised_by_weight():
    inputs, X = measured(NUMBERS, np.array([1.0, 1.0, 0.0]))
    assert inputs.found_loss == "squared_error"
    np.testing.assert_allclose(inputs.mean, [1, 15])
    np.testing.assert_allclose(inputs.scale, [1, 5])
    np.testing.assert_allclose(inputs.encode(X)[2], [3, 9])
    np.testing.assert_allclose(inputs.restore(inputs.encode(X)), NUMBERS)
    plain, _ = measured(NUMBERS, standardize=False)
    assert plain.scale.tolist() == [1, 1]


def test_what_are_no_probabilities_is_refused():
    with pytest.raises(ValueError, match="needs inputs from 0 to 1; X has values"):
        measured(NUMBERS, loss="binary_cross_entropy")
    inputs, _ = measured(UNIT)
    with pytest.raises(ValueError, match="values from 0 to 60"):
        inputs.check_unit(NUMBERS)


def test_rows_are_images_where_images_were_learnt():
    inputs, _ = measured(BYTES)
    owner = Autoencoder()
    owner.n_features_in_ = 2
    found = inputs.check(owner, BYTES.reshape(2, 2).astype(float))
    assert found.shape == (2, 1, 2, 1)
    with pytest.raises(ValueError, match=r"was fitted to images \(1, 2, 1\)"):
        inputs.check(owner, np.zeros((1, 3, 3)))
    rows, _ = measured(UNIT)
    with pytest.raises(ValueError, match="was fitted to 2 columns"):
        rows.check(owner, np.zeros((1, 3, 3)))
