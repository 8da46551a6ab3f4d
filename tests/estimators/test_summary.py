"""The table of layers."""

import numpy as np

from lamina.estimators.summary import layer_rows, layer_table
from lamina.networks import Dense, Dropout, Key, Network


def squash(h):
    return h / (1 + abs(h))


NETWORK = Network((Dense(8, "tanh"), Dropout(0.25), Dense(3, squash)))


def test_rows_hold_shapes_and_counts():
    params, _ = NETWORK.init(Key(0), (4,))
    rows = layer_rows(NETWORK, params, (4,))
    assert [(r["layer"], r["input"], r["output"], r["parameters"]) for r in rows] == [
        ("Dense", (4,), (8,), 4 * 8 + 8),
        ("Dropout", (8,), (8,), 0),
        ("Dense", (8,), (3,), 8 * 3 + 3),
    ]


def test_table_is_aligned_and_has_a_total():
    params, _ = NETWORK.init(Key(0), (4,), np.float64)
    lines = layer_table(NETWORK, params, (4,)).splitlines()
    assert len(lines) == 5
    assert lines[-1].startswith("total")
    assert "67" in lines[-1]
    assert "0.5 KiB" in lines[-1]  # 67 numbers of 8 bytes
    assert "rate=0.25" in lines[2]
    assert "activation=squash" in lines[3]
    ends = [line.index(n) + len(n) for line, n in ((lines[1], "40"), (lines[3], "27"))]
    assert ends[0] == ends[1] == lines[0].index("parameters") + len("parameters")
