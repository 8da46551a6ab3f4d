"""Fitted state of estimators with one network, and of their targets."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import jax
import numpy as np

from lamina.estimators._core.files.state import Count, Epochs, Number, State
from lamina.estimators._core.reporting.diagnosis import settled_records
from lamina.estimators._core.run import owner_of_state
from lamina.estimators._core.targets.labels import Labels
from lamina.learning.diagnostics.recorder import FIGURES
from lamina.learning.loop.snapshot import like
from lamina.networks import Key, Network
from lamina.networks.core.computing import own_settings
from lamina.storage.codec import register
from lamina.storage.rules import (
    UNSET,
    Floats,
    Is,
    Texts,
    Unset,
    Whole,
    are_finite_floats,
)

TRIAL_ROWS = 1009  # a prime, so that no other size is it by accident

Word = Annotated[int, Whole(0, 2**63 - 1)]
register(Key, kinds={"seed": Word, "path": tuple[Word, ...]})


def _are_weights(value: Any, scope: Any = None) -> bool:
    """Whether a value is arrays of finite floats in tuples, lists and dictionaries."""
    if isinstance(value, dict):
        return all(map(_are_weights, value.values()))
    if isinstance(value, tuple | list):
        return all(map(_are_weights, value))
    return are_finite_floats(value)


def _are_records(value: dict, scope: Any) -> bool:
    """Whether a value is what :func:`settled_records` returns."""
    wanted = {"epoch": 1, "loss": 1, "contrast": 1, "figures": 3, "scale": 1}
    if set(value) != set(wanted):
        return False
    if any(value[name].ndim != ndim for name, ndim in wanted.items()):
        return False
    kinds = {name: value[name].dtype.kind for name in wanted}
    sizes = {len(value[name]) for name in ("epoch", "loss", "contrast", "figures")}
    right = dict.fromkeys(wanted, "f") | {"epoch": "i"}
    figures = value["figures"].shape[2] == len(FIGURES)
    return figures and kinds == right and len(sizes) == 1


Weights = Annotated[tuple, Is("the finite weights of each layer", _are_weights)]
"""Parameters of layers; running the network on shapes shows whether they fit it."""

Diagnostics = Annotated[
    dict[str, np.ndarray], Is("records of diagnostics, as many of each", _are_records)
]


@dataclass(kw_only=True, eq=False)
class FittedNetwork(State):
    """Fitted state of all estimators with one network."""

    named: ClassVar[dict[str, str]] = {
        "key": "_run_key",
        "solver": "_state_owner",
        "solver_state": "_state",
        "diagnostics": "_diagnostics",
        "epochs": "_epochs",
    }

    not_kept = ("_recorder",)

    n_features_in: Count
    feature_names_in: Annotated[np.ndarray, Texts("n_features_in")] | Unset = UNSET
    network: Network
    params: Weights
    key: Key
    solver: str | None
    solver_state: list[np.ndarray] | None
    diagnostics: Diagnostics | None
    epochs: Epochs
    t: Number
    history: dict[str, list[float]]
    resumed_from: Number | None = None
    n_compiles: Number
    n_iter: Epochs
    stop_reason: str

    @classmethod
    def _fields_of(cls, estimator: Any, training: bool) -> dict[str, Any]:
        settled_records(estimator)  # its figures are kept, its examples are not
        leaves = _solver_leaves(estimator) if training else None
        return super()._fields_of(estimator, training) | {"solver_state": leaves}

    def restore(self, estimator: Any) -> None:
        super().restore(estimator)
        estimator._state = None
        if self.solver_state is None:
            return
        if not all(map(_is_finite, self.solver_state)):
            raise ValueError("the solver's state is not finite")
        shapes = _solver_shapes(estimator)
        if shapes is not None:
            estimator._state = like(shapes, self.solver_state)

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        _check_network(estimator)


def _solver_leaves(estimator: Any) -> list[np.ndarray] | None:
    """Return the leaves of the solver's state; its structure follows from the solver.

    None if there is no state from which this solver could continue.
    """
    state = getattr(estimator, "_state", None)
    if state is None or _solver_shapes(estimator) is None:
        return None
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
    return leaves if all(map(_is_finite, leaves)) else None


def _solver_shapes(estimator: Any) -> Any:
    """Return shapes and structure of the solver's state; None if it has changed."""
    try:
        algorithm = estimator._algorithm()
    except ValueError:  # parameters were set to nonsense after fit
        return None
    if owner_of_state(estimator, algorithm) != estimator._state_owner:
        return None
    with own_settings(estimator._dtype()):
        return jax.eval_shape(algorithm.init, estimator.params_)


def _is_finite(leaf: np.ndarray) -> bool:
    return leaf.dtype.kind != "f" or bool(np.isfinite(leaf).all())


def _check_network(estimator: Any) -> None:
    """Run the network on shapes alone: its parameters must fit it."""
    dtype = estimator._dtype()
    rows = jax.ShapeDtypeStruct((TRIAL_ROWS, *estimator._input_shape()), dtype)
    if any(leaf.dtype != dtype for leaf in jax.tree.leaves(estimator.params_)):
        raise ValueError(f"the parameters are not of the type {dtype}")
    try:
        with own_settings(dtype):
            output = jax.eval_shape(estimator.network_, estimator.params_, rows)
    # Parameters come from a file: a layer may raise anything about them.
    except Exception:
        raise ValueError("the parameters do not fit the network") from None
    units = getattr(estimator, "n_outputs_", output.shape[-1])
    if output.shape != (TRIAL_ROWS, *estimator._output_positions(), units):
        raise ValueError("the network's outputs are not as many as they should be")
    for layer, params in zip(estimator.network_.layers, estimator.params_, strict=True):
        # `summary` allocates memory by a layer's own numbers, so they have to be true.
        units = getattr(layer, "units", None)
        if units is None:
            continue
        made = params["weight"].shape[-1]
        blocks = made // units if "recurrent_weight" in params else 1
        if made != max(1, blocks) * units:
            raise ValueError("the parameters do not fit the network")


# ---- networks that are trained on examples ------------------------------------------


@dataclass(kw_only=True, eq=False)
class FittedFeedForward(FittedNetwork):
    """Fitted state of networks that are trained on examples."""

    not_kept = (
        "loss_curve_",
        "loss_",
        "validation_scores_",
        "best_validation_score_",
        "best_loss_",
        "out_activation_",
        "n_layers_",
    )

    n_outputs: Count
    refit_n_iter: Epochs | Unset = UNSET
    refit_stop_reason: str | Unset = UNSET

    def restore(self, estimator: Any) -> None:
        super().restore(estimator)
        estimator._summarise()

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        if not isinstance(estimator.layers, list | tuple | None):
            raise ValueError("the layers are not readable")


def _fit_outputs(labels: Labels, own: Any) -> bool:
    return labels.n_outputs == own.n_outputs


@dataclass(kw_only=True, eq=False)
class OfClasses(State):
    """Fitted state of the targets of classifiers."""

    named: ClassVar[dict[str, str]] = {"labels": "_labels"}

    not_kept = ("classes_",)

    labels: Annotated[Labels, Is("labels that fit the outputs", _fit_outputs)]

    def restore(self, estimator: Any) -> None:
        estimator.classes_ = self.labels.classes
        super().restore(estimator)


@dataclass(kw_only=True, eq=False)
class OfNumbers(State):
    """Fitted state of the targets of regressors."""

    named: ClassVar[dict[str, str]] = {"y_ndim": "_y_ndim"}

    y_ndim: Annotated[int, Whole(1, 2)]
    target_mean: Annotated[np.ndarray, Floats("n_outputs")]
    target_scale: Annotated[np.ndarray, Floats("n_outputs", above=0)]


@dataclass(kw_only=True, eq=False)
class FittedClassifier(OfClasses, FittedFeedForward):
    """Fitted state of a classifier of rows."""


@dataclass(kw_only=True, eq=False)
class FittedRegressor(OfNumbers, FittedFeedForward):
    """Fitted state of a regressor of rows."""
