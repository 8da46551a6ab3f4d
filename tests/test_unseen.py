"""Values that training had not seen, at the command line: on stderr and as JSON."""

import json

import numpy as np
import pytest

import lamina
from lamina.app.cli.entry import app
from lamina.app.exit_codes import run
from tests.data.sample_images import save

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
QUICK = {"max_iter": 2}


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Call the command line in an empty folder; return output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        command = [str(a) for a in arguments]
        assert run(lambda: app(command, standalone_mode=False)) == 0
        return capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def table():
    n = 30
    return {
        "sex": ["male", "female", "male"] * 10,
        "age": np.arange(n, dtype=float) % 7,
        "y": ["yes", "no", "yes"] * 10,
    }


@pytest.fixture(scope="module")
def model(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("unseen") / "m.lamina"
    settings = {**QUICK, "hidden_layer_sizes": (2,)}
    fitted = lamina.TableModel("y", settings=settings, random_state=0).fit(table)
    fitted.save(path)
    return path


def write(name, header, *rows):
    with open(name, "w") as file:
        file.write("\n".join([header, *rows]) + "\n")


SEX = (
    "lamina: warning: column 'sex': 'M' (2 rows; did you mean 'male'?), 'x' (1 row) "
    "were not seen in training; the model ignores this column in 3 rows\n"
)
UNSEEN = {
    "column": "sex",
    "target": False,
    "rows": 3,
    "n_values": 2,
    "values": [
        {"value": "M", "rows": 2, "similar": ["male"]},
        {"value": "x", "rows": 1, "similar": []},
    ],
}


@pytest.mark.slow
def test_predictions_of_a_table(call, model):
    write("new.csv", "sex,age", "M,1", "male,2", "M,3", "x,4")
    out, err = call("predict", model, "new.csv", "--proba")
    assert len(out.splitlines()) == 5
    assert err == SEX
    out, err = call("predict", model, "new.csv", "--json")
    assert err == SEX
    report = json.loads(out)
    assert report["unseen"] == [UNSEEN]
    assert "lamina: warning: " + report["warnings"][0] + "\n" == SEX
    write("known.csv", "sex,age", "male,1")
    out, err = call("predict", model, "known.csv", "--json")
    assert err == ""
    assert json.loads(out)["unseen"] == []


def test_evaluation_of_a_table_counts_classes_never_learnt_as_errors(call, model):
    write("new.csv", "sex,age,y", "M,1,maybe", "male,2,yes", "M,3,Yes", "x,4,maybe")
    out, err = call("evaluate", model, "new.csv")
    assert "accuracy" in out
    first, second = err.splitlines(keepends=True)
    assert first == (
        "lamina: warning: target 'y': 'maybe' (2 rows), 'Yes' (1 row; did you mean "
        "'yes'?) were not seen in training; every such row counts as an error\n"
    )
    assert second == SEX
    report = json.loads(call("evaluate", model, "new.csv", "--json")[0])
    assert [one["column"] for one in report["unseen"]] == ["y", "sex"]
    assert report["scores"]["accuracy"] in (0.0, 0.25)


@pytest.mark.slow
def test_codes_of_a_table(call, table, tmp_path):
    inputs = {name: table[name] for name in ("sex", "age")}
    model = lamina.EmbeddingModel(latent_dim=1, settings=QUICK, random_state=0).fit(
        inputs
    )
    model.save(tmp_path / "codes.lamina")
    write("new.csv", "sex,age", "M,1", "male,2", "M,3", "x,4")
    out, err = call(
        "transform", "codes.lamina", "new.csv", "--reconstruction-error", "--json"
    )
    assert err == SEX
    assert json.loads(out)["unseen"] == [UNSEEN]
    out, err = call("evaluate", "codes.lamina", "new.csv")
    assert err == SEX


@pytest.mark.slow
def test_sequences(call, tmp_path):
    steps = {
        "id": np.repeat([f"s{i}" for i in range(24)], 3).tolist(),
        "kind": ["a", "b", "a"] * 24,
        "y": np.repeat(["up", "down"] * 12, 3).tolist(),
    }
    model = lamina.SequenceModel("y", series="id", settings=QUICK, random_state=0)
    model.fit(steps).save(tmp_path / "m.lamina")
    write("new.csv", "id,kind,y", "t,a,up", "t,c,up", "u,b,left", "u,a,left")
    _, err = call("predict", "m.lamina", "new.csv")
    column = "lamina: warning: column 'kind': 'c' (1 row) was not seen in training"
    assert err.startswith(column)
    report = json.loads(call("evaluate", "m.lamina", "new.csv", "--json")[0])
    assert [(u["column"], u["rows"]) for u in report["unseen"]] == [
        ("kind", 1),
        ("y", 1),
    ]


@pytest.mark.slow
def test_labels_of_images(call, tmp_path):
    for k, name in enumerate(("cat", "dog")):
        for i in range(4):
            values = np.full((8, 8), 60 * k + i, np.uint8)
            save(tmp_path / "photos" / name / f"{i}.png", values)
    settings = {**QUICK, "layers": [lamina.Conv(2, 3)], "augmentation": None}
    model = lamina.ImageModel(settings=settings, random_state=0).fit("photos")
    model.save("m.lamina")
    rows = [f"photos/{c}/0.png,{c}s" for c in ("cat", "dog")]
    write("list.csv", "file,label", *rows, "photos/cat/1.png,cat")
    out, err = call("evaluate", "m.lamina", "list.csv", "--json")
    assert err.startswith(
        "lamina: warning: target 'class': 'cats' (1 row; did you mean 'cat'?), 'dogs'"
    )
    assert json.loads(out)["unseen"][0]["n_values"] == 2
