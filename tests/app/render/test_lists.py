"""Layers, columns and data sets, as tables."""

import pytest

from lamina.app.render.page import MOST_ROWS
from lamina.models.reports import ColumnList, DataSet, DataSets, Layers, Report
from tests.app.fits import said

LAYER = {"layer": "Dense", "input": [4], "output": [2, 3], "parameters": 1000}


def shown(part, capsys, verbose=False):
    return said(Report("summary", (part,)), capsys, verbose)


def test_layers_and_their_parameters(capsys):
    inner = LAYER | {"details": "[bold]", "depth": 1}
    text = shown(Layers([LAYER | {"details": "-"}, inner], 2000), capsys)
    assert "Dense 4 2 × 3 1,000 [bold]" in text  # no markup
    assert text.endswith("total 2,000")
    text = shown(Layers([inner], 1000, n_estimators=3), capsys)
    assert text.startswith("Networks 3, each with these layers")
    assert shown(Layers([], None), capsys) == ""


@pytest.mark.parametrize("verbose", [False, True])
def test_many_columns_are_cut_short_but_the_target_is_shown(verbose, capsys):
    names = [f"c{i}" for i in range(100)]
    columns = [{"name": name, "kind": "number", "detail": ""} for name in names]
    columns.append({"name": "y", "kind": "target", "detail": "regression"})
    text = shown(ColumnList(columns), capsys, verbose)
    assert ("… 82 more" in text) is not verbose
    assert ("c99" in text) is verbose
    assert "y target regression" in text
    assert shown(ColumnList([]), capsys) == ""


def test_names_of_columns_are_bounded(capsys):
    column = {"name": "n" * 70_000, "kind": "number", "detail": "-"}
    assert len(shown(ColumnList([column]), capsys)) < 20_000
    assert MOST_ROWS > 2


def test_data_sets(capsys):
    sets = [
        DataSet("iris", 1500, 4, "species", 3, "Flowers"),
        DataSet("sine", 100, 1, "y", 0, "A wave"),
    ]
    text = shown(DataSets(sets), capsys)
    assert "iris 1,500 4 species 3 Flowers" in text
    assert "sine 100 1 y – A wave" in text
