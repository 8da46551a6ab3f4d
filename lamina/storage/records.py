"""Records: classes whose fields are stored in files, and the types of the fields.

Dataclasses and named tuples are registered with :func:`lamina.storage.codec.register`.
Descriptions (:mod:`lamina.networks.core.description`) are looked up in their own table;
they check their fields themselves.
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any, get_type_hints

from lamina.storage.rules import UNSET


class Record:
    """A class whose instances are stored field by field.

    Parameters
    ----------
    cls : type
        A dataclass or a named tuple.
    version : int, optional
        Stored in the file; another version is rejected.
    kinds : dict, optional
        Types of fields whose annotations are not sufficient.
    check : function, optional
        Receives a record that was read, and raises ValueError if its fields are
        inconsistent.
    """

    def __init__(
        self,
        cls: type,
        *,
        version: int | None = None,
        kinds: Mapping[str, Any] | None = None,
        check: Callable[[Any], None] | None = None,
    ) -> None:
        self.cls, self.version = cls, version
        self._kinds, self._check = kinds or {}, check

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the fields, in order."""
        named = getattr(self.cls, "_fields", None)
        return named or tuple([f.name for f in dataclasses.fields(self.cls)])

    @cached_property
    def kinds(self) -> dict[str, Any]:
        """Type of each field; annotations are evaluated when first needed."""
        if set(self.names) <= set(self._kinds):
            return {name: self._kinds[name] for name in self.names}
        hints = get_type_hints(self.cls, include_extras=True)
        return {name: self._kinds.get(name, hints[name]) for name in self.names}

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the fields without a default."""
        defaults = getattr(self.cls, "_field_defaults", None)
        if defaults is None:
            none = dataclasses.MISSING
            defaults = {
                field.name
                for field in dataclasses.fields(self.cls)
                if field.default is not none or field.default_factory is not none
            }
        return frozenset(self.names) - frozenset(defaults)

    def fields_of(self, value: Any) -> dict[str, Any]:
        """Return the stored fields of a value; unset fields are omitted."""
        given = {name: getattr(value, name) for name in self.names}
        given = {name: field for name, field in given.items() if field is not UNSET}
        return given if self.version is None else {"version": self.version, **given}

    def checked_names(self, content: Any, path: str) -> dict[str, Any]:
        """Return the fields from a file after checking their names.

        Raises
        ------
        ValueError
            If a name is unknown, or the version differs.
        """
        fields = dict(content)
        version = fields.pop("version", None) if self.version is not None else None
        # The type counts as well: `True == 1` and `1.0 == 1`.
        if version != self.version or type(version) is not type(self.version):
            raise ValueError(
                f"{path} has version {str(version)[:20]}; this lamina reads version "
                f"{self.version}"
            )
        if unknown := [name for name in fields if name not in self.names]:
            raise ValueError(f"{path} has no field {unknown[0][:40]!r}")
        return fields

    def made(self, fields: dict[str, Any], path: str) -> Any:
        """Build a record from fields.

        Raises
        ------
        ValueError
            If the class rejects them.
        """
        try:
            made = self.cls(**fields)
            if self._check is not None:
                self._check(made)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{path}: {error}") from None
        return made


# ---- descriptions -------------------------------------------------------------------
# Networks, and with them JAX, are imported only when needed: the command line checks
# for a checkpoint before JAX starts.


def description_of(value: Any) -> Record | None:
    """Return the record of a description, None if the value is not one."""
    from lamina.networks.core.description import is_description

    return _record(type(value)) if is_description(value) else None


def description_named(name: str, path: str) -> Record:
    """Return the record of the description class of that name.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    from lamina.networks.core.description import find

    try:
        return _record(find(name[:40]))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


@cache
def _record(cls: type) -> "Record":
    fields: Any = dataclasses.fields(cls)
    return _Described(cls, kinds={field.name: Any for field in fields})


class _Described(Record):
    """A description: its sequences are tuples, which files store as lists."""

    def fields_of(self, value: Any) -> dict[str, Any]:
        return {k: _listed(v, list) for k, v in super().fields_of(value).items()}

    def made(self, fields: dict[str, Any], path: str) -> Any:
        return super().made({k: _listed(v, tuple) for k, v in fields.items()}, path)


def _listed(value: Any, kind: type) -> Any:
    """Return tuples and lists, also nested ones, converted to one of the two."""
    if not isinstance(value, tuple | list):
        return value
    return kind([_listed(item, kind) for item in value])
