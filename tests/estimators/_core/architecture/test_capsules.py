"""Layers of capsule networks, and their decoder."""

from dataclasses import replace

import numpy as np

from lamina import Capsules, Conv, Dense, PrimaryCapsules, Rescale
from lamina.estimators._core.architecture.capsules import CapsuleArchitecture
from lamina.estimators._core.inputs.image import ImageInputs
from lamina.estimators._core.targets.classes import ClassTarget
from lamina.estimators._core.targets.target import TargetValues
from lamina.networks.composite.reconstruction import Reconstruction

INPUTS = ImageInputs("float32", None, False, None, differentiable=False)
INPUTS = replace(INPUTS, image_shape=(8, 8, 1), scale=None)

THREE, _ = ClassTarget("float32", "log_loss").learn(TargetValues(np.arange(3)), None)


def test_capsules_of_classes_and_a_decoder_that_draws_every_pixel():
    layers = [Conv(4, 3), PrimaryCapsules(2, 4, 3, 2)]
    made = CapsuleArchitecture(layers, "auto", 5, 2, (7,)).network(INPUTS, THREE)
    scale, both = made.layers
    assert scale == Rescale(0.0, 1.0)
    classes = Capsules(3, 5, 2, "glorot_uniform")
    decoder = (
        Dense(7, "relu", "glorot_uniform"),
        Dense(64, "identity", "glorot_uniform"),
    )
    assert both == Reconstruction((*layers, classes), decoder)
