"""The recurrent layer that feeds its outputs back."""

import numpy as np
import pytest

from lamina.networks import OutputFeedbackRNN
from tests.networks.recurrent_checks import PHI, check, name

pytestmark = pytest.mark.usefixtures("x64")

LAYERS = [
    OutputFeedbackRNN(3, 3),
    OutputFeedbackRNN(4, 2, "logistic", "tanh"),
]


def output_feedback(layer, p, x):
    """The equations of the docstring."""
    y, every = np.zeros((len(x), layer.outputs)), []
    for t in range(x.shape[1]):
        z = x[:, t] @ p["weight"] + y @ p["recurrent_weight"] + p["bias"]
        h = PHI[layer.activation](z)
        y = PHI[layer.out_activation](h @ p["out_weight"] + p["out_bias"])
        every.append(y)
    return np.stack(every, axis=1)


@pytest.mark.parametrize("layer", LAYERS, ids=name)
def test_it_is_its_equations(layer):
    check(layer, output_feedback)
