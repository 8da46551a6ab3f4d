"""Show a part of a report: one function per class of parts."""

from functools import singledispatch

from lamina.app.messages import printable
from lamina.app.render.page import Page
from lamina.models.reports import Part


@singledispatch
def show_part(part: Part, page: Page) -> None:
    """Show a part without a function of its own: its fields, one per line."""
    for name, value in part.to_json().items():
        page.line(name.replace("_", " ").capitalize(), printable(value))


def said_elsewhere(part: Part, page: Page) -> None:
    """Show nothing: other parts already say it."""
