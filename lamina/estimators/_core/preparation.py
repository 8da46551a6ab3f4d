"""From validated examples to the arguments of the training loop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import _check_sample_weight, _num_samples

from lamina import learning
from lamina.estimators._core.holdout import split
from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.parameters.shared import TrainingParams
from lamina.estimators._core.pretraining import FROM_SCRATCH, Beginning
from lamina.estimators._core.targets.target import Target
from lamina.estimators._core.training import batch_size_of, stops_early
from lamina.learning.loop.apply import rows_at_once
from lamina.learning.protocols import Algorithm
from lamina.networks import Key, Network


@dataclass(frozen=True)
class Request:
    """The arguments of a call of ``fit`` or ``partial_fit``.

    Parameters
    ----------
    X, y, sample_weight, X_val, y_val, classes
        As given.
    beginning : Beginning
        Initial weights.
    incremental : bool
        Whether it is ``partial_fit``, which trains for one more epoch.
    """

    X: Any
    y: Any
    sample_weight: Any = None
    X_val: Any = None
    y_val: Any = None
    beginning: Beginning = FROM_SCRATCH
    incremental: bool = False
    classes: Any = None


class Checked(NamedTuple):
    """Validated inputs, encoded targets, and sample weights or None."""

    X: Any
    y: Any
    weight: np.ndarray | None = None


class Loaders(NamedTuple):
    """Training rows in batches, the validation pass or None, and a function that
    returns all rows in batches, including the validation set."""

    training: learning.Loader
    validation: learning.Validation | None
    everything: Callable[[], learning.Loader]


def checked_weight(sample_weight: Any, X: Any) -> np.ndarray | None:
    """Return validated sample weights, or None."""
    if sample_weight is None:
        return None
    return _check_sample_weight(sample_weight, X, ensure_non_negative=True)


@dataclass(frozen=True)
class Preparation:
    """Builds datasets and batches for one fit of one network.

    Parameters
    ----------
    params : parameters of the estimator
    inputs, target : fitted parts
    algorithm : Algorithm
    network, weights : the network and its parameters
    dtype : dtype
        Data type of training.
    """

    params: TrainingParams
    inputs: Inputs
    target: Target
    algorithm: Algorithm
    network: Network
    weights: Any
    dtype: np.dtype

    def examples(self, X: Any, y: Any, weight: np.ndarray | None) -> learning.Dataset:
        """Return a dataset of validated inputs and encoded targets."""
        needs = self.algorithm.needs
        self.inputs.check_network(self.network, self.weights, X, needs)
        y = self.target.for_loss(y, self.network.out_activation)
        return self.inputs.examples(X, y, weight, self.dtype)

    def batches(
        self, examples: learning.Dataset, rows: np.ndarray | None = None
    ) -> learning.Loader:
        """Return rows of a dataset (by default all) in batches."""
        n = examples.n if rows is None else len(rows)
        automatic = self.inputs.auto_batch_size(n)
        size = batch_size_of(self.params, self.algorithm, n, automatic)
        shuffle = self.params.shuffle
        return learning.Loader(examples, rows, batch_size=size, shuffle=shuffle)

    def validation(
        self,
        examples: learning.Dataset,
        y: Any,
        weight: np.ndarray | None = None,
        rows: np.ndarray | None = None,
    ) -> learning.Validation:
        """Return the validation pass over rows of a dataset.

        As in ``score``, the score uses sample weights but no class weights.
        """
        n = _num_samples(y)
        if weight is None:
            weight = np.ones(n, examples.dtype)
        size = min(n, self.inputs.validation_batch)
        if len(examples.shape) > 1:  # the layers of images are large
            now = self.network, self.weights, examples.shape, examples.x_dtype
            size = min(size, rows_at_once(*now))
        loader = learning.Loader(examples, rows, batch_size=size, shuffle=False)
        return learning.Validation(
            loader, lambda out: self.target.score(y, out, weight)
        )

    def held_out(self, data: Checked, key: Key) -> tuple[Any, Any]:
        """Return training and validation rows, or None, None without validation."""
        if not stops_early(self.params):
            return None, None
        strata = self.target.strata(data.y)
        n, share = data.X.shape[0], self.params.validation_fraction
        return split(key, n, share, strata)

    def loaders(self, data: Checked, given: Checked | None, key: Key) -> Loaders:
        """Return training rows, the validation pass, and all rows.

        Class weights are computed from the training rows and also applied to the
        validation rows.

        Parameters
        ----------
        data : Checked
        given : Checked or None
            The caller's validation set; without one, early stopping holds out rows of
            ``data``.
        key : Key
        """
        rows, held = (None, None) if given else self.held_out(data, key)
        by_class = self.target.weights(data.y, rows)
        examples = self.examples(data.X, data.y, by_class(data.weight, data.y))
        validation = None
        if held is not None:
            examples.hold_out(held)
            own = None if data.weight is None else data.weight[held]
            validation = self.validation(examples, data.y[held], own, held)
        elif given is not None:
            weight = by_class(None, given.y)
            own_examples = self.examples(given.X, given.y, weight)
            validation = self.validation(own_examples, given.y)

        def everything() -> learning.Loader:
            if given is None and not by_class and examples.mask is None:
                return self.batches(examples)
            X, y, weight = data if given is None else self._together(data, given)
            weight = self.target.weights(y)(weight, y)
            return self.batches(self.examples(X, y, weight))

        return Loaders(self.batches(examples, rows), validation, everything)

    def _together(self, data: Checked, given: Checked) -> Checked:
        X = self.inputs.join((data.X, given.X))
        y, weight = self.target.join((data.y, given.y)), data.weight
        if weight is not None:
            weight = np.concatenate((weight, np.ones(_num_samples(given.X))))
        return Checked(X, y, weight)
