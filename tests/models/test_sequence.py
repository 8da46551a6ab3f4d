"""Sequences in, a trained network out."""

from typing import Any

import numpy as np
import pytest

import lamina
from lamina import (
    GRU,
    MLPClassifier,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
    SequenceModel,
)
from lamina.data import (
    SequenceError,
    SequenceSet,
    TableError,
    as_ragged_array,
    load,
    read_long,
    read_sequences,
    read_table,
)
from lamina.storage import ModelFileError, read, write
from tests.model_files import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"max_iter": 2, "layers": [GRU(4)]}
RNG = np.random.default_rng(0)
N = 30
LENGTHS = RNG.integers(3, 8, N)
SERIES = np.repeat(np.arange(N), LENGTHS)
STEPS = len(SERIES)
UP = SERIES % 2 == 1
ROWS: dict[str, Any] = {
    "patient": np.array([f"{i:03d}" for i in SERIES], object),
    "hour": np.concatenate([np.arange(n) for n in LENGTHS]) * 1.5,
    "x": RNG.normal(size=STEPS) + UP,
    "kind": RNG.choice(np.array(["u", "v", None], object), STEPS),
    "label": np.where(UP, "up", "down").astype(object),
    "code": UP + 3.0,
    "stay": (SERIES * 7 % 11) / 3.0,
    "state": RNG.choice(np.array(["calm", "wild", None], object), STEPS),
    "grade": RNG.choice(np.array([0, 1, 2, np.nan]), STEPS),
    "pulse": RNG.normal(60, 9, STEPS),
    "blood": RNG.normal(5, 1, STEPS),
}
ROWS["x"][[4, 40]] = np.nan
MIXED = RNG.permutation(STEPS)
"""The rows of no sequence stand together, nor in order."""


def table(*targets, rows=MIXED, **changes):
    """Return the features and some targets, as far as these rows go."""
    names = ("patient", "hour", "x", "kind", *targets)
    columns = {name: ROWS[name] for name in names} | changes
    return {name: np.asarray(values)[rows] for name, values in columns.items()}


def net(target=None, **params):
    how = {"series": "patient", "time": "hour", "settings": QUICK, "random_state": 0}
    return SequenceModel(target, **how | params)


@pytest.fixture(scope="module")
def labels():
    return net("label").fit(table("label"))


@pytest.fixture(scope="module")
def states():
    return net("state").fit(table("state"))


@pytest.fixture(scope="module")
def pulses():
    return net("pulse").fit(table("pulse"))


@pytest.fixture(scope="module")
def bits():
    return SequenceModel(settings=QUICK, random_state=0).fit("parity")


TS = """@problemName Letters
@classLabel true
@data
"""


def letters(folder, name="letters.ts", features=1, classes="ab", n=24):
    """Write sequences whose level tells the class."""
    rng = np.random.default_rng(0)
    lines = []
    for i in range(n):
        steps = rng.normal(size=(features, rng.integers(2, 6))) + i % len(classes)
        parts = [",".join(f"{v:.4f}" for v in feature) for feature in steps]
        lines.append(":".join([*parts, classes[i % len(classes)]]))
    (folder / name).write_text(TS + "\n".join(lines) + "\n")
    return folder / name


def same(one, other):
    """Whether predictions are the same bit for bit."""
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one.dtype == other.dtype and np.array_equal(one, other)


# ---- what is learnt ------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("target", ["label", "stay", "pulse"])
def test_held_out_values_change_nothing_that_is_learnt(target):
    """Numbers far off, and levels that stand nowhere else, of whole sequences."""
    model = net(target).fit(table(target))
    held = np.isin(ROWS["patient"], model.holdout_names_)
    assert 0 < held.sum() < STEPS
    poison = {"x": np.where(held, 1e5, ROWS["x"])}
    poison["kind"] = np.where(held, "w", ROWS["kind"])
    if target != "label":
        poison[target] = np.where(held, -1e5, ROWS[target])
    again = net(target).fit(table(target, **poison))
    assert again.holdout_names_ == model.holdout_names_
    assert again.schema_.columns == model.schema_.columns
    assert same(again.predict(table()), model.predict(table()))


@pytest.mark.slow
def test_classes_are_learnt_well(tmp_path):
    how = QUICK | {"max_iter": 12, "learning_rate_init": 0.03}
    model = SequenceModel(settings=how, random_state=0).fit(letters(tmp_path, n=60))
    assert model.scores_["accuracy"] > 0.8
    assert model.baseline_scores_["accuracy"] == pytest.approx(0.5)
    assert (model.n_train_, model.n_holdout_) == (48, 12)
    assert isinstance(model.estimator_, RecurrentClassifier)


@pytest.mark.slow
def test_a_label_for_each_sequence(labels):
    assert (labels.task_, labels.per_step_) == ("classification", False)
    assert (labels.target_, labels.classes_.tolist()) == (["label"], ["down", "up"])
    assert (labels.n_train_, labels.n_holdout_) == (24, 6)
    assert (labels.min_length_, labels.max_length_) == (LENGTHS.min(), LENGTHS.max())
    found = labels.predict(table())
    assert found.shape == (N,)
    assert set(found) <= {"down", "up"}
    np.testing.assert_allclose(labels.predict_proba(table()).sum(axis=1), 1, rtol=1e-6)
    codes = net("code").fit(table("code"))  # 3 and 4: the labels of a file of numbers
    assert codes.classes_.tolist() == [3, 4]
    assert codes.classes_.dtype == np.int64


@pytest.mark.slow
def test_a_number_for_each_sequence():
    model = net("stay", task="regression").fit(table("stay"))
    assert isinstance(model.estimator_, RecurrentRegressor)
    assert model.predict(table()).dtype == np.float64
    assert set(model.scores_) == {"r2", "rmse", "mae"}
    with pytest.raises(ValueError, match="no probabilities"):
        model.predict_proba(table())


@pytest.mark.slow
def test_a_label_for_each_step_where_one_is_known(states):
    """Steps without a label teach nothing and do not count."""
    assert isinstance(states.estimator_, RecurrentTagger)
    assert states.per_step_
    assert states.classes_.tolist() == ["calm", "wild"]
    found = states.predict(table())
    read = states.read(table())
    assert [len(one) for one in found] == read.X.lengths.tolist()
    assert set(np.concatenate(found)) <= {"calm", "wild"}
    assert [p.shape[1] for p in states.predict_proba(table())] == [2] * N
    told = np.empty(STEPS, object)
    told[read.rows] = np.concatenate(found)  # back to the rows of the table
    truth = table("state")["state"]
    known = np.array([one is not None for one in truth])
    score = states.evaluate(table("state"))["scores"]["accuracy"]
    assert score == pytest.approx((told == truth)[known].mean())


@pytest.mark.slow
def test_whole_numbers_as_labels_of_steps_stay_whole():
    model = net("grade").fit(table("grade"))
    assert (model.classes_.tolist(), model.classes_.dtype) == ([0, 1, 2], np.int64)
    assert {one.dtype for one in model.predict(table())} == {np.dtype(np.int64)}
    assert 0 <= model.scores_["balanced_accuracy"] <= 1


@pytest.mark.slow
def test_gaps_that_only_another_table_has():
    """What is missing does not count, whether or not anything was in training."""
    for name, filler in (("state", "calm"), ("grade", 1.0)):
        gaps = np.array([v is None or v != v for v in ROWS[name]])
        whole = np.where(gaps, filler, ROWS[name])
        if name == "state":
            whole = whole.astype(object)
        model = net(name).fit(table(**{name: whole}))
        assert model.estimator_.ignore_label is None
        found = model.evaluate(table(name))["scores"]
        told = np.concatenate(model.predict(table(rows=np.arange(STEPS))))
        right = (told == whole)[~gaps].mean()
        assert found["accuracy"] == pytest.approx(right)
        assert np.isfinite(list(found.values())).all()


@pytest.mark.slow
def test_numbers_of_each_step(pulses):
    assert (pulses.task_, pulses.per_step_) == ("regression", True)
    assert pulses.estimator_.loss == "squared_error"
    assert {one.dtype for one in pulses.predict(table())} == {np.dtype(float)}
    gaps = ROWS["pulse"].copy()
    gaps[::3] = np.nan
    scores = pulses.evaluate(table(pulse=gaps))["scores"]
    told = np.concatenate(pulses.predict(table(rows=np.arange(STEPS))))
    assert scores["mae"] == pytest.approx(np.nanmean(np.abs(told - gaps)))
    assert net("pulse").fit(table(pulse=gaps)).scores_["rmse"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("per_step", [False, True])
def test_several_numbers(per_step):
    names = ["pulse", "blood"]
    changes = {} if per_step else {n: ROWS[n][np.cumsum(LENGTHS) - 1] for n in names}
    changes = {name: values[SERIES] for name, values in changes.items()}
    data = table(*names, **changes)
    model = net(names).fit(data)
    assert (model.target_, model.per_step_) == (names, per_step)
    found = model.predict(table())
    assert (found[0].shape if per_step else found.shape)[-1] == 2
    assert set(model.evaluate(data)["scores"]) == {"r2", "rmse", "mae"}
    np.testing.assert_allclose(model.baseline_.mean, [60, 5], rtol=0.1)


@pytest.mark.slow
def test_several_labels_side_by_side():
    data = table(a=UP * 1.0, b=(SERIES % 3 == 0) * 1.0)
    model = net(["a", "b"]).fit(data)
    assert model.predict(table()).shape == (N, 2)
    assert model.predict_proba(table()).shape == (N, 2)
    assert 0 <= model.evaluate(data)["scores"]["accuracy"] <= 1


# ---- what is held out ----------------------------------------------------------------


def test_held_out_sequences_are_seen_by_nothing(labels):
    """The model without these rows in its table at all is the same model."""
    held = set(labels.holdout_names_)
    whole = table("label")
    inside = np.array([name in held for name in whole["patient"]])
    assert len(held) == labels.n_holdout_ == len(labels.holdout_rows_)
    assert 0 < inside.sum() < STEPS
    column = next(c for c in labels.schema_.columns if c.name == "x")
    x = whole["x"][~inside]
    assert column.mean == pytest.approx(np.nanmean(x))
    assert column.scale == pytest.approx(np.nanstd(x))
    rest = {name: values[~inside] for name, values in whole.items()}
    alone = net("label", holdout=0).fit(rest)
    assert alone.schema_.columns == labels.schema_.columns
    left = {name: values[inside] for name, values in whole.items()}
    assert same(alone.predict_proba(left), labels.predict_proba(left))
    found = labels.evaluate(left)
    assert found["scores"] == pytest.approx(labels.scores_)
    assert found["baseline"] == pytest.approx(labels.baseline_scores_)


def test_every_class_gives_its_share(labels):
    y = read_long(table("label"), "patient", "hour", "label").y[labels.holdout_rows_]
    assert sorted(y) == ["down"] * 3 + ["up"] * 3


@pytest.mark.parametrize("seed", range(8))
def test_a_label_of_one_sequence_is_always_learnt(seed):
    """Steps of a class that is held out whole could never be told."""
    state = np.where(UP, "calm", "wild").astype(object)
    state[np.flatnonzero(SERIES == 7)[0]] = "rare"
    state[np.flatnonzero(SERIES == 9)[0]] = "odd"
    model = net(
        "state", per_step=True, random_state=seed, settings=QUICK | {"max_iter": 1}
    )
    model.fit(table(state=state))
    assert model.classes_.tolist() == ["calm", "odd", "rare", "wild"]
    assert model.n_train_ + model.n_holdout_ == N
    assert not set(model.holdout_names_) & {"007", "009"}


@pytest.mark.slow
def test_few_sequences_are_all_learnt_from():
    model = net("label").fit(table("label", rows=np.flatnonzero(SERIES < 6)))
    assert (model.n_train_, model.n_holdout_, model.holdout_names_) == (6, 0, [])
    assert any("no test set" in note for note in model.notes_)
    two = net("state").fit(table("state", rows=np.flatnonzero(SERIES < 2)))
    assert two.n_train_ == 2


def test_the_same_seed_gives_the_same_model(labels):
    again = net("label").fit(table("label"))
    assert same(again.predict_proba(table()), labels.predict_proba(table()))
    assert again.holdout_names_ == labels.holdout_names_
    other = net("label", random_state=1).fit(table("label"))
    assert other.holdout_names_ != labels.holdout_names_
    drawn = net("label", random_state=np.random.RandomState(0)).fit(table("label"))
    assert isinstance(drawn.estimator_.random_state, int)


# ---- tables --------------------------------------------------------------------------


def test_the_order_of_the_rows_does_not_matter(labels):
    """Steps go by time, sequences are called by their names."""
    other = labels.read(table(rows=np.arange(STEPS)))
    mixed = labels.read(table())
    by_name = dict(zip(mixed.names, labels.predict_proba(table()), strict=True))
    found = labels.predict_proba(table(rows=np.arange(STEPS)))
    assert other.names == [f"{i:03d}" for i in range(N)]
    for name, p in zip(other.names, found, strict=True):
        np.testing.assert_allclose(p, by_name[name], rtol=1e-5)


@pytest.mark.slow
def test_without_time_rows_stay_in_their_order():
    rows = np.arange(STEPS)
    kinds = {"hour": "number"}
    by_time = net("label").fit(table("label", rows=rows))
    model = net("label", time=None, exclude=["hour"]).fit(table("label", rows=rows))
    found = model.predict_proba(table(rows=rows))
    assert same(found, by_time.predict_proba(table(rows=rows)))
    feature = net("label", time=None, column_types=kinds).fit(table("label", rows=rows))
    assert "hour" in feature.schema_.feature_names
    assert "hour" not in by_time.schema_.feature_names


def test_categories_and_missing_values(labels):
    names = labels.schema_.feature_names
    assert names == ["x", "x missing", "kind = u", "kind = v", "kind missing"]
    unseen = table(kind=np.full(STEPS, "w", object))
    assert labels.predict(unseen).shape == (N,)
    features = labels.read(unseen).X.values
    assert (features[:, 2:] == 0).all()
    missing = labels.read(table()).X.values
    assert (missing[missing[:, 1] == 1, 0] == 0).all()
    assert (missing[:, 1] == 1).sum() == 2


@pytest.mark.slow
def test_files_frames_and_tables(labels, tmp_path):
    """From a CSV file 007 is a name and no number, when learnt and when applied."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(table("label"))
    frame.to_csv(tmp_path / "t.csv", index=False)
    read = read_table(tmp_path / "t.csv", text=["patient"])
    for source in (frame, str(tmp_path / "t.csv"), tmp_path / "t.csv", read):
        model = net("label").fit(source)
        assert model.holdout_names_ == labels.holdout_names_
        assert model.scores_ == pytest.approx(labels.scores_, rel=1e-5)
    assert labels.read(tmp_path / "t.csv").names == labels.read(table()).names
    assert same(labels.predict(tmp_path / "t.csv"), labels.predict(table()))


def test_the_target_may_be_absent_or_wrong_when_it_is_not_asked_for(labels, states):
    assert same(labels.predict(table("label")), labels.predict(table()))
    changing = table(label=np.where(ROWS["hour"] > 2, "up", "down").astype(object))
    assert same(labels.predict(changing), labels.predict(table()))
    nothing = table(state=np.full(STEPS, None, object))
    assert same(states.predict(nothing), states.predict(table()))


def test_sequences_without_an_answer_are_left_out():
    label = ROWS["label"].copy()
    label[SERIES < 4] = None
    model = net("label").fit(table(label=label))
    assert model.n_train_ + model.n_holdout_ == N - 4
    assert not set(model.holdout_names_) & {"000", "001", "002", "003"}
    assert any("no value in 4 of 30 series" in note for note in model.notes_)
    found = model.evaluate(table(label=label))
    assert (found["rows"], found["skipped"]) == (N - 4, 4)
    assert len(model.predict(table(label=label))) == N


def test_evaluated_beside_the_baseline(labels):
    found = labels.evaluate(table("label"))
    assert (found["task"], found["rows"], found["skipped"]) == ("classification", N, 0)
    told = dict(zip(labels.read(table()).names, labels.predict(table()), strict=True))
    right = [told[f"{i:03d}"] == ("up" if i % 2 else "down") for i in range(N)]
    assert found["scores"]["accuracy"] == pytest.approx(np.mean(right))
    assert found["baseline"]["accuracy"] == pytest.approx(0.5)
    news = np.where(SERIES == 0, "new", ROWS["label"]).astype(object)
    other = labels.evaluate(table(label=news))["scores"]
    assert other["accuracy"] == pytest.approx(np.mean([False, *right[1:]]))
    one = labels.evaluate(table("label", rows=np.flatnonzero(SERIES == 0)))
    assert one["rows"] == 1


# ---- files of the archives, sets, what was read before -------------------------------


@pytest.mark.slow
def test_files_of_the_archives(tmp_path):
    model = SequenceModel(settings=QUICK, random_state=0).fit(letters(tmp_path))
    assert (model.target_, model.classes_.tolist()) == (["class"], ["a", "b"])
    assert model.schema_ is None
    assert model.holdout_names_ == [str(i) for i in model.holdout_rows_]
    assert model.predict(tmp_path / "letters.ts").shape == (24,)
    more = letters(tmp_path, "three.ts", classes="abc")
    found = model.evaluate(more)  # of the class c nothing is known: always wrong
    told, truth = model.predict(more), np.array(list("abc") * 8)
    assert found["scores"]["accuracy"] == pytest.approx((told == truth).mean())
    path = tmp_path / "numbers.ts"
    path.write_text("@targetLabel true\n@data\n1,2:0.5\n3:1.5\n4,4:2.5\n")
    numbers = SequenceModel(settings=QUICK).fit(path)
    assert (numbers.target_, numbers.task_) == (["target"], "regression")
    codes = letters(tmp_path, "codes.ts", classes="12")
    ages = SequenceModel(task="regression", settings=QUICK).fit(codes)
    assert (ages.task_, ages.predict(codes).dtype) == ("regression", np.float64)


@pytest.mark.slow
def test_labels_of_two_files_are_compared_in_one_type(tmp_path):
    codes = letters(tmp_path, "codes.ts", classes="12")
    mixed = letters(tmp_path, "mixed.ts", classes="1x")
    model = SequenceModel(settings=QUICK, random_state=0).fit(codes)
    assert model.classes_.dtype == np.int64
    told = model.predict(mixed)
    found = model.evaluate(mixed)["scores"]["accuracy"]
    assert found == pytest.approx(np.mean((told == 1) & (np.arange(24) % 2 == 0)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "target", "task", "per_step"),
    [
        ("parity", "class", "classification", False),
        ("adding_problem", "sum", "regression", False),
        ("hidden_markov", "state", "classification", True),
    ],
)
def test_embedded_sets(name, target, task, per_step):
    model = SequenceModel(settings=QUICK | {"max_iter": 1}, random_state=0).fit(name)
    assert (model.target_, model.task_) == ([target], task)
    assert model.per_step_ is per_step
    assert model.evaluate(name)["rows"] == len(load(name).X)


@pytest.mark.slow
def test_a_divided_set_is_applied_to_what_is_kept_for_the_test():
    how = {"max_iter": 1, "layers": [GRU(4)]}
    few = read_sequences("japanese_vowels").only(np.arange(0, 270, 18))
    model = SequenceModel(settings=how, random_state=0).fit(few)
    assert model.target_ == ["speaker"]
    kept, known = model.read("japanese_vowels"), load("japanese_vowels")
    assert kept.y.tolist() == [str(k + 1) for k in known.y_test]


@pytest.mark.slow
def test_what_was_read_before(labels):
    """Scaled before, over all of its sequences; a note says so."""
    read = read_long(table("label"), "patient", "hour", "label")
    model = SequenceModel(settings=QUICK, random_state=0).fit(read)
    assert model.schema_ == read.schema
    assert any("already scaled" in note for note in model.notes_)
    assert model.predict(read).shape == (N,)
    assert model.evaluate(read)["rows"] == N
    with pytest.raises(SequenceError, match="read this table with"):
        model.predict(table())
    named = net("label").fit(read)
    assert same(named.predict(table()), model.predict(read))
    assert same(labels.predict(labels.read(table())), labels.predict(table()))
    by_hand = SequenceSet(
        as_ragged_array([[1.0], [2.0]]), ["a", "b"], "pq", "two", "here"
    )
    with pytest.raises(SequenceError, match="a training set must have a task"):
        SequenceModel(settings=QUICK).fit(by_hand)
    told = SequenceModel(task="classification", settings=QUICK).fit(by_hand)
    assert told.classes_.tolist() == ["a", "b"]


# ---- estimators, settings, checkpoints -----------------------------------------------


def test_an_estimator_of_ones_own_is_copied_and_seeded():
    mine = RecurrentClassifier([GRU(4)], max_iter=1)
    model = net("label", estimator=mine, settings=None, random_state=5)
    model.fit(table("label"))
    assert model.estimator_ is not mine
    assert model.estimator_.random_state == 5
    assert not hasattr(mine, "params_")
    assert mine.random_state is None


def test_a_tagger_of_ones_own_leaves_gaps_out_too():
    mine = RecurrentTagger([GRU(4)], max_iter=1)
    model = net("state", estimator=mine, settings=None).fit(table("state"))
    assert model.classes_.tolist() == ["calm", "wild"]
    assert mine.ignore_label is None
    other = RecurrentTagger([GRU(4)], max_iter=1, ignore_label="wild")
    model = net("state", estimator=other, settings=None, holdout=0)
    three = np.where(UP, "odd", ROWS["state"]).astype(object)
    model.fit(table(state=three))
    assert model.classes_.tolist() == ["calm", "odd"]
    known = np.array([v not in (None, "wild") for v in three])
    told = np.concatenate(model.predict(table(rows=np.arange(STEPS))))
    right = (told == three)[known].mean()
    found = model.evaluate(table(state=three))["scores"]["accuracy"]
    assert found == pytest.approx(right)


def test_settings_progress_and_callbacks(capsys):
    seen = []
    model = net(
        "label",
        settings=QUICK | {"dropout": 0.1},
        callbacks=[lambda p: seen.append(p.epoch)],
        verbose=True,
    ).fit(table("label"))
    assert seen == [1, 2]
    assert model.estimator_.dropout == 0.1
    assert model.estimator_.callbacks is None
    assert model.estimator_.verbose is False
    assert model.best_epoch_ == 2


def test_it_goes_on_from_its_checkpoint(tmp_path):
    def stop(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    how = {"checkpoint": tmp_path / "run"}
    first = net("state", callbacks=[stop], **how).fit(table("state"))
    model = net("state", **how).fit(table("state"))
    assert first.estimator_.stop_reason_ == "interrupted"
    assert (first.estimator_.resumed_from_, model.estimator_.resumed_from_) == (None, 1)
    expected = net("state").fit(table("state"))
    assert same(model.predict_proba(table()), expected.predict_proba(table()))
    assert model.scores_ == expected.scores_
    assert model.estimator_.checkpoint is None
    with pytest.raises(ValueError, match="another run: .*data: "):
        net("state", holdout=0.5, **how).fit(table("state"))


# ---- model files ---------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["labels", "states", "pulses", "bits"])
def test_a_file_predicts_the_same_bit_for_bit(name, tmp_path, request):
    model = request.getfixturevalue(name)
    source = "parity" if name == "bits" else table(*model.target_)
    model.save(tmp_path / "m.lamina")
    loaded = lamina.load(tmp_path / "m.lamina")
    assert isinstance(loaded, SequenceModel)
    assert same(loaded.predict(source), model.predict(source))
    if model.task_ == "classification":
        assert same(loaded.predict_proba(source), model.predict_proba(source))
    assert loaded.evaluate(source) == model.evaluate(source)
    assert (loaded.schema_, loaded.target_) == (model.schema_, model.target_)
    assert loaded.scores_ == model.scores_
    assert not hasattr(loaded, "holdout_rows_")
    assert not hasattr(loaded, "holdout_names_")


DAMAGES = {
    "the network does not fit the targets": ("per_step", True),
    "scores must be a dictionary of mae": ("task", "regression"),
    "baseline must be a Baseline; got 3": ("baseline", 3),
    "has no field 'classes'": ("classes", ["a", "b"]),
    "schema must be None or a TableSchema": ("schema", [1]),
    "network does not fit the columns": ("schema", None),
    "series must be a text": ("series", 3),
    "estimator must be a fitted estimator; got nothing": ("estimator", ...),
}


@pytest.mark.parametrize("message", DAMAGES)
def test_damaged_files_are_refused(labels, bits, message, tmp_path):
    name, value = DAMAGES[message]
    labels.save(tmp_path / "m.lamina")
    description, tensors = read(tmp_path / "m.lamina")
    content = description["models"]["SequenceModel"]["estimator"]
    part = content["parameters" if name == "series" else "fitted"]
    if value is ...:
        del part[name]
    elif name == "schema" and value is None:
        del part[name]["TableSchema"]["columns"]["tuple"][0]
    else:
        part[name] = value
    write(tmp_path / "m.lamina", description, tensors)
    with pytest.raises(ModelFileError, match=message) as caught:
        lamina.load(tmp_path / "m.lamina")
    assert "\n" not in str(caught.value)


def places(value, path=()):
    """Yield the path of every part of a description."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["states", "pulses"])
def test_whatever_stands_in_a_file_ends_in_an_error_of_values(name, request, rng):
    model = request.getfixturevalue(name)
    source = table(*model.target_, rows=np.flatnonzero(SERIES < 3))
    whole = list(places(opened(model)[0]))
    values = [None, -1, 10**12, 0.5, "x", [], {}, {"tensor": "none"}]
    for number in rng.permutation(len(whole))[:100]:
        description, tensors = opened(model)
        *outer, last = whole[number]
        part: Any = description
        for key in outer:
            part = part[key]
        part[last] = values[int(rng.integers(len(values)))]
        try:
            damaged = closed(description, tensors)
            damaged.predict(source)
            damaged.evaluate(source)
        except ValueError:
            pass


# ---- what is refused -----------------------------------------------------------------

OWN: dict[str, Any] = {"settings": None}
REFUSED = {
    "which column has the sequence of a row": (
        net("label", series=None, time=None),
        table("label"),
    ),
    "the sequences have no targets; name the column": (net(), table("label")),
    "no column 'lable'; did you mean 'label'": (net("lable"), table("label")),
    "no column 'patent'; did you mean 'patient'": (
        net("label", series="patent"),
        table("label"),
    ),
    "no column 'ours'; did you mean 'hour'": (
        net("label", time="ours"),
        table("label"),
    ),
    "exclude must be a list": (net("label", exclude="x"), table("label")),
    "no columns are left": (net("label", exclude=["x", "kind"]), table("label")),
    "holdout must be a number": (net("label", holdout=1.0), table("label")),
    "'state' of series '.*' is .*per_step=True": (
        net("state", per_step=False),
        table("state"),
    ),
    "is 'up' in every row": (
        net("label"),
        table("label", rows=np.flatnonzero(SERIES == 1)),
    ),
    "contains 1 sequence with targets; at least 2": (
        net("state"),
        table("state", rows=np.flatnonzero(SERIES == 1)),
    ),
    "there are 30 classes in 30 sequences": (
        net("who"),
        table(who=np.array([f"n{i}" for i in SERIES], object)),
    ),
    "several labels per step are not supported": (
        net(["a", "b"]),
        table(a=(ROWS["hour"] > 1) * 1.0, b=(ROWS["hour"] > 2) * 1.0),
    ),
    "has no setting 'max_itr'; did you mean max_iter": (
        net("label", settings={"max_itr": 3}),
        table("label"),
    ),
    "an estimator or settings, not both": (
        net("label", estimator=RecurrentClassifier()),
        table("label"),
    ),
    "requires classification, but the estimator is a RecurrentRegressor": (
        net("label", estimator=RecurrentRegressor(), **OWN),
        table("label"),
    ),
    "each step, which needs a RecurrentTagger, but .* is a RecurrentClassifier": (
        net("state", estimator=RecurrentClassifier(), **OWN),
        table("state"),
    ),
    "each sequence, which needs a RecurrentClassifier, but .* RecurrentTagger": (
        net("label", estimator=RecurrentTagger(), **OWN),
        table("label"),
    ),
    "which needs a RecurrentClassifier, but .* a MLPClassifier": (
        net("label", estimator=MLPClassifier(), **OWN),
        table("label"),
    ),
    "requires regression, but .* RecurrentTagger with loss='log_loss'": (
        net("pulse", estimator=RecurrentTagger(), **OWN),
        table("pulse"),
    ),
    "target='bit' is a column, but this is not a table": (
        SequenceModel("bit"),
        "parity",
    ),
    "time='t' is a column": (SequenceModel(time="t"), "parity"),
    "exclude=.* is a column": (SequenceModel(exclude=["x"]), "parity"),
    "so per_step must not be True": (SequenceModel(per_step=True), "parity"),
    "which task='regression' does not": (SequenceModel(task="regression"), "parity"),
    "no such file in": (net("label"), "none.csv"),
    r"none.ts: cannot be read": (SequenceModel(), "none.ts"),
    "1e\\+30 is an outlier, over .* times farther": (
        net("label"),
        table("label", x=np.where(np.arange(STEPS) == 9, 1e30, ROWS["x"])),
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_bad_input_is_refused_before_any_work(message):
    model, source = REFUSED[message]
    with pytest.raises(ValueError, match=message) as caught:
        model.fit(source)
    assert "\n" not in str(caught.value)
    assert not hasattr(model, "estimator_")


def test_files_that_hold_nothing(tmp_path):
    for text, message in (
        ("", "the file is empty"),
        ("patient,hour,x,kind,label\n", "has a header .* but no rows below it"),
        ("patient,x,label\n,1,up\n", "the row has no series"),
        ("patient,x,label\na,1,\nb,2,\n", "the target 'label' has no values"),
    ):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(TableError, match=message):
            net("label", time=None).fit(tmp_path / "t.csv")
    (tmp_path / "t.ts").write_text("@classLabel true\n@data\n")
    with pytest.raises(SequenceError, match="no sequences after @data"):
        SequenceModel().fit(tmp_path / "t.ts")
    (tmp_path / "t.ts").write_text("@classLabel true\n@data\n1,2:a\n3:a\n")
    with pytest.raises(SequenceError, match="all targets are 'a'; at least two"):
        SequenceModel().fit(tmp_path / "t.ts")
    (tmp_path / "t.ts").write_text("@classLabel false\n@data\n1,2\n3\n")
    with pytest.raises(SequenceError, match="the sequences have no targets"):
        SequenceModel().fit(tmp_path / "t.ts")


def test_sources_that_do_not_fit_the_model(labels, bits, states, tmp_path):
    other = letters(tmp_path, features=2)
    with pytest.raises(SequenceError, match="have 2 features .* the model expects 1"):
        bits.predict(other)
    for source, name in ((table(), "a dict"), ("t.csv", "'t.csv'"), ([1], "a list")):
        with pytest.raises(SequenceError, match=f"takes a .ts file, .*; got {name}"):
            bits.predict(source)
    for source in (other, "parity"):
        with pytest.raises(SequenceError, match="not a table; .* columns x, kind"):
            labels.predict(source)
    with pytest.raises(SequenceError, match="1 features per step, but .* expects 5"):
        labels.predict(read_sequences("parity"))
    with pytest.raises(TableError, match="no column 'x'.*the model needs it"):
        labels.predict({k: v for k, v in table().items() if k != "x"})
    with pytest.raises(TableError, match="no column 'patient'"):
        labels.predict({k: v for k, v in table().items() if k != "patient"})
    with pytest.raises(TableError, match="expected a number, got 'wide'"):
        labels.predict(table(x=np.full(STEPS, "wide", object)))
    with pytest.raises(SequenceError, match="no targets; 'label' must"):
        labels.evaluate(table())
    with pytest.raises(TableError, match="the target 'label' has no values"):
        labels.evaluate(table(label=np.full(STEPS, None, object)))
    with pytest.raises(SequenceError, match="no targets; labels must"):
        bits.evaluate(read_sequences("parity", labels=False))
    one = labels.read(table("label"), labels=True)
    with pytest.raises(SequenceError, match="classes of each sequence, but .* step"):
        states.evaluate(one)
