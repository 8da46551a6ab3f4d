"""The table of layers that ``summary`` shows."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from lamina.networks import Network
from lamina.networks.core.computing import own_settings
from lamina.networks.core.description import is_description
from lamina.networks.core.layer import Composite


def layer_rows(
    network: Network, params: Any, shape: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Return one row a layer: name, details, shapes of one example, parameters.

    The layers inside another one, a ``Residual`` for instance, follow it with a
    ``depth`` larger by 1; its own row counts what is in none of them.
    """
    return _rows(network.layers, params, shape, depth=0)


def rows_of(estimator: Any) -> list[dict[str, Any]]:
    """Return :func:`layer_rows` of a fitted estimator."""
    shape = estimator._input_shape()
    return layer_rows(estimator.network_, estimator.params_, shape)


def chain_of(estimator: Any) -> str:
    """Return the sizes of the layers: ``64 → 128 → 10``, ``8×8×1 → 6×6×16 → 10``."""
    shapes = [estimator._input_shape()]
    shapes += [row["output"] for row in rows_of(estimator) if row["parameters"]]
    return " → ".join(map(_shape, shapes))


def _rows(
    layers: tuple[Any, ...], params: Any, shape: tuple[int, ...], depth: int
) -> list[dict[str, Any]]:
    rows = []
    for layer, own in zip(layers, params, strict=True):
        branches = layer.branches(own) if isinstance(layer, Composite) else []
        output = _output_shape(layer, own, shape)
        rows.append(
            {
                "layer": type(layer).__name__,
                "depth": depth,
                "details": _details(layer),
                "input": shape,
                "output": output,
                "parameters": _size(own) - sum(_size(p) for _, p in branches),
            }
        )
        for inner, inner_params in branches:
            rows += _rows(inner, inner_params, shape, depth + 1)
        shape = output
    return rows


def _output_shape(layer: Any, params: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of one output, computed from shapes alone.

    ``init`` knows it too, but takes memory for what a layer says of itself, and that
    may have come from a file.
    """
    dtype = next((leaf.dtype for leaf in jax.tree.leaves(params)), np.float32)
    one = jax.ShapeDtypeStruct((1, *shape), dtype)
    with own_settings(dtype):
        return jax.eval_shape(lambda p, x: layer(p, x), params, one).shape[1:]


def _size(params: Any) -> int:
    return sum(map(np.size, jax.tree.leaves(params)))


def layer_table(network: Network, params: Any, shape: tuple[int, ...]) -> str:
    """Return the rows and their total as aligned text."""
    rows = layer_rows(network, params, shape)
    cells = [("layer", "shape", "parameters", "")]
    for row in rows:
        arrow = f"{_shape(row['input'])} → {_shape(row['output'])}"
        name = "  " * row["depth"] + row["layer"]
        cells.append((name, arrow, f"{row['parameters']:,}", row["details"]))
    total = sum(row["parameters"] for row in rows)
    cells.append(("total", "", f"{total:,}", _bytes(params)))
    widths = [max(len(row[i]) for row in cells) for i in range(3)]
    lines = [
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip()
        for a, b, c, d in cells
    ]
    return "\n".join(lines)


def _details(layer: Any) -> str:
    """Return all fields but the units, and layers, which have rows of their own."""
    fields = {k: v for k, v in vars(layer).items() if k != "units" and v is not None}
    plain = {k: v for k, v in fields.items() if not _has_layers(v)}
    return ", ".join(f"{name}={_name(value)}" for name, value in plain.items())


def _has_layers(value: Any) -> bool:
    return is_description(value) or (
        isinstance(value, tuple) and any(map(is_description, value))
    )


def _name(value: Any) -> str:
    named = isinstance(value, Callable) and hasattr(value, "__name__")
    return value.__name__ if named else str(value)


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _bytes(params: Any) -> str:
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(params))
    return f"{size / 1024:,.1f} KiB"
