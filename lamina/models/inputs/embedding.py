"""Inputs of unsupervised models: encoded columns or images, suitably scaled."""

from math import prod
from typing import Any

import numpy as np

from lamina.data import ImageError, ImageSet, Table, TableError, TableSchema, read_table
from lamina.data.errors import Message, Setting
from lamina.data.formats.duckdb_engine import memory_bytes
from lamina.data.sources.images import is_image_table
from lamina.estimators._core.targets.labels import as_texts
from lamina.models.inputs.table import MIN_ROWS

BYTE = 255

_COPIES = 4
"""A fit needs about this many copies of its inputs as float32 in memory."""

_EDGE = 1e-5
"""Tolerance for rounding beyond [0, 1]."""

Limits = tuple[np.ndarray, np.ndarray]
"""Minimum of each feature, and its range."""


def pixels(table: Table, schema: TableSchema, shape: Any, own: bool) -> Any:
    """Return the shape of the images if the columns are their pixels.

    Parameters
    ----------
    table, schema : of the inputs
    shape : (height, width) or None
    own : bool
        Whether the user gave the shape: then it has to fit.

    Raises
    ------
    TableError
        If the user's shape does not fit.
    """
    if shape is None:
        return None
    height, width = checked_shape(shape)
    used = [c for c in schema.columns if c.kind not in ("ignore", "empty")]
    complete = {c.name for c in schema.number_columns if not c.missing}
    numbers = all(c.kind == "constant" or c.name in complete for c in used)
    if len(used) == height * width and numbers:
        return height, width
    if not own:
        return None
    what = "columns" if numbers else "columns, not all numbers without missing values"
    raise TableError(
        Message(
            Setting("image_shape", (height, width)),
            f" has {height * width:,} pixels, but there are {len(used):,} {what}",
        ),
        where=table.source,
        parameter="image_shape",
        value=(height, width),
    )


def unit_limits(x: np.ndarray, schema: TableSchema, of_pixels: bool) -> Limits:
    """Return how to scale encoded features (n, d) to [0, 1].

    Pixels have limits common to all columns, computed in their original units, because
    each encoded column has a scale of its own.
    """
    if of_pixels:
        mean, scale = schema.number_scales()
        values = x * scale + mean
        low, high = (values.min() - mean) / scale, (values.max() - mean) / scale
    else:
        low, high = x.min(axis=0), x.max(axis=0)
    low = low.astype(np.float64)
    return low, np.where(high > low, high - low, 1.0)


def to_units(features: np.ndarray, limits: Limits | None) -> np.ndarray:
    """Scale features from the limits to [0, 1]."""
    if limits is None:
        return features
    low, span = limits
    found = ((features - low) / span).astype(np.float32)
    found[(found < 0) & (found > -_EDGE)] = 0
    found[(found > 1) & (found < 1 + _EDGE)] = 1
    return found


def from_units(x: np.ndarray, limits: Limits | None) -> np.ndarray:
    """Scale from [0, 1] back to features."""
    if limits is None:
        return x
    low, span = limits
    return (x * span + low).astype(np.float32)


def numbers_of(schema: TableSchema) -> list[str]:
    """Return the names of the numeric columns with values other than 0 and 1."""
    # For binary columns the standard deviation follows from the mean: √(m (1 − m)).
    return [
        c.name
        for c in schema.number_columns
        if not 0 < c.mean < 1
        or abs(c.scale**2 - c.mean * (1 - c.mean)) > _EDGE * c.scale**2
    ]


def brightness(images: ImageSet) -> np.ndarray:
    """Return images as float32 numbers in [0, 1].

    Raises
    ------
    ImageError
        If they do not fit into memory.
    """
    needed = _COPIES * 4 * prod(images.X.shape)
    if needed > memory_bytes():
        raise ImageError(
            "unsupervised training keeps all images in memory, about "
            f"{needed / 1e9:.1f} GB",
            where=images.source,
            parameter="size",
            hint=Message("choose a smaller ", Setting("size")),
        )
    return np.asarray(images.X).astype(np.float32) / BYTE


def check_rows(source: str, n: int, least: int = MIN_ROWS) -> None:
    """Refuse a source with too few rows.

    Raises
    ------
    TableError
        Naming how many there are.
    """
    if n < least:
        raise TableError(
            f"{source}: has {n} row{'s' * (n != 1)}; at least {least} "
            f"{'is' if least == 1 else 'are'} needed"
        )


def checked_shape(shape: Any) -> tuple[int, int]:
    """Return height and width as whole numbers.

    Raises
    ------
    ValueError
        If they are not.
    """
    if not isinstance(shape, list | tuple) or not is_shape(tuple(shape)):
        raise ValueError(f"image_shape must be (height, width), got {shape!r}")
    return shape[0], shape[1]


def as_images(
    samples: Table, shape: tuple[int, int], schema: TableSchema, limits: Limits | None
) -> tuple[np.ndarray, tuple[float, float]]:
    """Return sampled rows of pixels as images, with the levels of black and white.

    Parameters
    ----------
    samples : Table
    shape : (height, width)
    schema, limits : of the model that drew them

    Returns
    -------
    ndarray (n, height, width), (float, float)

    Raises
    ------
    TableError
        If a row has a different number of pixels, or a column is not numeric.
    """
    columns = samples.columns
    odd = next((name for name in columns if columns[name].dtype.kind != "f"), None)
    if odd is not None:
        raise TableError(f"column {odd!r} is not numeric, so rows are not images")
    if len(columns) != prod(shape):
        raise TableError(
            f"an image of {shape[0]}x{shape[1]} has {prod(shape):,} pixels, but a row "
            f"has {len(columns):,} columns"
        )
    values = np.stack(list(columns.values()), axis=1).reshape(-1, *shape)
    if limits is None:
        return values, (float(values.min()), float(values.max()))
    mean, scale = schema.number_scales()
    low, span = limits[0] * scale + mean, limits[1] * scale
    return values, (float(low.min()), float((low + span).max()))


def constants(table: Table, schema: TableSchema) -> dict[str, Any]:
    """Return the constant columns and their values."""
    names = [c.name for c in schema.columns if c.kind == "constant"]
    firsts = {name: table.column(name)[0] for name in names}
    return {
        name: float(first) if isinstance(first, float) else as_texts([first])[0]
        for name, first in firsts.items()
    }


def repeated(value: Any, n: int) -> np.ndarray:
    """Return a column that repeats one value."""
    if isinstance(value, float):
        return np.full(n, value)
    out = np.empty(n, dtype=object)
    out[:] = value
    return out


def is_unlabelled_table(source: Any, target: str | None = None) -> bool:
    """Whether a source is a table of paths without a column of labels."""
    if isinstance(source, ImageSet) or not is_image_table(source):
        return False
    names = read_table(source, nrows=1).names
    return len(names) == 1 if target is None else target not in names


def is_shape(shape: Any) -> bool:
    """Whether something is (height, width)."""
    whole = isinstance(shape, tuple) and len(shape) == 2
    return whole and all(type(side) is int and side > 0 for side in shape)
