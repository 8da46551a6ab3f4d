"""Named models in one file: all of them or none."""

import numpy as np
import pytest

import lamina
from lamina import MLPClassifier, MLPRegressor
from lamina.storage import (
    Checkpoint,
    ModelFileError,
    atomic,
    modelfile,
    read,
    read_models,
    write,
    write_models,
)

MODELS = {"a": {"x": np.arange(3.0)}, "b": [1, 2], "c d": "text"}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "m.lamina"
    write_models(path, MODELS)
    return path


def test_many_models_come_back_by_name_in_their_order(path):
    found = read_models(path)
    assert list(found) == list(MODELS)
    assert found["a"]["x"].tolist() == [0, 1, 2]
    assert (found["b"], found["c d"]) == ([1, 2], "text")
    description, tensors = read(path)
    assert description["lamina"] == lamina.__version__
    assert set(tensors) == {"a/x"}


def test_each_must_be_of_the_kind_that_is_asked_for(path):
    with pytest.raises(
        ModelFileError, match=r"m\.lamina: a must be a list; got a dict"
    ):
        read_models(path, list)


@pytest.mark.slow
def test_fitted_estimators_stand_side_by_side_in_a_file(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 3
    how = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
    models = {
        "classifier": MLPClassifier(**how).fit(X, y),
        "regressor": MLPRegressor(**how).fit(X, y),
        "again": MLPRegressor(**how).fit(X, -y),
    }
    write_models(tmp_path / "m.lamina", models)
    found = read_models(tmp_path / "m.lamina")
    for name, model in models.items():
        np.testing.assert_array_equal(found[name].predict(X), model.predict(X))
        model.set_params(warm_start=True).fit(X, y)
        found[name].set_params(warm_start=True).fit(X, y)
        np.testing.assert_array_equal(found[name].predict(X), model.predict(X))
    with pytest.raises(ModelFileError, match="holds 3 models"):
        lamina.load(tmp_path / "m.lamina")


def test_a_file_survives_models_that_cannot_be_written(path):
    before = path.read_bytes()
    with pytest.raises(ValueError, match="b/0: the function 'print'"):
        write_models(path, {"a": np.ones(3), "b": [print]})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_full_disk_leaves_what_was_there(path, monkeypatch):
    before = path.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_write_new", full)
    with pytest.raises(OSError, match="No space left"):
        write_models(path, {"a": np.ones(3)})
    assert path.read_bytes() == before


def test_more_models_than_a_header_holds_are_refused(tmp_path):
    many = {f"{'n' * 200}{i}": np.zeros(1) for i in range(5000)}
    with pytest.raises(ValueError, match="tensors need a header"):
        write_models(tmp_path / "m", many)
    assert list(tmp_path.iterdir()) == []


def test_two_models_cannot_share_a_tensor(tmp_path):
    with pytest.raises(ValueError, match="the name a/b is duplicated"):
        write_models(tmp_path / "m", {"a": {"b": np.ones(1)}, "a/b": np.ones(1)})


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"lamina": "0.1.0", "class": "MLPClassifier"}, "by an earlier lamina.*again$"),
        ({"checkpoint": 2}, "has a checkpoint$"),
        ({}, "has no models$"),
        ({"models": [1]}, "has no models$"),
        ({"models": {"a": {"tensor": "x"}}}, "a: the tensor 'x' is missing$"),
        ({"models": {"a": {"os.system": {}}}}, "unknown description"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, description, message):
    write(tmp_path / "m", description, {})
    with pytest.raises(ModelFileError, match=f"m: .*{message}") as refused:
        read_models(tmp_path / "m")
    assert "\n" not in str(refused.value)


def test_a_checkpoint_holds_no_models(tmp_path):
    with Checkpoint(tmp_path) as checkpoint:
        checkpoint.part("run").save({"epochs": 1})
    with pytest.raises(ModelFileError, match="has a checkpoint"):
        read_models(tmp_path / "checkpoint.lamina")


def test_a_refusal_is_short(tmp_path):
    write(tmp_path / "m", {"models": {"a" * 5000: {"x": 1, "y": 2}}}, {})
    with pytest.raises(ModelFileError) as refused:
        read_models(tmp_path / "m")
    assert len(str(refused.value)) < 1500


def test_sizes_are_checked_before_memory_is_taken(path, monkeypatch):
    monkeypatch.setattr(modelfile, "_memory", lambda: 16)
    with pytest.raises(ModelFileError, match="too many for this computer"):
        read_models(path)
