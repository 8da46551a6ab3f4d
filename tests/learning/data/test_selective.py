"""Selective δ: which examples, and which epochs."""

import jax
import numpy as np
import pytest

from lamina.learning import (
    SGD,
    Dataset,
    Loader,
    LossBelow,
    Objective,
    SelectiveDelta,
)
from lamina.networks import Dense, Key, Network
from tests.learning.fits import fit
from tests.model_files import through_json

LINE = Objective(Network((Dense(1, "identity", use_bias=False),)), "squared_error")
X = np.ones((5, 1))
Y = np.array([[0.0], [9.0], [1.0], [-8.0], [2.0]])


def test_largest_deltas_in_their_order():
    rows = np.array([3, 5, 8, 9])
    assert SelectiveDelta(0.5).chosen(rows, [1.0, 7.0, 2.0, 3.0]).tolist() == [5, 9]
    assert SelectiveDelta(0.6).chosen(rows, [1.0, 7.0, 2.0, 3.0]).tolist() == [5, 8, 9]
    assert SelectiveDelta(0.25).chosen(rows, [2.0, 2.0, 2.0, 2.0]).tolist() == [3]


def test_places():
    assert [SelectiveDelta(epochs=2).place(i) for i in range(5)] == [0, 1, 2, 0, 1]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("batch_size", [5, 2], ids=["whole", "batches"])
@pytest.mark.parametrize("resident", [True, False])
def test_epochs_by_hand(batch_size, resident):
    """From w = 0 at η = 0 δ = −y: rows 1 and 3 have the largest of five.

    The loss of a whole epoch is ½ Σ y² / 5 = 15, that of the two rows 36.25.
    """
    examples = Dataset(X, Y, dtype=np.float64, resident=resident)
    start = ({"weight": np.zeros((1, 1))},)
    result = fit(
        LINE,
        SGD(0.0),
        Loader(examples, batch_size=batch_size),
        start,
        key=Key(0),
        epochs=5,
        selective=SelectiveDelta(0.4, epochs=2),
    )
    assert result.history["loss"] == pytest.approx([15, 36.25, 36.25, 15, 36.25])
    assert result.examples == 5 + 2 + 2 + 5 + 2


@pytest.mark.usefixtures("x64")
def test_the_second_choice_is_made_with_the_weights_of_then():
    """η = 1 on the whole batch: w is the mean of the rows it has seen last."""
    examples = Dataset(X, Y, dtype=np.float64)
    how = {"key": Key(0), "selective": SelectiveDelta(0.4, epochs=1)}
    start = ({"weight": np.zeros((1, 1))},)

    def weight(epochs):
        loader = Loader(examples, batch_size=5)
        result = fit(LINE, SGD(1.0), loader, start, epochs=epochs, **how)
        return float(jax.tree.leaves(result.params)[0][0, 0])

    # 0.8 = mean of all; then rows 1 and 3 (δ = −8.2, 8.8): 0.5; then 0.8, 0.5 again
    assert [weight(i) for i in (1, 2, 3, 4)] == pytest.approx([0.8, 0.5, 0.8, 0.5])


def test_rules_are_asked_after_whole_epochs_only():
    """Losses 15, 36.25, 15, …: a rule on the first that is above 20 would never see
    the second."""
    examples = Dataset(X, Y)
    start = ({"weight": np.zeros((1, 1), np.float32)},)
    seen = []

    class Listening(LossBelow):
        def __call__(self, record):
            seen.append(record["loss"])
            return False

    fit(
        LINE,
        SGD(0.0),
        Loader(examples, batch_size=5),
        start,
        key=Key(0),
        epochs=6,
        stopping=[Listening("loss", 0)],
        selective=SelectiveDelta(0.4, epochs=2),
    )
    assert seen == pytest.approx([15, 15])


def test_json_and_nonsense():
    assert through_json(SelectiveDelta(0.3, 2)) == SelectiveDelta(0.3, 2)
    for make in (lambda: SelectiveDelta(0.0), lambda: SelectiveDelta(epochs=0)):
        with pytest.raises(ValueError, match="must be"):
            make()
