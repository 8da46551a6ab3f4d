"""The validation rows used after all: a second run that learns from every row."""

import math
from typing import Any

import numpy as np

from lamina import learning
from lamina.estimators._core.pretraining import Pretraining


class Refitting(Pretraining):
    """An estimator that may learn from its validation rows once it knows when to stop.

    Attributes
    ----------
    refit_n_iter_, refit_stop_reason_ : int and str
        Epochs of the second run, and why it ended; ``n_iter_`` and ``stop_reason_`` are
        those of the first, but for Ctrl-C, which interrupts both. Both runs count in
        ``n_compiles_``. ``t_`` counts what was seen since the weights were initialised:
        with "restart" in the second run only.

    References
    ----------
    Deck 002; Goodfellow, Bengio & Courville (2016), Deep Learning, MIT Press, section
    7.8, algorithms 7.2 and 7.3.
    """

    @property
    def best_epoch_(self) -> int:
        """The epoch of the last call of ``fit`` whose weights are kept."""
        values = self.history_.get(self._watched(), ())[-self.n_iter_ :]
        if not (self._stops_early() and np.isfinite(values).any()):
            return self.n_iter_
        best = np.nanargmax if self.monitor == "score" else np.nanargmin
        return int(best(values)) + 1

    def _train_again(self, everything: learning.Loader, start: Any) -> None:
        """Learn from the validation rows too, in one of the two ways of deck 002.

        "restart": from the first weights, for as many epochs as were best; those of a
        warm start (``start`` is None) are initial ones. "continue": from the best
        weights, until the loss falls below the validation loss that they had. Nothing
        is learnt after Ctrl-C, nor if the first epoch diverged already.
        """
        names = ("n_iter_", "stop_reason_", "n_compiles_")
        epochs, reason, compiles = (getattr(self, name) for name in names)
        self.refit_n_iter_, self.refit_stop_reason_ = 0, reason
        if reason == "interrupted" or not epochs:
            return
        best, key = self.best_epoch_, self._run_key
        params, stopping = self.params_, []
        bound = self.history_["validation_loss"][-epochs:][best - 1]
        again = self.refit == "restart"
        if again:
            shape, dtype = self._input_shape(), self._dtype()
            if start is None:
                start, _ = self.network_.init(key.fold_in("init"), shape, dtype)
            params = start
            self._epochs, self.t_ = 0, 0
        else:
            stopping = [learning.LossBelow("loss", math.nextafter(bound, -math.inf))]
        self._learn(
            learning.Problem(self._objective(), self._algorithm_in_use, everything),
            learning.Start(params, key, first_epoch=self._epochs, examples=self.t_),
            learning.Control(
                best if again else self.max_iter,
                stopping,
                self._schedule(),
                callbacks=self.callbacks or (),
                selective=self.selective_delta,
            ),
            prefix="refit_",
        )
        self.refit_n_iter_, self.refit_stop_reason_ = self.n_iter_, self.stop_reason_
        interrupted = self.stop_reason_ == "interrupted"  # so was the fit as a whole
        self.n_iter_, self.stop_reason_ = (
            epochs,
            self.stop_reason_ if interrupted else reason,
        )
        self.n_compiles_ += compiles
