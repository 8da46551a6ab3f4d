"""The command line as a whole: its commands and exit codes."""

import gc
import importlib
import io
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import lamina
from lamina.app import streams
from lamina.app.cli.command import HELP
from lamina.app.exit_codes import run

COMMANDS = {
    "fit": "fit",
    "predict": "predict",
    "evaluate": "evaluate",
    "summary": "summary",
    "inspect": "inspect",
    "transform": "transform",
    "sample": "sample",
    "datasets": "datasets",
}
"""The name of each command, and of its module."""

EPILOG = "Try: lamina fit iris · List the bundled data sets: lamina datasets"


class Commands(TyperGroup):
    """Commands that are imported only when they are used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        home = importlib.import_module(f"lamina.app.cli.{COMMANDS[cmd_name]}")
        return home.run


app = typer.Typer(
    name="lamina",
    cls=Commands,
    help="Train neural networks on tables, images, sequences and time series; evaluate "
    "them, inspect them, predict with them.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP,
)


def _version(wanted: bool) -> bool:
    if wanted:
        print(f"lamina {lamina.__version__}")
        raise typer.Exit()
    return False


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its exit code.

    0 is success, 1 invalid input, 2 a usage error, 130 Ctrl-C, 141 a broken pipe.
    """
    streams.open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    gc.set_threshold(100_000, 50, 50)  # importing creates many objects and no garbage
    status = run(lambda: app(arguments, standalone_mode=False, prog_name="lamina"))
    sys.stderr.flush()
    # All files are closed and on disk. Shutting the libraries down in order would
    # take a third of a second.
    os._exit(status)
