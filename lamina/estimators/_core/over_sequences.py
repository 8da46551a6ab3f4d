"""What estimators of sequences share: their forms, their scale, padding, the layers."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import check_array

from lamina import learning
from lamina.data.sequences.characters import (
    as_codes,
    as_one_hot,
    holds_texts,
    vocabulary_of,
)
from lamina.data.sequences.ragged_array import (
    RaggedArray,
    SequenceError,
    as_ragged_array,
)
from lamina.estimators._core.architectures import shapes_after
from lamina.estimators._core.checks import check_fits_float32
from lamina.estimators._core.feedforward import FeedForward
from lamina.estimators._core.heads import with_head
from lamina.estimators._core.shared_parameters import SequenceParams
from lamina.learning.loop.apply import outputs, outputs_of_sequences
from lamina.networks import (
    GRU,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    GlobalPool,
    GroupNorm,
    LastStep,
    LayerNorm,
    Network,
    Output,
    Rescale,
    TemporalMean,
)
from lamina.networks.core.description import is_description
from lamina.networks.core.layer import Composite
from lamina.networks.recurrent.recurrent import Recurrent

UNITS = 64
"""Units of the default layer, in each direction."""

EMBEDDED = 32
"""Numbers that stand for a character, by default."""

POOLING = {"mean": TemporalMean, "last": LastStep}

MINDFUL = (Recurrent, GroupNorm)
"""Layers that know which steps are real."""

OF_EACH_STEP = (Dense, Dropout, Embedding, Rescale)
"""Layers that see one step at a time."""

OF_ALL_STEPS = (LastStep, TemporalMean, GlobalPool)
"""Layers that know them too, and after which there are no steps."""


class OverSequences(SequenceParams, FeedForward):
    """What is special about networks for sequences.

    Sequences of different lengths are filled up, and no answer depends on it; sequences
    of one length are an array.

    Attributes
    ----------
    feature_mean_, feature_scale_ : ndarray (n_features,)
        Mean and standard deviation over all steps that were learnt (0 and 1 if
        ``standardize`` is False); what the network sees is (x − mean) / scale.
    max_length_ : int
        Steps of the longest sequence of the first fit.
    vocabulary_ : str or None
        The characters that were learnt, if X holds texts.
    """

    _auto_batch = 32

    # ---- what goes in ---------------------------------------------------------------

    def _check_inputs(self, X: Any, reset: bool) -> RaggedArray:
        X = given = _listed(X)
        if reset:
            self.vocabulary_ = vocabulary_of(X) if holds_texts(X) else None
        if self.vocabulary_ is not None:
            X = self._of_texts(X)
        elif _is_array(X):
            how = {"allow_nd": True, "ensure_all_finite": "allow-nan"}  # at the ends
            X = check_array(X, dtype="numeric", estimator=self, input_name="X", **how)
        X = as_ragged_array(X)
        features = X.shape[2]
        if reset:
            self.n_features_in_, self.max_length_ = features, X.shape[1]
        elif features != self.n_features_in_:
            one = getattr(given, "shape", ())[1:] == (self.n_features_in_,)
            hint = "; one sequence is a list of one, [X]" if one else ""
            raise SequenceError(
                f"X has {features} features a step, but {type(self).__name__} is "
                f"expecting {self.n_features_in_} features as input{hint}"
            )
        if self._dtype() == np.float32 and X.dtype == np.float64:
            check_fits_float32(X.values, lengths=X.lengths)
        self._check_numbers(X.values)
        return X

    def _of_texts(self, X: Any) -> RaggedArray:
        """Return the characters of texts as the first layer takes them."""
        if isinstance(X, RaggedArray):
            return X
        if not holds_texts(X):
            raise SequenceError(
                f"this {type(self).__name__} has learnt texts; a list of them is "
                "expected"
            )
        embeds = self.layers is None or self._table_size() is not None
        return (as_codes if embeds else as_one_hot)(X, str(self.vocabulary_))

    def _start(self, X: RaggedArray, target: Any, weight: Any) -> None:
        self.feature_mean_, self.feature_scale_ = self._feature_scaling(X, weight)
        super()._start(X, target, weight)

    def _feature_scaling(
        self, X: RaggedArray, weight: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what is subtracted from each feature, and what it is divided by."""
        features = X.shape[2]
        if not self.standardize or self._table_size() is not None:
            return np.zeros(features), np.ones(features)
        each = None if weight is None else np.repeat(weight, X.lengths)
        each = each if np.any(each) else None
        mean = averages(X.values, each)
        off = X.values - mean.astype(X.dtype)
        spread = averages(np.square(off, out=off), each)
        return mean, np.where(spread > 0, np.sqrt(spread), 1.0)

    def _scaled(self, X: RaggedArray) -> RaggedArray:
        kind = np.result_type(X.dtype, self._dtype())  # of float32 no larger copy
        mean, scale = self.feature_mean_.astype(kind), self.feature_scale_.astype(kind)
        values = (X.values - mean) / scale
        return RaggedArray(values.astype(self._dtype(), copy=False), X.lengths)

    def _table_size(self) -> int | None:
        """Return how many symbols a first layer that embeds them knows."""
        if self.layers is None and self.vocabulary_ is not None:
            return len(self.vocabulary_) + 1
        first = self.layers[0] if self.layers else None
        return first.size if isinstance(first, Embedding) else None

    def _check_numbers(self, values: np.ndarray) -> None:
        """Refuse what an embedding has no vector for."""
        size = self._table_size()
        if size is None:
            return
        good = (values >= 0) & (values < size) & (values == np.floor(values))
        if not good.all():
            raise SequenceError(
                f"the embedding takes whole numbers from 0 to {size - 1}, got "
                f"{values[~good][0]:g}"
            )

    def _input_shape(self) -> tuple[int, ...]:
        return self.max_length_, self.n_features_in_

    def _joined(self, parts: tuple) -> RaggedArray:
        return joined(list(parts))

    def _dataset(self, X: RaggedArray, target: Any, weight: Any) -> learning.Dataset:
        dtype = self._learning_dtype(self._algorithm_in_use)
        x, y = self._arrays(self._scaled(X), self._target(target))
        return learning.Dataset(x, y, weight, dtype=dtype)

    def _arrays(self, X: RaggedArray, y: Any) -> tuple[Any, Any]:
        """Return sequences of one length as an array, others as they are."""
        if not _one_length(X):
            self._check_lengths()
            if self._algorithm_in_use.needs.one_length:
                raise SequenceError(
                    f"solver={self.solver!r} takes sequences of one length only, but "
                    "these have different ones; try 'lbfgs' or 'adam'"
                )
            return X, y
        if isinstance(y, RaggedArray):
            y = as_array(y)
            y = y[..., 0] if y.dtype.kind in "iu" else y  # class numbers
        return as_array(X), y

    def _batch_size(self, n: int) -> int:
        if self.batch_size == "auto" and not self._needs_all_examples():
            eighth = 1 << max(2, (n // 8).bit_length() - 1)  # similar n, one program
            return min(self._auto_batch, eighth, n)
        return super()._batch_size(n)

    # ---- the layers -----------------------------------------------------------------

    def _hidden(self, initializer: str) -> tuple:
        both = Bidirectional(GRU(UNITS, initializer=initializer))
        dropout = [Dropout(self.dropout)] if self.dropout else []
        return (both, *self._pool(), *dropout)

    def _embedding(self) -> tuple:
        """Return the layer before the default ones, if there are texts to read."""
        size = self._table_size()
        return () if size is None else (Embedding(size, EMBEDDED),)

    def _pool(self) -> tuple:
        """Return the layer that makes one answer of many steps."""
        return (POOLING[self.pooling](),)

    def _network(self, head: str, n_outputs: int) -> Network:
        start = "glorot_uniform" if self.init == "auto" else self.init
        given = tuple(self.layers or ())
        if self.layers is None:
            given = (*self._embedding(), *self._hidden(start))
        marked = bool(given) and isinstance(given[-1], Output)
        body, last = (given[:-1], given[-1:]) if marked else (given, ())
        shapes = [self._input_shape(), *shapes_after(body, self._input_shape())]
        if len(shapes[-1]) == 2:
            body = (*body, *self._pool())
        network = Network(with_head((*body, *last), head, n_outputs, start))
        return network if self.tbptt is None else truncated(network, self.tbptt)

    def _check_lengths(self) -> None:
        """Refuse layers that would see what fills sequences up.

        Raises
        ------
        SequenceError
            Naming the first of them.
        """
        layer = mixing(self.network_, self.params_)
        if layer is not None:
            raise SequenceError(
                f"{layer!r} mixes steps without knowing which are real, so it takes "
                "sequences of one length only; these have different ones"
            )

    # ---- application ----------------------------------------------------------------

    def _outputs(self, X: RaggedArray) -> Any:
        return np.stack(self._each_output(X))

    def _each_output(self, X: RaggedArray) -> Any:
        """Return what comes out for each sequence."""
        x = self._scaled(X)
        network, params, dtype = self.network_, self.params_, self._dtype()
        if mixing(network, params) is None:
            return outputs_of_sequences(network, params, x, dtype)
        if not _one_length(x):
            self._check_lengths()
        return outputs(network, params, as_array(x), dtype)

    def adversarial_examples(self, X, y, attack, *, random_state=0):
        """Return sequences moved, within bounds, to where the network is most wrong.

        As :meth:`lamina.MLPClassifier.attacked`, but ``attack`` counts in standard
        deviations of each feature, and the answer is a list of arrays (steps,
        n_features).
        """
        moved = super().adversarial_examples(X, y, attack, random_state=random_state)
        return [
            np.asarray(one[:n] * self.feature_scale_ + self.feature_mean_)
            for one, n in zip(moved, as_ragged_array(X).lengths, strict=True)
        ]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def truncated(layer: Any, tbptt: int) -> Any:
    """Return a layer in which no recurrent one sends errors over chunks' ends."""
    if isinstance(layer, Recurrent):
        return replace(layer, tbptt=tbptt)  # type: ignore[type-var]
    if isinstance(layer, tuple):
        return tuple([truncated(one, tbptt) for one in layer])
    if not is_description(layer):
        return layer
    fields = {name: truncated(value, tbptt) for name, value in vars(layer).items()}
    return replace(layer, **fields)


def _is_array(X: Any) -> bool:
    """Whether this is an array, or a data frame, of sequences of one length."""
    array = hasattr(X, "shape") or hasattr(X, "__array__")
    return array and not isinstance(X, RaggedArray | list)


def _listed(X: Any) -> Any:
    """Return an array, or a column of a data frame, of sequences or texts as a list."""
    one = len(getattr(X, "shape", ())) == 1 and not isinstance(X, RaggedArray)
    return list(X) if one and getattr(X.dtype, "kind", "O") not in "biufc" else X


def mixing(network: Network, params: Any) -> Any:
    """Return the first layer that mixes steps but takes no notice of the mask."""
    for layer, own in network.walk(params):
        if isinstance(layer, OF_ALL_STEPS):
            return None
        if isinstance(layer, Bidirectional):
            found = mixing(Network((layer.layer,)), (own["forward"],))
        else:
            found = None if _leaves_steps_apart(layer) else layer
        if found is not None:
            return found
    return None


def _leaves_steps_apart(layer: Any) -> bool:
    """Whether what fills a sequence up changes no answer of this layer."""
    known = isinstance(layer, (Composite, *MINDFUL, *OF_EACH_STEP))
    return known or (isinstance(layer, LayerNorm) and layer.axes == 1)


def averages(values: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return the mean of each column, by the weights of the rows.

    In double precision, in which a sum over millions of rows keeps its digits, but
    without a copy of the values.
    """
    if weight is None:
        return values.mean(axis=0, dtype=np.float64)
    return np.einsum("i,ij->j", weight, values, dtype=np.float64) / weight.sum()


def joined(parts: list[RaggedArray]) -> RaggedArray:
    """Return the sequences of all parts."""
    values = np.concatenate([part.values for part in parts])
    return RaggedArray(values, np.concatenate([part.lengths for part in parts]))


def _one_length(X: RaggedArray) -> bool:
    return bool((X.lengths == X.lengths[0]).all())


def as_array(X: RaggedArray) -> np.ndarray:
    """Return sequences of one length as (n, time, features)."""
    return X.values.reshape(len(X), -1, X.shape[2])
