"""Hostile model files of every estimator: each attribute is mutated in turn.

A mutated file is refused by one ValueError, or its model answers. Nothing is trained
for a mutation, and all of a kind answer for the same rows.
"""

import copy
import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import lamina
from lamina import (
    GRU,
    RNN,
    Autoencoder,
    BernoulliRBM,
    CapsNetClassifier,
    Conv,
    ConvNetClassifier,
    ConvNetRegressor,
    ConvNetSegmenter,
    DeepBeliefNetwork,
    DeepBoltzmannMachine,
    EmbeddingModel,
    Flatten,
    Forecaster,
    ForecastModel,
    GaussianRBM,
    HybridHMM,
    ImageModel,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
    PrimaryCapsules,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
    SequenceModel,
    TableModel,
)
from lamina.estimators._core.files import persistence
from lamina.models import HOMES
from lamina.storage import ModelFileError, read, write
from lamina.storage.codec import encode
from tests.model_files import closed, opened
from tests.tiers import in_tiers

ONE = {"max_iter": 1, "random_state": 0}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4)).astype(np.float32)
UNITS = 1 / (1 + np.exp(-X))
CODES = np.arange(24) % 3
FRAME = pd.DataFrame(X, columns=list("abcd"))
IMAGES = RNG.random((12, 4, 4, 1)).astype(np.float32)
SEQUENCES = [RNG.normal(size=(n, 2)).astype(np.float32) for n in (3, 5, 4, 3, 4, 5)]
STEPS = [(one[:, 0] > 0).astype(int) for one in SEQUENCES]
WAVE = np.sin(np.arange(40) / 3)
TABLE = {
    "a": X[:, 0],
    "b": X[:, 1],
    "c": np.array(["x", "y", None], object)[CODES],
    "t": np.array(["u", "v", "w"], object)[CODES],
}
LONG = {
    "id": np.repeat(np.arange(12), 4),
    "x": RNG.normal(size=48),
    "t": np.array(["u", "v"], object)[np.repeat(np.arange(12) % 2, 4)],
}
MONTHS = {
    "when": np.tile(np.arange("2001-01", "2004-05", dtype="datetime64[M]"), 2),
    "which": np.repeat(["one", "two"], 40),
    "v": np.concatenate([WAVE, WAVE + 1]),
}
CAPSULES = [Conv(4, 1), PrimaryCapsules(2, 4, 1, 1)]
FILTERS = [Conv(2, 3), Flatten()]
SMALL = {"hidden_layer_sizes": (3,), "max_iter": 1}
MEMBER = MLPRegressor(hidden_layer_sizes=(3,), **ONE)


def image_model(folder):
    for i in range(20):
        into = folder / "ab"[i % 2]
        into.mkdir(exist_ok=True)
        pixels = (RNG.random((4, 4)) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(into / f"{i}.png")
    own = ConvNetClassifier(FILTERS, **ONE)
    return ImageModel(estimator=own, random_state=0).fit(folder), folder


KINDS = {
    "Autoencoder": lambda _: (Autoencoder((3, 2), **ONE).fit(X), X),
    "Autoencoder of images": lambda _: (
        Autoencoder(layers=[Flatten(), lamina.Dense(2)], **ONE).fit(IMAGES),
        IMAGES,
    ),
    "BernoulliRBM": lambda _: (
        BernoulliRBM(3, n_iter=1, random_state=0).fit(UNITS),
        UNITS,
    ),
    "CapsNetClassifier": lambda _: (
        CapsNetClassifier(CAPSULES, capsule_size=4, decoder=(3,), **ONE).fit(
            IMAGES, CODES[:12]
        ),
        IMAGES,
    ),
    "EmbeddingModel": lambda _: (
        EmbeddingModel("rbm", target="t", latent_dim=2, settings={"n_iter": 1}).fit(
            TABLE
        ),
        TABLE,
    ),
    "ConvNetClassifier": lambda _: (
        ConvNetClassifier(FILTERS, **ONE).fit(IMAGES, CODES[:12]),
        IMAGES,
    ),
    "ConvNetRegressor": lambda _: (
        ConvNetRegressor(FILTERS, **ONE).fit(IMAGES, CODES[:12] / 2),
        IMAGES,
    ),
    "ConvNetSegmenter": lambda _: (
        ConvNetSegmenter([Conv(2, 3, padding="same")], **ONE).fit(
            IMAGES, (IMAGES[..., 0] > 0.5).astype(int)
        ),
        IMAGES,
    ),
    "DeepBeliefNetwork": lambda _: (
        DeepBeliefNetwork((3, 2), n_iter=1, wake_sleep_epochs=1, random_state=0).fit(
            UNITS
        ),
        UNITS,
    ),
    "DeepBoltzmannMachine": lambda _: (
        DeepBoltzmannMachine((3, 2), n_iter=1, random_state=0).fit(UNITS),
        UNITS,
    ),
    "ForecastModel": lambda _: (
        ForecastModel(
            "v",
            time="when",
            series="which",
            horizon=2,
            seasonal_period=1,
            folds=1,
            settings={"window": 4, "estimator": MEMBER, "n_estimators": 1},
        ).fit(MONTHS),
        None,
    ),
    "Forecaster": lambda _: (
        Forecaster(2, window=4, n_estimators=1, estimator=MEMBER).fit(WAVE),
        None,
    ),
    "GaussianRBM": lambda _: (GaussianRBM(3, n_iter=1, random_state=0).fit(X), X),
    "HybridHMM": lambda _: (
        HybridHMM(MLPClassifier((3,), **ONE), context=1).fit(SEQUENCES, STEPS),
        SEQUENCES,
    ),
    "ImageModel": image_model,
    "MLPClassifier": lambda _: (MLPClassifier((3,), **ONE).fit(X, CODES), X),
    "MLPRegressor": lambda _: (
        MLPRegressor(
            hidden_layer_sizes=(3,), early_stopping=True, refit="restart", **ONE
        ).fit(FRAME, X[:, :2]),
        FRAME,
    ),
    "Perceptron": lambda _: (
        Perceptron(max_iter=2, trace=True, random_state=0).fit(X, CODES),
        X,
    ),
    "RecurrentClassifier": lambda _: (
        RecurrentClassifier([GRU(2)], **ONE).fit(SEQUENCES, [0, 1] * 3),
        SEQUENCES,
    ),
    "RecurrentClassifier of texts": lambda _: (
        RecurrentClassifier([lamina.Embedding(4, 2), RNN(2)], **ONE).fit(
            ["abc", "bca", "cab", "aab"], [0, 1, 0, 1]
        ),
        ["abc", "cba"],
    ),
    "RecurrentRegressor": lambda _: (
        RecurrentRegressor([RNN(2)], **ONE).fit(SEQUENCES, np.arange(6.0)),
        SEQUENCES,
    ),
    "RecurrentTagger": lambda _: (
        RecurrentTagger([RNN(2)], **ONE).fit(SEQUENCES, STEPS),
        SEQUENCES,
    ),
    "RecurrentTagger of numbers": lambda _: (
        RecurrentTagger([RNN(2)], loss="squared_error", **ONE).fit(
            SEQUENCES, [one[:, 0] for one in SEQUENCES]
        ),
        SEQUENCES,
    ),
    "SequenceModel": lambda _: (
        SequenceModel(
            "t", series="id", estimator=RecurrentClassifier([RNN(2)], **ONE)
        ).fit(LONG),
        LONG,
    ),
    "TableModel": lambda _: (TableModel("t", settings=SMALL).fit(TABLE), TABLE),
    "TableModel of numbers": lambda _: (
        TableModel("a", settings=SMALL).fit(TABLE),
        TABLE,
    ),
}

ONE_OF_EACH = (
    "BernoulliRBM",
    "ConvNetClassifier",
    "Forecaster",
    "MLPClassifier",
    "RecurrentClassifier",
    "TableModel",
)
"""A kind of each package; the slow tier asks the others."""

ASKED = (
    "predict",
    "predict_proba",
    "predict_interval",
    "transform",
    "score_samples",
    "inverse_transform",
    "reconstruct",
    "reconstruction_error",
)

VALUES = (
    float("nan"),
    2**62,
    None,
    [None],
    {"loss": 1.0},
    np.full(2, np.nan),
    np.zeros((3, 1)),
    "text",
    1.5,
    -1,
)


def hostile(value):
    """Return what a mutated file may hold in the place of a value."""
    own = []
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufUO" and value.size:
        own += [value[..., None], value.reshape(-1)[:-1]]
        if value.dtype.kind == "f":
            own.append(
                np.where(np.arange(value.size) == 0, np.nan, 1).reshape(value.shape)
            )
    if isinstance(value, list | tuple) and len(value):
        own += [value[:-1], [*value[:-1], None]]
    if isinstance(value, int):
        own += [value + 1, 1000]
    return [*VALUES, *own]


def gives_probabilities(model):
    return getattr(model, "_tells_labels", hasattr(model, "classes_"))


def use(model, data):
    """Ask a model for whatever it can tell."""
    if hasattr(model, "summary"):
        model.summary()
    for name in ASKED:
        if not hasattr(model, name):
            continue
        if name == "inverse_transform":
            getattr(model, name)(model.transform(data))
        elif isinstance(model, Forecaster | ForecastModel):
            getattr(model, name)()
        elif name != "predict_proba" or gives_probabilities(model):
            getattr(model, name)(data)
    if hasattr(model, "sample"):
        model.sample(2, 1)


@pytest.fixture(scope="module", params=in_tiers(KINDS, ONE_OF_EACH))
def kind(request, tmp_path_factory):
    """A small fitted model, what it answers for, and its file's content."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, data = KINDS[request.param](tmp_path_factory.mktemp("data"))
        return model, data, *opened(model)


def test_every_class_is_here():
    known = {*persistence.CLASSES, *HOMES}
    assert {name.split()[0] for name in KINDS} == known


def test_every_attribute_has_a_field_and_no_field_hides_a_method(kind):
    model, _, description, _ = kind
    assert not description["notes"]  # attributes without a field are left out with one
    kept = model._state_type.attributes().values()
    assert not [name for name in kept if hasattr(type(model), name)]


@pytest.mark.filterwarnings("ignore")
def test_all_that_was_learnt_comes_back(kind):
    model, _, description, tensors = kind
    found = closed(description, tensors)
    again, same = opened(found)
    assert again == description
    assert same.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert same[name].dtype == tensor.dtype
        np.testing.assert_array_equal(same[name], tensor)
    left_out = {"_recorder"}  # and what knows rows of its source
    left_out |= {"holdout_rows_", "holdout_names_", "backtest_"}
    assert set(vars(model)) - left_out <= set(vars(found))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_mutated_attribute_is_refused_or_answers(kind):
    model, data, description, tensors = kind
    use(model, data)
    fitted = dict(description["fitted"])
    if "solver_state" in fitted:
        fitted["solver_state"] = None
    description = description | {"fitted": fitted}
    state = type(model)._state_type.of(model)
    for name in set(fitted) - {"solver_state", "version"}:
        accepted = set()
        for value in hostile(getattr(state, name)):
            if type(value) in accepted:  # one number is like the other
                continue
            now = dict(tensors)
            fitted = description["fitted"] | {name: encode(value, "own", now)[0]}
            try:
                found = closed(description | {"fitted": fitted}, now)
                accepted.add(type(value))
                use(found, data)
            except ValueError:
                continue
            except Exception as error:
                error.add_note(f"{type(model).__name__}.{name} = {value!r}")
                raise


@pytest.mark.filterwarnings("ignore")
def test_a_missing_or_unknown_attribute_is_named(kind):
    model, _, description, tensors = kind
    fields = dataclasses.fields(model._state_type)
    for name in [f.name for f in fields if f.default is dataclasses.MISSING]:
        changed = copy.deepcopy(description)
        del changed["fitted"][name]
        with pytest.raises(ValueError, match=rf"\.{name} must be .*; got nothing"):
            closed(changed, tensors)
    changed = copy.deepcopy(description)
    changed["fitted"]["more"] = 1
    with pytest.raises(ValueError, match="has no field 'more'"):
        closed(changed, tensors)
    changed = copy.deepcopy(description)
    changed["fitted"]["version"] += 1
    with pytest.raises(ValueError, match="has version 2; this lamina reads"):
        closed(changed, tensors)


@pytest.mark.filterwarnings("ignore")
def test_a_mutated_tensor_is_refused_or_answers(kind):
    _, data, description, tensors = kind
    weights = [name for name in tensors if "/params/" in name]
    state = [name for name in tensors if "/solver_state/" in name]
    for name in weights + state[:1]:
        tensor = tensors[name]
        for value in (tensor[..., None], tensor.reshape(-1)[:1]):
            try:
                use(closed(description, tensors | {name: value}), data)
            except ValueError:
                continue
            except Exception as error:
                error.add_note(f"{name}: {value.dtype} {value.shape}")
                raise
    for name in weights[:1] + state[-1:]:
        if tensors[name].dtype.kind == "f":
            changed = tensors | {name: np.full_like(tensors[name], np.nan)}
            with pytest.raises(ValueError, match="finite"):
                closed(description, changed)


def test_a_file_with_a_right_checksum_is_refused_by_name(tmp_path):
    path = tmp_path / "m.lamina"
    MLPClassifier((3,), **ONE).fit(X, CODES).save(path)
    description, tensors = read(path)
    bias = "MLPClassifier/params/0/bias"
    assert bias in tensors
    write(path, description, tensors | {bias: np.full(3, np.nan, np.float32)})
    expected = r"m\.lamina: MLPClassifier\.params must be the finite weights"
    with pytest.raises(ModelFileError, match=expected):
        lamina.load(path)
