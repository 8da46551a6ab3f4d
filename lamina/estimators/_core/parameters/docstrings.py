"""The *Parameters* section of an estimator's docstring, written from its table."""

import inspect
import textwrap
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamina.estimators._core.parameters.table import Parameter

WIDTH = 79
LATER = {
    (name, "-" * len(name))
    for name in ("Attributes", "Notes", "References", "Examples")
}
"""Sections that come after the parameters, in numpydoc's order."""


class Docstring:
    """The ``__doc__`` of a class, completed when somebody reads it.

    To write the sections of all estimators takes 17 ms, and most programs never look.
    """

    def __init__(self, text: str, parameters: Any) -> None:
        self.text = text
        self.parameters = parameters
        self.completed: str | None = None

    def __get__(self, instance: Any, owner: type) -> str:
        if self.completed is None:
            self.completed = completed(self.text, self.parameters())
        return self.completed


def completed(text: str, rows: Iterable["Parameter"]) -> str:
    """Return a docstring with its *Parameters* section.

    Positional parameters come first, then the others group by group, an estimator's own
    before those that it shares.
    """
    text = inspect.cleandoc(text)
    rows = list(rows)
    groups = list(dict.fromkeys(row.group for row in reversed(rows)))
    rows.sort(key=lambda row: (row.kw_only, row.kw_only and groups.index(row.group)))
    section = "\n".join(["Parameters", "----------", *map(entry, rows)])
    lines = text.split("\n")
    place = next((i for i, pair in enumerate(pairwise(lines)) if pair in LATER), None)
    if place is None:
        return f"{text}\n\n{section}"
    return "\n".join([*lines[:place], section, "", *lines[place:]])


def entry(row: "Parameter") -> str:
    """Return what a docstring says of a parameter."""
    default = f"default={row.default!r}"
    head = f"{row.name} : {row.expected}, {default}"
    text = " ".join(row.doc.split())
    if len(head) > WIDTH:  # a line of its own cannot be broken
        head = f"{row.name} : {default}"
        text = f"{text} Allowed: {row.expected}."
    body = textwrap.fill(
        text,
        WIDTH,
        initial_indent="    ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{head}\n{body}"
