"""The class of every pixel: what is learnt, scored, left out, and answered."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import lamina
from lamina import (
    Augment,
    Conv,
    ConvNetSegmenter,
    Dense,
    MaxPool,
    SkipConnection,
    Upsample,
    data,
)
from lamina.data.tables.levels import UnseenWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LAYERS = [
    Conv(4, padding="same"),
    SkipConnection((MaxPool(2, padding="same"), Conv(4, padding="same"), Upsample(2))),
]


def net(**params):
    """Return one structure, so that most tests share one program."""
    how = {"layers": LAYERS, "max_iter": 3, "random_state": 0}
    return ConvNetSegmenter(**how | params)


@pytest.fixture(scope="module")
def squares():
    """Squares, label 1, in images of 12 × 12."""
    return data.shapes(120, size=12, seed=0, classes=["square"], noise=0.05)


@pytest.fixture(scope="module")
def fitted(squares):
    return net(max_iter=25, learning_rate_init=0.01).fit(*squares)


@pytest.mark.slow
def test_it_finds_squares(squares, fitted):
    X, y = data.shapes(50, size=12, seed=1, classes=["square"], noise=0.05)
    assert fitted.score(X, y) > 0.9
    assert fitted.classes_.tolist() == [0, 1]
    assert np.array_equal(
        fitted.predict(X) == y, fitted.predict_proba(X).argmax(-1) == y
    )
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.slow
def test_default_tells_overlapping_shapes_apart():
    """Two kinds of shapes in noise; shapes and background to 98.5 %."""
    how = {"size": 32, "classes": ["circle", "triangle"]}
    X, y = data.shapes(8000, seed=1, **how)
    model = ConvNetSegmenter(max_iter=12, schedule="cosine", random_state=0).fit(X, y)
    X, y = data.shapes(500, seed=2, **how)
    assert model.score(X, y) >= 0.95
    found, there = model.predict(X) > 0, y > 0
    assert (found & there).sum() / (found | there).sum() >= 0.985


# ---- intersection over union --------------------------------------------------------


def test_score_counts_labelled_pixels(squares, fitted):
    X, y = squares
    found = fitted.predict(X)
    both = (found == 1) & (y == 1)
    either = (found == 1) | (y == 1)
    assert fitted.iou(X, y)[1] == both.sum() / either.sum()
    assert fitted.score(X, found) == 1
    first = np.arange(len(X)) == 0
    alone = fitted.iou(X, y, sample_weight=first)
    np.testing.assert_array_equal(alone, fitted.iou(X[:1], y[:1]))


@pytest.mark.slow
def test_early_stopping_watches_that_score(squares):
    X, y = squares
    model = net(early_stopping=True, refit="restart").fit(X[:100], y[:100])
    assert len(model.validation_scores_) == 3
    own = net().fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    np.testing.assert_allclose(
        own.history_["score"][-1], own.score(X[100:], y[100:]), rtol=1e-12
    )


# ---- labels -------------------------------------------------------------------------


def test_labels_may_be_words(squares, fitted):
    X, y = squares
    words = np.array(["ground", "square"])[y]
    model = net(max_iter=25, learning_rate_init=0.01).fit(X, words)
    assert (
        model.predict(X).tolist()
        == np.array(["ground", "square"])[fitted.predict(X)].tolist()
    )
    assert model.score(X, words) == fitted.score(X, y)


@pytest.mark.parametrize("nothing", [255, "none"])
def test_nothing_is_learnt_from_pixels_without_a_label(nothing, squares):
    """Whatever stands where there is no label, the network is the same."""
    X, y = squares
    hidden = np.random.default_rng(0).random(y.shape) < 0.3
    y = y.astype(int) if nothing == 255 else np.array(["0", "1"])[y].astype(object)
    known = np.where(hidden, nothing, y)
    model = net(ignore_label=nothing).fit(X, known)
    assert len(model.classes_) == 2
    again = net(ignore_label=nothing).fit(X, known)
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    plain = net().fit(X, y)
    assert plain.loss_curve_ != model.loss_curve_
    found = model.predict(X)
    right = np.where(hidden, nothing, found)
    assert model.score(X, right) == 1  # hidden ones do not count


def test_the_first_loss_is_the_mean_over_labelled_pixels(squares):
    """With weights of 0 every class has the probability ½: ℓ = ln 2, hidden or not."""
    X, y = squares
    hidden = np.where(np.random.default_rng(0).random(y.shape) < 0.5, 9, y)
    how = {"init": "zeros", "layers": [], "batch_size": "full", "max_iter": 1}
    model = net(**how, ignore_label=9).fit(X, hidden)
    np.testing.assert_allclose(model.loss_curve_[0], np.log(2), rtol=1e-6)


# ---- application --------------------------------------------------------------------


def test_any_size_and_lists_of_sizes(fitted):
    sizes = [(12, 12), (5, 9), (12, 12), (1, 3)]
    X = [np.random.default_rng(i).uniform(0, 200, s) for i, s in enumerate(sizes)]
    found = fitted.predict(X)
    assert [one.shape for one in found] == sizes
    proba = fitted.predict_proba(X)
    for x, one, p in zip(X, found, proba, strict=True):
        alone = fitted.predict_proba(x[None])[0]
        np.testing.assert_allclose(p, alone, atol=1e-6)
        assert np.array_equal(one, p.argmax(axis=-1))
    y = [np.zeros(s, int) for s in sizes]
    mixed = fitted.iou(X, y)
    zeros = sum((one == 0).sum() for one in found)
    np.testing.assert_allclose(mixed[0], zeros / sum(one.size for one in found))


def test_what_is_far_away_does_not_matter(fitted):
    """No layer sees more than 5 places to any side: cut or not, the middle is equal."""
    X = np.random.default_rng(0).uniform(0, 200, (1, 40, 40))
    part = fitted.predict_proba(X[:, 8:32, 8:32])
    whole = fitted.predict_proba(X)[:, 8:32, 8:32]
    np.testing.assert_allclose(part[:, 6:-6, 6:-6], whole[:, 6:-6, 6:-6], atol=1e-5)


def test_many_images_are_answered_in_parts(squares, fitted, monkeypatch):
    X, _ = squares
    whole = fitted.predict(X)
    monkeypatch.setattr("lamina.estimators.images.segmenter.AT_ONCE", 2 * 144 * 50)
    assert np.array_equal(fitted.predict(X), whole)


# ---- keeping, searching -------------------------------------------------------------


def test_file_answers_the_same_and_goes_on_the_same(squares, tmp_path):
    X, y = squares
    model = net().fit(X, y)
    model.save(tmp_path / "net.lamina")
    again = lamina.load(tmp_path / "net.lamina")
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    model.partial_fit(X, y)
    again.partial_fit(X, y)
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))


@pytest.mark.slow
def test_search_summary_and_health(squares):
    search = GridSearchCV(net(max_iter=1), {"layers__0__filters": [4]}, cv=2)
    best = search.fit(*squares).best_estimator_
    assert "12×12×4 → 12×12×8" in best.summary()
    assert set(best.diagnostics_["layer"]) == {1, 2, 3}
    assert best.diagnosis_ is None or "StandardScaler" not in best.diagnosis_


def test_killed_fit_goes_on_to_the_same_weights(squares, tmp_path):
    def killed(progress):
        if progress.epoch == 2:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        net(callbacks=[killed], checkpoint=tmp_path / "run").fit(*squares)
    again = net(checkpoint=tmp_path / "run").fit(*squares)
    whole = net().fit(*squares)
    X, _ = squares
    assert np.array_equal(again.predict_proba(X), whole.predict_proba(X))


# ---- refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"layers": [Conv(4)]}, r"layers make \(10, 10, 2\) of \(12, 12, 1\)"),
        ({"layers": [MaxPool(2)]}, "have to keep height and width"),
        ({"layers": [Dense(4), Conv(2, 20)]}, r"layers\[1\] = Conv.* cannot take"),
        ({"augmentation": "default"}, "would move pixels away from their labels"),
        ({"augmentation": Augment(flip=0.5)}, "have to be 0"),
        ({"solver": "lm"}, "one answer an example"),
        ({"solver": "newton"}, "one answer an example"),
    ],
)
def test_bad_parameters(params, message, squares):
    with pytest.raises(ValueError, match=message):
        net(**params).fit(*squares)


@pytest.mark.slow
def test_bad_data(squares, fitted):
    X, y = squares
    with pytest.raises(ValueError, match="label for each pixel"):
        net().fit(X, y[:, :-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        net().fit(X, y[:-1])
    with pytest.raises(ValueError, match="y to be passed"):
        net().fit(X, None)
    with pytest.raises(ValueError, match="was fitted to 1"):
        fitted.predict(np.zeros((2, 12, 12, 3)))
    with pytest.raises(ValueError, match="all pixels have the ignore_label"):
        net(ignore_label=0).fit(X, 0 * y)
    with pytest.raises(ValueError, match="not among the classes"):
        net(max_iter=1).fit(X, y).partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="training goes on with images of"):
        clone(fitted).fit(X, y).partial_fit(X[:, :10], y[:, :10])


def test_labels_never_learnt_count_as_errors(squares, fitted):
    """Of 0, 1 and 2 only 0 and 1 were learnt: what is 2 is taken from their shares."""
    X, y = squares
    strange = np.where((y == 1) & (np.arange(12) < 6), 2, y)
    found = fitted.predict(X)
    expected = [
        np.sum((found == c) & (strange == c)) / np.sum((found == c) | (strange == c))
        for c in (0, 1)
    ]
    n = int((strange == 2).sum())
    with pytest.warns(UnseenWarning, match=rf"target 'y': '2' \({n:,} pixels\)"):
        np.testing.assert_allclose(fitted.iou(X, strange), expected)
    with pytest.warns(UnseenWarning, match="every such pixel counts as an error"):
        assert fitted.score(X, strange) == pytest.approx(sum(expected) / 3)


@pytest.mark.slow
def test_augmentation_that_moves_nothing(squares):
    X, y = squares
    model = net(augmentation=Augment(noise=0.1, brightness=0.1)).fit(X, y)
    assert model.loss_curve_ != net().fit(X, y).loss_curve_
