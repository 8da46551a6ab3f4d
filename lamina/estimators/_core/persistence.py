"""Estimators ↔ ``.lamina`` files: what was fitted, and no code.

Everything an estimator holds goes into a file: its parameters, what it learnt, its
history, and the solver's state, so that ``warm_start`` and ``partial_fit`` go on after
loading exactly as they would have before. What only code can say does not: callbacks,
a loss function and a ``RandomState`` are left out with a warning, and a function as an
activation is refused, because without it the network is not the same.
"""

import importlib
import inspect
import os
import warnings
from typing import Any

import jax
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

import lamina
from lamina.data.tables.table import bounded
from lamina.estimators._core.fitted import FITTED, check_fitted
from lamina.estimators._core.health import Watched
from lamina.estimators._core.packing import Tensors, pack, unpack
from lamina.networks.core.computing import own_settings
from lamina.storage import ModelFileError, read, write

CLASSES = {
    "Autoencoder": "lamina.estimators.unsupervised.autoencoder",
    "BernoulliRBM": "lamina.estimators.unsupervised.rbm",
    "CapsNetClassifier": "lamina.estimators.images.capsnet",
    "CodeModel": "lamina.models.embedding",
    "ConvNetClassifier": "lamina.estimators.images.convnet",
    "ConvNetRegressor": "lamina.estimators.images.convnet",
    "ConvNetSegmenter": "lamina.estimators.images.segmenter",
    "DeepBeliefNetwork": "lamina.estimators.unsupervised.dbn",
    "DeepBoltzmannMachine": "lamina.estimators.unsupervised.dbm",
    "ForecastModel": "lamina.models.forecast",
    "Forecaster": "lamina.estimators.forecasting.forecaster",
    "GaussianRBM": "lamina.estimators.unsupervised.rbm",
    "HybridHMM": "lamina.estimators.sequences.hybrid_hmm",
    "ImageModel": "lamina.models.image",
    "MLPClassifier": "lamina.estimators.perceptrons.mlp",
    "MLPRegressor": "lamina.estimators.perceptrons.mlp",
    "Perceptron": "lamina.estimators.perceptrons.perceptron",
    "RecurrentClassifier": "lamina.estimators.sequences.recurrent",
    "RecurrentRegressor": "lamina.estimators.sequences.recurrent",
    "RecurrentTagger": "lamina.estimators.sequences.tagger",
    "SequenceModel": "lamina.models.sequence",
    "TableModel": "lamina.models.table",
}
"""Name of each class that a file may hold, and the module it lies in."""

OUTERMOST = ("CodeModel", "ForecastModel", "ImageModel", "SequenceModel", "TableModel")
"""Those that hold estimators, and lie in none."""

TRIAL_ROWS = 1009  # a prime, so that no other size is it by accident
_REBUILT = ("_algorithm_in_use", "_state")


# ---- files --------------------------------------------------------------------------


def save(estimator: Any, path: str | os.PathLike) -> None:
    """Write a fitted estimator to a model file, whole or not at all.

    Parameters
    ----------
    estimator : an estimator of lamina
    path : path
        By custom it ends in ``.lamina``.

    Raises
    ------
    NotFittedError
        If nothing has been learnt yet.
    ValueError
        If it is no estimator of lamina, or holds what a file cannot, a function as an
        activation for instance; with the parameter's name.
    OSError
        If the file cannot be written, with its name; one that was there before is
        untouched.

    Warns
    -----
    UserWarning
        Naming the parameters, and attributes of one's own, that are left out.
    """
    _check_class(estimator)
    check_is_fitted(estimator)
    description, tensors = to_state(estimator)
    for note in description["notes"]:
        warnings.warn(note, UserWarning, stacklevel=2)
    write(path, {"lamina": lamina.__version__, **description}, tensors)


def load(path: str | os.PathLike) -> Any:
    """Read an estimator from a model file.

    Its predictions are those of the estimator that was saved, bit for bit.

    Raises
    ------
    ModelFileError
        If the file is missing, of another kind, of a newer lamina, or damaged, or an
        attribute in it is missing, unknown or wrong.
    """
    description, tensors = read(path)
    try:
        return from_state(description, tensors)
    except ValueError as error:
        raise ModelFileError(f"{os.fspath(path)}: {bounded(str(error))}") from None


# ---- estimators -> plain data -------------------------------------------------------


def to_state(estimator: Any, *, training: bool = True) -> tuple[dict, Tensors]:
    """Return an estimator as JSON types and arrays.

    Parameters
    ----------
    estimator : an estimator of lamina, fitted or not
    training : bool, default=True
        Whether to keep the solver's state, which only further training needs. It is
        twice as large as the network.

    Returns
    -------
    description : dict of JSON types
        ``class``, ``params``, ``fitted``, ``notes``.
    tensors : dict of ndarray

    Raises
    ------
    ValueError
        As :func:`save`.
    """
    tensors: Tensors = {}
    return _pack_estimator(estimator, "", tensors, training), tensors


def _check_class(estimator: Any) -> str:
    name = type(estimator).__name__
    if type(estimator).__module__ != CLASSES.get(name):
        raise ValueError(f"a {name} is no estimator that a model file can hold")
    return name


def _pack_estimator(
    estimator: Any, prefix: str, tensors: Tensors, training: bool = True
) -> dict[str, Any]:
    name, notes = _check_class(estimator), []
    params = {
        param: _pack_param(estimator, param, value, prefix, tensors, notes)
        for param, value in estimator.get_params(deep=False).items()
    }
    left_out = (*_REBUILT, *getattr(estimator, "_transient", ()))
    if isinstance(estimator, Watched):
        estimator._settled_health()  # its figures go into the file, its examples not
    fitted = {}
    for key, value in vars(estimator).items():
        if key in params or key in left_out:
            continue
        if key in FITTED[name]:
            fitted[key] = _pack_value(value, f"{prefix}{key}", tensors)
        else:
            notes.append(f"{key} is not an attribute of a {name} and is not kept")
    fitted["_state"] = _pack_solver(estimator, prefix, tensors) if training else None
    return {"class": name, "params": params, "fitted": fitted, "notes": notes}


def _pack_value(value: Any, path: str, tensors: Tensors) -> Any:
    if isinstance(value, BaseEstimator):
        # A model inside another is used for its predictions only.
        state = _pack_estimator(value, f"{path}/", tensors, training=False)
        return {"type": "estimator", "value": state}
    if isinstance(value, list) and any(isinstance(v, BaseEstimator) for v in value):
        each = [_pack_value(v, f"{path}/{i}", tensors) for i, v in enumerate(value)]
        return {"type": "estimators", "value": each}
    if isinstance(value, dict) and any(
        isinstance(v, BaseEstimator) for v in value.values()
    ):
        named = {k: _pack_value(v, f"{path}/{k}", tensors) for k, v in value.items()}
        return {"type": "settings", "value": named}
    return pack(value, path, tensors)


def _pack_param(
    estimator: Any,
    name: str,
    value: Any,
    prefix: str,
    tensors: Tensors,
    notes: list[str],
) -> Any:
    """Pack a parameter; what only code can say becomes the default, with a note."""
    of = type(estimator).__name__
    if name == "callbacks" and value is not None:
        notes.append(f"callbacks are functions and are not kept in the file of a {of}")
        return None
    if name == "checkpoint":
        return None  # a folder of this machine, and of this one run
    if name == "loss" and callable(value):
        notes.append(_loss_note(of, value, _default(estimator, name)))
        return _default(estimator, name)
    if isinstance(value, np.random.RandomState | np.random.Generator):
        notes.append(
            f"{name} was a {type(value).__name__}, which a file cannot hold; it is "
            "None now (the keys of this fit are kept)"
        )
        return None
    return _pack_value(value, f"{prefix}{name}", tensors)


def _loss_note(of: str, loss: Any, default: str) -> str:
    name = getattr(loss, "__name__", type(loss).__name__)
    return (
        f"the loss of this {of} was the function {name!r}, which a file cannot hold; "
        f"predictions are the same, further training would use loss={default!r}"
    )


def _default(estimator: Any, name: str) -> Any:
    return inspect.signature(type(estimator).__init__).parameters[name].default


def _pack_solver(estimator: Any, prefix: str, tensors: Tensors) -> Any:
    """Pack the leaves of the solver's state; its structure follows from the solver."""
    state = getattr(estimator, "_state", None)
    if state is None or _state_template(estimator) is None:
        return None
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
    if not all(map(_is_finite, leaves)):  # nothing can be learnt from there
        return None
    return pack(leaves, f"{prefix}_state", tensors)


def _state_template(estimator: Any) -> Any:
    """Return shapes and structure of the solver's state; None if it has changed."""
    try:
        algorithm = estimator._algorithm()
    except ValueError:  # parameters were set to nonsense after fit
        return None
    if estimator._owner(algorithm) != estimator._state_owner:
        return None
    with own_settings(estimator._dtype()):
        return jax.eval_shape(algorithm.init, estimator.params_)


# ---- plain data -> estimators -------------------------------------------------------


def from_state(description: Any, tensors: Tensors) -> Any:
    """Return the estimator that :func:`to_state` described.

    Raises
    ------
    ValueError
        If the description is not as ``to_state`` writes it, or its tensors do not fit
        its network.
    """
    description = _checked_state(description)
    try:
        estimator = _from_state(description, tensors)
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"the description is not readable: {error}") from None
    for note in description["notes"]:
        if note.startswith("the loss"):  # what silently changed would be training
            warnings.warn(note, UserWarning, stacklevel=3)
    return estimator


def _checked_state(state: Any) -> dict[str, Any]:
    kinds = {"class": str, "params": dict, "fitted": dict, "notes": list}
    if not isinstance(state, dict) or not all(
        isinstance(state.get(key), kind) for key, kind in kinds.items()
    ):
        raise ValueError("the description is not that of an estimator")
    if not all(isinstance(note, str) for note in state["notes"]):
        raise ValueError("the description is not that of an estimator")
    if state["class"] not in CLASSES:
        raise ValueError(
            f"the file holds a {state['class'][:40]!r}, which this lamina does not "
            f"know; it knows {', '.join(CLASSES)}"
        )
    return state


def _from_state(state: dict[str, Any], tensors: Tensors) -> Any:
    cls = getattr(importlib.import_module(CLASSES[state["class"]]), state["class"])
    params = {k: _unpack_value(v, tensors) for k, v in state["params"].items()}
    unknown = sorted(set(params) - set(cls._get_param_names()))
    if unknown:
        raise ValueError(f"a {state['class']} has no parameter {unknown[0]!r}")
    estimator = cls(**params)
    fitted = {k: _unpack_value(v, tensors) for k, v in state["fitted"].items()}
    leaves = fitted.pop("_state", None)
    if not fitted:  # a parameter of another one
        return estimator
    check_fitted(estimator, fitted, FITTED[state["class"]])
    if hasattr(estimator, "network_"):
        _check_network(estimator)
        estimator._state = _unpack_solver(estimator, leaves)
    check = getattr(estimator, "_check_loaded", None)
    if check is not None:
        check()
    return estimator


def _unpack_value(value: Any, tensors: Tensors) -> Any:
    if isinstance(value, dict) and value.get("type") == "estimator":
        state = _checked_state(value["value"])
        if state["class"] in OUTERMOST:
            raise ValueError(f"a {state['class']} cannot lie inside another estimator")
        return _from_state(state, tensors)
    if isinstance(value, dict) and value.get("type") == "estimators":
        return [_unpack_value(v, tensors) for v in value["value"]]
    if isinstance(value, dict) and value.get("type") == "settings":
        return {k: _unpack_value(v, tensors) for k, v in value["value"].items()}
    return unpack(value, tensors)


def _check_network(estimator: Any) -> None:
    """Run the network on shapes alone: its parameters must fit it."""
    dtype = estimator._dtype()
    rows = jax.ShapeDtypeStruct((TRIAL_ROWS, *estimator._input_shape()), dtype)
    if any(leaf.dtype != dtype for leaf in jax.tree.leaves(estimator.params_)):
        raise ValueError(f"the parameters are not of the type {dtype}")
    try:
        with own_settings(dtype):
            output = jax.eval_shape(estimator.network_, estimator.params_, rows)
    except Exception:
        raise ValueError("the parameters do not fit the network") from None
    units = getattr(estimator, "n_outputs_", output.shape[-1])
    if output.shape != (TRIAL_ROWS, *estimator._output_places(), units):
        raise ValueError("the network's outputs are not as many as they should be")
    for layer, params in zip(estimator.network_.layers, estimator.params_, strict=True):
        # What a layer says of itself is believed when memory is taken for a summary.
        units = getattr(layer, "units", None)
        if units is None:
            continue
        made = params["weight"].shape[-1]
        blocks = made // units if "recurrent_weight" in params else 1
        if made != max(1, blocks) * units:
            raise ValueError("the parameters do not fit the network")


def _unpack_solver(estimator: Any, leaves: Any) -> Any:
    template = _state_template(estimator) if leaves else None
    if template is None:
        return None
    wanted = jax.tree.leaves(template)
    fits = len(wanted) == len(leaves) and all(
        isinstance(leaf, np.ndarray)
        and (leaf.shape, leaf.dtype) == (want.shape, want.dtype)
        and _is_finite(leaf)
        for leaf, want in zip(leaves, wanted, strict=True)
    )
    if not fits:
        raise ValueError(
            "the solver's state does not fit the network, or is not finite"
        )
    return jax.tree.unflatten(jax.tree.structure(template), leaves)


def _is_finite(leaf: np.ndarray) -> bool:
    return leaf.dtype.kind != "f" or bool(np.isfinite(leaf).all())
