"""The table of layers."""

import numpy as np

from lamina.estimators._core.reporting.summary import layer_rows, layer_table
from lamina.networks import Dense, Dropout, Flatten, Key, Network, Residual


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


def test_layers_inside_a_layer_follow_it_and_are_counted_once():
    around = Dense(6, "identity", use_bias=False)
    network = Network(
        (
            Residual((Dense(5), Dense(6))),
            Network((Residual((Dense(6),), shortcut=around, activation="relu"),)),
            Flatten(),
            Dense(2),
        )
    )
    params, _ = network.init(Key(0), (4,))
    rows = layer_rows(network, params, (4,))
    assert [(r["layer"], r["depth"], r["input"], r["parameters"]) for r in rows] == [
        ("Residual", 0, (4,), 4 * 6),
        ("Dense", 1, (4,), 4 * 5 + 5),
        ("Dense", 1, (5,), 5 * 6 + 6),
        ("Network", 0, (6,), 0),
        ("Residual", 1, (6,), 0),
        ("Dense", 2, (6,), 6 * 6 + 6),
        ("Dense", 2, (6,), 6 * 6),
        ("Flatten", 0, (6,), 0),
        ("Dense", 0, (6,), 6 * 2 + 2),
    ]
    assert {r["output"] for r in rows if r["layer"] == "Residual"} == {(6,)}
    lines = layer_table(network, params, (4,)).splitlines()
    assert lines[5].startswith("  Residual")
    assert lines[5].endswith("activation=relu")
    assert lines[6].startswith("    Dense")
    assert "177" in lines[-1]


def test_a_summary_takes_no_memory_for_what_a_description_says():
    """Here ten million million units, while the weights are those of three."""
    params, _ = Network((Dense(3),)).init(Key(0), (4,))
    (row,) = layer_rows(Network((Dense(10**13),)), params, (4,))
    assert (row["output"], row["parameters"]) == ((3,), 15)
