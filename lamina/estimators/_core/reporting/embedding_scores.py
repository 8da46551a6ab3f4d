"""How good codes are, beside what is known without a network.

Equations
---------
    reconstruction error   mean over rows of 1/d Σⱼ (xᵢⱼ − x̂ᵢⱼ)²
      of the mean          x̂ᵢ = μ, the mean of the rows that were learnt
      of PCA               x̂ᵢ = μ + (xᵢ − μ) Vᵀ V, V the first k principal components
    pseudo-likelihood      mean over rows of Σⱼ log P(xⱼ | the other inputs)
      of the mean          of inputs that know nothing of each other:
                           Σⱼ log σ((2 xⱼ − 1) aⱼ), for n rows that were learnt
                           aⱼ = log((n μⱼ + 1) / (n (1 − μⱼ) + 1))
    log likelihood         mean over rows of log p(x)
      of the mean          of independent normal numbers
    same label             share of the rows whose nearest other one, by their codes,
                           has the same label; of the mean: that of the largest class

x are inputs as the network sees them.

References
----------
Besag (1975), Statistical analysis of non-lattice data, The Statistician 24
(pseudo-likelihood).
"""

from typing import Any

import numpy as np

from lamina.data.tables.parsing import texts
from lamina.metrics.scores import Scores, mean_squares
from lamina.networks import Key

NAMES = (
    "reconstruction_error",
    "pseudo_likelihood",
    "log_likelihood",
    "free_energy",
    "bound",
    "same_label",
)
MAX_NUMBERS = 2**26
"""Principal components are found of so many numbers at most, of rows drawn from all."""

MAX_NEIGHBOURS = 5000
"""So many rows at most are looked at for their nearest one."""

MAX_LABELS = 64
EXACT_UNITS = 22
"""Up to so many hidden units a likelihood is exact, and quick."""


def principal_components(x: np.ndarray, k: int, key: Key) -> np.ndarray | None:
    """Return V (k, d); None if they are no fewer than rows or columns.

    Parameters
    ----------
    x : ndarray (n, d)
    k : int
    key : Key
        Draws the rows, where they are too many.
    """
    n, d = x.shape
    most = max(k + 1, MAX_NUMBERS // d)
    if k >= min(n, d):
        return None
    if n > most:
        x = x[np.sort(key.generator().choice(n, most, replace=False))]
    from sklearn.decomposition import PCA

    # scikit-learn takes seeds of 32 bits.
    seed = key.fold_in("pca").seed % 2**32
    found: Any = PCA(k, random_state=seed).fit(x)
    return found.components_.astype(np.float32)


def pca_embedding(
    x: np.ndarray, mean: np.ndarray, components: np.ndarray
) -> np.ndarray:
    """Return (x − μ) Vᵀ (n, k)."""
    return (x - mean) @ components.T


def embedding_scores(
    estimator: Any,
    inputs: Any,
    x: np.ndarray,
    mean: np.ndarray,
    components: np.ndarray | None,
    n_learnt: int,
    labels: np.ndarray | None,
) -> tuple[Scores, Scores, Scores]:
    """Return the scores of the network, of the mean, and of PCA.

    Parameters
    ----------
    estimator : fitted Autoencoder or Boltzmann machine
    inputs : what it takes, n rows
    x : ndarray (n, d)
        The inputs as it sees them.
    mean, components : ndarrays (d,) and (k, d) or None
    n_learnt : int
        Rows that μ is the mean of.
    labels : ndarray (n,) of str or None, or None
    """
    error = float(np.mean(estimator.reconstruction_error(inputs)))
    own: Scores = {"reconstruction_error": error}
    base: Scores = {"reconstruction_error": float(mean_squares(x, mean).mean())}
    pca: Scores = {"reconstruction_error": None}
    if components is not None:
        again = pca_embedding(x, mean, components) @ components + mean
        pca["reconstruction_error"] = float(mean_squares(x, again).mean())
    name, score, alone = _likelihood(estimator, inputs, x, mean, n_learnt)
    if name is not None:
        own[name], base[name], pca[name] = score, alone, None
    labels = None if labels is None else comparable(labels)
    if labels is not None:
        codes = estimator.transform(inputs)
        own["same_label"] = same_label(codes, labels)
        _, counts = np.unique(_known(labels), return_counts=True)
        base["same_label"] = float(counts.max() / counts.sum())
        linear = None if components is None else pca_embedding(x, mean, components)
        pca["same_label"] = None if linear is None else same_label(linear, labels)
    return own, base, pca


def _likelihood(
    estimator: Any, inputs: Any, x: np.ndarray, mean: np.ndarray, n: int
) -> tuple[str | None, float | None, float | None]:
    """Return name and value of a machine's likelihood, and the value of the mean."""
    kind = type(estimator).__name__
    if kind == "BernoulliRBM":
        a = np.log((n * mean + 1) / (n * (1 - mean) + 1))
        alone = -np.logaddexp(0, -(2 * x - 1) * a).sum(axis=1)
        return "pseudo_likelihood", estimator.score(inputs), float(alone.mean())
    if kind == "GaussianRBM" and estimator.n_components <= EXACT_UNITS:
        scale = estimator.feature_scale_
        alone = -0.5 * ((x - mean) ** 2 + np.log(2 * np.pi)).sum(axis=1)
        units = float(np.sum(np.log(scale)))
        known = float(np.mean(estimator.log_likelihood(inputs)))
        return "log_likelihood", known, float(alone.mean()) - units
    if kind == "GaussianRBM":
        return "free_energy", -estimator.score(inputs), None
    if kind == "DeepBoltzmannMachine":
        return "bound", estimator.score(inputs), None
    return None, None, None


def comparable(labels: np.ndarray) -> np.ndarray | None:
    """Return labels as texts, if they are classes: few, and not each of one row."""
    known = _known(found := texts(labels))
    distinct = len(set(known.tolist()))
    if not 2 <= distinct <= min(MAX_LABELS, len(known) / 2):
        return None
    return found


def _known(labels: np.ndarray) -> np.ndarray:
    return labels[[label is not None for label in labels]].astype(str)


def same_label(codes: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of rows whose nearest other one has the same label."""
    from sklearn.neighbors import NearestNeighbors

    rows = np.flatnonzero([label is not None for label in labels])
    if len(rows) > MAX_NEIGHBOURS:
        rows = rows[np.linspace(0, len(rows) - 1, MAX_NEIGHBOURS).astype(int)]
    known = labels[rows].astype(str)
    search = NearestNeighbors(n_neighbors=1).fit(codes[rows])
    nearest = search.kneighbors(return_distance=False)[:, 0]
    return float((known == known[nearest]).mean())
