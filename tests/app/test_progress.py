"""How far reading is, for a person at a terminal."""

import sys

import pytest

from lamina.app.progress import announce, reading_bar


def test_the_bar_is_for_people_only(monkeypatch, capsys):
    with reading_bar() as progress:
        assert progress is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with reading_bar(wanted=False) as progress:
        assert progress is None
    with reading_bar() as progress:
        progress(3, 10)
        progress(10, 10)
    assert capsys.readouterr().out == ""


def test_the_bar_appears_with_the_first_files(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with reading_bar() as progress:
        assert progress._bar is None
        progress(1, None)
        assert progress._bar.live.is_started
    assert not progress._bar.live.is_started


@pytest.mark.parametrize(("source", "told"), [("-", True), ("t.csv", False)])
def test_a_person_is_told_that_the_keyboard_is_waited_for(
    source, told, monkeypatch, capsys
):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    announce(source)
    assert ("Ctrl-D" in capsys.readouterr().err) == told
