"""Windows over positions: what convolutions and pools share.

Arrays are channels-last: one example is (time, channels) or (height, width, channels).
"""

from typing import Any

import jax.numpy as jnp

Padding = str | int | tuple
Spatial = int | tuple[int, ...]

PADDINGS = ("valid", "same", "full")


def per_axis(name: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """Return one integer per spatial axis.

    Raises
    ------
    ValueError
        If their number is wrong, or one is below ``least``.
    """
    values = value if isinstance(value, tuple) else (value,) * axes
    if len(values) != axes:
        raise ValueError(
            f"{name} must be one number or {axes} numbers, one per axis; got {value!r}"
        )
    for one in values:
        if isinstance(one, bool) or not isinstance(one, int) or one < least:
            raise ValueError(
                f"{name} must be a whole number of at least {least}, got {value!r}"
            )
    return values


def check_padding(padding: Any) -> None:
    """Reject an invalid padding.

    Raises
    ------
    ValueError
        If it is neither a known name, a number, nor one number or pair per axis.
    """
    if isinstance(padding, str) and padding in PADDINGS:
        return
    if not isinstance(padding, str):
        parts = padding if isinstance(padding, tuple) else (padding,)
        flat = [p for part in parts for p in (part if _is_pair(part) else (part,))]
        if flat and all(type(p) is int and p >= 0 for p in flat):
            return
    raise ValueError(
        f"padding must be one of {', '.join(PADDINGS)}, a number, or one number or "
        f"pair (before, after) per axis; got {padding!r}"
    )


def _is_pair(part: Any) -> bool:
    return isinstance(part, tuple) and len(part) == 2


def padded_positions(
    padding: Padding,
    positions: tuple[int, ...],
    reach: tuple[int, ...],
    stride: tuple[int, ...],
) -> tuple[tuple[int, int], ...]:
    """Return the padding before and after, for each axis.

    ``same`` gives ⌈n/s⌉ windows; if the padding is odd, the larger half is after, as in
    TensorFlow. ``full`` gives every window that overlaps the input.
    """
    if padding == "valid":
        return ((0, 0),) * len(positions)
    if padding == "full":
        return tuple([(k - 1, k - 1) for k in reach])
    if padding == "same":
        pairs = zip(positions, reach, stride, strict=True)
        return tuple([_same(n, k, s) for n, k, s in pairs])
    parts = padding if isinstance(padding, tuple) else (padding,) * len(positions)
    if len(parts) != len(positions):
        raise ValueError(
            f"padding must have one entry per axis, {len(positions)}; got {padding!r}"
        )
    return tuple([_pair(part) for part in parts])


def _pair(part: Any) -> tuple[int, int]:
    before, after = part if isinstance(part, tuple) else (part, part)
    return before, after


def _same(n: int, k: int, s: int) -> tuple[int, int]:
    added = max((-(-n // s) - 1) * s + k - n, 0)
    return added // 2, added - added // 2


def windows(
    positions: tuple[int, ...],
    reach: tuple[int, ...],
    stride: tuple[int, ...],
    pads: tuple[tuple[int, int], ...],
) -> tuple[int, ...]:
    """Return ⌊(n − k + p) / s⌋ + 1 windows per axis, with total padding p.

    Raises
    ------
    ValueError
        If no window fits.
    """
    axes = zip(positions, reach, stride, pads, strict=True)
    counts = tuple([(n - k + sum(p)) // s + 1 for n, k, s, p in axes])
    if min(counts) < 1:
        raise ValueError(
            f"a window of {_by(reach)} does not fit into an input of {_by(positions)} "
            f"with padding {pads}: use a smaller window, fewer pools before it, or "
            "padding='same'"
        )
    return counts


def _by(sizes: tuple[int, ...]) -> str:
    return " × ".join(map(str, sizes))


def positions_of(layer: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sizes of the spatial axes of one example.

    Raises
    ------
    ValueError
        If it is neither (time, channels) nor (height, width, channels).
    """
    if len(shape) not in (2, 3):
        raise ValueError(
            f"{layer} needs examples of shape (time, channels) or (height, width, "
            f"channels), got shape {tuple(shape)}"
        )
    return tuple(shape[:-1])


def interleaved(parts: list[Any], stride: tuple[int, ...]) -> Any:
    """Return images interleaved from parts, one for each remainder of positions.

    Shapes: parts (batch, height, width, channels), of which later ones may be one
    position shorter; part s' r + r' has the positions (s i + r, s' j + r') for strides
    s and s'. The result is (batch, s height, s' width, channels) with the first part's
    size, padded with zeros.
    """
    batch, high, wide, channels = parts[0].shape
    filled = [
        jnp.pad(
            part,
            ((0, 0), (0, high - part.shape[1]), (0, wide - part.shape[2]), (0, 0)),
        )
        for part in parts
    ]
    down, across = stride
    rows = [
        jnp.stack(filled[across * r : across * (r + 1)], axis=3) for r in range(down)
    ]
    whole = jnp.stack(rows, axis=2)  # (batch, height, s, width, s', channels)
    return whole.reshape(batch, down * high, across * wide, channels)
