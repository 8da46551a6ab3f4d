"""Early stopping by the validation loss."""

from typing import Any

import jax
import numpy as np

from lamina.estimators.holdout import hold_out
from lamina.learning import LBFGS, Progress
from lamina.networks import Key

MIN_VALIDATION = 2


class LowestLoss:
    """A callback: stop when the validation loss has not fallen for long, keep its low.

    The loss tells more than the accuracy of few validation rows, which is all the same
    for many epochs: on digits the weights of its lowest value err a third less often.

    Parameters
    ----------
    patience : float
        Epochs without improvement before stopping.
    tol : float
        What counts as an improvement.
    """

    def __init__(self, patience: float, tol: float) -> None:
        self.patience, self.tol = patience, tol
        self.lowest = self.mark = np.inf
        self.params: Any = None
        self.epoch = self.count = 0

    def __call__(self, progress: Progress) -> bool:
        """Take note of an epoch; return whether to stop."""
        loss = progress.record["validation_loss"]
        self.count += 1
        if loss < self.mark - self.tol:
            self.mark, self.count = loss, 0
        if loss < self.lowest:
            self.lowest, self.epoch, self.params = loss, progress.epoch, progress.params
        return self.count > self.patience


def fit_watched(estimator: Any, X: np.ndarray, y: np.ndarray, key: Key) -> int:
    """Fit a multi-layer perceptron and keep the weights of its lowest validation loss.

    ``validation_fraction``, ``n_iter_no_change`` and ``tol`` of the estimator say how.
    With L-BFGS, or too few rows for a validation set, it is fitted without one.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    X : ndarray (n, features)
    y : ndarray (n,) or (n, k)
    key : Key
        Draws the validation rows.

    Returns
    -------
    int
        The epoch whose weights were kept.
    """
    by_class = estimator.__sklearn_tags__().estimator_type == "classifier"
    rows, held = hold_out(key, y, estimator.validation_fraction, by_class)
    own = {n: getattr(estimator, n) for n in ("early_stopping", "n_iter_no_change")}
    callbacks = list(estimator.callbacks or ())
    estimator.set_params(early_stopping=False)
    try:
        if isinstance(estimator._algorithm(), LBFGS) or len(held) < MIN_VALIDATION:
            return int(estimator.fit(X, y).n_iter_)
        watch = LowestLoss(estimator.n_iter_no_change, estimator.tol)
        estimator.set_params(n_iter_no_change=np.inf, callbacks=[watch, *callbacks])
        estimator.fit(X[rows], y[rows], X_val=X[held], y_val=y[held])
        if watch.params is not None:
            estimator.params_ = jax.tree.map(np.array, watch.params)
        return watch.epoch
    finally:
        estimator.set_params(**own, callbacks=callbacks or None)
