"""Options of commands, each declared once, as a field of a dataclass.

A field specifies an option completely: its type and default, its help text, how it is
written, and which parameter of a model it sets. Command lines, help, forms and error
messages are built from it. This module must not import numerical libraries: help must
not wait for them.
"""

import dataclasses
import functools
import inspect
import shlex
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, get_args, get_origin

from lamina.data.errors import Setting


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of a command.

    Attributes
    ----------
    name : str
        Name of the field that declares it.
    type : type
        Type of one value: ``str``, ``int``, ``float`` or ``bool``.
    many : bool
        Whether it is repeatable.
    default : value if it is not given
    help : str
    flag, short : str
        How it is written: ``--set`` and ``-s``; without a flag it is an argument.
    metavar : str
        Placeholder of the value in help.
    automatic : str
        What help shows as the default if ``default`` is None.
    group : str
        Panel of help that lists it.
    parameter : str
        Parameter of a model that it sets.
    is_path : bool
        Whether its value is the path of a file or folder.
    choices : callable
        Returns the allowed values, if there are only some.
    hint : str
        What an error message adds to them.
    parse : callable
        Converts a typed value to the parameter.
    write : callable
        Converts a parameter to what is typed, the inverse of ``parse``.
    """

    name: str
    type: type
    many: bool
    default: Any
    help: str
    flag: str = ""
    short: str = ""
    metavar: str = ""
    automatic: str = ""
    group: str = ""
    parameter: str = ""
    is_path: bool = False
    choices: Callable[[], Sequence[str]] | None = None
    hint: str | None = None
    parse: Callable[[Any], Any] = lambda typed: typed
    write: Callable[[Any], str] = str

    def written(self, setting: Setting) -> str:
        """Return a setting of this option as it is typed: ``--latent-dim 4``."""
        flag = self.flag or self.metavar
        if not setting.has_value or self.type is bool:
            return flag
        return f"{flag} {shlex.quote(self.write(setting.value))}"


def option(default: Any, help: str, **how: Any) -> Any:
    """Return a field that declares an option.

    Parameters
    ----------
    default : value if the option is not given
    help : str
    **how
        Attributes of :class:`Option`. By default, flag and parameter are the name of
        the field.
    """
    return dataclasses.field(default=default, metadata={"help": help, **how})


def argument(help: str, metavar: str, **how: Any) -> Any:
    """Return a field that declares a required argument, which has no flag."""
    metadata = {"help": help, "metavar": metavar, "flag": "", **how}
    return dataclasses.field(metadata=metadata)


@functools.cache
def options_of(cls: type) -> tuple[Option, ...]:
    """Return the options that a dataclass and its bases declare, in order."""
    return tuple(
        _option(field, _group(cls, field.name)) for field in dataclasses.fields(cls)
    )


def _option(field: dataclasses.Field, group: str) -> Option:
    declared: Any = field.type
    inner = [kind for kind in get_args(declared) if kind not in (NoneType, ...)]
    how = {
        "flag": f"--{field.name.replace('_', '-')}",
        "group": group,
        "parameter": field.name,
        **field.metadata,
    }
    return Option(
        name=field.name,
        type=inner[0] if inner else declared,
        many=get_origin(declared) is tuple,
        default=None if field.default is dataclasses.MISSING else field.default,
        **how,
    )


def _group(cls: type, name: str) -> str:
    """Return the group of the class that declares a field."""
    owner = next(c for c in cls.__mro__ if name in inspect.get_annotations(c))
    return vars(owner).get("group", "")


def parsed(options: Any) -> dict[str, Any]:
    """Return the parameters set by an instance of a dataclass of options.

    Raises
    ------
    UserError
        If a value cannot be parsed.
    """
    return {
        one.parameter: one.parse(getattr(options, one.name))
        for one in options_of(type(options))
    }


def find(options: Sequence[Option], setting: Setting) -> Option | None:
    """Return the option that a setting in a message refers to, if there is one.

    A boolean option matches only if it sets that very value.
    """
    names = [one for one in options if one.name == setting.parameter]
    known = names or [one for one in options if one.parameter == setting.parameter]
    fits = [one for one in known if _stands_for(one, setting)]
    return fits[0] if fits else None


def _stands_for(one: Option, setting: Setting) -> bool:
    if one.type is not bool or not setting.has_value:
        return True
    return one.parse(True) == setting.value


Given = Mapping[str, Any]
"""The options that were given, by name; options not given are absent."""
