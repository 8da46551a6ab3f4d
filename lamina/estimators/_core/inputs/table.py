"""Inputs that are the rows of a table."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data

from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.parameters.checks import check_fits_float32
from lamina.estimators._core.parts import learnt

SMALL = 2**16
"""Size of X up to which validation takes longer than the prediction."""

LARGEST = {name: np.float64(np.finfo(name).max) for name in ("float32", "float64")}
"""The largest number of each type in which a network computes."""


@dataclass(eq=False)
class TableInputs(Inputs):
    """Rows of numbers, dense or sparse."""

    n_features: int = learnt("n_features_in_")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_features,)

    def learn(self, owner: Any, X: Any) -> tuple["TableInputs", Any]:
        X = self._validated(owner, X, reset=True)
        return type(self)(self.dtype, X.shape[1]), X

    def check(self, owner: Any, X: Any) -> Any:
        if self._is_clean(owner, X):
            return X
        return self._validated(owner, X, reset=False)

    def join(self, parts: tuple) -> Any:
        return join_rows(parts)

    def _validated(self, owner: Any, X: Any, reset: bool) -> Any:
        how: dict[str, Any] = {"accept_sparse": ["csr", "csc"]}
        dtype = (np.float64, np.float32)
        X = validate_data(owner, X, dtype=dtype, reset=reset, **how)
        if isinstance(X, np.ndarray):
            return self._in_range(X, X)
        X = X.tocsr()
        return self._in_range(X, X.data[:, None])

    def _in_range(self, X: Any, values: np.ndarray) -> Any:
        if self.dtype == "float32" and X.dtype == np.float64:
            check_fits_float32(values)
        return X

    def _is_clean(self, owner: Any, X: Any) -> bool:
        """Whether X is an array that would pass validation unchanged.

        scikit-learn's validation takes 60 µs, several times as long as a prediction.
        """
        largest = LARGEST[self.dtype]
        return (
            type(X) is np.ndarray
            and X.dtype in (np.float32, np.float64)
            and X.ndim == 2
            and 0 < X.shape[0] * X.shape[1] <= SMALL
            and X.shape[1] == self.n_features
            and not hasattr(owner, "feature_names_in_")
            # Two reductions for both questions, finite and in range: NaN fails both.
            and bool(X.max() <= largest and X.min() >= -largest)
        )


def join_rows(parts: tuple) -> Any:
    """Concatenate rows; the result is sparse if the first ones are."""
    if sparse.issparse(parts[0]):
        return sparse.vstack(parts, format="csr")
    dense = [x.toarray() if sparse.issparse(x) else x for x in parts]
    return np.concatenate(dense)
