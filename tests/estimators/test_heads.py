"""The output layer: given, or added."""

import pytest

from lamina import Dense, Dropout
from lamina.estimators.heads import is_head, with_head


def test_what_counts_as_the_output_layer():
    assert is_head(Dense(3, "softmax"), 3)
    assert is_head(Dense(1, "identity"), 1)
    assert not is_head(Dense(3, "relu"), 3)
    assert not is_head(Dense(4, "identity"), 3)
    assert not is_head(Dropout(0.1), 3)
    with pytest.raises(ValueError, match="softmax layer has 4 units"):
        is_head(Dense(4, "softmax"), 3)


def test_an_output_layer_is_added_unless_there_is_one():
    hidden = (Dense(3, "relu"),)
    head = Dense(3, "softmax", "he")
    assert with_head(hidden, "softmax", 3, "he") == (*hidden, head)
    assert with_head((*hidden, head), "softmax", 3, "zeros") == (*hidden, head)
    assert with_head((), "identity", 2, "he") == (Dense(2, "identity", "he"),)
