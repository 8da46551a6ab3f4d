"""The table of layers that ``summary`` shows."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from lamina.networks import Key, Network


def layer_rows(
    network: Network, params: Any, shape: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Return one row a layer: name, details, shapes of one example, parameters."""
    rows = []
    for layer, layer_params in zip(network.layers, params, strict=True):
        _, output = layer.init(Key(0), shape)
        rows.append(
            {
                "layer": type(layer).__name__,
                "details": _details(layer),
                "input": shape,
                "output": output,
                "parameters": sum(map(np.size, jax.tree.leaves(layer_params))),
            }
        )
        shape = output
    return rows


def layer_table(network: Network, params: Any, shape: tuple[int, ...]) -> str:
    """Return the rows and their total as aligned text."""
    rows = layer_rows(network, params, shape)
    cells = [("layer", "shape", "parameters", "")]
    for row in rows:
        arrow = f"{_shape(row['input'])} → {_shape(row['output'])}"
        cells.append((row["layer"], arrow, f"{row['parameters']:,}", row["details"]))
    total = sum(row["parameters"] for row in rows)
    cells.append(("total", "", f"{total:,}", _bytes(params)))
    widths = [max(len(row[i]) for row in cells) for i in range(3)]
    lines = [
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip()
        for a, b, c, d in cells
    ]
    return "\n".join(lines)


def _details(layer: Any) -> str:
    fields = {k: v for k, v in vars(layer).items() if k != "units"}
    return ", ".join(f"{name}={_name(value)}" for name, value in fields.items())


def _name(value: Any) -> str:
    named = isinstance(value, Callable) and hasattr(value, "__name__")
    return value.__name__ if named else str(value)


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _bytes(params: Any) -> str:
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(params))
    return f"{size / 1024:,.1f} KiB"
