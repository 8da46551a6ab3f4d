"""``lamina fit``: a table in, a model and a report out."""

import json

import numpy as np
import pytest

import lamina
from tests.app.cli.calls import QUICK, assert_refused
from tests.tiers import in_tiers


@pytest.mark.slow
def test_the_same_command_again_goes_on(call, tmp_path):
    again = ["fit", "iris", "--set", "hidden_layer_sizes=[4]"]
    first = call(*again, "--checkpoint", "run", "--set", "max_iter=2")
    assert first[0] == 0
    assert "checkpoint run: new" in first[1]
    status, out, _ = call(*again, "--resume", "run", "--set", "max_iter=3")
    assert status == 0
    assert "checkpoint run: resumed after epoch 2" in out
    assert call(*again, "--set", "max_iter=3", "-o", "unbroken.lamina")[0] == 0
    models = [lamina.load(tmp_path / f"{n}.lamina") for n in ("model", "unbroken")]
    resumed, unbroken = (model.estimator_.params_ for model in models)
    for one, other in zip(resumed, unbroken, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    out = call(*again, "--resume", "run", "--set", "max_iter=3", "--json")[1]
    assert json.loads(out)["resumed_from"] == 3


def test_a_checkpoint_that_does_not_fit_is_refused(call):
    again = ["fit", "iris", *QUICK]
    result = call(*again, "--resume", "run")
    assert_refused(result, "run: there is no checkpoint to resume")
    assert call(*again, "--checkpoint", "run", "-q")[0] == 0
    result = call(*again, "--checkpoint", "run", "--seed", "1")
    assert_refused(result, "another run: random_state: 1, was 0")
    result = call(*again, "--checkpoint", "run", "--resume", "other")
    assert_refused(result, "--resume and --checkpoint must be the same folder")
    result = call(*again, "--checkpoint", "model.lamina")
    assert_refused(result, "model.lamina: is a file; a checkpoint is a folder")


def test_quiet_says_nothing(call):
    assert call("fit", "iris", "-q", *QUICK) == (0, "", "")


@pytest.mark.slow
def test_a_table_from_standard_input(call):
    rows = "".join(f"{i % 7},{'ab'[i % 2]}\n" for i in range(40))
    status, _, err = call("fit", "-", "-t", "y", *QUICK, stdin=f"x,y\n{rows}")
    assert (status, err) == (0, "")
    status, out, _ = call("predict", "model.lamina", "-", stdin="x\n1\n2\n")
    assert status == 0
    assert len(out.splitlines()) == 3


def test_the_same_seed_gives_the_same_file(call, tmp_path):
    for out in ("a.lamina", "b.lamina"):
        assert call("fit", "iris", "-q", "-o", out, "--seed", "3", *QUICK)[0] == 0
    a, b = (lamina.load(tmp_path / f"{n}.lamina") for n in "ab")
    np.testing.assert_array_equal(a.predict_proba("iris"), b.predict_proba("iris"))


@pytest.mark.slow
def test_layers_and_solvers_can_be_written_out(call):
    layers = "layers=[Dense(5, tanh), Dropout(0.1)]"
    sets = ["--set", layers, "--set", "solver=SGD(0.1, momentum=0.9)"]
    status, out, _ = call("fit", "iris", "--set", "max_iter=2", *sets, "--json")
    assert status == 0
    assert json.loads(out)["network"] == "4 → 5 → 3"


# ---- bad input ----------------------------------------------------------------------

RNG = np.random.default_rng(0)
GOOD = [[f"{a:.3f}", f"{b:.3f}", "xy"[int(a > 0)]] for a, b in RNG.normal(size=(60, 2))]


def table(rows=GOOD, head=("a", "b", "y"), **changes):
    """Return CSV; ``line_7=...`` replaces the first cell of a row."""
    rows = [list(row) for row in rows]
    for line, value in changes.items():
        rows[int(line.removeprefix("line_")) - 2][0] = value
    return "\n".join(",".join(row) for row in [head, *rows]) + "\n"


WHOLE = table()
NAMES = [[f"{i % 9}", f"name {i}"] for i in range(100_000)]
BAD = {
    "empty": ("", "the file is empty"),
    "no rows": ("a,b,y\n", "no rows"),
    "one row": ("a,b,y\n1,2,x\n", "two different values are needed"),
    "one class": (table([[a, b, "x"] for a, b, _ in GOOD]), "'x' in every row"),
    "text among numbers": (table(line_31="oops"), "column 'a', line 31"),
    "infinity": (table(line_31="inf"), "column 'a', line 31: inf"),
    "1e30": (table(line_31="1e30"), "column 'a', line 31: 1e+30"),
    "1e300": (table(line_31="1e300"), "column 'a', line 31: 1e+300"),
    "names twice": (table(head=("a", "a", "y")), "column name 'a' is duplicated"),
    "cut off": (WHOLE[:-12], "truncated"),
    "open quotation mark": (WHOLE + '1,"2', "never closed"),
    "a field too many": (WHOLE + "1,2,x,3\n", "line 62"),
    "binary": ("\0" * 100, "lamina: t.csv"),
    "only the target": ("y\n" + "x\nz\n" * 20, "no columns are left"),
    "no target values": (table([[a, b, ""] for a, b, _ in GOOD]), "no values"),
    "100,000 classes": (table(NAMES, head=("a", "y")), "100,000 classes"),
}


@pytest.mark.parametrize("kind", in_tiers(BAD, BAD.keys() - {"100,000 classes"}))
def test_bad_tables_get_one_clear_line(call, kind, tmp_path):
    text, message = BAD[kind]
    (tmp_path / "t.csv").write_text(text)
    assert_refused(call("fit", "t.csv", "-t", "y"), message)
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.slow
def test_a_column_without_values_is_left_out_and_noted(call, tmp_path):
    (tmp_path / "t.csv").write_text(table([["", b, y] for _, b, y in GOOD]))
    status, out, _ = call("fit", "t.csv", "-t", "y", "--json", *QUICK)
    assert status == 0
    assert any("'a' has no values" in note for note in json.loads(out)["notes"])


@pytest.mark.slow
def test_a_column_of_100_000_categories_is_left_out_and_noted(call, tmp_path):
    rows = [[f"n{i}", f"{i % 7}", "xy"[i % 2]] for i in range(100_000)]
    (tmp_path / "t.csv").write_text(table(rows))
    quick = ["--set", "max_iter=1", "--set", "hidden_layer_sizes=[2]"]
    status, out, _ = call("fit", "t.csv", "-t", "y", "--json", *quick)
    assert status == 0
    assert any("100,000 distinct texts" in note for note in json.loads(out)["notes"])


def test_wrong_names_get_the_nearest(call, tmp_path):
    (tmp_path / "t.csv").write_text(WHOLE)
    assert_refused(call("fit", "t.csv", "-t", "Y"), "did you mean 'y'?")
    assert_refused(call("fit", "t.csv"), "--target y; the columns are: a, b, y")
    assert_refused(call("fit", "t.cvs", "-t", "y"), "no such file")
    assert_refused(call("fit", "irsi"), "did you mean the data set 'iris'?")
    assert_refused(call("fit", "iris", "-s", "max_itr=3"), "did you mean max_iter")
    assert_refused(call("fit", "t.csv", "-t", "y", "-x", "z"), "no column 'z'")


@pytest.mark.slow
def test_advice_names_options(call, tmp_path):
    (tmp_path / "t.csv").write_text(table(line_31="oops"))
    assert_refused(call("fit", "t.csv", "-t", "y"), "(--column-type a=category)")
    assert (
        call("fit", "t.csv", "-t", "y", "--column-type", "a=category", "-q", *QUICK)[0]
        == 0
    )


def test_places_that_cannot_be_written_are_refused_before_training(call, tmp_path):
    assert_refused(call("fit", "iris", "-o", "no/m.lamina"), "does not exist")
    assert_refused(call("fit", "iris", "-o", tmp_path), "is a folder")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_in_training_exits_with_130_and_keeps_the_model(call, monkeypatch):
    from lamina.models import TableModel

    fit = TableModel.fit

    def interrupt(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    def interrupted(self, *args):
        return fit(self.set_params(callbacks=[interrupt]), *args)

    monkeypatch.setattr(TableModel, "fit", interrupted)
    status, out, _ = call("fit", "iris", *QUICK)
    assert status == 130
    assert "best weights so far kept" in out
    assert "learning was interrupted" not in out
