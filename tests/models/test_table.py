"""A table in, a trained network out."""

import jax
import numpy as np
import pytest

import lamina
from lamina import MLPClassifier, MLPRegressor
from lamina.data import TableError, load, read_table
from lamina.models import TableModel
from tests.model_files import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"max_iter": 3, "hidden_layer_sizes": (4,)}


@pytest.fixture(scope="module")
def iris():
    return TableModel(random_state=0).fit("iris")


@pytest.fixture(scope="module")
def diabetes():
    return TableModel(random_state=0, settings=QUICK).fit("diabetes")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"),
    [("iris", 0.9), ("wine", 0.9), ("breast_cancer", 0.92), ("moons", 0.95)],
)
def test_classes_are_learnt_well(name, least):
    model = TableModel(random_state=0).fit(name)
    assert model.scores_["accuracy"] >= least
    assert model.scores_["accuracy"] > model.baseline_scores_["accuracy"] + 0.25


@pytest.mark.slow
def test_digits_are_learnt_to_97_percent():
    model = TableModel(random_state=0).fit("digits")
    assert model.n_holdout_ == pytest.approx(360, abs=5)
    assert model.scores_["accuracy"] >= 0.97


@pytest.mark.slow
def test_numbers_are_learnt_well():
    model = TableModel(random_state=0).fit("diabetes")
    assert model.task_ == "regression"
    assert model.scores_["r2"] >= 0.35
    assert abs(model.baseline_scores_["r2"]) < 0.1


@pytest.mark.slow
def test_held_out_rows_are_seen_by_nothing(iris):
    """The model without these rows in its table at all is the same model."""
    table = load("iris").as_table()
    held = iris.holdout_rows_
    rest = np.setdiff1d(np.arange(table.n_rows), held)
    assert len(held) == iris.n_holdout_ == 30
    mean = table.column("petal width (cm)")[rest].mean()
    column = next(c for c in iris.schema_.columns if c.name == "petal width (cm)")
    assert column.mean == pytest.approx(mean)
    found = iris.evaluate(table.take(held))
    assert found["scores"] == iris.scores_
    assert found["baseline"] == iris.baseline_scores_


@pytest.mark.slow
@pytest.mark.parametrize("target", ["y", "z"])
def test_held_out_values_change_nothing_that_is_learnt(target):
    """Numbers far off, levels that stand nowhere else, gaps where there are none: of
    rows that nothing has seen. Whether classes are missing is for all rows to say."""
    rng = np.random.default_rng(0)
    rows = {
        "x": rng.normal(size=60),
        "whole": rng.normal(size=60),
        "level": rng.choice(np.array(["u", "v"], object), 60),
        "day": np.datetime64("2024-01-01") + rng.permutation(60),
        "y": np.array(["p", "q"] * 30, object),
        "z": rng.normal(size=60),
    }
    rows = {name: rows[name] for name in ("x", "whole", "level", "day", target)}
    model = TableModel(target, settings=QUICK, random_state=0).fit(rows)
    held = model.holdout_rows_
    assert len(held) == 12
    poison = {
        "x": 1e5,
        "whole": np.nan,
        "level": "w",
        "day": np.datetime64("2199-01-01"),
        "z": -1e5,
    }
    other = {name: values.copy() for name, values in rows.items()}
    for name in other.keys() & poison:
        other[name][held] = poison[name]
    again = TableModel(target, settings=QUICK, random_state=0).fit(other)
    assert np.array_equal(again.holdout_rows_, held)
    assert again.schema_.columns == model.schema_.columns
    assert "w" not in str(again.schema_.columns[2].levels)
    assert again.baseline_.mean == model.baseline_.mean
    learnt = (jax.tree.leaves(one.estimator_.params_) for one in (model, again))
    assert all(map(np.array_equal, *learnt))


@pytest.mark.slow
def test_every_class_gives_its_share(iris):
    labels = load("iris").y[iris.holdout_rows_]
    assert np.bincount(labels).tolist() == [10, 10, 10]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model(iris):
    again = TableModel(random_state=0).fit("iris")
    assert again.scores_ == iris.scores_
    other = TableModel(random_state=1).fit("iris")
    assert other.holdout_rows_.tolist() != iris.holdout_rows_.tolist()


@pytest.mark.slow
def test_predictions(iris, diabetes):
    table = load("iris").as_table().drop("species")
    assert set(iris.predict(table)) == {"setosa", "versicolor", "virginica"}
    np.testing.assert_allclose(iris.predict_proba(table).sum(axis=1), 1, rtol=1e-6)
    numbers = diabetes.predict("diabetes")
    assert numbers.dtype == np.float64
    with pytest.raises(ValueError, match="no probabilities"):
        diabetes.predict_proba("diabetes")


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_saved_models_predict_the_same_bit_for_bit(name, tmp_path, request):
    model = request.getfixturevalue(name)
    model.save(tmp_path / "m.lamina")
    loaded = lamina.load(tmp_path / "m.lamina")
    assert isinstance(loaded, TableModel)
    np.testing.assert_array_equal(loaded.predict(name), model.predict(name))
    assert loaded.schema_ == model.schema_
    assert loaded.evaluate(name) == model.evaluate(name)
    assert loaded.scores_ == model.scores_
    assert not hasattr(loaded, "holdout_rows_")


@pytest.mark.slow
def test_files_frames_and_dicts(tmp_path):
    pandas = pytest.importorskip("pandas")
    rows = {"a": np.arange(30) % 7 * 1.5, "b": ["x", "y", "z"] * 10}
    frame = pandas.DataFrame(rows)
    frame.to_csv(tmp_path / "t.csv", index=False)
    models = [
        TableModel("b", settings=QUICK, random_state=0).fit(source)
        for source in (rows, frame, str(tmp_path / "t.csv"), tmp_path / "t.csv")
    ]
    scores = [model.scores_ for model in models]
    assert scores == [scores[0]] * 4


@pytest.mark.slow
def test_several_targets():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 60))
    table = {"a": a, "b": b, "s": a + b, "d": a - b}
    model = TableModel(["s", "d"], settings=QUICK, random_state=0).fit(table)
    assert model.predict(table).shape == (60, 2)
    table = {"a": a, "b": b, "p": (a > 0) * 1.0, "q": (b > 0) * 1.0}
    model = TableModel(["p", "q"], settings=QUICK, random_state=0).fit(table)
    assert model.predict_proba(table).shape == (60, 2)
    assert 0 <= model.scores_["accuracy"] <= 1


@pytest.mark.slow
def test_rows_without_a_target_are_left_out():
    rng = np.random.default_rng(0)
    y = rng.normal(size=40)
    y[:5] = np.nan
    table = {"a": rng.normal(size=40), "y": y}
    model = TableModel("y", settings=QUICK).fit(table)
    assert model.n_train_ + model.n_holdout_ == 35
    assert model.holdout_rows_.min() >= 5
    assert any("missing in 5 rows" in note for note in model.notes_)
    assert model.evaluate(table)["skipped"] == 5
    assert len(model.predict(table)) == 40


def test_few_rows_are_all_learnt_from():
    model = TableModel(random_state=0).fit("xor")
    assert model.n_holdout_ == 0
    assert model.scores_["accuracy"] == 1
    assert any("no test set" in note for note in model.notes_)


@pytest.mark.slow
def test_a_rare_class_is_always_learnt_from():
    y = ["a"] * 30 + ["b"] * 30 + ["c"]
    table = {"x": np.linspace(0, 1, 61), "z": np.arange(61) % 5.0, "y": y}
    model = TableModel("y", settings=QUICK, random_state=0).fit(table)
    assert model.classes_.tolist() == ["a", "b", "c"]


def test_an_estimator_of_ones_own_is_copied_and_seeded():
    mine = MLPClassifier((3,), max_iter=2)
    model = TableModel(estimator=mine, random_state=5).fit("iris")
    assert model.estimator_ is not mine
    assert model.estimator_.random_state == 5
    assert mine.random_state is None
    assert not hasattr(mine, "params_")


@pytest.mark.slow
def test_settings_are_those_of_the_default_estimator():
    model = TableModel(settings={"max_iter": 2, "dropout": 0.5}).fit("iris")
    assert model.estimator_.max_iter == 2
    assert model.estimator_.dropout == 0.5
    assert model.estimator_.early_stopping
    assert model.estimator_.callbacks is None


def test_callbacks_are_called_after_every_epoch():
    seen = []
    TableModel(settings=QUICK, callbacks=[lambda p: seen.append(p.epoch)]).fit("iris")
    assert seen == [1, 2, 3]


MANY = {"x": np.linspace(0, 1, 100), "name": [f"n{i}" for i in range(100)]}
BAD = {
    "choose the column to predict": (TableModel(), MANY),
    "no column 'nam'; did you mean 'name'": (TableModel("nam"), MANY),
    "100 classes in 100 rows": (TableModel("name"), MANY),
    "no columns are left": (TableModel("x", exclude=["name"]), MANY),
    "exclude must be a list": (TableModel("x", exclude="name"), MANY),
    "holdout must be a number": (TableModel("x", holdout=1.0), MANY),
    "has no setting 'max_itr'; did you mean max_iter": (
        TableModel("x", settings={"max_itr": 3}, column_types={"name": "category"}),
        MANY,
    ),
    "not both": (
        TableModel(estimator=MLPRegressor(), settings={"max_iter": 3}),
        "diabetes",
    ),
    "requires regression, but the estimator is a MLPClassifier": (
        TableModel(estimator=MLPClassifier()),
        "diabetes",
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_refused_before_any_work(message):
    model, source = BAD[message]
    with pytest.raises(ValueError, match=message):
        model.fit(source)
    assert not hasattr(model, "estimator_")


def test_tables_that_do_not_fit_are_refused(iris):
    table = load("iris").as_table()
    with pytest.raises(TableError, match="petal width"):
        iris.predict(table.drop("petal width (cm)"))
    with pytest.raises(TableError, match="no column 'species'"):
        iris.evaluate(table.drop("species"))
    text = {name: table.columns[name].astype(object) for name in table.names}
    text["petal width (cm)"] = np.array(["wide"] * 150, object)
    with pytest.raises(TableError, match="'wide'"):
        iris.predict(read_table(text))


def test_parts_of_a_file_must_fit_each_other(iris, diabetes):
    description, tensors = opened(iris)
    description["fitted"]["schema"] = opened(diabetes)[0]["fitted"]["schema"]
    with pytest.raises(ValueError, match="does not fit the columns"):
        closed(description, tensors)


def test_a_table_model_goes_on_from_its_checkpoint(tmp_path):
    how = {"random_state": 0, "checkpoint": tmp_path / "run"}
    first = TableModel(settings={"max_iter": 2}, **how).fit("iris")
    model = TableModel(settings={"max_iter": 5}, **how).fit("iris")
    assert (first.estimator_.resumed_from_, model.estimator_.resumed_from_) == (None, 2)
    expected = TableModel(settings={"max_iter": 5}, random_state=0).fit("iris")
    assert model.scores_ == expected.scores_
    assert model.estimator_.history_ == expected.estimator_.history_
    assert model.estimator_.checkpoint is None  # the folder was that of this fit
    with pytest.raises(ValueError, match="another run: .*data: "):
        TableModel(settings={"max_iter": 5}, **how | {"holdout": 0.5}).fit("iris")


@pytest.mark.slow
def test_targets_with_gaps_are_learnt_from_row_by_row():
    """No row is lost for want of one of two targets, and scores leave gaps out."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    a = (x > 0).astype(float)
    b = (x < 0.5).astype(float)
    a[::2], b[1::3] = np.nan, np.nan
    known = ~(np.isnan(a) & np.isnan(b))
    model = TableModel(["a", "b"], random_state=0).fit({"x": x, "a": a, "b": b})
    assert model.n_train_ + model.n_holdout_ == known.sum()
    assert model.scores_["accuracy"] > 0.9
    assert model.evaluate({"x": x, "a": a, "b": b})["rows"] == known.sum()
