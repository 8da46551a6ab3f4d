"""The validation rows used after all: a second run that learns from every row."""

import math
from typing import Any

import numpy as np

from lamina import learning
from lamina.estimators._core.run import learn
from lamina.estimators._core.training import monitored, schedule_for, stops_early
from lamina.learning.protocols import Algorithm


def best_epoch(estimator: Any) -> int:
    """Return the epoch of the last call of ``fit`` whose weights are kept."""
    values = estimator.history_.get(monitored(estimator), ())[-estimator.n_iter_ :]
    if not (stops_early(estimator) and np.isfinite(values).any()):
        return estimator.n_iter_
    best = np.nanargmax if estimator.monitor == "score" else np.nanargmin
    return int(best(values)) + 1


def learn_again(
    estimator: Any, algorithm: Algorithm, everything: learning.Loader, start: Any
) -> None:
    """Learn from the validation rows too, once it is known when to stop.

    ``refit="restart"`` learns from the first weights, for as many epochs as were best;
    those of a warm start (``start`` is None) are initial ones. "continue" learns from
    the best weights, until the loss falls below the validation loss that they had.
    Nothing is learnt after Ctrl-C, nor if the first epoch diverged already.

    ``refit_n_iter_`` and ``refit_stop_reason_`` are the epochs of the second run and
    why it ended; ``n_iter_`` and ``stop_reason_`` stay those of the first, but for
    Ctrl-C, which interrupts both. Both runs count in ``n_compiles_``. ``t_`` counts
    what was seen since the weights were initialised: with "restart" in the second run
    only.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), Deep Learning, MIT Press, section 7.8,
    algorithms 7.2 and 7.3.
    """
    names = ("n_iter_", "stop_reason_", "n_compiles_")
    epochs, reason, compiles = (getattr(estimator, name) for name in names)
    estimator.refit_n_iter_, estimator.refit_stop_reason_ = 0, reason
    if reason == "interrupted" or not epochs:
        return
    best, key = best_epoch(estimator), estimator._run_key
    params, stopping = estimator.params_, []
    bound = estimator.history_["validation_loss"][-epochs:][best - 1]
    again = estimator.refit == "restart"
    if again:
        params = start
        if params is None:
            shape, dtype = estimator._input_shape(), np.dtype(estimator.dtype)
            params, _ = estimator.network_.init(key.fold_in("init"), shape, dtype)
        estimator._epochs, estimator.t_ = 0, 0
    else:
        # `LossBelow` also stops at its threshold; here the loss has to be below it.
        stopping = [learning.LossBelow("loss", math.nextafter(bound, -math.inf))]
    seen = {"first_epoch": estimator._epochs, "examples": estimator.t_}
    learn(
        estimator,
        learning.Problem(estimator._objective(), algorithm, everything),
        learning.Start(params, key, **seen),
        learning.Control(
            best if again else estimator.max_iter,
            stopping,
            schedule_for(estimator),
            callbacks=estimator.callbacks or (),
            selective=estimator.selective_delta,
        ),
        prefix="refit_",
    )
    estimator.refit_n_iter_ = estimator.n_iter_
    estimator.refit_stop_reason_ = estimator.stop_reason_
    interrupted = estimator.stop_reason_ == "interrupted"  # so was the fit as a whole
    estimator.n_iter_ = epochs
    estimator.stop_reason_ = estimator.stop_reason_ if interrupted else reason
    estimator.n_compiles_ += compiles
