"""Build commands from declared options."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.main import get_command

from lamina.app import exit_codes, messages
from lamina.models.options import Given, Option, option, options_of

HELP = {"help_option_names": ["-h", "--help"]}


@dataclass(frozen=True, kw_only=True)
class Output:
    """How much a command prints, and how."""

    as_json: bool = option(False, "Print the result as one JSON object.", flag="--json")
    verbose: bool = option(
        False,
        "Show all columns and notes, and tracebacks of errors.",
        short="-v",
    )


def command(
    name: str, declared: type, more: Sequence[Option] = ()
) -> Callable[[Callable[..., None]], Any]:
    """Return a decorator that turns a function into a command.

    Parameters
    ----------
    name : str
        Name of the command.
    declared : type
        Dataclass of options; the function is called with an instance.
    more : sequence of Option
        Further options; the function is also called with a dict of those given.
    """

    def decorate(run: Callable[..., None]) -> Any:
        own = options_of(declared)
        arguments = [one for one in own if not one.flag]
        flags = [one for one in own if one.flag]
        options = [*arguments, *more, *flags]

        def call(context: Any, **values: Any) -> None:
            messages.speak(options)
            exit_codes.show_traces(values["verbose"])
            mine = {one.name: _value(one, values[one.name]) for one in own}
            given = _given(context, more, values)
            run(declared(**mine), *([given] if more else []))

        made: Any = call
        made.__name__, made.__doc__ = name, run.__doc__
        context = inspect.Parameter(
            "context", inspect.Parameter.POSITIONAL_ONLY, annotation=typer.Context
        )
        made.__signature__ = inspect.Signature([context, *map(_parameter, options)])
        made.__annotations__ = {
            one.name: one.annotation for one in made.__signature__.parameters.values()
        }
        app = typer.Typer(add_completion=False, context_settings=HELP)
        app.command(name)(made)
        return get_command(app)

    return decorate


def _given(context: Any, options: Sequence[Option], values: Given) -> Given:
    """Return the options that were given on the command line."""
    return {
        one.name: _value(one, values[one.name])
        for one in options
        if context.get_parameter_source(one.name).name != "DEFAULT"
    }


def _value(one: Option, value: Any) -> Any:
    return tuple(value or ()) if one.many else value


def _parameter(one: Option) -> inspect.Parameter:
    """Return the parameter of a function, annotated for typer."""
    how: dict[str, Any] = {"help": one.help}
    if one.metavar:
        how["metavar"] = one.metavar
    if one.automatic:
        how["show_default"] = one.automatic
    if one.is_path:
        how["callback"] = _path
    if (words := one.choices) is not None:
        how["autocompletion"] = lambda: list(words())
    kind: Any = list[one.type] if one.many else one.type | None
    default: Any = list(one.default) if one.many else one.default
    if one.flag:
        names = [name for name in (one.flag, one.short) if name]
        panel = one.group or None
        info: Any = typer.Option(*names, rich_help_panel=panel, **how)
    else:
        info, default = typer.Argument(**how), inspect.Parameter.empty
        kind = one.type
    return inspect.Parameter(
        one.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, info],
    )


def _path(value: str | None) -> str | None:
    """Refuse an empty path, which would mean the current folder."""
    if value == "":
        raise typer.BadParameter("must be a path or a name, got ''")
    return value
