"""Descriptions: frozen dataclasses that are pytrees, hashable structure and plain data.

Layers, networks, objectives and algorithms are *descriptions*. Their numbers (fields
typed ``float``) are leaves of a pytree: they may be traced, so a different learning
rate compiles nothing, and many learning rates train side by side under ``jax.vmap``.
All other fields are static structure: they select the compiled program.
"""

import dataclasses
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, dataclass_transform, get_args, get_origin

import jax
import numpy as np

T = TypeVar("T")

Nested = Annotated[Any, "nested"]
"""Type of a field that holds descriptions (one, a tuple of them, or None)."""

_REGISTRY: dict[str, type] = {}


@dataclass_transform(frozen_default=True)
def description(cls: type[T]) -> type[T]:
    """Turn a class with annotated fields into a description.

    The class becomes a frozen dataclass and a pytree node (see the module's docstring),
    and is added to the registry that :func:`find` searches. Lists become tuples, and
    integers in ``float`` fields become floats, so that two ways of writing the same
    description compare equal and share one compiled program. A class may define
    ``check(self)`` to reject values.
    """
    cls.__post_init__ = _post_init  # type: ignore[attr-defined]
    cls = dataclasses.dataclass(frozen=True)(cls)
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    leaves = [f.name for f in fields if _is_leaf(f.type)]
    static = [f.name for f in fields if not _is_leaf(f.type)]
    cls._leaves = frozenset(leaves)  # type: ignore[attr-defined]
    jax.tree_util.register_dataclass(cls, data_fields=leaves, meta_fields=static)
    taken = _REGISTRY.setdefault(cls.__name__, cls)
    if (taken.__module__, taken.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(
            f"the description {cls.__name__} already exists in {taken.__module__}"
        )
    _REGISTRY[cls.__name__] = cls
    return cls


def _is_leaf(kind: Any) -> bool:
    return kind is float or float in get_args(kind) or kind is Nested


def _post_init(self: Any) -> None:
    for name, value in vars(self).items():
        if isinstance(value, np.generic):
            value = value.item()  # a NumPy scalar would compile another program
            object.__setattr__(self, name, value)
        if isinstance(value, list):
            object.__setattr__(self, name, _tuples(value))
        elif type(value) is int and name in self._leaves:
            object.__setattr__(self, name, float(value))
    try:
        getattr(self, "check", _nothing)()
    except TypeError:
        # A better message than that of a string compared with a number.
        check_field_types(self)
        raise
    check_field_types(self)


def _nothing() -> None:
    """Accept all values: the default of ``check``."""


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def is_number(value: Any) -> bool:
    """Whether ``value`` is a plain number, which can be checked, not a traced one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_whole(made: Any, *names: str) -> None:
    """Reject fields that are not integers of at least 1; store 3.0 as 3.

    Raises
    ------
    ValueError
        If one is not.
    """
    for name in names:
        value = getattr(made, name)
        if not is_number(value) or value < 1 or value % 1:
            raise ValueError(
                f"{name} must be a whole number of at least 1, got {value!r}"
            )
        object.__setattr__(made, name, int(value))


_KINDS: dict[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a string",
    tuple: "a tuple",
    list: "a list",
    Callable: "a function",
    NoneType: "None",
}
"""Descriptions of field types, by the types in annotations."""


def check_field_types(made: Any) -> None:
    """Reject fields of a dataclass that do not match their annotations.

    Placeholders for numbers while a pytree is built or traced pass. An integer may be
    given as 3.0, and is stored as 3.

    Raises
    ------
    ValueError
        Naming the class and the field, what was expected and the value.
    """
    for field in dataclasses.fields(made):
        kinds = _kinds_of(field.type)
        value = getattr(made, field.name)
        # NaN passes only where it is the default, for "not known yet".
        nan = isinstance(value, float) and value != value
        undefined = nan and field.default == field.default
        if not kinds or (not undefined and any(_is_instance(value, k) for k in kinds)):
            continue
        if int in kinds and isinstance(value, float) and value.is_integer():
            object.__setattr__(made, field.name, int(value))
            continue
        expected = " or ".join(_KINDS[kind] for kind in kinds)
        raise ValueError(
            f"{type(made).__name__}: {field.name} must be {expected}, got {value!r}"
        )


@cache
def _kinds_of(annotation: Any) -> tuple[Any, ...]:
    """Return the types of an annotation; an empty tuple if it is too complex."""
    union = isinstance(annotation, UnionType)
    found = get_args(annotation) if union else (annotation,)
    kinds = tuple([get_origin(one) or one for one in found])
    return kinds if all(kind in _KINDS for kind in kinds) else ()


def _is_instance(value: Any, kind: Any) -> bool:
    if kind is float:
        return not isinstance(value, bool | str | bytes | list | tuple | dict)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return callable(value) if kind is Callable else isinstance(value, kind)


def is_description(value: Any) -> bool:
    """Whether ``value`` is an instance of a class made by :func:`description`."""
    return _REGISTRY.get(type(value).__name__) is type(value)


def find(name: str) -> type:
    """Return the description class of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        return _REGISTRY[name]
    except KeyError:
        near = get_close_matches(name, _REGISTRY, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"unknown description {name!r}{hint}") from None
