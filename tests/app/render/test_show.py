"""Parts that nobody has said how to show."""

from lamina.app.render.page import Page
from lamina.app.render.show import said_elsewhere, show_part
from lamina.models.reports import Part


class Smell(Part):
    """A part of a report of which the command line knows nothing."""

    how_strong: int
    of: str = "\x1b[2Jroses"


def test_a_new_part_is_shown_by_its_fields(capsys):
    show_part(Smell(3), Page())
    text = capsys.readouterr().out
    assert "How strong 3" in " ".join(text.split())
    assert "roses" in text
    assert "\x1b" not in text


def test_what_other_parts_say_is_not_said_twice(capsys):
    said_elsewhere(Smell(3), Page())
    assert capsys.readouterr().out == ""
