"""Encoders, and decoders that mirror them."""

from dataclasses import replace

import pytest

from lamina import Autoencoder, Conv, Dense, Flatten, MaxPool, Output
from lamina.estimators._core.inputs.scaled import ScaledInputs
from lamina.estimators._core.targets.inputs import InputTarget
from lamina.learning.objectives.sparsity import KLSparsity
from lamina.networks.composite.mirror import Tied

ROWS = ScaledInputs("float32", "auto", True, None, None)
ROWS = replace(ROWS, n_features=6, as_rows=True, found_loss="binary_cross_entropy")
IMAGES = replace(ROWS, n_features=64, image_shape=(8, 8, 1), as_rows=False)


def made(inputs=ROWS, **how):
    architecture = Autoencoder(**how)._architecture().learn(inputs)
    target = InputTarget("float32", "auto", inputs)
    return architecture, architecture.network(inputs, target).layers


def units(layers):
    return [layer.units for layer in layers]


def test_the_decoder_mirrors_the_encoder():
    architecture, layers = made(encoder=(5, 2))
    assert units(layers) == [5, 2, 5, 6]
    assert architecture.n_encoder == 2
    phis = [layer.activation for layer in layers]
    assert phis == ["relu", "identity", "relu", "logistic"]


def test_a_decoder_of_layers_and_of_numbers_of_units():
    _, layers = made(encoder=(2,), decoder=[9, Output(Dense(6, "tanh"))])
    assert units(layers) == [2, 9, 6]
    assert layers[-1].activation == "tanh"


def test_tied_weights_are_one_layer():
    architecture, layers = made(encoder=(5, 2), tied=True)
    assert [type(layer) for layer in layers] == [Tied]
    assert architecture.n_encoder == 2


def test_images_are_flattened_before_dense_layers():
    architecture, layers = made(IMAGES, layers=[Conv(2, 3), MaxPool(2), Dense(4)])
    assert [type(layer) for layer in layers[:4]] == [Conv, MaxPool, Flatten, Dense]
    assert architecture.n_encoder == 4


def test_only_units_between_0_and_1_have_a_share_that_is_active():
    with pytest.raises(
        ValueError, match="latent_activation must be 'logistic', got 'id"
    ):
        made(encoder=(2,), sparsity="kl")
    architecture, _ = made(encoder=(2,), sparsity="kl", latent_activation="logistic")
    assert isinstance(architecture.sparsity, KLSparsity)


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="at least one layer, the code"):
        made(layers=[])
    with pytest.raises(ValueError, match="images are given as"):
        made(layers=[Conv(2, 3)])
    with pytest.raises(ValueError, match="decoder makes .* of the code, not"):
        made(IMAGES, layers=[Conv(2, 3)], decoder=[Output(Conv(1, 3))])
