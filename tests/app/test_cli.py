"""The command line: exit statuses, one line on errors, one JSON object."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from typer.main import get_command

import lamina
from lamina.app import cli
from tests.data.picture_files import save

QUICK = ["--set", "max_iter=3", "--set", "hidden_layer_sizes=[4]"]


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Call the command line in an empty folder; return status, output, errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, stdin=None):
        if stdin is not None:
            text = io.TextIOWrapper(io.BytesIO(stdin.encode()))
            monkeypatch.setattr(sys, "stdin", text)
        command = [str(a) for a in arguments]
        status = cli.run(lambda: cli.app(command, standalone_mode=False))
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "iris.lamina"
    command = ["fit", "iris", "-o", str(path), "-q", *QUICK]
    assert cli.run(lambda: cli.app(command, standalone_mode=False)) == 0
    return path


def assert_refused(result, message, status=1):
    found, out, err = result
    assert found == status
    assert out == ""
    assert err.startswith("lamina: ")
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


# ---- end to end ---------------------------------------------------------------------


@pytest.mark.parametrize(("name", "score"), [("iris", "accuracy"), ("diabetes", "R²")])
def test_from_a_table_to_predictions(call, name, score, tmp_path):
    status, out, err = call("fit", name, "--holdout-out", "held.csv", *QUICK)
    assert (status, err) == (0, "")
    assert score in out
    assert "trivial baseline" in out
    assert "lamina predict model.lamina held.csv" in out
    status, out, err = call("predict", "model.lamina", "held.csv")
    assert (status, err) == (0, "")
    rows = list(csv.reader(io.StringIO(out)))
    held = (tmp_path / "held.csv").read_text().splitlines()
    assert len(rows) == len(held)
    assert rows[0] == [held[0].split(",")[-1]]
    status, out, err = call("evaluate", "model.lamina", "held.csv")
    assert (status, err) == (0, "")
    assert score in out
    status, out, err = call("summary", "model.lamina")
    assert (status, err) == (0, "")
    assert "Dense" in out
    assert "standard deviation" in out


def test_everything_speaks_json(call, iris):
    commands = [
        ("fit", "iris", "--json", *QUICK),
        ("predict", iris, "iris", "--json", "--proba"),
        ("predict", iris, "iris", "--json", "-o", "p.csv"),
        ("evaluate", iris, "iris", "--json"),
        ("summary", iris, "--json"),
        ("data", "--json"),
    ]
    for command in commands:
        status, out, err = call(*command)
        assert (status, err) == (0, "")
        assert json.loads(out)["command"] == command[0]
        assert out.count("\n") == 1


def test_the_same_command_again_goes_on(call, tmp_path):
    again = ["fit", "iris", "--set", "hidden_layer_sizes=[4]"]
    first = call(*again, "--checkpoint", "run", "--set", "max_iter=2")
    assert first[0] == 0
    assert "run: begun anew" in first[1]
    status, out, _ = call(*again, "--resume", "run", "--set", "max_iter=3")
    assert status == 0
    assert "run: went on from epoch 2" in out
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
    assert_refused(result, "run: there is no checkpoint to go on from")
    assert call(*again, "--checkpoint", "run", "-q")[0] == 0
    result = call(*again, "--checkpoint", "run", "--seed", "1")
    assert_refused(result, "another run: random_state: 1, was 0")
    result = call(*again, "--checkpoint", "run", "--resume", "other")
    assert_refused(result, "--resume goes on from the folder to which it writes")
    result = call(*again, "--checkpoint", "model.lamina")
    assert_refused(result, "model.lamina: is a file; a checkpoint is a folder")


def test_quiet_says_nothing(call):
    assert call("fit", "iris", "-q", *QUICK) == (0, "", "")


def test_a_table_from_standard_input(call):
    rows = "".join(f"{i % 7},{'ab'[i % 2]}\n" for i in range(40))
    status, _, err = call("fit", "-", "-t", "y", *QUICK, stdin=f"x,y\n{rows}")
    assert (status, err) == (0, "")
    status, out, _ = call("predict", "model.lamina", "-", stdin="x\n1\n2\n")
    assert status == 0
    assert len(out.splitlines()) == 3


def test_predictions_to_a_file(call, iris, tmp_path):
    status, out, err = call("predict", iris, "iris", "-o", "p.csv", "--proba")
    assert (status, out) == (0, "")
    assert err == "150 predictions written to p.csv\n"
    head = (tmp_path / "p.csv").read_text().splitlines()[0]
    assert head == "species,p(setosa),p(versicolor),p(virginica)"


def test_from_pictures_to_predictions(call, tmp_path):
    for k, name in enumerate(("cat", "dog")):
        for i in range(10):
            values = np.full((8, 6, 3), 20 + i, np.uint8)
            values[..., k] = 200
            save(tmp_path / "photos" / name / f"{i}.png", values)
    quick = ["--set", "layers=[Conv(4, 3, 2), GlobalPool()]", "--set", "max_iter=3"]
    (tmp_path / "photos" / "cat" / "bad.jpg").write_bytes(b"")
    result = call("fit", "photos", *quick)
    assert_refused(result, "bad.jpg is empty (0 bytes) (--skip-broken leaves them out)")
    command = ("fit", "photos", "--skip-broken", "--holdout-out", "held.csv", *quick)
    status, out, err = call(*command)
    assert (status, err) == (0, "")
    assert "20 pictures; 8 × 6, colour, letterbox → class" in out
    assert "1 file cannot be read and is left out: cat/bad.jpg" in out
    status, out, err = call("evaluate", "model.lamina", "held.csv")
    assert (status, err) == (0, "")
    assert "held.csv: 4 pictures" in out
    status, out, err = call("predict", "model.lamina", "photos/dog/3.png", "--proba")
    assert (status, err) == (0, "")
    assert out.startswith("picture,class,p(cat),p(dog)\n3.png,")
    assert_refused(call("predict", "model.lamina", "photos"), "cat/bad.jpg is empty")
    status, out, err = call("predict", "model.lamina", "photos", "--skip-broken")
    assert (status, out.count("\n")) == (0, 21)
    assert err.startswith("lamina: note: 1 file cannot be read and is left out")
    status, out, err = call("summary", "model.lamina")
    assert (status, err) == (0, "")
    assert "Pictures" in out
    assert "8 × 6, colour, letterbox" in out


def test_labels_that_look_like_formulas_are_guarded(call, tmp_path):
    labels = ["=1+1", "@SUM(A1)"]
    rows = "".join(f"{i % 2},{i % 5},{labels[i % 2]}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(f"a,b,y\n{rows}")
    assert call("fit", "t.csv", "-t", "y", "-q")[0] == 0
    _, out, _ = call("predict", "model.lamina", "t.csv", "--proba")
    cells = [cell for row in csv.reader(io.StringIO(out)) for cell in row]
    assert "'=1+1" in cells
    assert not any(cell.startswith(("=", "@", "+", "-")) for cell in cells)


def test_the_same_seed_gives_the_same_file(call, tmp_path):
    for out in ("a.lamina", "b.lamina"):
        assert call("fit", "iris", "-q", "-o", out, "--seed", "3", *QUICK)[0] == 0
    a, b = (lamina.load(tmp_path / f"{n}.lamina") for n in "ab")
    np.testing.assert_array_equal(a.predict_proba("iris"), b.predict_proba("iris"))


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
    "names twice": (table(head=("a", "a", "y")), "column name 'a' stands twice"),
    "cut off": (WHOLE[:-12], "cut off"),
    "open quotation mark": (WHOLE + '1,"2', "never closed"),
    "a field too many": (WHOLE + "1,2,x,3\n", "line 62"),
    "binary": ("\0" * 100, "lamina: t.csv"),
    "only the target": ("y\n" + "x\nz\n" * 20, "no column is left"),
    "no target values": (table([[a, b, ""] for a, b, _ in GOOD]), "no values"),
    "100,000 classes": (table(NAMES, head=("a", "y")), "100,000 classes"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_tables_get_one_clear_line(call, kind, tmp_path):
    text, message = BAD[kind]
    (tmp_path / "t.csv").write_text(text)
    assert_refused(call("fit", "t.csv", "-t", "y"), message)
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_a_column_without_values_is_left_out_and_noted(call, tmp_path):
    (tmp_path / "t.csv").write_text(table([["", b, y] for _, b, y in GOOD]))
    status, out, _ = call("fit", "t.csv", "-t", "y", "--json", *QUICK)
    assert status == 0
    assert any("'a' holds no values" in note for note in json.loads(out)["notes"])


@pytest.mark.slow
def test_a_column_of_100_000_categories_is_left_out_and_noted(call, tmp_path):
    rows = [[f"n{i}", f"{i % 7}", "xy"[i % 2]] for i in range(100_000)]
    (tmp_path / "t.csv").write_text(table(rows))
    quick = ["--set", "max_iter=1", "--set", "hidden_layer_sizes=[2]"]
    status, out, _ = call("fit", "t.csv", "-t", "y", "--json", *quick)
    assert status == 0
    assert any("100,000 different texts" in note for note in json.loads(out)["notes"])


def test_wrong_names_get_the_nearest(call, tmp_path):
    (tmp_path / "t.csv").write_text(WHOLE)
    assert_refused(call("fit", "t.csv", "-t", "Y"), "did you mean 'y'?")
    assert_refused(call("fit", "t.csv"), "--target y perhaps; the columns are: a, b, y")
    assert_refused(call("fit", "t.cvs", "-t", "y"), "no such file")
    assert_refused(call("fit", "irsi"), "did you mean the data set 'iris'?")
    assert_refused(call("fit", "iris", "-s", "max_itr=3"), "did you mean max_iter")
    assert_refused(call("fit", "t.csv", "-t", "y", "-x", "z"), "no column 'z'")


def test_advice_names_options(call, tmp_path):
    (tmp_path / "t.csv").write_text(table(line_31="oops"))
    assert_refused(call("fit", "t.csv", "-t", "y"), "(--kind a=category)")
    assert call("fit", "t.csv", "-t", "y", "--kind", "a=category", "-q", *QUICK)[0] == 0


def test_a_bad_table_at_prediction_time(call, iris, tmp_path):
    (tmp_path / "t.csv").write_text(WHOLE)
    assert_refused(call("predict", iris, "t.csv"), "columns that the model needs")
    assert_refused(call("evaluate", iris, "t.csv"), "species")


@pytest.mark.parametrize("command", ["predict", "evaluate", "summary"])
def test_what_is_no_model_gets_one_clear_line(call, command, iris, tmp_path):
    data = [] if command == "summary" else ["iris"]
    (tmp_path / "t.csv").write_text(WHOLE)
    (tmp_path / "png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "cut").write_bytes(iris.read_bytes()[:-10])
    for name, message in {
        "t.csv": "looks like text",
        "png": "looks like a PNG image",
        "empty": "is empty",
        "cut": "the model file is damaged",
        "missing": "no such model file",
        ".": "is a folder",
    }.items():
        assert_refused(call(command, name, *data), message)


def test_a_model_with_any_byte_flipped_gets_one_clear_line(call, iris, tmp_path):
    whole = iris.read_bytes()
    for place in RNG.integers(0, len(whole), 40):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(RNG.integers(8))
        (tmp_path / "m").write_bytes(damaged)
        assert_refused(call("predict", "m", "iris"), "lamina: m: ")


def test_places_that_cannot_be_written_are_refused_before_training(call, tmp_path):
    assert_refused(call("fit", "iris", "-o", "no/m.lamina"), "there is no folder")
    assert_refused(call("fit", "iris", "-o", tmp_path), "is a folder")
    assert list(tmp_path.iterdir()) == []


def test_commands_that_are_written_wrongly(call):
    assert_refused(call("fit"), "Missing argument 'DATA'", status=2)
    assert_refused(call("fit", "iris", "--bogus"), "No such option: --bogus", status=2)
    assert_refused(call("bogus"), "No such command 'bogus'", status=2)
    assert_refused(
        call("fit", "iris", "--seed", "x"), "Invalid value for '--seed'", status=2
    )


# ---- how a process ends -------------------------------------------------------------


PATHS = [
    (command, name)
    for command, parts in get_command(cli.app).commands.items()
    for part in parts.params
    if part.metavar in ("DATA", "MODEL", "FILE", "FOLDER", "PICTURE")
    for name in [part.metavar if part.param_type_name == "argument" else part.opts[0]]
]


@pytest.mark.parametrize(("command", "name"), PATHS)
def test_an_empty_path_is_refused_and_not_the_current_folder(call, command, name):
    needed = {c: [n for d, n in PATHS if d == c and n.isupper()] for c, _ in PATHS}
    arguments = ["" if each == name else "x" for each in needed[command]]
    arguments += [] if name.isupper() else [name, ""]
    expected = "it must be a path or a name, got ''"
    assert_refused(call(command, *arguments), expected, status=2)


def test_all_paths_are_tried_above():
    assert len(PATHS) == 19
    assert ("fit", "--holdout-out") in PATHS


def test_ctrl_c_in_training_exits_with_130_and_keeps_the_model(call, monkeypatch):
    from lamina.app import fitting

    fit = fitting.fit
    monkeypatch.setattr(fitting, "fit", lambda *a: fit(*a) | {"stopped": "interrupted"})
    status, out, _ = call("fit", "iris", *QUICK)
    assert status == 130
    assert "the best network so far is kept" in out


def process(*arguments, **how):
    command = [sys.executable, "-m", "lamina", *map(str, arguments)]
    environment = {**os.environ, "LAMINA_CACHE": "off"}
    return subprocess.run(
        command, capture_output=True, timeout=60, env=environment, **how
    )


def test_a_reader_that_goes_away_is_no_error(iris):
    command = f"{sys.executable} -m lamina predict {iris} digits_like.csv"
    rows = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n"
    text = rows + "5.1,3.5,1.4,0.2\n" * 50_000
    path = iris.parent / "digits_like.csv"
    path.write_text(text)
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -1"],
        capture_output=True,
        cwd=iris.parent,
        timeout=60,
    )
    assert done.returncode == 141
    assert done.stdout == b"species\n"
    assert done.stderr == b""


def test_version_and_help_import_nothing_heavy():
    assert process("--version").stdout.decode().strip() == (
        f"lamina {lamina.__version__}"
    )
    code = (
        "import sys, lamina.app.cli; "
        "print([m for m in ('jax', 'sklearn', 'numpy', 'duckdb', 'rich') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"[]\n"
    assert b"fit" in process("--help").stdout


def test_few_rows_are_predicted_without_a_compiler(iris):
    code = (
        "from jax._src import xla_bridge\n"
        "from lamina.app import jobs\n"
        f"jobs.predict({str(iris)!r}, 'iris', True)\n"
        "print(xla_bridge._backends)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"{}\n"
