"""Estimators with a checkpoint: killed, called again, and the same bits at the end."""

import hashlib
import json
import os
import subprocess
import sys
import warnings

import jax
import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone

import lamina
from lamina import SGD, Dense, Dropout, MLPClassifier, MLPRegressor
from lamina.data.images.disk_images import DiskImages, ImageBuffer
from lamina.estimators._core.resuming import canonical, fingerprint, run_of
from lamina.learning import Dataset, Loader
from lamina.learning.parallel.mesh import computing_threads
from lamina.networks import Network
from lamina.storage import CheckpointError, UnwritableError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4))
Y = np.array(["no", "yes", "so"], object)[RNG.integers(0, 3, 60)]
SMALL = {"hidden_layer_sizes": (5,), "max_iter": 12, "random_state": 0, "dropout": 0.1}


class KilledError(Exception):
    """What a callback raises in place of a power cut."""


def killing(every):
    """Return a callback that raises at every so many epochs it sees."""
    seen = []

    def callback(progress):
        seen.append(progress.epoch)
        if len(seen) % every == 0:
            raise KilledError

    return callback


def digest(model):
    """SHA-256 of what was learnt: weights, solver state, history, health, counts."""
    found = hashlib.sha256()
    leaves = [leaf for layer in model.params_ for leaf in layer.values()]
    for leaf in [*leaves, *flat(model._state)]:
        found.update(f"{leaf.dtype} {leaf.shape}".encode() + leaf.tobytes())
    numbers = [
        model.history_,
        model.n_iter_,
        model.t_,
        model.stop_reason_,
        model.diagnostics_,
    ]
    found.update(repr(numbers).encode())
    return found.hexdigest()


def flat(tree):
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, list | tuple):
        return [np.asarray(tree)]
    return [leaf for part in tree for leaf in flat(part)]


def until_done(model, every, *data, **how):
    """Call ``fit`` of equal estimators until one is not killed; return it."""
    for tries in range(20):
        again = clone(model)
        again.set_params(callbacks=[killing(every)], checkpoint_seconds=0)
        try:
            return again.fit(*data, **how), tries
        except KilledError:
            pass
    raise AssertionError("it never ended")


CASES = {
    "classes": (MLPClassifier, {}, {}),
    "early stopping": (MLPClassifier, {"early_stopping": True}, {}),
    "refit": (MLPClassifier, {"early_stopping": True, "refit": "restart"}, {}),
    "own validation rows": (
        MLPClassifier,
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0},
        {"X_val": X[:9], "y_val": Y[:9]},
    ),
    "lbfgs": (MLPClassifier, {"solver": "lbfgs", "dropout": 0.0}, {}),
    "double": (MLPClassifier, {"dtype": "float64"}, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_fit_that_was_killed_ends_with_the_same_bits(case, tmp_path):
    cls, params, data = CASES[case]
    expected = cls(**SMALL | params).fit(X, Y, **data)
    model = cls(**SMALL | params, checkpoint=tmp_path / "run")
    found, killed = until_done(model, 5, X, Y, **data)
    assert killed >= 2
    assert found.resumed_from_ >= 4
    assert expected.resumed_from_ is None
    assert digest(found) == digest(expected)
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))


@pytest.mark.slow
def test_a_regressor_too(tmp_path):
    y = X[:, 0] * 7 + 3
    how = SMALL | {"scale_target": True, "early_stopping": True}
    expected = MLPRegressor(**how).fit(X, y)
    found, killed = until_done(MLPRegressor(**how, checkpoint=tmp_path), 5, X, y)
    assert killed
    assert digest(found) == digest(expected)


@pytest.mark.slow
def test_sparse_data_too(tmp_path):
    data = scipy.sparse.csr_array(np.where(X > 0.5, X, 0))
    expected = MLPClassifier(**SMALL).fit(data, Y)
    model = MLPClassifier(**SMALL, checkpoint=tmp_path)
    assert digest(until_done(model, 5, data, Y)[0]) == digest(expected)


def test_a_drawn_seed_is_that_of_the_checkpoint(tmp_path):
    how = SMALL | {"random_state": None, "checkpoint": tmp_path}
    first = MLPClassifier(**how | {"max_iter": 4}).fit(X, Y)
    goes_on = MLPClassifier(**how).fit(X, Y)
    seed = first._run_key.seed
    assert goes_on.resumed_from_ == 4
    assert goes_on._run_key.seed == seed
    expected = MLPClassifier(**SMALL | {"random_state": seed}).fit(X, Y)
    assert digest(goes_on) == digest(expected)


def test_a_finished_fit_is_given_back_at_once(tmp_path, monkeypatch):
    model = MLPClassifier(**SMALL, checkpoint=tmp_path).fit(X, Y)
    before = (tmp_path / "checkpoint.lamina").read_bytes()
    monkeypatch.setattr("lamina.learning.loop.trainer.compiled_train", None)
    again = clone(model).fit(X, Y)
    assert again.resumed_from_ == 12
    assert digest(again) == digest(model)
    assert (tmp_path / "checkpoint.lamina").read_bytes() == before


def test_max_iter_may_be_raised(tmp_path):
    MLPClassifier(**SMALL | {"max_iter": 5}, checkpoint=tmp_path).fit(X, Y)
    longer = MLPClassifier(**SMALL, checkpoint=tmp_path).fit(X, Y)
    assert longer.resumed_from_ == 5
    assert digest(longer) == digest(MLPClassifier(**SMALL).fit(X, Y))
    with pytest.raises(ValueError, match="already has 12 epochs"):
        MLPClassifier(**SMALL | {"max_iter": 5}, checkpoint=tmp_path).fit(X, Y)


def test_a_checkpoint_changes_nothing(tmp_path):
    model = MLPClassifier(**SMALL, checkpoint=tmp_path, checkpoint_seconds=0)
    assert digest(model.fit(X, Y)) == digest(MLPClassifier(**SMALL).fit(X, Y))


# ---- what is refused ----------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    MLPClassifier(**SMALL, checkpoint=folder).fit(X, Y)
    return folder


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alpha": 0.5}, "alpha: 0.5, was 0.0001"),
        ({"hidden_layer_sizes": (6,)}, r"hidden_layer_sizes: \[6\], was \[5\]"),
        ({"random_state": 1}, "random_state: 1, was 0"),
        ({"random_state": None}, "random_state: None, was 0"),
        ({"activation": np.tanh}, "activation: .*tanh.*, was relu"),
        ({"solver": SGD(0.5)}, r"solver: SGD\(learning_rate=0.5, .*, was adam"),
        ({"layers": [Dense(3), Dropout(0.1)]}, r"layers: \[.Dense\(.*, was None"),
        ({"batch_size": 7, "l1": 0.1}, "batch_size: 7, was auto; l1: 0.1, was 0.0"),
    ],
    ids=str,
)
def test_other_settings_are_refused(finished, params, message):
    model = MLPClassifier(**SMALL | params, checkpoint=finished)
    with pytest.raises(CheckpointError, match=f"another run: {message}"):
        model.fit(X, Y)
    assert not hasattr(model, "params_")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X[:50], Y[:50]), "data: 50 rows × 4, .*, was 60 rows × 4"),
        ((X[:, :3], Y), "data: 60 rows × 3, .*, was 60 rows × 4"),
        ((X * (1 + 1e-15), Y), "data: 60 rows .* digest .*, was 60 rows .* digest"),
        ((X, Y[::-1]), "target: 60 rows"),
        ((X, np.char.upper(Y.astype(str))), "classes: 3 rows"),
        ((X, Y, np.full(60, 2.0)), "sample_weight: 60 rows.*, was none"),
    ],
    ids=["rows", "columns", "a bit", "target", "labels", "weights"],
)
def test_other_data_are_refused(finished, data, message):
    model = MLPClassifier(**SMALL, checkpoint=finished)
    with pytest.raises(CheckpointError, match=message):
        model.fit(*data)


def test_other_validation_data_are_refused(finished):
    model = MLPClassifier(**SMALL, checkpoint=finished)
    with pytest.raises(CheckpointError, match="validation data: 9 rows .*, was None"):
        model.fit(X, Y, X_val=X[:9], y_val=Y[:9])


def test_another_estimator_is_refused(finished):
    model = MLPRegressor(**SMALL, checkpoint=finished)
    with pytest.raises(CheckpointError, match="estimator: MLPRegressor, was MLPCl"):
        model.fit(X, X[:, 0])


def test_another_version_is_refused(finished, monkeypatch):
    monkeypatch.setattr(lamina, "__version__", "0.0.9")
    with pytest.raises(CheckpointError, match="lamina: 0.0.9, was "):
        MLPClassifier(**SMALL, checkpoint=finished).fit(X, Y)


def test_what_does_not_change_learning_may_change(finished):
    told_of = []
    model = MLPClassifier(**SMALL, checkpoint=finished, callbacks=[told_of.append])
    model.set_params(verbose=True, checkpoint_seconds=1, max_iter=13)
    assert model.fit(X, Y).n_iter_ == 13
    assert [progress.epoch for progress in told_of] == [13]


def test_a_fit_that_does_not_start_afresh_cannot_be_taken_up(tmp_path):
    model = MLPClassifier(**SMALL, checkpoint=tmp_path, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="not for partial_fit and warm starts"):
        model.fit(X, Y)
    other = MLPClassifier(**SMALL, checkpoint=tmp_path / "other")
    with pytest.raises(ValueError, match="not for partial_fit and warm starts"):
        other.partial_fit(X, Y)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("value", [3, b"run", ["run"]])
def test_a_checkpoint_is_a_path(value):
    with pytest.raises(ValueError, match="checkpoint must be the path of a folder"):
        MLPClassifier(checkpoint=value).fit(X, Y)


def test_a_place_that_cannot_be_written_is_told_before_training(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr("lamina.learning.loop.trainer.compiled_train", None)
    with pytest.raises(UnwritableError, match="is a file; a checkpoint is a folder"):
        MLPClassifier(**SMALL, checkpoint=tmp_path / "file").fit(X, Y)


def test_a_model_that_was_saved_has_no_checkpoint(tmp_path):
    """Its folder is one of this machine, and a fit of the copy is another run."""
    model = MLPClassifier(**SMALL, checkpoint=tmp_path / "run").fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.save(tmp_path / "m.lamina")
    assert lamina.load(tmp_path / "m.lamina").checkpoint is None


# ---- the parts ----------------------------------------------------------------------


def test_fingerprints_tell_arrays_apart():
    arrays = [
        X,
        X[:59],
        X.astype(np.float32),
        X.reshape(4, 60),
        np.where(np.arange(240).reshape(60, 4) == 100, np.nextafter(X, 9), X),
        scipy.sparse.csr_array(X),
        Y,
        Y[::-1],
    ]
    assert len(set(map(fingerprint, arrays))) == len(arrays)


def test_fingerprints_go_by_values_and_not_by_memory():
    assert fingerprint(np.asfortranarray(X)) == fingerprint(X)
    assert fingerprint(X.copy()[::1]) == fingerprint(X)


def test_stored_images_have_the_fingerprint_of_their_array(monkeypatch):
    images = np.arange(30 * 12, dtype=np.uint8).reshape(30, 2, 3, 2)
    collection = ImageBuffer(30, (2, 3, 2), in_memory=0)
    for row, image in enumerate(images):
        collection.put(row, image)
    stored, _ = collection.finished()
    assert isinstance(stored, DiskImages)
    monkeypatch.setattr("lamina.estimators._core.resuming.CHUNK_BYTES", 50)
    assert fingerprint(stored) == fingerprint(images)
    assert fingerprint(stored.take(slice(29))) != fingerprint(images)


def test_large_arrays_are_read_in_pieces(monkeypatch):
    expected = fingerprint(X)
    monkeypatch.setattr("lamina.estimators._core.resuming.CHUNK_BYTES", 100)
    assert fingerprint(X) == expected


def test_what_json_cannot_say_is_told_by_name():
    network = Network((Dense(3, np.tanh),))
    assert canonical({1: (2, np.float64(3.5))}) == {"1": [2, 3.5]}
    assert "tanh" in json.dumps(canonical(network))
    assert canonical(digest).startswith("the function ")
    assert canonical(digest).endswith(".digest")
    assert canonical(object()) == "a object"


def test_a_run_is_what_json_can_say():
    loader = Loader(Dataset(X, RNG.integers(0, 3, 60)), np.arange(50), batch_size=10)
    run = run_of(MLPClassifier(**SMALL, class_weight={"yes": 2.0}), loader, None)
    assert json.loads(json.dumps(run)) == run
    assert "training rows" in run["data"]
    assert "max_iter" not in run["parameters"]


# ---- another machine ----------------------------------------------------------------

ELSEWHERE = """
import sys
import numpy as np
from lamina import MLPClassifier

def stop(progress):
    if progress.epoch == 3:
        raise KeyboardInterrupt

X = np.load(sys.argv[1] + "/X.npy")
how = {"max_iter": 6, "random_state": 0, "checkpoint": sys.argv[1]}
MLPClassifier((3,), callbacks=[stop], **how).fit(X, X[:, 0] > 0)
"""


@pytest.mark.slow
def test_a_run_that_began_on_other_cores_is_refused_with_the_cure(tmp_path):
    np.save(tmp_path / "X.npy", X)
    cores = str(computing_threads() + 1)
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path)],
        env=os.environ | {"NPROC": cores},
        check=True,
    )
    model = MLPClassifier((3,), max_iter=6, random_state=0, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=f"on {cores} cores.*NPROC={cores}"):
        model.fit(X, X[:, 0] > 0)


@pytest.mark.slow
def test_a_run_goes_on_to_the_same_bits_under_other_jax_settings(tmp_path):
    model = MLPClassifier(**SMALL, batch_size=20)
    whole = clone(model).fit(X, Y)
    model.set_params(checkpoint=tmp_path, checkpoint_seconds=0)
    with pytest.raises(KilledError):
        clone(model).set_params(callbacks=[killing(5)]).fit(X, Y)
    with jax.enable_x64(True), jax.default_prng_impl("rbg"):
        again = clone(model).fit(X, Y)
    assert again.resumed_from_ == 4
    assert digest(again) == digest(whole)
