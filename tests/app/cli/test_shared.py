"""How commands print reports."""

import json

from lamina.app.cli.command import Output
from lamina.app.cli.shared import DataArgument, ModelArgument, show
from lamina.models.options import options_of
from lamina.models.reports import Notes, Report

REPORT = Report("fit", (Notes([f"note {i}" for i in range(20)]),))


def test_a_report_as_text_and_as_json(capsys):
    show(REPORT, Output())
    assert "note 0" in (text := capsys.readouterr().out)
    assert "note 19" not in text
    show(REPORT, Output(verbose=True))
    assert "note 19" in capsys.readouterr().out
    show(REPORT, Output(as_json=True, verbose=True))
    assert json.loads(capsys.readouterr().out) == REPORT.to_json()


def test_arguments_are_paths():
    for declared in (DataArgument, ModelArgument):
        (one,) = options_of(declared)
        assert one.is_path
        assert not one.flag
