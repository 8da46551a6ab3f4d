"""The command line as a whole: its commands, completion, and how it ends."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from typer.main import get_command

import lamina
from lamina.app import cli
from lamina.app.cli.entry import COMMANDS
from lamina.models.kinds.registry import fit_options
from tests.app.cli.calls import QUICK, assert_refused, process
from tests.data.sample_images import save

PATHS = [
    (command, name)
    for command in COMMANDS
    for part in get_command(cli.app).get_command(None, command).params
    if part.metavar in ("DATA", "MODEL", "FILE", "FOLDER", "IMAGE")
    for name in [part.metavar if part.param_type_name == "argument" else part.opts[0]]
]
RNG = np.random.default_rng(0)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "score"), [("iris", "accuracy"), ("diabetes", "R²")])
def test_from_a_table_to_predictions(call, name, score, tmp_path):
    status, out, err = call("fit", name, "--save-holdout", "held.csv", *QUICK)
    assert (status, err) == (0, "")
    assert score in out
    assert "baseline (" in out
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


@pytest.mark.slow
def test_everything_speaks_json(call, iris):
    commands = [
        ("fit", "iris", "--json", *QUICK),
        ("predict", iris, "iris", "--json", "--proba"),
        ("predict", iris, "iris", "--json", "-o", "p.csv"),
        ("evaluate", iris, "iris", "--json"),
        ("summary", iris, "--json"),
        ("datasets", "--json"),
    ]
    for command in commands:
        status, out, err = call(*command)
        assert (status, err) == (0, "")
        assert json.loads(out)["command"] == command[0]
        assert out.count("\n") == 1


@pytest.mark.slow
def test_from_images_to_predictions(call, tmp_path):
    for k, name in enumerate(("cat", "dog")):
        for i in range(10):
            values = np.full((8, 6, 3), 20 + i, np.uint8)
            values[..., k] = 200
            save(tmp_path / "photos" / name / f"{i}.png", values)
    quick = ["--set", "layers=[Conv(4, 3, 2), GlobalPool()]", "--set", "max_iter=3"]
    (tmp_path / "photos" / "cat" / "bad.jpg").write_bytes(b"")
    result = call("fit", "photos", *quick)
    assert_refused(result, "bad.jpg is empty (0 bytes) (--skip-broken skips them)")
    command = ("fit", "photos", "--skip-broken", "--save-holdout", "held.csv", *quick)
    status, out, err = call(*command)
    assert (status, err) == (0, "")
    assert "20 images; 8 × 6, colour, letterbox → class" in out
    assert "1 file cannot be read and is skipped: cat/bad.jpg" in out
    status, out, err = call("evaluate", "model.lamina", "held.csv")
    assert (status, err) == (0, "")
    assert "held.csv: 4 images" in out
    status, out, err = call("predict", "model.lamina", "photos/dog/3.png", "--proba")
    assert (status, err) == (0, "")
    assert out.startswith("image,class,p(cat),p(dog)\n3.png,")
    assert_refused(call("predict", "model.lamina", "photos"), "cat/bad.jpg is empty")
    status, out, err = call("predict", "model.lamina", "photos", "--skip-broken")
    assert (status, out.count("\n")) == (0, 21)
    assert err.startswith("lamina: note: 1 file cannot be read and is skipped")
    status, out, err = call("summary", "model.lamina")
    assert (status, err) == (0, "")
    assert "Images" in out
    assert "8 × 6, colour, letterbox" in out


@pytest.mark.parametrize("command", ["predict", "evaluate", "summary"])
def test_what_is_no_model_gets_one_clear_line(call, command, iris, tmp_path):
    data = [] if command == "summary" else ["iris"]
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,x\n3,4,y\n")
    (tmp_path / "png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "cut").write_bytes(iris.read_bytes()[:-10])
    for name, message in {
        "t.csv": "looks like text",
        "png": "looks like a PNG image",
        "empty": "is empty",
        "cut": "the model file is corrupt",
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


def test_commands_that_are_written_wrongly(call):
    assert_refused(call("fit"), "Missing argument 'DATA'", status=2)
    assert_refused(call("fit", "iris", "--bogus"), "No such option: --bogus", status=2)
    assert_refused(call("bogus"), "No such command 'bogus'", status=2)
    assert_refused(
        call("fit", "iris", "--seed", "x"), "Invalid value for '--seed'", status=2
    )


@pytest.mark.parametrize(("command", "name"), PATHS)
def test_an_empty_path_is_refused_and_not_the_current_folder(call, command, name):
    needed = {c: [n for d, n in PATHS if d == c and n.isupper()] for c, _ in PATHS}
    arguments = ["" if each == name else "x" for each in needed[command]]
    arguments += [] if name.isupper() else [name, ""]
    expected = "must be a path or a name, got ''"
    assert_refused(call(command, *arguments), expected, status=2)


def test_all_paths_are_tried_above():
    assert len(PATHS) == 19
    assert ("fit", "--save-holdout") in PATHS


def test_version_and_help_import_nothing_heavy():
    assert process("--version").stdout.decode().strip() == (
        f"lamina {lamina.__version__}"
    )
    code = (
        "import sys, lamina.app.cli, lamina.app.cli.fit; "
        "print([m for m in ('jax', 'sklearn', 'numpy', 'duckdb', 'rich') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"[]\n"
    assert b"fit" in process("--help").stdout


# ---- completion ---------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell):
    done = process(_LAMINA_COMPLETE=f"source_{shell}")
    assert done.returncode == 0
    assert f"_LAMINA_COMPLETE=complete_{shell}".encode() in done.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("lamina ", set(COMMANDS)),
        ("lamina ev", {"evaluate"}),
        ("lamina fit --ho", {"--holdout", "--horizon"}),
        ("lamina fit iris --model gauss", {"gaussian-rbm"}),
        ("lamina fit iris --task ", {"classification", "regression"}),
        ("lamina predict --pr", {"--proba"}),
    ],
)
def test_commands_options_and_words_are_completed(words, found):
    count = len(words.split()) - (not words.endswith(" "))
    how = {"COMP_WORDS": words, "COMP_CWORD": str(count)}
    done = process(**how, _LAMINA_COMPLETE="complete_bash")
    assert done.returncode == 0
    assert set(done.stdout.decode().split()) == found


def test_completion_can_be_installed(tmp_path):
    # Without a terminal nobody can tell which shell it is.
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = process("--install-completion", "bash", HOME=str(tmp_path), **named)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".bash_completions" / "lamina.sh").exists()


# ---- help ---------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 120])
def test_help_of_a_fit_has_a_panel_for_each_kind(columns):
    text = process("fit", "--help", COLUMNS=str(columns)).stdout.decode()
    panels = ["Options", "Training", "Tables", "Images", "Sequences", "Time series"]
    places = [text.index(f"─ {panel} ─") for panel in (*panels, "Unsupervised")]
    assert places == sorted(places)
    assert max(map(len, text.splitlines())) <= columns
    for option in fit_options():
        assert option.flag in text
    assert text.index("--target") < text.index("--set") < text.index("--holdout ")


def test_verbose_tells_where_an_error_comes_from(call):
    _, _, err = call("fit", "nothere.csv", "-t", "y", "-v")
    assert err.startswith("Traceback")
    assert err.splitlines()[-1].startswith("lamina: nothere.csv: no such file")
