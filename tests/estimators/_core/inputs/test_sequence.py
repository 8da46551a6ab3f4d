"""What goes into estimators of sequences, and what padding must not change."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

import lamina
from lamina import (
    FGSM,
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Conv,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalPool,
    GroupNorm,
    LastStep,
    LayerNorm,
    RecurrentClassifier,
    RecurrentRegressor,
    Residual,
)
from lamina.data.sequences.ragged_array import RaggedArray, as_ragged_array
from lamina.estimators._core.inputs.sequence import SequenceInputs, mixing
from lamina.networks import Key, Network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
SMALL = (GRU(4),)
SAME = Conv(2, 3, padding="same")
LENGTHS = [int(n) for n in RNG.integers(3, 15, 40)]
RAGGED = [3 + 2 * RNG.standard_normal((n, 2)) for n in LENGTHS]
LABELS = np.array(["down", "up"])[[int(x[:, 0].mean() > 3) for x in RAGGED]]


def net(layers=SMALL, **params):
    """Return one structure, so that most tests share one program."""
    how = {"max_iter": 3, "random_state": 0, "batch_size": 10, "dropout": 0.0}
    return RecurrentClassifier(list(layers), **how | params)


def with_nans(sequences):
    """Return them as one array, filled up with NaN."""
    longest = max(map(len, sequences))
    out = np.full((len(sequences), longest, sequences[0].shape[1]), np.nan)
    for i, one in enumerate(sequences):
        out[i, : len(one)] = one
    return out


def same(one, other):
    return np.array_equal(one.predict_proba(RAGGED), other.predict_proba(RAGGED))


@pytest.mark.slow
def test_every_form_of_the_same_sequences_teaches_the_same():
    model = net().fit(RAGGED, LABELS)
    filled = with_nans(RAGGED)
    lengths = [len(x) for x in RAGGED]
    assert same(model, net().fit(filled, LABELS))
    assert same(
        model, net().fit(as_ragged_array(np.nan_to_num(filled), lengths), LABELS)
    )
    assert same(model, net().fit([x.tolist() for x in RAGGED], LABELS))


@pytest.mark.slow
def test_sequences_in_arrays_of_objects_and_in_columns():
    """As scikit-learn's splitters and data frames hand them out."""
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    model, objects = net().fit(RAGGED, LABELS), np.empty(len(RAGGED), object)
    objects[:] = RAGGED
    for X in (objects, pandas.Series(RAGGED), [pandas.DataFrame(x) for x in RAGGED]):
        assert same(model, net().fit(X, pandas.Series(LABELS)))
        assert np.array_equal(model.predict_proba(X), model.predict_proba(RAGGED))
    plain = [x[:, 0] for x in RAGGED]
    one = net().fit(plain, LABELS)
    found = net().fit(polars.Series(plain), LABELS).predict_proba(plain)
    assert np.array_equal(found, one.predict_proba(plain))
    assert cross_val_score(net(max_iter=1), objects, LABELS, cv=2).shape == (2,)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (dict(enumerate(RAGGED)), "a list of arrays .* got a dict"),
        ((x for x in RAGGED), "a list of arrays .* got a generator"),
        (None, "got a NoneType"),
        (np.ones(5), "Expected 2D array, got 1D array"),
        ([1.0, 2.0], "sequence 0 has shape"),
    ],
)
def test_what_are_no_sequences_is_said_in_short(X, message):
    with pytest.raises(ValueError, match=message) as caught:
        net().fit(X, LABELS)
    assert len(str(caught.value)) < 300


@pytest.mark.slow
def test_features_are_measured_over_all_steps_by_weight():
    weight = np.arange(40.0)
    model = net(max_iter=1).fit(RAGGED, LABELS, weight)
    values, each = np.concatenate(RAGGED), np.repeat(weight, LENGTHS)
    mean = np.average(values, axis=0, weights=each)
    np.testing.assert_allclose(model.feature_mean_, mean)
    spread = np.average((values - mean) ** 2, axis=0, weights=each)
    np.testing.assert_allclose(model.feature_scale_, np.sqrt(spread))
    plain = net(max_iter=1, standardize=False).fit(RAGGED, LABELS)
    assert plain.feature_mean_.tolist() == [0, 0]
    assert plain.feature_scale_.tolist() == [1, 1]
    constant = [np.column_stack([x[:, 0], np.ones(len(x))]) for x in RAGGED]
    assert net(max_iter=1).fit(constant, LABELS).feature_scale_[1] == 1


@pytest.mark.parametrize("weight", [None, np.ones(2)])
def test_features_of_many_steps_in_single_precision(weight):
    """Added one by one in float32, two million numbers near 100 have a mean of 98.7."""
    values = 100 + RNG.standard_normal((2_000_000, 2), np.float32)
    X = RaggedArray(values, np.array([500_000, 1_500_000]))
    inputs = SequenceInputs("float32", True, SMALL, "adam").measure(X, weight)
    np.testing.assert_allclose(inputs.mean, 100, atol=0.01)
    np.testing.assert_allclose(inputs.scale, 1, atol=0.01)


@pytest.mark.slow
def test_the_network_sees_standardised_steps():
    model = net().fit(RAGGED, LABELS)
    for one, p in zip(RAGGED, model.predict_proba(RAGGED), strict=True):
        x = (one - model.feature_mean_) / model.feature_scale_
        right = model.network_(model.params_, x[None].astype(np.float32))
        np.testing.assert_allclose(p[1], right[0, 0], atol=1e-6)


@pytest.mark.slow
def test_an_answer_does_not_depend_on_the_others():
    model = net().fit(RAGGED, LABELS)
    together = model.predict_proba(RAGGED)
    alone = np.concatenate([model.predict_proba([x]) for x in RAGGED])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.slow
def test_a_program_a_bucket_and_none_the_second_time():
    """Buckets of 8 and 16 steps, and the probe of health."""
    layers = [GRU(5)]
    model = net(layers).fit(RAGGED, LABELS)
    assert model.n_compiles_ <= 3
    assert net(layers).fit(RAGGED[:36], LABELS[:36]).n_compiles_ == 0


@pytest.mark.slow
def test_sequences_of_one_length_are_an_array():
    """They stay on the device: an epoch is one call."""
    X, y = RNG.standard_normal((30, 7)), np.arange(30) % 2
    model = net().fit(X, y)
    assert model.n_features_in_ == 1
    assert model.max_length_ == 7
    np.testing.assert_allclose(
        model.predict_proba(X[:, :5]), model.predict_proba(list(X[:, :5])), atol=1e-6
    )


@pytest.mark.slow
def test_layers_that_mix_steps_take_one_length_only():
    X, y = RNG.standard_normal((30, 8, 2)), np.arange(30) % 2
    model = net([Conv(3, 3), GRU(4)]).fit(X, y)
    assert model.predict(X).shape == (30,)
    with pytest.raises(ValueError, match=r"Conv\(.*mixes steps"):
        model.predict([X[0], X[1, :5]])
    with pytest.raises(ValueError, match=r"Conv\(.*mixes steps"):
        net([Conv(3, 3), GRU(4)]).fit(RAGGED, LABELS)


@pytest.mark.parametrize(
    ("layers", "first"),
    [
        ((LSTM(3), Dense(2), Dropout(0.5), Bidirectional(RNN(3))), None),
        ((GRU(3), LastStep(), Flatten()), None),
        ((LayerNorm(), GroupNorm(1), GlobalPool(), Flatten()), None),
        ((GRU(3), LayerNorm(2)), LayerNorm(2)),
        ((Bidirectional(SAME), GRU(3)), SAME),
        ((Bidirectional(Network((GRU(3), SAME))),), SAME),
        ((Residual((Dense(2), GRU(2))), Flatten()), Flatten()),
        ((Residual((SAME,)),), SAME),
    ],
)
def test_which_layers_mix_steps(layers, first):
    network = Network(layers)
    params, _ = network.init(Key(0), (6, 2))
    assert mixing(network, params) == first


@pytest.mark.slow
@pytest.mark.parametrize(
    "layers",
    [
        [RNN(4), LayerNorm(), GroupNorm(2), GRU(4)],
        [LayerNorm(), GroupNorm(2), GlobalPool("max"), Dense(4)],
        [RNN(8), LastStep(), GroupNorm(2)],
        [GRU(4), GlobalPool(), LayerNorm(), GroupNorm(2)],
    ],
)
def test_norms_and_pools_leave_out_what_fills_up(layers):
    """As many units as steps could pass for a time axis."""
    model = net(layers).fit(RAGGED, LABELS)
    together = model.predict_proba(RAGGED)
    for one, p in zip(RAGGED, together, strict=True):
        x = (one - model.feature_mean_) / model.feature_scale_
        right = model.network_(model.params_, x[None].astype(np.float32))
        np.testing.assert_allclose(p[1], right[0, 0], atol=1e-5)
    equal = RNG.standard_normal((20, 8, 2))
    again = net(layers).fit(equal, np.arange(20) % 2)
    assert again.predict_proba(equal).shape == (20, 2)


@pytest.mark.slow
def test_symbols_are_embedded_as_they_are():
    X = [RNG.integers(0, 5, n) for n in LENGTHS]
    y = np.array([int(x[0]) for x in X])
    layers = [Embedding(5, 3), GRU(8)]
    model = net(layers, max_iter=60, learning_rate_init=0.03, pooling="last")
    model.fit(X, y)
    assert model.feature_mean_.tolist() == [0]
    assert model.feature_scale_.tolist() == [1]
    assert model.score(X, y) > 0.8
    for wrong in ([5], [-1], [0.5]):
        with pytest.raises(
            ValueError, match="the embedding takes whole numbers from 0 to 4"
        ):
            model.predict([np.array(wrong)])


@pytest.mark.slow
def test_texts_are_sequences_of_characters(tmp_path):
    """Whether a word has more a than b."""
    words = ["".join(RNG.choice(list("abc"), n)) for n in RNG.integers(3, 12, 150)]
    y = np.array([w.count("a") > w.count("b") for w in words])
    model = RecurrentClassifier(max_iter=15, random_state=0).fit(words, y)
    assert model.vocabulary_ == "abc"
    assert model.network_.layers[0] == Embedding(4, 32)
    assert model.score(words, y) > 0.9
    assert model.predict(["xyz", "aaa"]).tolist()[1] is True
    one_hot = net([GRU(4)]).fit(words, y)
    assert one_hot.n_features_in_ == 4
    one_hot.save(tmp_path / "model.lamina")
    again = lamina.load(tmp_path / "model.lamina")
    assert np.array_equal(again.predict_proba(words), one_hot.predict_proba(words))
    with pytest.raises(ValueError, match="has learnt texts"):
        model.predict(RAGGED)
    with pytest.raises(ValueError, match="text 1 is empty"):
        model.predict(["a", ""])


@pytest.mark.slow
def test_more_can_be_learnt_from_other_lengths():
    model = net(warm_start=True).fit(RAGGED, LABELS)
    before = model.feature_mean_.copy()
    model.fit([np.concatenate([x, x]) for x in RAGGED], LABELS)
    assert np.array_equal(model.feature_mean_, before)
    model.partial_fit(RAGGED[:10], LABELS[:10])


@pytest.mark.slow
def test_validation_and_all_the_rows_after_it():
    model = net(early_stopping=True, refit="restart", validation_fraction=0.3)
    model.fit(RAGGED, LABELS)
    assert len(model.validation_scores_) == model.n_iter_
    own = net(max_iter=2).fit(RAGGED, LABELS, X_val=RAGGED[:9], y_val=LABELS[:9])
    assert own.history_["score"][-1] == own.score(RAGGED[:9], LABELS[:9])
    equal = RNG.standard_normal((30, 7, 2))
    both = net(early_stopping=True, refit="restart")
    both.fit(equal, np.arange(30) % 2, X_val=RAGGED[:9], y_val=np.arange(9) % 2)


@pytest.mark.slow
def test_attacked_sequences_keep_their_lengths():
    model = net(max_iter=30, learning_rate_init=0.02).fit(RAGGED, LABELS)
    moved = model.adversarial_examples(RAGGED, LABELS, FGSM(0.2))
    assert [one.shape for one in moved] == [one.shape for one in RAGGED]
    for one, clean in zip(moved, RAGGED, strict=True):
        step = np.abs(one - clean) / model.feature_scale_
        np.testing.assert_allclose(step, 0.2, atol=1e-4)
    assert model.score(moved, LABELS) < model.score(RAGGED, LABELS)


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"input_noise": 0.5}, {"adversarial": FGSM(0.5)}])
def test_steps_are_disturbed_in_training(how):
    """What fills up short sequences is not: it may be in any form, and NaN."""
    disturbed = net(**how).fit(RAGGED, LABELS)
    plain = net().fit(RAGGED, LABELS)
    moved = disturbed.predict_proba(RAGGED) - plain.predict_proba(RAGGED)
    assert 1e-3 < np.abs(moved).max() < 0.5
    assert same(disturbed, net(**how).fit(with_nans(RAGGED), LABELS))


@pytest.mark.slow
def test_a_file_answers_the_same(tmp_path):
    layers = [Bidirectional(LSTM(3, "peephole")), LastStep()]
    model = net(layers).fit(RAGGED, LABELS)
    model.save(tmp_path / "model.lamina")
    again = lamina.load(tmp_path / "model.lamina")
    assert same(model, again)
    assert again.partial_fit(RAGGED, LABELS).n_iter_ == 1


@pytest.mark.slow
def test_a_run_that_was_broken_off_goes_on_with_the_same_bits(tmp_path):
    whole = net(max_iter=4).fit(RAGGED, LABELS)

    def stop(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    folder = tmp_path / "run"
    how = {"checkpoint": folder, "checkpoint_seconds": 0.0, "max_iter": 4}
    net(**how, callbacks=[stop]).fit(RAGGED, LABELS)
    rest = net(**how).fit(RAGGED, LABELS)
    assert rest.resumed_from_ == 1
    assert same(whole, rest)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([], "list is empty"),
        ([np.ones((3, 2)), np.ones((0, 2))], "sequence 1 has no steps"),
        ([np.ones((3, 2)), np.ones((3, 1))], "sequence 1 has 1 features, but"),
        ([np.ones((3, 2)), np.array([[1, 2], [1, np.nan]])], "sequence 1, step 1, fe"),
        ([np.ones((3, 2)), "abc"], "sequence 1 is not an array"),
        (np.full((4, 3, 2), np.nan), "sequence 0 has no steps"),
    ],
)
def test_bad_sequences_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        net().fit(X, np.arange(len(X)) % 2)
    model = net(max_iter=1).fit(RAGGED, LABELS)
    with pytest.raises(ValueError, match=message):
        model.predict(X)


def test_other_bad_input():
    model = net(max_iter=1).fit(RAGGED, LABELS)
    with pytest.raises(ValueError, match="X has 1 features a step, but Recurrent"):
        model.predict([np.ones(4)])
    with pytest.raises(ValueError, match="pooling must be one of"):
        net(pooling="max").fit(RAGGED, LABELS)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        net().fit(RAGGED, LABELS[:-1])
    with pytest.raises(ValueError, match=r"sequence 2, step 1, feature 0: 1e\+300 is"):
        net().fit([*RAGGED[:2], np.array([[0, 0], [1e300, 0]])], [0, 1, 0])


@pytest.mark.slow
def test_one_long_sequence_among_short_ones():
    X = [*RAGGED[:20], RNG.standard_normal((5000, 2))]
    y = np.arange(21) % 2
    model = net(max_iter=2).fit(X, y)
    np.testing.assert_allclose(
        model.predict_proba(X)[20], model.predict_proba(X[20:])[0], atol=1e-6
    )


def test_series_can_be_split_as_arrays_are():
    X = as_ragged_array(RAGGED)
    some = X[np.array([3, 1])]
    assert isinstance(some, RaggedArray)
    np.testing.assert_array_equal(some[0], RAGGED[3])


def test_one_sequence_is_a_list_of_one():
    model = net(max_iter=1).fit(RAGGED, LABELS)
    with pytest.raises(ValueError, match=r"2 features as input; one seq.* one, \[X\]"):
        model.predict(RAGGED[0])
    assert model.predict([RAGGED[0]]).shape == (1,)
    for wrong in (np.ones((3, 5)), [x[:, :1] for x in RAGGED]):
        with pytest.raises(ValueError, match="expecting 2 features as input$"):
            model.predict(wrong)


@pytest.mark.slow
def test_levenberg_marquardt_takes_one_length():
    how = {"schedule": None, "clip_norm": None, "solver": "lm"}
    model = RecurrentRegressor([RNN(2)], max_iter=1, **how)
    with pytest.raises(ValueError, match="solver='lm' takes sequences of one length"):
        model.fit(RAGGED, [x.sum() for x in RAGGED])
    X = RNG.standard_normal((20, 4))
    assert model.fit(X, X.sum(axis=1)).n_iter_ == 1


@pytest.mark.slow
def test_a_solver_without_a_rate_says_what_it_takes():
    model = net(solver="lbfgs")
    with pytest.raises(ValueError, match="takes clip_norm=None, schedule=None"):
        model.fit(RAGGED, LABELS)
    with pytest.raises(ValueError, match="to schedule.*; set schedule=None"):
        model.set_params(clip_norm=None).fit(RAGGED, LABELS)
    model.set_params(schedule=None).fit(RAGGED, LABELS)
