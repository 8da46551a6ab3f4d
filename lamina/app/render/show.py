"""How a part of a report is shown: one function for each, found by its class."""

from functools import singledispatch

from lamina.app.messages import printable
from lamina.app.render.page import Page
from lamina.models.reports import Part


@singledispatch
def show_part(part: Part, page: Page) -> None:
    """Show a part that nobody has said how to show: its fields, one a line."""
    for name, value in part.to_json().items():
        page.line(name.replace("_", " ").capitalize(), printable(value))


def said_elsewhere(part: Part, page: Page) -> None:
    """Show nothing: what a person has to know of it other parts say."""
