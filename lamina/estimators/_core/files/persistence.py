"""Estimators ↔ ``.lamina`` files: fitted state, and no code.

A file holds everything that an estimator does: its parameters, its fitted state, its
history and the solver's state, so that ``warm_start`` and ``partial_fit`` continue
after loading exactly as they would have before. It holds no code: callbacks, a loss
function and a ``RandomState`` are left out with a warning. A function as an activation
is rejected, because the network would not be the same without it.

In a file an estimator is ``{"estimator": {…}}`` of its ``class``, its ``parameters``,
its ``fitted`` state (:mod:`lamina.estimators._core.files.state`; None before ``fit``)
and ``notes`` on what was left out.
"""

import importlib
import inspect
import os
import warnings
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from lamina.estimators._core.files.state import State
from lamina.estimators._core.reporting.callers import callers_level
from lamina.storage import ModelFileError, read_models, write_models
from lamina.storage.codec import Reader, Writer, add_kind
from lamina.storage.records import Record
from lamina.storage.rules import UNSET, check

CLASSES = {
    "Autoencoder": "lamina.estimators.unsupervised.autoencoder",
    "BernoulliRBM": "lamina.estimators.unsupervised.rbm",
    "CapsNetClassifier": "lamina.estimators.images.capsnet",
    "ConvNetClassifier": "lamina.estimators.images.convnet",
    "ConvNetRegressor": "lamina.estimators.images.convnet",
    "ConvNetSegmenter": "lamina.estimators.images.segmenter",
    "DeepBeliefNetwork": "lamina.estimators.unsupervised.dbn",
    "DeepBoltzmannMachine": "lamina.estimators.unsupervised.dbm",
    "Forecaster": "lamina.estimators.forecasting.forecaster",
    "GaussianRBM": "lamina.estimators.unsupervised.rbm",
    "HybridHMM": "lamina.estimators.sequences.hybrid_hmm",
    "MLPClassifier": "lamina.estimators.perceptrons.mlp",
    "MLPRegressor": "lamina.estimators.perceptrons.mlp",
    "Perceptron": "lamina.estimators.perceptrons.perceptron",
    "RecurrentClassifier": "lamina.estimators.sequences.recurrent",
    "RecurrentRegressor": "lamina.estimators.sequences.recurrent",
    "RecurrentTagger": "lamina.estimators.sequences.tagger",
}
"""Name of each estimator that a file may hold, and its module."""

MODELS = "lamina.models"
"""The package of classes that hold estimators, and are never inside one."""


def _models() -> dict[str, str]:
    """Return the name of each such class, and its module.

    They belong to a higher layer, so they are imported when a file holds one.
    """
    return importlib.import_module(MODELS).HOMES


def _home(name: str) -> str | None:
    return CLASSES.get(name) or _models().get(name)


SAVED = {
    "class": str,
    "parameters": dict[str, Any],
    "fitted": dict[str, Any] | None,
    "notes": list[str],
}
"""The entries of an estimator in a file, and their types."""


# ---- files --------------------------------------------------------------------------


def save(estimator: Any, path: str | os.PathLike) -> None:
    """Write a fitted estimator to a model file, whole or not at all.

    Parameters
    ----------
    estimator : an estimator of lamina
    path : path
        By convention it ends in ``.lamina``.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If it is not an estimator of lamina, or holds something that a file cannot, such
        as a function as an activation; the message names the parameter.
    OSError
        If the file cannot be written, with its name; an older file is unchanged.

    Warns
    -----
    UserWarning
        Naming the parameters, and attributes of your own, that are left out.
    """
    name = _checked_class(estimator)
    check_is_fitted(estimator)
    write_models(path, {name: estimator})


def load(path: str | os.PathLike) -> Any:
    """Read an estimator from a model file.

    Its predictions are those of the estimator that was saved, bit for bit.

    Raises
    ------
    ModelFileError
        If the file is missing, of another kind, of another version of lamina, or
        damaged, or an attribute in it is missing, unknown or wrong.
    """
    models = read_models(path, BaseEstimator)
    if len(models) != 1:
        raise ModelFileError(
            f"{os.fspath(path)}: holds {len(models)} models, "
            "which lamina.storage.read_models reads"
        )
    return next(iter(models.values()))


# ---- estimators -> JSON and tensors -------------------------------------------------


def _write(estimator: Any, writer: Writer, path: str) -> dict[str, Any]:
    name, inner = _checked_class(estimator), _is_inside(writer.inside)
    parameters, notes = _parameters(estimator)
    fitted = None
    if _is_fitted(estimator):
        kept = estimator._state_type
        # An estimator inside another one only predicts: its solver's state, twice as
        # large as the network, is not needed.
        fitted = writer.fields(_record(kept), kept.of(estimator, not inner), path)
        notes += [
            f"{own} is not an attribute of a {name} and is not kept"
            for own in kept.unknown(estimator)
        ]
    if not inner:
        for note in notes:
            warnings.warn(note, UserWarning, stacklevel=callers_level())
    return {
        "estimator": {
            "class": name,
            "parameters": {
                param: writer.value(value, f"{path}/parameters/{param}")
                for param, value in parameters.items()
            },
            "fitted": fitted,
            "notes": notes,
        }
    }


def _checked_class(estimator: Any) -> str:
    name = type(estimator).__name__
    if type(estimator).__module__ != _home(name):
        raise ValueError(
            f"a model file cannot hold a {name}, only estimators of lamina"
        )
    return name


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def _is_inside(classes: list[type]) -> bool:
    return any(issubclass(cls, BaseEstimator) for cls in classes[:-1])


@cache
def _record(kept: type[State]) -> Record:
    return Record(kept, version=kept.version)


def _parameters(estimator: Any) -> tuple[dict[str, Any], list[str]]:
    """Return parameters, with defaults in place of functions, and notes on these."""
    of, kept, notes = type(estimator).__name__, estimator.get_params(deep=False), []
    if kept.get("callbacks") is not None:
        notes.append(f"callbacks are functions and are not kept in the file of a {of}")
        kept["callbacks"] = None
    if "checkpoint" in kept:  # a folder of this machine, and of this one run
        kept["checkpoint"] = None
    if callable(loss := kept.get("loss")):
        kept["loss"] = _default(estimator, "loss")
        notes.append(_loss_note(of, loss, kept["loss"]))
    for name, value in kept.items():
        if isinstance(value, np.random.RandomState | np.random.Generator):
            kept[name] = None
            notes.append(
                f"{name} was a {type(value).__name__}, which a file cannot hold; it is "
                "None now (the keys of this fit are kept)"
            )
    return kept, notes


def _loss_note(of: str, loss: Any, default: str) -> str:
    name = getattr(loss, "__name__", type(loss).__name__)
    return (
        f"the loss of this {of} was the function {name!r}, which a file cannot hold; "
        f"predictions are the same, further training would use loss={default!r}"
    )


def _default(estimator: Any, name: str) -> Any:
    return inspect.signature(type(estimator).__init__).parameters[name].default


# ---- JSON and tensors -> estimators -------------------------------------------------


def _read(content: Any, reader: Reader, path: str) -> Any:
    inner = "estimator" in reader.inside[:-1]
    check(dict[str, Any], content, path)
    for part, kind in SAVED.items():
        check(kind, content.get(part, UNSET), f"{path}.{part}")
    cls = _class(content["class"], path, inner)
    parameters = {
        param: reader.value(value, f"{path}.{param}")
        for param, value in content["parameters"].items()
    }
    unknown = sorted(set(parameters) - set(cls._get_param_names()))
    if unknown:
        raise ValueError(f"{path}: a {cls.__name__} has no parameter {unknown[0]!r}")
    estimator = cls(**parameters)
    if content["fitted"] is not None:  # or else it is a parameter of another one
        record = _record(cls._state_type)
        state = reader.record(record, content["fitted"], path, estimator)
        try:
            state.restore(estimator)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    for note in content["notes"]:
        if note.startswith("the loss") and not inner:
            # Predictions are the same, but further training would silently differ.
            warnings.warn(note, UserWarning, stacklevel=callers_level())
    return estimator


def _class(name: str, path: str, inner: bool) -> Any:
    """Return the class of that name; only those in the tables are imported."""
    home = _home(name)
    if home is None:
        raise ValueError(
            f"{path} holds a {name[:40]!r}, which this lamina does not know; it knows "
            f"{', '.join([*CLASSES, *_models()])}"
        )
    if inner and name in _models():
        raise ValueError(f"{path}: a {name} cannot lie inside another estimator")
    return getattr(importlib.import_module(home), name)


add_kind("estimator", BaseEstimator, _write, _read)
