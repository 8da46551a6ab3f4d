"""The codec of model files and checkpoints: values ↔ JSON and named tensors.

JSON's own values are written unchanged, and a list is a JSON list. Everything else is
an object with one key, the name of its kind::

    {"float": "nan"}              {"tuple": […]}        {"dict": {"a": …}}
    {"scalar": ["<f4", 0.5]}      {"items": [[1, …]]}   a dictionary with other keys
    {"tensor": "params/0/bias"}   an array of numbers, stored as a tensor
    {"floats": "history/loss"}    a long list of floats, stored as a tensor
    {"texts": {…}}                an array of texts     {"objects": {…}}  of others
    {"Dense": {"units": 3, …}}    a record: a registered class and its fields

Kinds are looked up in tables. A class is in them only if :func:`register` put it there,
or if it is a description; a file cannot name a class to import.

Files are untrusted. Nesting is bounded, a tensor can be used only once (otherwise a few
bytes each could request the same million floats again), texts take no more memory than
they need, and every field of a record is checked against its annotation by
:mod:`lamina.storage.rules`. Errors are a ``ValueError`` with the location, what was
expected and what was found.
"""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from lamina.storage.records import Record, description_named, description_of
from lamina.storage.rules import UNSET, Scope, check

MAX_DEPTH = 40
"""Maximum nesting of values. JSON nests up to three times as deep, which
:mod:`lamina.storage.modelfile` accepts."""

LONG_LIST = 16
"""A list of at least this many floats (a history) is stored as a tensor: short, and
exact."""

MAX_WIDTH = 256
MAX_GROWTH, MAX_TEXTS = 64, 2**28
"""Texts of fixed width may take this multiple of their bytes, or this many bytes."""

_SCALARS = ("b", "i", "u", "f")
_MAX_INT = 2**63
_NONSENSE = (KeyError, TypeError, IndexError, OverflowError, AttributeError)
"""Exceptions raised by invalid content of a kind."""

T = TypeVar("T", bound=type)
Tensors = dict[str, np.ndarray]


def encode(
    value: Any, name: str = "", tensors: Tensors | None = None
) -> tuple[Any, Tensors]:
    """Return JSON for a value, and its tensors.

    Parameters
    ----------
    value : any of the kinds in the tables
    name : str
        Prefix of the names of its tensors.
    tensors : dict of ndarray, optional
        Extended, and returned.

    Raises
    ------
    ValueError
        If the value (a function, an object of an unregistered class) cannot be stored;
        with its path.
    """
    writer = Writer({} if tensors is None else tensors)
    return writer.value(value, name), writer.tensors


def decode(kind: Any, json: Any, tensors: Tensors, name: str = "the value") -> Any:
    """Return the value that :func:`encode` encoded.

    Parameters
    ----------
    kind : a type or an annotation
        Required type: see :mod:`lamina.storage.rules`.
    json : JSON types
    tensors : dict of ndarray
        Used ones are removed.
    name : str
        Name of the value in errors.

    Raises
    ------
    ValueError
        If the value is invalid.
    """
    value = Reader(tensors).value(json, name)
    check(kind, value, name)
    return value


def register(cls: T, *, name: str | None = None, **how: Any) -> T:
    """Register a class, a dataclass or a named tuple, so that files can contain it.

    Parameters
    ----------
    cls : type
    name : str, optional
        Name of its records in a file; by default that of the class.
    **how
        Further arguments of :class:`lamina.storage.records.Record`.
    """
    record = Record(cls, **how)

    def write(value: Any, writer: Writer, path: str) -> Any:
        return {own: writer.fields(record, value, path)}

    def read(content: Any, reader: Reader, path: str) -> Any:
        return reader.record(record, content, path)

    own = name or cls.__name__
    add_kind(own, cls, write, read)
    return cls


def add_kind(name: str, cls: type, write: "Write", read: "Read") -> None:
    """Add a kind to the tables.

    Parameters
    ----------
    name : str
        The key of its values.
    cls : type
        Values of this class, and of subclasses without their own kind, are of this
        kind.
    write : callable
        ``(value, writer, path)`` → JSON.
    read : callable
        ``(content, reader, path)`` → the value; it may raise any of the usual
        exceptions for invalid content.

    Raises
    ------
    ValueError
        If the name is taken.
    """
    place = f"{cls.__module__}.{cls.__qualname__}"
    if name in _OF_CODEC or _PLACES.setdefault(name, place) != place:
        raise ValueError(f"the kind {name} is already registered for another class")
    _WRITERS[cls], _READERS[name] = write, read


# ---- writing ------------------------------------------------------------------------


class Writer:
    """Converts values to JSON, and collects their arrays as tensors.

    Attributes
    ----------
    tensors : dict of ndarray
    inside : list of type
        Types of the values that are being written, the outermost first.
    """

    def __init__(self, tensors: Tensors) -> None:
        self.tensors: Tensors = tensors
        self.inside: list[type] = []

    def value(self, value: Any, path: str) -> Any:
        """Return JSON for a value; ``path`` is its name in errors and tensors."""
        for cls in type(value).__mro__:
            if cls in _WRITERS:
                with _one_deeper(self.inside, type(value), path):
                    return _WRITERS[cls](value, self, path)
        record, name = description_of(value), type(value).__name__
        if record is None:
            raise ValueError(f"{path}: {_what(value)} cannot be written to a file")
        if name in _READERS:
            raise ValueError(f"{path}: the kind {name} is registered for another class")
        with _one_deeper(self.inside, type(value), path):
            return {name: self.fields(record, value, path)}

    def fields(self, record: Record, value: Any, path: str) -> dict[str, Any]:
        """Return JSON for the fields of a record."""
        given = record.fields_of(value)
        return {k: self.value(v, _join(path, k)) for k, v in given.items()}

    def tensor(self, array: np.ndarray, path: str) -> str:
        """Add an array to the tensors; return its name."""
        if path in self.tensors:
            raise ValueError(f"the name {path} is duplicated")
        self.tensors[path] = array
        return path


def _what(value: Any) -> str:
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__!r} (use a name instead)"
    return f"a {type(value).__name__}"


def _join(path: str, name: Any) -> str:
    return f"{path}/{name}" if path else str(name)


@contextmanager
def _one_deeper(inside: list[Any], what: Any, path: str) -> Iterator[None]:
    if len(inside) > MAX_DEPTH:
        raise ValueError(f"{path[:80]}: values are nested deeper than {MAX_DEPTH}")
    inside.append(what)
    try:
        yield
    finally:
        inside.pop()


def _write_plain(value: Any, writer: Writer, path: str) -> Any:
    return value


def _write_text(value: str, writer: Writer, path: str) -> Any:
    return str(value)  # converts subclasses such as NumPy's


def _write_int(value: int, writer: Writer, path: str) -> Any:
    if abs(value) >= _MAX_INT:
        raise ValueError(f"{path} = {value} is too large to be stored")
    return int(value)


def _write_float(value: float, writer: Writer, path: str) -> Any:
    number = float(value)
    return number if math.isfinite(number) else {"float": str(number)}


def _write_scalar(value: np.generic, writer: Writer, path: str) -> Any:
    if value.dtype.kind not in _SCALARS:
        raise ValueError(f"{path} is a {value.dtype}, which cannot be stored")
    return {"scalar": [value.dtype.str, writer.value(value.item(), path)]}


def _write_list(value: list, writer: Writer, path: str) -> Any:
    if len(value) >= LONG_LIST and all(type(v) is float for v in value):
        return {"floats": writer.tensor(np.array(value, np.float64), path)}
    return [writer.value(v, _join(path, i)) for i, v in enumerate(value)]


def _write_tuple(value: tuple, writer: Writer, path: str) -> Any:
    if hasattr(value, "_fields"):  # it would be read back without its names
        raise ValueError(f"{path}: {_what(value)} cannot be written to a file")
    return {"tuple": [writer.value(v, _join(path, i)) for i, v in enumerate(value)]}


def _write_dict(value: dict, writer: Writer, path: str) -> Any:
    if all(type(key) is str for key in value):
        return {"dict": {k: writer.value(v, _join(path, k)) for k, v in value.items()}}
    keys = [writer.value(key, _join(path, "key")) for key in value]
    values = [writer.value(v, _join(path, k)) for k, v in value.items()]
    return {"items": [list(pair) for pair in zip(keys, values, strict=True)]}


def _write_array(value: np.ndarray, writer: Writer, path: str) -> Any:
    if value.dtype.kind in _SCALARS and value.dtype.itemsize <= 8:
        return {"tensor": writer.tensor(value, path)}
    items = value.reshape(-1).tolist()
    texts = bool(items) and all(type(item) is str for item in items)
    if value.dtype.kind == "U" or texts:
        return _write_texts(value, items, writer, path)
    if value.dtype.kind == "O":
        each = [writer.value(v, _join(path, i)) for i, v in enumerate(items)]
        return {"objects": {"shape": list(value.shape), "items": each}}
    raise ValueError(f"{path} is an array of {value.dtype}, which cannot be stored")


def _write_texts(value: np.ndarray, items: list[str], writer: Writer, path: str) -> Any:
    """Write texts as concatenated UTF-8 bytes and their lengths."""
    # Lone surrogates too: names of files that are not UTF-8 have them.
    encoded = [item.encode("utf-8", "surrogatepass") for item in items]
    lengths = np.array([len(one) for one in encoded], np.int64)
    content = {
        "tensor": writer.tensor(np.frombuffer(b"".join(encoded), np.uint8), path),
        "lengths": writer.tensor(lengths, _join(path, "lengths")),
        "shape": list(value.shape),
        "width": value.dtype.itemsize // 4 if value.dtype.kind == "U" else None,
    }
    return {"texts": content}


# ---- reading ------------------------------------------------------------------------


class Reader:
    """Converts JSON and tensors to values.

    Attributes
    ----------
    tensors : dict of ndarray
        Used ones are removed.
    inside : list of str
        Kinds of the values that are being read, the outermost first.
    """

    def __init__(self, tensors: Tensors) -> None:
        self.tensors: Tensors = tensors
        self.inside: list[str] = []

    def value(self, json: Any, path: str) -> Any:
        """Return the value of JSON; ``path`` is its name in errors."""
        if isinstance(json, list):
            with _one_deeper(self.inside, "list", path):
                return self.each(json, path)
        if not isinstance(json, dict):
            return json
        if len(json) != 1:
            raise ValueError(f"{path} is corrupt: it must have exactly one kind")
        ((kind, content),) = json.items()
        with _one_deeper(self.inside, kind, path):
            try:
                if kind in _READERS:
                    return _READERS[kind](content, self, path)
                return self.record(description_named(kind, path), content, path)
            except _NONSENSE:
                raise ValueError(f"{path} is not a valid {kind[:40]!r}") from None

    def each(self, items: list, path: str) -> list[Any]:
        """Return the values of a list."""
        return [self.value(item, f"{path}[{i}]") for i, item in enumerate(items)]

    def record(self, record: Record, content: Any, path: str, outer: Any = None) -> Any:
        """Return a record.

        Parameters
        ----------
        outer : object, optional
            Scope of rules besides the record's preceding fields.
        """
        fields, scope = record.checked_names(content, path), Scope(outer)
        for name, kind in record.kinds.items():
            where = f"{path}.{name}"
            if name in fields:
                found = self.value(fields[name], where)
                check(kind, found, where, scope)
                setattr(scope, name, found)
            elif name in record.required:
                check(kind, UNSET, where, scope)
        return record.made(vars(scope), path)

    def tensor(self, name: Any, path: str) -> np.ndarray:
        """Return a tensor, and remove it."""
        if not isinstance(name, str) or name not in self.tensors:
            raise ValueError(f"{path}: the tensor {str(name)[:40]!r} is missing")
        return self.tensors.pop(name)


def _read_float(content: Any, reader: Reader, path: str) -> float:
    if content not in ("nan", "inf", "-inf"):
        raise TypeError
    return float(content)


def _read_scalar(content: Any, reader: Reader, path: str) -> Any:
    name, item = content
    dtype, number = np.dtype(str(name)), reader.value(item, path)
    if dtype.kind not in _SCALARS or not isinstance(number, bool | int | float):
        raise TypeError
    return dtype.type(number)


def _read_tensor(content: Any, reader: Reader, path: str) -> np.ndarray:
    return reader.tensor(content, path)


def _read_floats(content: Any, reader: Reader, path: str) -> list[float]:
    floats = reader.tensor(content, path)
    if floats.dtype != np.float64 or floats.ndim != 1:
        raise TypeError
    return floats.tolist()


def _read_texts(content: Any, reader: Reader, path: str) -> np.ndarray:
    raw = reader.tensor(content["tensor"], path).tobytes()
    lengths = reader.tensor(content["lengths"], path).astype(np.int64).reshape(-1)
    ends = np.cumsum(lengths)
    if (lengths < 0).any() or (ends[-1] if len(ends) else 0) != len(raw):
        raise ValueError(f"{path}: texts and their lengths do not match")
    pairs = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
    items = [raw[a:b].decode("utf-8", "surrogatepass") for a, b in pairs]
    array = _in_shape(items, content["shape"], path)
    width = content["width"]
    if width is None:
        return array
    # A file's width determines memory: allow little, or what its longest text needs.
    longest = max(map(len, items), default=0)
    if len(items) * longest * 4 > max(MAX_GROWTH * len(raw), MAX_TEXTS):
        raise ValueError(f"{path}: texts of such unequal lengths need too much memory")
    if type(width) is not int or not longest <= width <= max(longest, MAX_WIDTH):
        width = longest
    return array.astype(f"<U{max(width, 1)}")


def _read_objects(content: Any, reader: Reader, path: str) -> np.ndarray:
    items = reader.each(list(content["items"]), path)
    return _in_shape(items, content["shape"], path)


def _in_shape(items: list[Any], shape: Any, path: str) -> np.ndarray:
    if not isinstance(shape, list) or not all(type(n) is int for n in shape):
        raise TypeError
    if math.prod(shape) != len(items) or min(shape, default=0) < 0:
        raise ValueError(f"{path}: the shape does not match the values")
    # `np.array(items)` would turn items that are sequences into another axis.
    array = np.empty(len(items), object)
    for i, item in enumerate(items):
        array[i] = item
    return array.reshape(shape)


def _read_tuple(content: Any, reader: Reader, path: str) -> tuple:
    return tuple(reader.each(list(content), path))


def _read_dict(content: Any, reader: Reader, path: str) -> dict[str, Any]:
    items = content.items()
    # Interned keys make the many comparisons with the code's own keys fast.
    return {sys.intern(k): reader.value(v, f"{path}[{k[:40]!r}]") for k, v in items}


def _read_items(content: Any, reader: Reader, path: str) -> dict[Any, Any]:
    if not all(len(pair) == 2 for pair in content):
        raise TypeError
    return dict(reader.each(list(pair), path) for pair in content)


# ---- the tables ---------------------------------------------------------------------

Write = Callable[[Any, Writer, str], Any]
Read = Callable[[Any, Reader, str], Any]

_WRITERS: dict[type, Write] = {
    type(None): _write_plain,
    bool: _write_plain,
    int: _write_int,
    float: _write_float,
    np.float64: _write_float,  # scores are floats, whatever library computed them
    str: _write_text,
    list: _write_list,
    tuple: _write_tuple,
    dict: _write_dict,
    np.ndarray: _write_array,
    np.generic: _write_scalar,
}

_READERS: dict[str, Read] = {
    "dict": _read_dict,
    "float": _read_float,
    "floats": _read_floats,
    "items": _read_items,
    "objects": _read_objects,
    "scalar": _read_scalar,
    "tensor": _read_tensor,
    "texts": _read_texts,
    "tuple": _read_tuple,
}

_OF_CODEC = frozenset(_READERS)
_PLACES: dict[str, str] = {}
"""Where the class of each name is defined, as a module may be reloaded."""
