"""The mark of an output layer: what can be marked, and where it stands."""

import pytest

from lamina.networks import Dense, Key, Network, Output
from tests.model_files import through_json


@pytest.mark.parametrize("given", ["softmax", 3, 0.5, None, Dense, Output(Dense(1))])
def test_a_mark_needs_a_layer(given):
    with pytest.raises(TypeError, match="Output needs a layer such as"):
        Output(given)


def test_a_network_holds_layers_and_no_marks():
    with pytest.raises(ValueError, match=r"can only be the last of an estimator's"):
        Network((Output(Dense(3)),)).init(Key(0), (2,))


def test_it_can_be_written_and_read():
    mark = Output(Dense(3, "softmax"))
    assert through_json(mark) == mark
