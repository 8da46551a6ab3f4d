"""What each fitted attribute must be: one table of type, shape and finiteness.

A model file is hostile until proven otherwise. Its checksum protects what was written,
not what it means, so every attribute that a file holds is checked against the row that
stands here for it before anything uses it. An attribute that is missing, unknown or
wrong is one ``ValueError`` that names it, what was expected and what came.

A *rule* is a function ``(value, owner) → str | None``: what was expected, or None if
the value is that. Sizes are numbers, names of attributes of the owner (rows are checked
in their order), functions of the owner, or None for any size.

Weights and the solver's state are finite. The course of the loss is not always: NaN is
the score of an epoch without rows to score, and what a diverged epoch left.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from lamina.data import ImageSchema, TableSchema
from lamina.data.tables.target import TASKS
from lamina.estimators._core.embedding_scores import NAMES
from lamina.estimators._core.labels import Labels
from lamina.learning.diagnostics.recorder import FIGURES
from lamina.metrics import scores
from lamina.networks import Key, Network, Tied

Size = int | str | None | Callable[[Any], int]
Rule = Callable[[Any, Any], str | None]

MOST = 2**53
"""No count is larger: what a float64 holds without rounding."""

MOST_EPOCHS = 2**31 - 1
"""Epochs and draws are folded into keys of 32 bits."""

MISSING = object()


@dataclass(frozen=True)
class Sometimes:
    """The row of an attribute that some estimators of a class have.

    Attributes
    ----------
    rule : callable
    when : callable, optional
        Of the owner: whether it has to have it.
    """

    rule: Rule
    when: Callable[[Any], Any] | None = None


Rows = dict[str, Rule | Sometimes]


def check_fitted(owner: Any, found: Mapping[str, Any], rows: Rows) -> None:
    """Refuse fitted attributes that are not those of the owner's class.

    Parameters
    ----------
    owner : estimator
        Its attributes are set one after the other, each after it was checked.
    found : dict
        Name and value of each attribute.
    rows : dict
        What they must be, of :data:`FITTED`.

    Raises
    ------
    ValueError
        Naming the first that is missing, unknown or wrong, what was expected and what
        came.
    """
    name = type(owner).__name__
    unknown = [key for key in found if key not in rows]
    if unknown:
        raise ValueError(f"{name} has no fitted attribute {unknown[0][:40]!r}")
    for key, row in rows.items():
        rule = row.rule if isinstance(row, Sometimes) else row
        if key not in found and _may_lack(row, owner):
            continue
        value = found.get(key, MISSING)
        expected = rule(value, owner)
        if expected is not None:
            raise ValueError(f"{name}.{key} must be {expected}; got {shown(value)}")
        setattr(owner, key, value)


def _may_lack(row: Rule | Sometimes, owner: Any) -> bool:
    sometimes = isinstance(row, Sometimes)
    return sometimes and (row.when is None or not row.when(owner))


def shown(value: Any) -> str:
    """Return in a few words what a value is."""
    if value is MISSING:
        return "nothing"
    if isinstance(value, np.ndarray):
        odd = value.dtype.kind == "f" and not np.isfinite(value).all()
        rest = " with NaN or infinity" if odd else ""
        return f"an array of {value.dtype}, shape {value.shape}{rest}"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


# ---- rules --------------------------------------------------------------------------


def integer(low: int = 0, high: Size = MOST) -> Rule:
    """A whole number in [low, high]."""

    def rule(value: Any, owner: Any) -> str | None:
        found = _size(high, owner)
        most = MOST if found is None else found
        whole = isinstance(value, Integral) and not isinstance(value, bool | np.bool_)
        if whole and low <= int(value) <= most:
            return None
        return f"a whole number from {low} to {most:,}"

    return rule


def number(value: Any, owner: Any) -> str | None:
    """A real number, perhaps NaN or infinite."""
    real = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    return None if real else "a number"


def finite(value: Any, owner: Any) -> str | None:
    """A real number that is finite."""
    fits = number(value, owner) is None and math.isfinite(value)
    return None if fits else "a finite number"


def flag(value: Any, owner: Any) -> str | None:
    """True or False."""
    return None if isinstance(value, bool | np.bool_) else "True or False"


def text(value: Any, owner: Any) -> str | None:
    """A string."""
    return None if isinstance(value, str) else "a text"


def one_of(*values: Any) -> Rule:
    """One of some values, of the same type."""

    def rule(value: Any, owner: Any) -> str | None:
        fits = any(type(value) is type(one) and value == one for one in values)
        return None if fits else f"one of {values}"

    return rule


def a(*kinds: type) -> Rule:
    """An object of a class."""

    def rule(value: Any, owner: Any) -> str | None:
        names = " or ".join(kind.__name__ for kind in kinds)
        return None if isinstance(value, kinds) else f"a {names}"

    return rule


def maybe(inner: Rule) -> Rule:
    """None, or what a rule says."""

    def rule(value: Any, owner: Any) -> str | None:
        expected = None if value is None else inner(value, owner)
        return None if expected is None else f"None or {expected}"

    return rule


def floats(*shape: Size, low: float = -math.inf, above: float = -math.inf) -> Rule:
    """An array of finite floats in a shape, all ≥ ``low`` and > ``above``."""

    def rule(value: Any, owner: Any) -> str | None:
        fits = _in_shape(value, shape, owner) and value.dtype.kind == "f"
        fits = fits and np.isfinite(value).all()
        if fits and (value >= low).all() and (value > above).all():
            return None
        bound = f" ≥ {low:g}" if low > -math.inf else ""
        bound = f" > {above:g}" if above > -math.inf else bound
        return f"an array of finite floats{bound} of shape {_sizes(shape, owner)}"

    return rule


def integers(*shape: Size) -> Rule:
    """An array of whole numbers in a shape."""

    def rule(value: Any, owner: Any) -> str | None:
        fits = _in_shape(value, shape, owner) and value.dtype.kind in "iu"
        if fits:
            return None
        return f"an array of whole numbers of shape {_sizes(shape, owner)}"

    return rule


def labels(*shape: Size) -> Rule:
    """An array of labels in a shape: texts, truth values, whole or finite numbers."""

    def rule(value: Any, owner: Any) -> str | None:
        if _in_shape(value, shape, owner) and _are_labels(value):
            return None
        return f"an array of labels of shape {_sizes(shape, owner)}"

    return rule


def texts(*shape: Size) -> Rule:
    """An array of strings in a shape."""

    def rule(value: Any, owner: Any) -> str | None:
        if _in_shape(value, shape, owner) and _are_texts(value):
            return None
        return f"an array of texts of shape {_sizes(shape, owner)}"

    return rule


def list_of(inner: Rule, n: Size = None, least: int = 0) -> Rule:
    """A list, of a number of entries if that is known."""

    def rule(value: Any, owner: Any) -> str | None:
        size = _size(n, owner)
        if isinstance(value, list) and len(value) >= least:
            fits = size is None or len(value) == size
            if fits and all(inner(one, owner) is None for one in value):
                return None
        some = "" if size is None else f"{size} "
        return f"a list of {some}entries, each {inner(MISSING, owner)}"

    return rule


def tuple_of(*inner: Rule) -> Rule:
    """A tuple, each of whose entries has a rule of its own."""

    def rule(value: Any, owner: Any) -> str | None:
        fits = isinstance(value, tuple) and len(value) == len(inner)
        if fits and all(r(v, owner) is None for r, v in zip(inner, value, strict=True)):
            return None
        return f"a tuple of {', '.join(str(r(MISSING, owner)) for r in inner)}"

    return rule


def mapping(inner: Rule) -> Rule:
    """A dictionary from texts to what a rule says."""

    def rule(value: Any, owner: Any) -> str | None:
        fits = isinstance(value, dict) and all(isinstance(key, str) for key in value)
        if fits and all(inner(one, owner) is None for one in value.values()):
            return None
        return f"a dictionary from texts to {inner(MISSING, owner)}"

    return rule


def scores_of(known: Callable[[Any], Iterable[str]], like: str | None = None) -> Rule:
    """Scores of known names; those of another attribute, if it is named."""

    def rule(value: Any, owner: Any) -> str | None:
        names, each = set(known(owner)), maybe(number)
        fits = isinstance(value, dict) and names.issuperset(value)
        fits = fits and all(each(one, owner) is None for one in value.values())
        if fits and (like is None or set(value) == set(getattr(owner, like) or value)):
            return None
        return f"a dictionary of scores: {', '.join(sorted(names))}"

    return rule


def fitted(*names: str) -> Rule:
    """An estimator of one of some classes (any if none is named) that has learnt."""

    def rule(value: Any, owner: Any) -> str | None:
        of_class = not names or type(value).__name__ in names
        known = isinstance(value, BaseEstimator) and of_class
        if known and any(name in vars(value) for name in ("network_", "window_")):
            return None
        return f"a fitted {' or '.join(names) or 'estimator'}"

    return rule


def _size(size: Size, owner: Any) -> int | None:
    if isinstance(size, str):
        return getattr(owner, size)
    return size(owner) if callable(size) else size


def _sizes(shape: tuple[Size, ...], owner: Any) -> str:
    sizes = ["any" if s is None else str(s) for s in _all_sizes(shape, owner)]
    return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"


def _all_sizes(shape: tuple[Size, ...], owner: Any) -> list[int | None]:
    return [_size(size, owner) for size in shape]


def _in_shape(value: Any, shape: tuple[Size, ...], owner: Any) -> bool:
    """Whether something is an array of a shape; any size is at least 1."""
    if not isinstance(value, np.ndarray) or value.ndim != len(shape):
        return False
    pairs = zip(value.shape, _all_sizes(shape, owner), strict=True)
    return all(n > 0 if size is None else n == size for n, size in pairs)


def _are_texts(value: np.ndarray) -> bool:
    if value.dtype.kind == "O":
        return all(isinstance(one, str) for one in value.flat)
    return value.dtype.kind == "U"


def _are_labels(value: np.ndarray) -> bool:
    if value.dtype.kind == "f":
        return bool(np.isfinite(value).all())
    return value.dtype.kind in "biu" or _are_texts(value)


def _labels(value: Any, owner: Any) -> str | None:
    fits = isinstance(value, Labels) and labels(None)(value.classes, owner) is None
    return None if fits else "labels and their classes"


def _baseline(value: Any, owner: Any) -> str | None:
    classes = getattr(owner, "task_", None) == "classification"
    if isinstance(value, scores.Baseline):
        own, other = value.shares, value.mean
        own, other = (own, other) if classes else (other, own)
        if other is None and floats(None)(own, owner) is None:
            return None
    return f"a baseline: the {'shares of the classes' if classes else 'mean'}"


def _weights(value: Any, owner: Any) -> str | None:
    """Parameters of layers: arrays of finite floats in tuples, lists and dictionaries.

    Whether they fit the network is found out by running it on shapes.
    """
    if isinstance(value, tuple) and all(map(_are_weights, value)):
        return None
    return "the finite weights of each layer"


def _are_weights(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_are_weights, value.values()))
    if isinstance(value, tuple | list):
        return all(map(_are_weights, value))
    array = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return array and bool(np.isfinite(value).all())


def _machines(value: Any, owner: Any) -> str | None:
    """Weights of a stack of restricted Boltzmann machines, each on the one below."""
    fits = _weights(value, owner) is None
    visible = owner.n_features_in_
    for own in value if fits else ():
        fits = fits and isinstance(own, dict) and "weight" in own
        hidden = own["weight"].shape[-1] if fits and own["weight"].ndim else 0
        shapes = {"weight": (visible, hidden), "bias": (hidden,)}
        shapes |= {"visible_bias": (visible,)}
        shapes |= {"down": (visible, hidden)} if fits and "down" in own else {}
        fits = fits and {name: np.shape(one) for name, one in own.items()} == shapes
        visible = hidden
    return None if fits else "the finite weights and biases of each machine"


def _health(value: Any, owner: Any) -> str | None:
    """Records as ``Watched._settled_health`` returns them."""
    wanted = {"epoch": 1, "loss": 1, "contrast": 1, "figures": 3, "scale": 1}
    fits = isinstance(value, dict) and set(value) == set(wanted)
    fits = fits and all(
        isinstance(value[name], np.ndarray) and value[name].ndim == ndim
        for name, ndim in wanted.items()
    )
    if fits:
        kinds = {name: value[name].dtype.kind for name in wanted}
        fits = kinds == dict.fromkeys(wanted, "f") | {"epoch": "i"}
        fits = fits and value["figures"].shape[2] == len(FIGURES)
        sizes = {len(value[name]) for name in ("epoch", "loss", "contrast", "figures")}
        fits = fits and len(sizes) == 1
    return None if fits else "records of health, as many of each"


def _image_shape(value: Any, owner: Any) -> str | None:
    fits = isinstance(value, tuple) and len(value) == 3
    fits = fits and all(integer(1)(side, owner) is None for side in value)
    if fits and math.prod(value) == owner.n_features_in_:
        return None
    return f"(height, width, channels) of {owner.n_features_in_:,} numbers"


def _trace(value: Any, owner: Any) -> str | None:
    shapes = (None, None), (None, None, None)
    fits = any(floats(*shape)(value, owner) is None for shape in shapes)
    return None if fits else "the finite weights at the start and after each step"


def _constant(value: Any, owner: Any) -> str | None:
    return None if isinstance(value, str | float) else "a text or a number"


# ---- sizes --------------------------------------------------------------------------


def _channels(owner: Any) -> int:
    """Return how many features of an autoencoder are scaled."""
    shape = getattr(owner, "image_shape_", None)
    return owner.n_features_in_ if shape is None else shape[-1]


def _deepest_encoder(owner: Any) -> int:
    layers = owner.network_.layers
    if isinstance(layers[-1], Tied):
        layers = (*layers[:-1], *layers[-1].layers, *layers[-1].back)
    return len(layers) - 1


def _width(owner: Any) -> int:
    """Return how many features the network of a model sees."""
    return owner.estimator_.n_features_in_


def _top_units(owner: Any) -> int:
    return owner.params_[-1]["weight"].shape[-1]


def _classes(owner: Any) -> int:
    return len(owner.classes_)


def _steps(owner: Any) -> int:
    return owner.window_ + owner.season


def _known(owner: Any) -> int:
    return len(getattr(owner, "_known_spread", ()))


def _series(owner: Any) -> int:
    return 1 if owner.series_ is None else len(owner.series_)


# ---- the table ----------------------------------------------------------------------

CURVE = list_of(number)

ESTIMATOR: Rows = {
    "_sklearn_output_config": Sometimes(mapping(text)),
}

TRAINED: Rows = {
    **ESTIMATOR,
    "n_features_in_": integer(1),
    "feature_names_in_": Sometimes(texts("n_features_in_")),
    "network_": a(Network),
    "params_": _weights,
    "_run_key": a(Key),
    "_state_owner": maybe(text),
    "_health": maybe(_health),
    "_epochs": integer(0, MOST_EPOCHS),
    "t_": integer(),
    "history_": mapping(CURVE),
    "resumed_from_": Sometimes(maybe(integer())),
    "n_compiles_": integer(),
    "n_iter_": integer(0, MOST_EPOCHS),
    "stopped_": text,
}

FEED_FORWARD: Rows = {
    **TRAINED,
    "n_outputs_": integer(1),
    "loss_curve_": CURVE,
    "loss_": number,
    "validation_scores_": maybe(CURVE),
    "best_validation_score_": maybe(number),
    "best_loss_": maybe(number),
    "out_activation_": text,
    "refit_n_iter_": Sometimes(integer(0, MOST_EPOCHS)),
    "refit_stopped_": Sometimes(text),
}

TABLES: Rows = {"n_layers_": integer(1)}

IMAGES: Rows = {
    "image_shape_": _image_shape,
    "_scale": maybe(tuple_of(finite, finite)),
}

SEQUENCES: Rows = {
    "alphabet_": maybe(text),
    "longest_": integer(1, MOST_EPOCHS),
    "feature_mean_": floats("n_features_in_"),
    "feature_scale_": floats("n_features_in_", above=0),
}

CLASSES: Rows = {"_labels": _labels, "classes_": labels(None)}

CLASS_OF_EACH: Rows = {"classes_": labels("n_outputs_")}

NUMBERS: dict[str, Rule] = {
    "_y_ndim": one_of(1, 2),
    "target_mean_": floats("n_outputs_"),
    "target_scale_": floats("n_outputs_", above=0),
}

BOLTZMANN: Rows = {
    **TRAINED,
    "params_": _machines,
    "_draws": integer(0, MOST_EPOCHS),
    **{
        name: Sometimes(rule, lambda owner: owner.visible == "gaussian")
        for name, rule in {
            "feature_mean_": floats("n_features_in_"),
            "feature_scale_": floats("n_features_in_", above=0),
        }.items()
    },
}

SOURCE: Rows = {
    **ESTIMATOR,
    "estimator_": fitted(),
    "best_epoch_": integer(0, MOST_EPOCHS),
    "n_train_": integer(1),
    "n_holdout_": integer(),
    "notes_": list_of(text),
}

PREDICTIVE: Rows = {
    **SOURCE,
    "task_": one_of(*TASKS),
    "classes_": Sometimes(labels(None), lambda owner: owner.task_ == TASKS[0]),
    "baseline_": _baseline,
    "scores_": scores_of(
        lambda owner: (
            scores.OF_CLASSES if owner.task_ == TASKS[0] else scores.OF_NUMBERS
        )
    ),
}
PREDICTIVE["baseline_scores_"] = scores_of(lambda owner: owner.scores_, "scores_")

OF_CODES = scores_of(lambda owner: NAMES)
ALIKE = scores_of(lambda owner: owner.scores_, "scores_")

FITTED: dict[str, Rows] = {
    "Autoencoder": {
        **FEED_FORWARD,
        "image_shape_": Sometimes(_image_shape),
        "error_": one_of("squared_error", "binary_cross_entropy"),
        "feature_mean_": floats(_channels),
        "feature_scale_": floats(_channels, above=0),
        "_as_rows": flag,
        "_n_encoder": integer(1, _deepest_encoder),
    },
    "BernoulliRBM": BOLTZMANN,
    "CapsNetClassifier": {**FEED_FORWARD, **IMAGES, **CLASSES},
    "CodeModel": {
        **SOURCE,
        "schema_": a(TableSchema, ImageSchema),
        "target_": list_of(text),
        "image_shape_": maybe(tuple_of(integer(1), integer(1))),
        "limits_": maybe(tuple_of(floats(_width), floats(_width, above=0))),
        "constants_": mapping(_constant),
        "n_codes_": integer(1),
        "mean_": floats(_width),
        "components_": maybe(floats("n_codes_", _width)),
        "scores_": OF_CODES,
        "baseline_scores_": ALIKE,
        "pca_scores_": ALIKE,
    },
    "ConvNetClassifier": {**FEED_FORWARD, **IMAGES, **CLASSES},
    "ConvNetRegressor": {**FEED_FORWARD, **IMAGES, **NUMBERS},
    "ConvNetSegmenter": {**FEED_FORWARD, **IMAGES, **CLASS_OF_EACH},
    "DeepBeliefNetwork": {
        **BOLTZMANN,
        "_top_chains": maybe(floats(None, _top_units)),
    },
    "DeepBoltzmannMachine": BOLTZMANN,
    "ForecastModel": {
        **ESTIMATOR,
        "forecaster_": fitted("Forecaster"),
        "notes_": list_of(text),
        "scores_": maybe(scores_of(lambda owner: scores.OF_FORECASTS)),
        "baseline_scores_": maybe(ALIKE),
        "coverage_": maybe(number),
        "targets_": list_of(text, least=1),
        "series_": maybe(list_of(text, least=1)),
        "time_": maybe(text),
        "season_": integer(1),
        "spacing_": maybe(text),
        "n_steps_": integer(1),
        "n_series_": integer(1),
        "_later": maybe(list_of(floats(None, None), least=1)),
        "_ahead": list_of(labels("horizon"), _series),
    },
    "Forecaster": {
        **ESTIMATOR,
        "log_": flag,
        "window_": integer(1),
        "n_series_": integer(1),
        "_form": one_of("one", "columns", "list"),
        "_center": floats("n_series_"),
        "_spread": floats("n_series_", above=0),
        "_tails": list_of(floats(_steps), "n_series_"),
        "_known_spread": Sometimes(floats(None, above=0)),
        "_known": maybe(list_of(floats(_steps, _known), "n_series_")),
        "n_compiles_": integer(),
        "interrupted_": flag,
        "estimators_": list_of(fitted(), least=1),
        "residuals_": maybe(floats(None, "horizon")),
    },
    "GaussianRBM": BOLTZMANN,
    "HybridHMM": {
        **ESTIMATOR,
        "estimator_": fitted(),
        "n_features_in_": integer(1),
        "classes_": labels(None),
        "start_": floats(_classes, low=0),
        "transition_": floats(_classes, _classes, low=0),
        "prior_": floats(_classes, low=0),
    },
    "ImageModel": {**PREDICTIVE, "schema_": a(ImageSchema), "target_": text},
    "MLPClassifier": {**FEED_FORWARD, **TABLES, **CLASSES},
    "MLPRegressor": {**FEED_FORWARD, **TABLES, **NUMBERS},
    "Perceptron": {
        **TRAINED,
        **CLASSES,
        "codes_": integers(_classes, _top_units),
        "converged_": flag,
        "trace_": Sometimes(_trace),
    },
    "RecurrentClassifier": {**FEED_FORWARD, **SEQUENCES, **CLASSES},
    "RecurrentRegressor": {**FEED_FORWARD, **SEQUENCES, **NUMBERS},
    "RecurrentTagger": {
        **FEED_FORWARD,
        **SEQUENCES,
        "classes_": Sometimes(labels("n_outputs_"), lambda one: one._tells_labels),
        **{
            name: Sometimes(rule, lambda one: not one._tells_labels)
            for name, rule in NUMBERS.items()
        },
    },
    "SequenceModel": {
        **PREDICTIVE,
        "schema_": maybe(a(TableSchema)),
        "per_step_": flag,
        "target_": list_of(text, least=1),
        "shortest_": integer(1),
        "longest_": integer(1),
    },
    "TableModel": {**PREDICTIVE, "schema_": a(TableSchema)},
}
"""Rows of each class, in the order in which they are checked."""
