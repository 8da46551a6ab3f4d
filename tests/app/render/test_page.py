"""A page on a terminal: lines, tables, notes."""

import pytest

from lamina.app.render import page
from lamina.data.errors import Message, Setting


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, "not saved"), (12, "12 bytes"), (1500, "1.5 kB"), (2_340_000, "2.34 MB")],
)
def test_sizes_of_files(size, words):
    assert page.bytes_of(size) == words


def test_lines_and_cells_are_bounded_and_no_markup(capsys):
    out = page.Page()
    out.line("Data", "d" * 70_000)
    table = page.empty_table("name", ">number")
    table.add_row(page.cell("[bold]"), "3")
    table.add_row(page.cell("n" * 70_000), "4")
    out.table(table)
    text = capsys.readouterr().out
    assert len(text) < 20_000
    assert "[bold]" in text  # no markup


@pytest.mark.parametrize("verbose", [False, True])
def test_many_notes_are_cut_short_unless_all_are_asked_for(verbose, capsys):
    note = Message("note ", Setting("latent_dim", 0))
    page.Page(verbose).notes([note] * 20)
    text = capsys.readouterr().out
    assert "note --latent-dim 0" in text
    assert text.count("Note") == (20 if verbose else page.MOST_NOTES)
    assert ("… and 13 more; use --verbose" in text) is not verbose
