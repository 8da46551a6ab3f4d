"""``lamina predict``: rows in, answers out."""

import csv
import io
import subprocess
import sys

import pytest

from tests.app.cli.calls import assert_refused


def test_predictions_to_a_file(call, iris, tmp_path):
    status, out, err = call("predict", iris, "iris", "-o", "p.csv", "--proba")
    assert (status, out) == (0, "")
    assert err == "150 predictions written to p.csv\n"
    head = (tmp_path / "p.csv").read_text().splitlines()[0]
    assert head == "species,p(setosa),p(versicolor),p(virginica)"


@pytest.mark.slow
def test_labels_that_look_like_formulas_are_guarded(call, tmp_path):
    labels = ["=1+1", "@SUM(A1)"]
    rows = "".join(f"{i % 2},{i % 5},{labels[i % 2]}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(f"a,b,y\n{rows}")
    assert call("fit", "t.csv", "-t", "y", "-q")[0] == 0
    _, out, _ = call("predict", "model.lamina", "t.csv", "--proba")
    cells = [cell for row in csv.reader(io.StringIO(out)) for cell in row]
    assert "'=1+1" in cells
    assert not any(cell.startswith(("=", "@", "+", "-")) for cell in cells)


def test_a_bad_table_at_prediction_time(call, iris, tmp_path):
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,x\n3,4,y\n")
    assert_refused(call("predict", iris, "t.csv"), "columns that the model needs")
    assert_refused(call("evaluate", iris, "t.csv"), "species")


@pytest.mark.slow
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


@pytest.mark.slow
def test_few_rows_are_predicted_without_a_compiler(iris):
    code = (
        "from jax._src import xla_bridge\n"
        "from lamina.app import jobs\n"
        f"jobs.predict({str(iris)!r}, 'iris', True)\n"
        "print(xla_bridge._backends)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"{}\n"
