"""The *Parameters* section of docstrings: order, defaults, what is allowed."""

import pytest

from lamina.estimators._core.parameters.checks import NONE, integer, option
from lamina.estimators._core.parameters.docstrings import (
    WIDTH,
    Docstring,
    completed,
    entry,
)
from lamina.estimators._core.parameters.table import Parameter

RATE = Parameter("rate", 0.5, "How\n   fast.", integer(1), "Speed", True, False, "")
LATE = RATE._replace(name="late", group="Late")
UNITS = LATE._replace(name="units", kw_only=False)
LONG = RATE._replace(
    name="solver",
    default="a",
    doc="The :class:`lamina.Algorithm`.",
    check=option("a", *["b" * 30, "c" * 30]) | NONE,
)

TEXT = """What it is.

    Shapes
    ------
    X (n, d)

    Notes
    -----
    None.
    """


def test_an_entry_says_what_is_allowed_and_the_default():
    assert entry(RATE) == "rate : a whole number ≥ 1, default=0.5\n    How fast."


def test_what_is_allowed_stands_in_the_text_where_it_is_long():
    head, *body = entry(LONG).split("\n")
    assert head == "solver : default='a'"
    assert max(map(len, body)) <= WIDTH
    assert " ".join(" ".join(body).split()) == (
        f"The :class:`lamina.Algorithm`. Allowed: {LONG.expected}."
    )


def test_the_section_stands_before_the_later_ones():
    found = completed(TEXT, [RATE, LATE, UNITS])
    assert found == (
        "What it is.\n\nShapes\n------\nX (n, d)\n\n"
        f"Parameters\n----------\n{entry(UNITS)}\n{entry(LATE)}\n{entry(RATE)}\n\n"
        "Notes\n-----\nNone."
    )


@pytest.mark.parametrize("text", ["What it is.", "What it is.\n"])
def test_without_later_sections_it_stands_at_the_end(text):
    section = f"Parameters\n----------\n{entry(RATE)}"
    assert completed(text, [RATE]) == f"What it is.\n\n{section}"


def test_it_is_written_when_it_is_read():
    asked = []

    def rows():
        asked.append(1)
        return [RATE]

    class Made:
        __doc__ = Docstring("What it is.", rows)  # pyright: ignore

    assert not asked
    assert Made.__doc__ == Made().__doc__ == completed("What it is.", [RATE])
    assert asked == [1]
