"""Which run a checkpoint belongs to: its data and its settings."""

import hashlib
import os
import platform
from typing import Any

import jax
import numpy as np

import lamina
from lamina.networks.core.description import is_description

FREE = {
    "callbacks",
    "checkpoint",
    "checkpoint_seconds",
    "max_iter",
    "n_iter",
    "random_state",
    "verbose",
    "warm_start",
}
"""Parameters that may be others when a run goes on. A seed that is a number may not;
one that was drawn is taken from the checkpoint."""

CHUNK_BYTES = 2**24
SHOWN = 16
"""So many digits of a digest are kept: chance finds no two data sets alike in them."""

Run = dict[str, dict[str, Any]]


def run_of(estimator: Any, loader: Any, validation: Any, also: Any = None) -> Run:
    """Say what must be the same for a run to go on.

    Parameters
    ----------
    estimator : an estimator about to train
    feed : Loader
    validation : Validation or None
    also : dict of ndarray, optional
        What else is learnt from, or started from.
    """
    parameters = estimator.get_params(deep=False)
    seed = parameters.get("random_state")
    settings = {k: canonical(v) for k, v in parameters.items() if k not in FREE}
    whole = isinstance(seed, int | np.integer)
    settings["random_state"] = int(seed) if whole else None
    return {
        "program": {
            "lamina": lamina.__version__,
            "estimator": type(estimator).__name__,
        },
        "parameters": settings,
        "data": _data(estimator, loader, validation, also or {}),
    }


def _data(estimator: Any, loader: Any, validation: Any, also: dict) -> dict[str, str]:
    """Say what is learnt from, so that another file of the same size is found out."""
    examples = loader.dataset
    found = {
        "data": fingerprint(examples.x),
        "target": fingerprint(examples.y),
        "sample_weight": _weights(examples.weight),
    }
    if getattr(examples, "mask", None) is not None:
        found["measured targets"] = fingerprint(examples.mask)
    if len(loader.rows) != examples.n:
        found["training rows"] = fingerprint(loader.rows)
    if validation is not None and validation.loader.dataset is not examples:
        held = validation.loader.dataset
        found["validation data"] = fingerprint(held.x)
        found["validation target"] = fingerprint(held.y)
    found |= {name: fingerprint(array) for name, array in also.items()}
    if hasattr(estimator, "classes_"):
        found["classes"] = fingerprint(np.asarray(estimator.classes_))
    return found


def made_with() -> dict[str, str]:
    """Say what the last bits of a run may depend on beside the run itself."""
    return {
        "jax": jax.__version__,
        "numpy": np.__version__,
        "device": jax.devices()[0].device_kind,
        "machine": platform.machine(),
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", ""),
    }


def drawn_seed(checkpoint: Any, drawn: int) -> int:
    """Return the seed of the run in a checkpoint, or the one that was drawn now.

    Raises
    ------
    ValueError
        If the checkpoint's is none.
    """
    snapshot = checkpoint.load() if checkpoint is not None else None
    if snapshot is None:
        return drawn
    seeds = snapshot.get("seeds")
    seed = seeds[0] if isinstance(seeds, list) and len(seeds) == 1 else None
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise ValueError("the checkpoint is corrupt: its seed is not a number")
    return seed


def fingerprint(array: Any) -> str:
    """Return size, type and digest of rows in one line.

    They are dense, sparse or stored rows, or sequences.
    """
    digest = hashlib.sha256()
    sparse = "sparse " if hasattr(array, "indptr") else ""
    parts = [array]
    if sparse:
        parts = [array.data, array.indices, array.indptr]
    elif hasattr(array, "lengths"):
        parts = [array.values, array.lengths]
    for part in parts:
        _update(digest, part)
    columns = " × ".join(map(str, array.shape[1:])) or "1"
    return (
        f"{array.shape[0]} rows × {columns}, {sparse}{array.dtype}, digest "
        f"{digest.hexdigest()[:SHOWN]}"
    )


def _weights(weight: np.ndarray) -> str:
    return "none" if (weight == 1).all() else fingerprint(weight)


def _update(digest: Any, array: Any) -> None:
    """Add an array's type, shape and values in C order, without a copy of all."""
    digest.update(f"{array.dtype} {array.shape}".encode())
    if array.dtype.kind not in "biuf":  # labels
        digest.update(repr(array.tolist()).encode())
        return
    rows = max(1, CHUNK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        # In pieces: stored rows are larger than memory, and `hashlib` needs contiguous
        # bytes.
        digest.update(np.ascontiguousarray(array[start : start + rows]).data)


def canonical(value: Any) -> Any:
    """Return a parameter's value as JSON can say it, to be compared."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return fingerprint(value)
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if isinstance(value, dict):
        return {str(name): canonical(item) for name, item in value.items()}
    if is_description(value):
        fields = (f"{name}={canonical(field)!r}" for name, field in vars(value).items())
        return f"{type(value).__name__}({', '.join(fields)})"
    if callable(value) and hasattr(value, "__qualname__"):
        return f"the function {value.__module__}.{value.__qualname__}"
    return f"a {type(value).__name__}"
