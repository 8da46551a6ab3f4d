"""Inputs that are sequences, which may have different lengths."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.parameters.checks import check_fits_float32
from lamina.estimators._core.parts import learnt
from lamina.learning.loop.apply import outputs, outputs_of_sequences
from lamina.learning.protocols import Needs
from lamina.networks import (
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    GlobalPool,
    GroupNorm,
    LastStep,
    LayerNorm,
    Network,
    Rescale,
    TemporalMean,
)
from lamina.networks.core.layer import Composite
from lamina.networks.recurrent.recurrent import Recurrent

MINDFUL = (Recurrent, GroupNorm)
"""Layers that take account of the mask."""

OF_EACH_STEP = (Dense, Dropout, Embedding, Rescale)
"""Layers that process each step by itself."""

OF_ALL_STEPS = (LastStep, TemporalMean, GlobalPool)
"""Layers that take account of the mask and remove the time axis."""

MOST_AT_ONCE = 32
"""Maximum number of sequences per batch for ``batch_size="auto"``."""


@dataclass(eq=False)
class SequenceInputs(Inputs):
    """Sequences of numbers, or texts, whose characters are the steps.

    Sequences of different lengths are padded, which changes no output; sequences of one
    length become an array.

    Parameters
    ----------
    standardize : bool
        Whether each feature is scaled to mean 0 and variance 1, over all steps.
    given_layers : list of layers or None
        A first ``Embedding`` takes integers, which are not scaled; the default layers
        embed texts.
    solver : Any
        Name of the algorithm in errors.
    of_steps : bool
        Whether the outputs are a list with one array (steps, units) for each sequence.
    """

    standardize: bool
    given_layers: Sequence[Any] | None
    solver: Any
    of_steps: bool = False
    n_features: int = learnt("n_features_in_")
    longest: int = learnt("max_length_")
    vocabulary: str | None = learnt("vocabulary_")
    mean: np.ndarray = learnt("feature_mean_")
    scale: np.ndarray = learnt("feature_scale_")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.longest, self.n_features

    @property
    def table_size(self) -> int | None:
        """Number of symbols of a first ``Embedding``; None without one."""
        if self.given_layers is None and self.vocabulary is not None:
            return len(self.vocabulary) + 1
        first = self.given_layers[0] if self.given_layers else None
        return first.size if isinstance(first, Embedding) else None

    # ---- validation -----------------------------------------------------------------

    def learn(self, owner: Any, X: Any) -> tuple["SequenceInputs", Any]:
        X = _listed(X)
        vocabulary = vocabulary_of(X) if holds_texts(X) else None
        known = replace(self, vocabulary=vocabulary)
        X = known._series(owner, X)
        owner.n_features_in_ = X.shape[2]
        known = replace(known, n_features=X.shape[2], longest=X.shape[1])
        return known, known._valid(X)

    def check(self, owner: Any, X: Any) -> RaggedArray:
        X = given = _listed(X)
        X = self._series(owner, X)
        features = X.shape[2]
        if features != self.n_features:
            one = getattr(given, "shape", ())[1:] == (self.n_features,)
            hint = "; one sequence is a list of one, [X]" if one else ""
            raise SequenceError(
                f"X has {features} features a step, but {type(owner).__name__} is "
                f"expecting {self.n_features} features as input{hint}"
            )
        return self._valid(X)

    def _series(self, owner: Any, X: Any) -> RaggedArray:
        if self.vocabulary is not None:
            return as_ragged_array(self._of_texts(owner, X))
        if _is_array(X):
            how = {"allow_nd": True, "ensure_all_finite": "allow-nan"}  # at the ends
            X = check_array(X, dtype="numeric", estimator=owner, input_name="X", **how)
        return as_ragged_array(X)

    def _of_texts(self, owner: Any, X: Any) -> RaggedArray:
        """Return the characters of texts as the first layer takes them."""
        if isinstance(X, RaggedArray):
            return X
        if not holds_texts(X):
            raise SequenceError(
                f"this {type(owner).__name__} has learnt texts; a list of them is "
                "expected"
            )
        encoded = as_one_hot if self.table_size is None else as_codes
        return encoded(X, str(self.vocabulary))

    def _valid(self, X: RaggedArray) -> RaggedArray:
        """Reject values that the network cannot take."""
        if self.dtype == "float32" and X.dtype == np.float64:
            check_fits_float32(X.values, lengths=X.lengths)
        size, values = self.table_size, X.values
        if size is None:
            return X
        good = (values >= 0) & (values < size) & (values == np.floor(values))
        if not good.all():
            raise SequenceError(
                f"the embedding takes whole numbers from 0 to {size - 1}, got "
                f"{values[~good][0]:g}"
            )
        return X

    def check_network(
        self, network: Network, params: Any, X: Any, needs: Needs
    ) -> None:
        if has_one_length(X):
            return
        check_masked(network, params)
        if needs.one_length:
            raise SequenceError(
                f"solver={self.solver!r} takes sequences of one length only, but "
                "these have different ones; try 'lbfgs' or 'adam'"
            )

    # ---- encoding -------------------------------------------------------------------

    def measure(self, X: RaggedArray, weight: np.ndarray | None) -> "SequenceInputs":
        if not self.standardize or self.table_size is not None:
            features = X.shape[2]
            return replace(self, mean=np.zeros(features), scale=np.ones(features))
        each = None if weight is None else np.repeat(weight, X.lengths)
        each = each if np.any(each) else None
        mean = averages(X.values, each)
        # In the type of X, and squared in place: no copy in double precision of what
        # may be most of the memory.
        off = X.values - mean.astype(X.dtype)
        spread = averages(np.square(off, out=off), each)
        return replace(
            self, mean=mean, scale=np.where(spread > 0, np.sqrt(spread), 1.0)
        )

    def encode(self, X: RaggedArray) -> RaggedArray:
        kind = np.result_type(X.dtype, self.dtype)  # of float32 no larger copy
        values = (X.values - self.mean.astype(kind)) / self.scale.astype(kind)
        return RaggedArray(values.astype(self.dtype, copy=False), X.lengths)

    def decode(self, x: Any, X: RaggedArray) -> list[np.ndarray]:
        pairs = zip(x, X.lengths, strict=True)
        return [np.asarray(one[:n] * self.scale + self.mean) for one, n in pairs]

    def examples(
        self, X: RaggedArray, y: Any, weight: np.ndarray | None, dtype: np.dtype
    ) -> learning.Dataset:
        x: Any = self.encode(X)
        if has_one_length(X):
            x = as_array(x)
            if isinstance(y, RaggedArray):
                y = as_array(y)
                y = y[..., 0] if y.dtype.kind in "iu" else y  # class numbers
        return learning.Dataset(x, y, weight, dtype=dtype)

    def join(self, parts: tuple) -> RaggedArray:
        return join_series(parts)

    def auto_batch_size(self, n: int) -> int:
        eighth = 1 << max(2, (n // 8).bit_length() - 1)  # similar n, one program
        return min(MOST_AT_ONCE, eighth, n)

    def outputs(self, network: Network, params: Any, X: RaggedArray) -> Any:
        found = self._each_output(network, params, X)
        return found if self.of_steps else np.stack(found)

    def _each_output(self, network: Network, params: Any, X: RaggedArray) -> Any:
        """Return the outputs for each sequence."""
        x, dtype = self.encode(X), np.dtype(self.dtype)
        if mixing(network, params) is None:
            return outputs_of_sequences(network, params, x, dtype)
        if not has_one_length(x):
            check_masked(network, params)
        return outputs(network, params, as_array(x), dtype)


def _is_array(X: Any) -> bool:
    """Whether this is an array, or a data frame, of sequences of one length."""
    array = hasattr(X, "shape") or hasattr(X, "__array__")
    return array and not isinstance(X, RaggedArray | list)


def _listed(X: Any) -> Any:
    """Return an array, or a column of a data frame, of sequences or texts as a list."""
    one = len(getattr(X, "shape", ())) == 1 and not isinstance(X, RaggedArray)
    return list(X) if one and getattr(X.dtype, "kind", "O") not in "biufc" else X


def mixing(network: Network, params: Any) -> Any:
    """Return the first layer that mixes steps and ignores the mask."""
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


def check_masked(network: Network, params: Any) -> None:
    """Reject layers that would see the padding of sequences.

    Raises
    ------
    SequenceError
        Naming the first of them.
    """
    layer = mixing(network, params)
    if layer is not None:
        raise SequenceError(
            f"{layer!r} mixes steps without knowing which are real, so it takes "
            "sequences of one length only; these have different ones"
        )


def _leaves_steps_apart(layer: Any) -> bool:
    """Whether padding changes no output of this layer at real steps."""
    known = isinstance(layer, (Composite, *MINDFUL, *OF_EACH_STEP))
    return known or (isinstance(layer, LayerNorm) and layer.axes == 1)


def averages(values: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return the mean of each column, by the weights of the rows.

    The sums are in double precision, so that millions of rows lose no digits, but the
    values are not copied.
    """
    if weight is None:
        return values.mean(axis=0, dtype=np.float64)
    return np.einsum("i,ij->j", weight, values, dtype=np.float64) / weight.sum()


def join_series(parts: Sequence[RaggedArray]) -> RaggedArray:
    """Return the sequences of all parts."""
    values = np.concatenate([part.values for part in parts])
    return RaggedArray(values, np.concatenate([part.lengths for part in parts]))


def has_one_length(X: RaggedArray) -> bool:
    """Whether all sequences have the same number of steps."""
    return bool((X.lengths == X.lengths[0]).all())


def as_array(X: RaggedArray) -> np.ndarray:
    """Return sequences of one length as (n, time, features)."""
    return X.values.reshape(len(X), -1, X.shape[2])
