"""Values ↔ JSON and tensors, for model files.

What JSON says itself stands there as it is; lists are JSON lists; everything else is an
object ``{"type": …}``. Arrays go to a dictionary of tensors and are named by their
path, so that a file can be read with any safetensors reader. Types come from the fixed
tables below: nothing in a file can name a class to import.
"""

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from lamina.data import ImageSchema, TableSchema
from lamina.estimators._core.labels import Labels
from lamina.metrics.scores import Baseline
from lamina.networks import Key, from_json, to_json
from lamina.networks.core.description import is_description

MAX_DEPTH = 64
LONG_LIST = 16
"""A list of so many floats (a history) is kept as a tensor: short, and exact."""

MAX_WIDTH = 256
MAX_GROWTH, MAX_TEXTS = 64, 2**28
"""Texts of equal width take at most so many times their bytes, or this many bytes."""

_SCALARS = ("b", "i", "u", "f")
_MAX_INT = 2**63

Tensors = dict[str, np.ndarray]


def pack(value: Any, path: str, tensors: Tensors) -> Any:
    """Return JSON for a value; its arrays are added to ``tensors``.

    Parameters
    ----------
    value : any of the types this module knows
    path : str
        Name of the value, for tensors and for errors.
    tensors : dict
        Is added to.

    Raises
    ------
    ValueError
        If the value (a function, an object of a class of one's own) has no place in a
        file; with its path.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return _pack_plain(value, path)
    if isinstance(value, np.ndarray):
        return _pack_array(value, path, tensors)
    if isinstance(value, np.generic) and value.dtype.kind in _SCALARS:
        return {
            "type": "scalar",
            "dtype": value.dtype.str,
            "value": _pack_plain(value.item(), path),
        }
    if is_description(value):
        return {"type": "description", "value": _named(path, to_json, value)}
    if isinstance(value, list) and _is_long(value):
        tensors[path] = np.array(value, np.float64)
        return {"type": "floats", "tensor": path}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        items = [pack(v, f"{path}/{i}", tensors) for i, v in enumerate(value)]
        return items if isinstance(value, list) else {"type": "tuple", "items": items}
    if isinstance(value, dict):
        return _pack_dict(value, path, tensors)
    if isinstance(value, Key):
        return {"type": "key", "seed": value.seed, "path": list(value.path)}
    if isinstance(value, Labels):
        classes = pack(value.classes, path, tensors)
        return {"type": "labels", "kind": value.kind, "classes": classes}
    if isinstance(value, Baseline):
        parts = pack(dict(vars(value)), path, tensors)
        return {"type": "baseline", "parts": parts}
    if isinstance(value, TableSchema):
        return {"type": "schema", "value": value.to_json()}
    if isinstance(value, ImageSchema):
        return {"type": "image_schema", "value": value.to_json()}
    raise ValueError(f"{path} is {_what(value)}, which cannot be written to a file")


def _what(value: Any) -> str:
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__!r}"
    return f"a {type(value).__name__}"


def _named(path: str, make: Callable[[Any], Any], value: Any) -> Any:
    try:
        return make(value)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _pack_plain(value: Any, path: str) -> Any:
    """Return what JSON says itself; of subclasses (NumPy's float) the plain value."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        known = float(value)
        return known if math.isfinite(known) else {"type": "float", "value": str(known)}
    if isinstance(value, int):
        if abs(value) >= _MAX_INT:
            raise ValueError(f"{path} = {value} is too large for a file")
        return int(value)
    return str(value)


def _is_long(value: list[Any]) -> bool:
    return len(value) >= LONG_LIST and all(type(v) is float for v in value)


def _pack_array(value: np.ndarray, path: str, tensors: Tensors) -> Any:
    if value.dtype.kind in _SCALARS and value.dtype.itemsize <= 8:
        tensors[path] = value
        return {"type": "array", "tensor": path}
    items = value.reshape(-1).tolist()
    if value.dtype.kind == "U" or _all_text(items):
        return _pack_texts(value, items, path, tensors)
    if value.dtype.kind == "O":
        packed = [pack(v, f"{path}/{i}", tensors) for i, v in enumerate(items)]
        return {"type": "objects", "shape": list(value.shape), "items": packed}
    raise ValueError(f"{path} is an array of {value.dtype}, which a file cannot hold")


def _all_text(items: list[Any]) -> bool:
    return bool(items) and all(type(item) is str for item in items)


def _pack_texts(
    value: np.ndarray, items: list[str], path: str, tensors: Tensors
) -> Any:
    """Texts lie one after the other as UTF-8 bytes, beside their lengths."""
    encoded = [item.encode("utf-8", "surrogatepass") for item in items]
    tensors[path] = np.frombuffer(b"".join(encoded), np.uint8)
    tensors[f"{path}/lengths"] = np.array([len(e) for e in encoded], np.int64)
    width = value.dtype.itemsize // 4 if value.dtype.kind == "U" else None
    return {
        "type": "texts",
        "tensor": path,
        "shape": list(value.shape),
        "width": width,
    }


def _pack_dict(value: dict[Any, Any], path: str, tensors: Tensors) -> Any:
    items = [
        [pack(k, f"{path}/key", tensors), pack(v, f"{path}/{k}", tensors)]
        for k, v in value.items()
    ]
    return {"type": "dict", "items": items}


# ---- the way back -------------------------------------------------------------------


def unpack(value: Any, tensors: Tensors, depth: int = 0) -> Any:
    """Return the value that :func:`pack` wrote.

    Tensors are taken out of the dictionary.

    Raises
    ------
    ValueError
        If it is not as ``pack`` writes it.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"values are nested deeper than {MAX_DEPTH}")
    if isinstance(value, list):
        return [unpack(v, tensors, depth + 1) for v in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in _UNPACKERS:
        raise ValueError(f"no value of the type {str(kind)[:40]!r} is known")
    try:
        return _UNPACKERS[kind](value, tensors, depth)
    except (KeyError, TypeError, IndexError, OverflowError, AttributeError):
        raise ValueError(f"a value of the type {kind!r} is not readable") from None


def _tensor(name: Any, tensors: Tensors) -> np.ndarray:
    """Take a tensor, once: a small file could fill memory with lists of the same."""
    if not isinstance(name, str) or name not in tensors:
        raise ValueError(f"the tensor {str(name)[:40]!r} is missing")
    return tensors.pop(name)


def _float(value: dict, tensors: Tensors, depth: int) -> float:
    if value["value"] not in ("nan", "inf", "-inf"):
        raise ValueError("a number is not readable")
    return float(value["value"])


def _scalar(value: dict, tensors: Tensors, depth: int) -> Any:
    dtype = np.dtype(str(value["dtype"]))
    number = unpack(value["value"], tensors, depth + 1)
    if dtype.kind not in _SCALARS or not isinstance(number, bool | int | float):
        raise ValueError("a number is not readable")
    return dtype.type(number)


def _array(value: dict, tensors: Tensors, depth: int) -> np.ndarray:
    return _tensor(value["tensor"], tensors)


def _floats(value: dict, tensors: Tensors, depth: int) -> list[float]:
    return _tensor(value["tensor"], tensors).astype(np.float64).reshape(-1).tolist()


def _texts(value: dict, tensors: Tensors, depth: int) -> np.ndarray:
    raw = _tensor(value["tensor"], tensors).tobytes()
    lengths = _tensor(f"{value['tensor']}/lengths", tensors).astype(np.int64)
    ends = np.cumsum(lengths)
    if (lengths < 0).any() or (ends[-1] if len(ends) else 0) != len(raw):
        raise ValueError("texts and their lengths do not fit")
    starts = ends - lengths
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    items = [raw[a:b].decode("utf-8", "surrogatepass") for a, b in pairs]
    array = np.empty(len(items), object)
    array[:] = items
    array = array.reshape(_shape(value["shape"], len(items)))
    width = value["width"]
    if width is None:
        return array
    # The width a file asks for is memory: a little, or what its longest text needs.
    longest = max(map(len, items), default=0)
    if len(items) * longest * 4 > max(MAX_GROWTH * len(raw), MAX_TEXTS):
        raise ValueError("texts of so different lengths need too much memory")
    if type(width) is not int or not longest <= width <= max(longest, MAX_WIDTH):
        width = longest
    return array.astype(f"<U{max(width, 1)}")


def _shape(shape: Any, count: int) -> tuple[int, ...]:
    if not isinstance(shape, list) or not all(type(n) is int for n in shape):
        raise ValueError("a shape is not readable")
    if math.prod(shape) != count or min(shape, default=0) < 0:
        raise ValueError("a shape does not fit its values")
    return tuple(shape)


def _objects(value: dict, tensors: Tensors, depth: int) -> np.ndarray:
    items = unpack(list(value["items"]), tensors, depth)
    array = np.empty(len(items), object)
    for i, item in enumerate(items):
        array[i] = item
    return array.reshape(_shape(value["shape"], len(items)))


def _tuple(value: dict, tensors: Tensors, depth: int) -> tuple:
    return tuple(unpack(list(value["items"]), tensors, depth))


def _dict(value: dict, tensors: Tensors, depth: int) -> dict[Any, Any]:
    pairs = unpack(list(value["items"]), tensors, depth)
    return {sys.intern(k) if type(k) is str else k: v for k, v in pairs}


def _description(value: dict, tensors: Tensors, depth: int) -> Any:
    found = from_json(value["value"])
    if not is_description(found):
        raise ValueError("a description is not readable")
    return found


def _key(value: dict, tensors: Tensors, depth: int) -> Key:
    words = [value["seed"], *value["path"]]
    if not all(type(word) is int and 0 <= word < _MAX_INT for word in words):
        raise ValueError("a key is not readable")
    return Key(words[0], tuple(words[1:]))


def _labels(value: dict, tensors: Tensors, depth: int) -> Labels:
    classes = unpack(value["classes"], tensors, depth + 1)
    kinds = ("binary", "multiclass", "multilabel")
    if value["kind"] not in kinds or not isinstance(classes, np.ndarray):
        raise ValueError("labels are not readable")
    return Labels(value["kind"], classes)


def _baseline(value: dict, tensors: Tensors, depth: int) -> Baseline:
    parts = unpack(value["parts"], tensors, depth + 1)
    if not any(isinstance(part, np.ndarray) for part in parts.values()):
        raise ValueError("a baseline is not readable")
    return Baseline(**parts)


def _schema(value: dict, tensors: Tensors, depth: int) -> TableSchema:
    return TableSchema.from_json(value["value"])


def _image_schema(value: dict, tensors: Tensors, depth: int) -> ImageSchema:
    return ImageSchema.from_json(value["value"])


_UNPACKERS: dict[str, Callable[[dict, Tensors, int], Any]] = {
    "array": _array,
    "baseline": _baseline,
    "description": _description,
    "dict": _dict,
    "float": _float,
    "floats": _floats,
    "image_schema": _image_schema,
    "key": _key,
    "labels": _labels,
    "objects": _objects,
    "scalar": _scalar,
    "schema": _schema,
    "texts": _texts,
    "tuple": _tuple,
}
