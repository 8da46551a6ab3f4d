"""Parts of reports as a person reads them."""

import pytest

from lamina.app import parts


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, "not kept"), (12, "12 bytes"), (1500, "1.5 kB"), (2_340_000, "2.34 MB")],
)
def test_sizes_of_files(size, words):
    assert parts.bytes_of(size) == words


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"features": 3}, "3 features"),
        ({"features": 3, "images": "8 × 8, grey"}, "8 × 8, grey"),
        ({"features": 3, "sequences": "7 steps × 3 features"}, "7 steps × 3 features"),
    ],
)
def test_what_an_example_is(report, words):
    assert parts.inputs_of(report) == words
    assert parts.rows_of(report) == "rows"


@pytest.mark.parametrize(
    ("resumed", "stopped", "words"),
    [
        (None, "finished", "run: begun anew"),
        (3, "finished", "run: went on from epoch 3"),
        (5, "finished", "run: had ended before, with epoch 5"),
        (3, "interrupted", "run: went on from epoch 3; the same command again goes on"),
    ],
)
def test_where_a_run_began(resumed, stopped, words):
    report = {"checkpoint": "run", "epochs": 5}
    report |= {"resumed_from": resumed, "stopped": stopped}
    assert parts.checkpoint_of(report) == words


def test_tables_and_lines_on_a_terminal(capsys):
    out = parts.console()
    layer = {"layer": "Dense", "input": [4], "output": [2], "parameters": 10}
    report = {"layers": [layer | {"details": "[bold]", "depth": 1}], "parameters": 10}
    out.print(parts.layer_table(report))
    columns = [
        {"name": f"x{i}", "kind": "number", "detail": "-"}
        for i in range(parts.MOST_COLUMNS + 5)
    ]
    out.print(parts.column_table(columns))
    out.print(parts.column_table([columns[0] | {"name": "n" * 70_000}]))
    parts.line(out, "Data", "d" * 70_000)
    parts.show_notes(out, [f"n_codes={i}" for i in range(20)])
    text = capsys.readouterr().out
    assert len(text) < 20_000
    assert "  Dense" in text
    assert "[bold]" in text  # no markup
    assert "… 6 more" in text
    assert "--codes 0" in text
    assert "… and 13 more" in text
