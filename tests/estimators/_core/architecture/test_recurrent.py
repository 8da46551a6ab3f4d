"""Layers of recurrent networks: a pool, an output, errors within chunks."""

import numpy as np
import pytest

from lamina import (
    GRU,
    LSTM,
    Bidirectional,
    Dense,
    Dropout,
    LastStep,
    Output,
    RecurrentClassifier,
    RecurrentRegressor,
    Residual,
    TemporalMean,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
SMALL = (GRU(4),)
LENGTHS = [int(n) for n in RNG.integers(3, 15, 40)]
RAGGED = [3 + 2 * RNG.standard_normal((n, 2)) for n in LENGTHS]
LABELS = np.array(["down", "up"])[[int(x[:, 0].mean() > 3) for x in RAGGED]]


def net(layers=SMALL, **params):
    """Return one structure, so that most tests share one program."""
    how = {"max_iter": 3, "random_state": 0, "batch_size": 10, "dropout": 0.0}
    return RecurrentClassifier(list(layers), **how | params)


def same(one, other):
    return np.array_equal(one.predict_proba(RAGGED), other.predict_proba(RAGGED))


@pytest.mark.slow
def test_layers_end_before_the_output():
    def names(layers, **params):
        model = net(layers, max_iter=1, **params).fit(RAGGED, LABELS)
        return [type(layer).__name__ for layer in model.network_.layers]

    assert names([GRU(4)]) == ["GRU", "TemporalMean", "Dense"]
    assert names([GRU(4)], pooling="last") == ["GRU", "LastStep", "Dense"]
    assert names([GRU(4), LastStep(), Dense(3)]) == [
        "GRU",
        "LastStep",
        "Dense",
        "Dense",
    ]
    head = [GRU(4), Output(Dense(1, "logistic"))]
    assert names(head) == ["GRU", "TemporalMean", "Dense"]
    default = RecurrentClassifier(max_iter=1).fit(RAGGED, LABELS).network_.layers
    assert default[0] == Bidirectional(GRU(64))
    assert default[1:3] == (TemporalMean(), Dropout(0.5))
    kept = RecurrentRegressor(max_iter=1).fit(RAGGED, np.arange(40.0)).network_.layers
    assert [type(layer) for layer in kept] == [Bidirectional, TemporalMean, Dense]


@pytest.mark.slow
def test_errors_go_back_within_chunks():
    layers = [Bidirectional(GRU(4)), Residual((LSTM(8), Dense(8)))]
    model = net(layers, tbptt=4).fit(RAGGED, LABELS)
    both, residual = model.network_.layers[:2]
    assert both.layer.tbptt == residual.layers[0].tbptt == 4
    assert layers[0].layer.tbptt is None
    whole = net(layers).fit(RAGGED, LABELS)
    assert not same(model, whole)
    longer = net(layers, tbptt=16).fit(RAGGED, LABELS)
    np.testing.assert_allclose(
        longer.predict_proba(RAGGED), whole.predict_proba(RAGGED), atol=1e-6
    )
    with pytest.raises(ValueError, match="tbptt must be a whole number"):
        net(tbptt=0).fit(RAGGED, LABELS)
