"""A report on a terminal."""

import inspect

from lamina.app.render import terminal
from lamina.app.render.show import show_part
from lamina.models import reports
from lamina.models.reports import Diagnosis, Notes, Part, Report, Run
from tests.app.fits import said


def test_parts_are_shown_one_after_the_other(capsys):
    parts = Run(None, None, 3, "finished"), Notes(["first"]), Diagnosis("second")
    assert said(Report("fit", parts), capsys) == "Note first Advice second"


def test_long_lists_are_shown_whole_if_asked_for(capsys):
    notes = Report("fit", (Notes([f"note {i}" for i in range(20)]),))
    assert "note 19" not in said(notes, capsys)
    assert "note 19" in said(notes, capsys, verbose=True)


def test_all_parts_have_a_way_to_be_shown():
    unknown = show_part.dispatch(Part)
    parts = [
        one
        for _, one in inspect.getmembers(reports, inspect.isclass)
        if issubclass(one, Part) and one not in (Part, reports.Saved)
    ]
    assert len(parts) > 20
    assert [p.__name__ for p in parts if show_part.dispatch(p) is unknown] == []
    assert len(terminal.RENDERERS) == 5
