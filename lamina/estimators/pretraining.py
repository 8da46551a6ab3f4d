"""Hidden layers that learn before the network does."""

import warnings
from contextlib import ExitStack
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from lamina import learning
from lamina.estimators.base import _callers_level
from lamina.estimators.progress import ProgressBar
from lamina.estimators.training import Training
from lamina.learning.program import compile_count
from lamina.networks import Network


class Pretraining(Training):
    """An estimator whose hidden layers may learn first, one after the other.

    ``history_`` then holds their losses as ``pretraining1_loss``, ``pretraining2_loss``
    and so on, by the number of the hidden layer.
    """

    pretraining: Any = None

    def _plan(self, network: Network) -> list[Any]:
        """Return how each hidden layer learns beforehand, None for one that does not.

        Raises
        ------
        ValueError
            If ``pretraining`` cannot be read, or has another number of layers.
        """
        places, given = learning.hidden_layers(network), self.pretraining
        if not isinstance(given, list | tuple):
            given = [given] * len(places)
        plan = [_described(one) for one in given]
        if len(plan) != len(places):
            raise ValueError(
                f"pretraining has {len(plan)} entries for {len(places)} hidden layers: "
                "give one for each, None for a layer without, or one for all"
            )
        if not plan:
            raise ValueError(
                f"pretraining={self.pretraining!r} needs a hidden layer; there is none"
            )
        return plan

    def _check_pretraining(self, first: bool, once: bool, unlabelled: Any) -> None:
        """Refuse fits that cannot have what is asked for."""
        if self.pretraining is None:
            if unlabelled is not None:
                raise ValueError(
                    "X_unlabelled is for pre-training: give pretraining='rbm', "
                    "'autoencoder' or 'denoising'"
                )
            return
        if once and first:
            raise ValueError(
                "partial_fit does not support pretraining, which needs all examples: "
                "call fit first"
            )
        if self.refit == "restart" and self.warm_start:
            raise ValueError("refit='restart' with pretraining needs warm_start=False")

    def _pretrain(self, feed: learning.Feed, validation: Any, x: Any) -> int:
        """Let hidden layers learn; return how many programs were compiled for it.

        Raises
        ------
        KeyboardInterrupt
            If it was interrupted: there is no network yet. A checkpoint goes on.
        """
        if self.pretraining is None:
            return 0
        plan, before = self._plan(self.network_), compile_count()
        epochs = sum(how.epochs for how in plan if how is not None)
        if (checkpoint := self._checkpoint) is not None:
            self._own_checkpoint(feed, validation, x)
        with ExitStack() as stack:
            callbacks: list[Any] = []
            if self.verbose:
                callbacks.append(stack.enter_context(ProgressBar(epochs)))
            self.params_, results = learning.pretrain(
                self._objective(),
                self.params_,
                plan,
                feed,
                key=self._run_key.fold_in("pretraining"),
                x=x,
                callbacks=callbacks,
                part=None if checkpoint is None else checkpoint.part,
            )
        self._keep_pretraining(results)
        return compile_count() - before

    def _keep_pretraining(self, results: list[Any]) -> None:
        """Keep the history of each layer; tell of what went wrong."""
        for number, result in enumerate(results, start=1):
            if result is None:
                continue
            if result.reason == "interrupted":
                raise KeyboardInterrupt
            for name, values in result.history.items():
                self.history_[f"pretraining{number}_{name}"] = values
            if result.reason == "diverged":
                warnings.warn(
                    f"pre-training of hidden layer {number} diverged in epoch "
                    f"{result.epochs + 1}: its weights before that epoch are kept. Try "
                    "a smaller learning rate of its solver, or scaled inputs",
                    ConvergenceWarning,
                    stacklevel=_callers_level(),
                )


def _described(how: Any) -> Any:
    """Return a description of pre-training that may be given as a word.

    Raises
    ------
    ValueError
        Naming what was expected, and what came.
    """
    known = learning.PRETRAININGS
    if isinstance(how, str) and how in known:
        return known[how]
    if how is None or isinstance(how, tuple(map(type, known.values()))):
        return how
    raise ValueError(
        f"pretraining must be one of {tuple(known)}, RBMPretraining(), "
        "AutoencoderPretraining(), SupervisedPretraining(), or a list of such, one for "
        f"each hidden layer; got {how!r}"
    )
