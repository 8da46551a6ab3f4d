"""Hidden layers that learn before the network does."""

import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lamina import learning
from lamina.estimators._core.architecture.layer_arrays import fitting
from lamina.estimators._core.parameters.shared import PretrainingParams
from lamina.estimators._core.reporting.callers import callers_level
from lamina.estimators._core.reporting.outcome import divergence
from lamina.estimators._core.reporting.progress import ProgressBar
from lamina.learning.parallel.compilation import compile_count
from lamina.networks import Network


@dataclass(frozen=True)
class Beginning:
    """What a network begins with, beside its own initial weights.

    ``unlabelled`` are examples for pre-training, ``coefs`` and ``intercepts`` weights
    and biases of the lowest layers.
    """

    unlabelled: Any = None
    coefs: Any = None
    intercepts: Any = None

    @property
    def has_weights(self) -> bool:
        """Whether some weights or biases are given."""
        return self.coefs is not None or self.intercepts is not None

    def placed(self, params: tuple[dict, ...]) -> tuple[dict, ...]:
        """Return parameters with the given ones in their places.

        Raises
        ------
        ValueError
            If they are more than there are, of another shape, or not finite.
        """
        found, given = list(params), {"weight": self.coefs, "bias": self.intercepts}
        for part, name in (("weight", "coefs_init"), ("bias", "intercepts_init")):
            positions = [i for i, own in enumerate(params) if part in own]
            arrays = () if given[part] is None else given[part]
            if not isinstance(arrays, list | tuple):
                raise ValueError(
                    f"{name} must be a list of arrays, one a layer, got a "
                    f"{type(arrays).__name__}"
                )
            if len(arrays) > len(positions):
                raise ValueError(
                    f"{name} has {len(arrays)} entries for {len(positions)} layers"
                )
            for number, (i, array) in enumerate(zip(positions, arrays, strict=False)):
                if array is not None:
                    label, own = f"{name}[{number}]", found[i][part]
                    found[i] = {**found[i], part: fitting(label, array, own)}
        return tuple(found)

    def arrays(self, x: Any) -> dict[str, Any]:
        """Return what a fit depends on, by name: x are inputs, unlabelled ones too."""
        found = {} if x is None else {"data with those unlabelled": x}
        for name in ("coefs", "intercepts"):
            given = getattr(self, name)
            for number, array in enumerate(() if given is None else given):
                if array is not None:
                    found[f"{name}_init {number}"] = np.asarray(array, float)
        return found


FROM_SCRATCH = Beginning()


# ---- pre-training -------------------------------------------------------------------


def pretraining_plan(params: PretrainingParams, network: Network) -> list[Any]:
    """Return how each hidden layer learns beforehand, None for one that does not.

    Raises
    ------
    ValueError
        If ``pretraining`` has another number of layers.
    """
    positions, given = learning.hidden_layers(network), params.pretraining
    if not isinstance(given, list | tuple):
        given = [given] * len(positions)
    plan = [_described(one) for one in given]
    if len(plan) != len(positions):
        raise ValueError(
            f"pretraining has {len(plan)} entries for {len(positions)} hidden layers: "
            "give one for each, None for a layer without, or one for all"
        )
    if not plan:
        raise ValueError(
            f"pretraining={params.pretraining!r} needs a hidden layer; there is none"
        )
    return plan


def check_beginning(params: Any, first: bool, once: bool, beginning: Beginning) -> None:
    """Refuse fits that cannot begin as is asked for.

    Parameters
    ----------
    params : parameters of the estimator
    first : bool
        Whether the network starts anew.
    once : bool
        Whether it is ``partial_fit``.
    beginning : Beginning

    Raises
    ------
    ValueError
        Saying what does not go together.
    """
    if beginning.has_weights and not first:
        raise ValueError(
            "coefs_init and intercepts_init are for fits that start afresh, not "
            "for warm starts"
        )
    if params.pretraining is None:
        if beginning.unlabelled is not None:
            raise ValueError(
                "X_unlabelled is for pre-training: give pretraining='rbm', "
                "'autoencoder' or 'denoising'"
            )
        return
    if beginning.unlabelled is not None and not _learns_without_target(params):
        raise ValueError(
            f"pretraining={params.pretraining!r} learns from targets, and "
            "X_unlabelled has none: give 'rbm', 'autoencoder' or 'denoising'"
        )
    if once and first:
        raise ValueError(
            "partial_fit does not support pretraining, which needs all examples: "
            "call fit first"
        )
    if params.refit == "restart" and params.warm_start:
        raise ValueError("refit='restart' with pretraining needs warm_start=False")


def _learns_without_target(params: PretrainingParams) -> bool:
    given = params.pretraining
    plan = given if isinstance(given, list | tuple) else [given]
    described = [_described(how) for how in plan]
    return any(how is not None and not how.supervised for how in described)


def pretrain(estimator: Any, loader: learning.Loader, x: Any) -> int:
    """Let hidden layers of an estimator learn, one after the other.

    ``history_`` then holds their losses as ``pretraining1_loss``, ``pretraining2_loss``
    and so on, by the number of the hidden layer.

    Parameters
    ----------
    estimator : an estimator with an untrained network
    feed : Loader
        The training rows.
    x : all inputs, those without a target included; None if there are none

    Returns
    -------
    int
        How many programs were compiled for it.

    Raises
    ------
    KeyboardInterrupt
        If it was interrupted: there is no network yet. A checkpoint goes on.
    """
    if estimator.pretraining is None:
        return 0
    plan, before = pretraining_plan(estimator, estimator.network_), compile_count()
    epochs, checkpoint = sum(how.epochs for how in plan if how), estimator._checkpoint
    with ExitStack() as stack:
        callbacks: list[Any] = []
        if estimator.verbose:
            callbacks.append(stack.enter_context(ProgressBar(epochs)))
        estimator.params_, results = learning.pretrain(
            estimator._objective(),
            estimator.params_,
            plan,
            loader,
            key=estimator._run_key.fold_in("pretraining"),
            x=x,
            callbacks=callbacks,
            part=None if checkpoint is None else checkpoint.part,
        )
    estimator.history_ |= _history_of(results)
    return compile_count() - before


def _history_of(results: list[Any]) -> dict[str, list[float]]:
    """Return the history of all layers; tell of what went wrong."""
    history: dict[str, list[float]] = {}
    for number, result in enumerate(results, start=1):
        if result is None:
            continue
        if result.reason == "interrupted":
            raise KeyboardInterrupt
        for name, values in result.history.items():
            history[f"pretraining{number}_{name}"] = values
        if result.reason == "diverged":
            warnings.warn(
                f"pre-training of hidden layer {number} {divergence(result)}. Its "
                "best weights known are kept. Try a smaller learning rate of its "
                "solver, or scaled inputs",
                ConvergenceWarning,
                stacklevel=callers_level(),
            )
    return history


def _described(how: Any) -> Any:
    """Return a description of pre-training that may be given as a word."""
    return learning.PRETRAININGS[how] if isinstance(how, str) else how
