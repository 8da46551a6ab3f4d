"""Options as a person types them: declared once, as the fields of a dataclass.

A field says all there is to know of an option: its type and default, what it is for,
how it is written, and which parameter of a model it sets. Command lines, help, forms
and errors are made from it. Nothing here may import what computes: asking for help must
not wait.
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
        The field of the dataclass that declares it.
    type : type
        Of one value: ``str``, ``int``, ``float`` or ``bool``.
    many : bool
        Whether it may be given several times.
    default : the value where it is not given
    help : str
    flag, short : str
        How it is written: ``--set`` and ``-s``; no flag makes it an argument.
    metavar : str
        What a value is called in help.
    group : str
        The panel of help in which it stands.
    parameter : str
        The parameter of a model that it sets.
    is_path : bool
        Whether its value is the path of a file or folder.
    choices : callable
        Returns the words that it may be, if these are all.
    hint : str
        What an error says beside them.
    parse : callable
        Returns the parameter of a typed value.
    write : callable
        Returns what is typed for a parameter, the inverse of ``parse``.
    """

    name: str
    type: type
    many: bool
    default: Any
    help: str
    flag: str = ""
    short: str = ""
    metavar: str = ""
    group: str = ""
    parameter: str = ""
    is_path: bool = False
    choices: Callable[[], Sequence[str]] | None = None
    hint: str | None = None
    parse: Callable[[Any], Any] = lambda typed: typed
    write: Callable[[Any], str] = str

    def written(self, setting: Setting) -> str:
        """Return a setting of this option as a person types it: ``--latent-dim 4``."""
        flag = self.flag or self.metavar
        if not setting.has_value or self.type is bool:
            return flag
        return f"{flag} {shlex.quote(self.write(setting.value))}"


def option(default: Any, help: str, **how: Any) -> Any:
    """Return a field that declares an option.

    Parameters
    ----------
    default : the value where the option is not given
    help : str
    **how
        Attributes of :class:`Option`. The flag is the field's name by default, and so
        is the parameter.
    """
    return dataclasses.field(default=default, metadata={"help": help, **how})


def argument(help: str, metavar: str, **how: Any) -> Any:
    """Return a field that declares an argument: it has no flag and must be given."""
    metadata = {"help": help, "metavar": metavar, "flag": "", **how}
    return dataclasses.field(metadata=metadata)


@functools.cache
def options_of(cls: type) -> tuple[Option, ...]:
    """Return the options that a dataclass and its bases declare, in their order."""
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
    return getattr(owner, "group", "")


def parsed(options: Any) -> dict[str, Any]:
    """Return parameters by name, of the options that a dataclass holds.

    Raises
    ------
    UserError
        If a value is written in a way that cannot be read.
    """
    return {
        one.parameter: one.parse(getattr(options, one.name))
        for one in options_of(type(options))
    }


def find(options: Sequence[Option], setting: Setting) -> Option | None:
    """Return the option of which a message speaks, if it speaks of one.

    An option that sets a flag is meant only if the value is what it stands for.
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
"""What a person gave, by the names of options; what was not given is not in it."""
