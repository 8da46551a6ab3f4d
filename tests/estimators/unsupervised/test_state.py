"""What networks without labels keep, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from lamina import RBM, Dense, GaussianRBM, Network
from lamina.estimators.unsupervised.state import (
    FittedAutoencoder,
    FittedBoltzmann,
    Machines,
)
from lamina.networks import Tied
from lamina.storage.records import Record
from lamina.storage.rules import UNSET, fits


def machine(**changed):
    own = {"weight": (3, 2), "bias": (2,), "visible_bias": (3,)} | changed
    return {name: np.zeros(shape) for name, shape in own.items()}


def test_machines_stand_on_each_other():
    scope = SimpleNamespace(n_features_in=3)
    top = machine(weight=(2, 4), bias=(4,), visible_bias=(2,))
    assert fits(Machines, (machine(), top), scope)
    assert fits(Machines, (machine(down=(3, 2)), top), scope)
    for one in (
        machine(visible_bias=(3, 1, 1)),
        machine(bias=()),
        machine(weight=(6,)),
        machine(weight=()),
        machine(down=(2, 3)),
        machine(more=(1,)),
        machine() | {"weight": np.full((3, 2), np.nan)},
        machine() | {"weight": 1.0},
        {"bias": np.zeros(2)},
        np.zeros(2),
    ):
        assert not fits(Machines, (one, top), scope)
    assert not fits(Machines, (top,), scope)


@pytest.mark.parametrize(
    ("layers", "most"),
    [
        ((Dense(3), Dense(2), Dense(4)), 2),
        ((Tied((Dense(3), Dense(2)), (Dense(3), Dense(4))),), 3),
    ],
)
def test_an_encoder_ends_before_the_last_layer(layers, most):
    kind = Record(FittedAutoencoder).kinds["n_encoder"]
    scope = SimpleNamespace(network=SimpleNamespace(layers=layers))
    assert fits(kind, most, scope)
    assert not fits(kind, most + 1, scope)
    assert not fits(kind, 0, scope)


@pytest.mark.parametrize("shape", [None, (2, 3, 1)])
def test_of_images_the_channels_are_scaled(shape):
    kind = Record(FittedAutoencoder).kinds["feature_mean"]
    scope = SimpleNamespace(n_features_in=6)
    if shape is not None:
        scope.image_shape = shape
    assert fits(kind, np.zeros(6 if shape is None else 1), scope)
    assert not fits(kind, np.zeros(2), scope)


def test_gaussian_units_need_their_scale():
    X = np.random.default_rng(0).normal(size=(30, 3))
    model = GaussianRBM(2, n_iter=1, random_state=0).fit(X)
    state = FittedBoltzmann.of(model)
    state.check(model)
    state.feature_scale = UNSET
    with pytest.raises(ValueError, match="the scale of the features are missing"):
        state.check(model)


def test_the_machines_are_those_that_the_parameters_say():
    X = np.random.default_rng(0).normal(size=(30, 3))
    model = GaussianRBM(2, n_iter=1, random_state=0).fit(X)
    for network, message in [
        (Network((Dense(2),)), "not a stack of RBMs"),
        (Network((RBM(2, "binary"),)), "RBMs do not fit the parameters"),
    ]:
        state = FittedBoltzmann.of(model)
        state.network = network
        with pytest.raises(ValueError, match=message):
            state.check(model)
