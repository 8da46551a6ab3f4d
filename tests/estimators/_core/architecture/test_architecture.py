"""What every architecture can do."""

import pytest

from lamina import Network
from lamina.estimators._core.architecture.architecture import Architecture
from lamina.estimators._core.inputs.table import TableInputs


def test_it_has_to_say_which_layers_there_are():
    with pytest.raises(TypeError, match="abstract"):
        Architecture()


def test_there_is_nothing_to_learn_unless_it_says_so():
    class Nothing(Architecture):
        given = ("layers", None)

        def network(self, inputs, target):
            return Network(())

    one = Nothing()
    assert one.learn(TableInputs("float32", 3)) is one
