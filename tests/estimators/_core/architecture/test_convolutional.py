"""Layers of convolutional networks: scaling first, the output last."""

from dataclasses import replace

import numpy as np
import pytest

from lamina import Conv, Dense, Flatten, MaxPool, Output, Rescale, Upsample
from lamina.estimators._core.architecture.convolutional import (
    ConvolutionalArchitecture,
    SegmentingArchitecture,
)
from lamina.estimators._core.inputs.image import ImageInputs
from lamina.estimators._core.targets.classes import ClassTarget
from lamina.estimators._core.targets.target import TargetValues

INPUTS = ImageInputs("float32", None, True, None, differentiable=False)
INPUTS = replace(INPUTS, image_shape=(6, 6, 1), scale=(2.0, 0.5))

THREE, _ = ClassTarget("float32", "log_loss").learn(TargetValues(np.arange(3)), None)


def test_listed_layers_stand_between_the_scale_and_the_output():
    layers = [Conv(2, 3), MaxPool(2), Dense(4)]
    network = ConvolutionalArchitecture(layers, "auto").network(INPUTS, THREE)
    assert network.layers == (
        Rescale(2.0, 0.5),
        Conv(2, 3),
        MaxPool(2),
        Flatten(),
        Dense(4),
        Dense(3, "softmax"),
    )


def test_initialisers_of_hidden_layers_and_output():
    assert ConvolutionalArchitecture(None, "auto").initializers == (
        "he",
        "glorot_uniform",
    )
    assert ConvolutionalArchitecture(None, "normal").initializers == ("normal",) * 2


def test_default_layers_have_the_dropout():
    def kinds(dropout):
        made = ConvolutionalArchitecture(None, "auto", dropout).network(INPUTS, THREE)
        return [type(layer).__name__ for layer in made.layers]

    assert "Dropout" not in kinds(0.0)
    assert kinds(0.5)[-2:] == ["Dropout", "Dense"]


def test_a_segmenter_keeps_height_and_width():
    there = [Conv(2, 3, padding="same"), MaxPool(2), Upsample(2)]
    network = SegmentingArchitecture(there, "auto").network(INPUTS, THREE)
    assert network.layers[-1] == Dense(3, "softmax")
    with pytest.raises(ValueError, match=r"make \(3, 3, 3\).*keep height and width"):
        SegmentingArchitecture([MaxPool(2)], "auto").network(INPUTS, THREE)
    marked = [Output(Dense(3, "softmax", "he"))]
    made = SegmentingArchitecture(marked, "auto").network(INPUTS, THREE)
    assert made.layers == (Rescale(2.0, 0.5), Dense(3, "softmax", "he"))
