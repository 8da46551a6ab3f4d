"""The command line: one file per command, which parses, calls and prints."""

from lamina.app.cli.entry import app, main

__all__ = ["app", "main"]
