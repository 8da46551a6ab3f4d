"""Tables at the command line."""

import numpy as np
import pytest

from lamina.data import read_table
from lamina.models.kinds.kind import Reading
from lamina.models.kinds.table import TableOptions, Tables
from tests.app.fits import fit


def test_a_table_and_the_model_for_it():
    options = TableOptions(target=("species",), column_types=("species=category",))
    model, table = Tables().prepare("iris", options)
    assert table.n_rows == 150
    assert (model.target, model.column_types) == ("species", {"species": "category"})
    assert Tables().prepare("iris", TableOptions())[0].target == "species"


def test_held_out_rows_are_those_of_the_source():
    table = read_table({"a": np.arange(5.0)})

    class Model:
        holdout_rows_ = np.array([3, 1])

    assert Tables().holdout(Model(), table, "h.csv")["a"].tolist() == [3, 1]


@pytest.mark.slow
def test_what_was_learnt_of_columns(tmp_path):
    from lamina import load

    out = str(tmp_path / "m.lamina")
    sets = ("max_iter=1", "hidden_layer_sizes=[2]")
    report = fit("iris", out=out, sets=sets)
    model = load(out)
    assert model.kind_ == "table"
    names = [column["name"] for column in Tables().columns(model)]
    assert names[-1] == "species"
    assert report["features"] == Tables().inputs(model).features == 4
    assert Tables().read(model, "iris", Reading()).n_rows == 150
