"""Hidden Markov models: the most likely path, and posteriors of the states.

Equations
---------
    p(y, x) = π[y₁] b₁[y₁] Πₜ a[yₜ₋₁, yₜ] bₜ[yₜ]

π (K,) holds the initial probabilities, a (K, K) the transition probabilities, and bₜ[k]
∝ p(xₜ | state k). All are logarithms, to avoid underflow. Shapes: bₜ of all steps
(steps, K).

References
----------
L. R. Rabiner (1989), A tutorial on hidden Markov models and selected applications in
speech recognition, Proceedings of the IEEE 77(2), section III.
"""

from typing import NamedTuple

import numpy as np


class Chain(NamedTuple):
    """Logarithms of π (K,) and of a (K, K)."""

    start: np.ndarray
    transition: np.ndarray


def counted(paths: list[np.ndarray], states: int, smoothing: float) -> Chain:
    """Estimate the chain from paths of state numbers.

    Equations
    ---------
        π[k] ∝ s + #{paths that start in k},   a[j, k] ∝ s + #{steps from j to k}

    Parameters
    ----------
    paths : list of ndarray of int (steps,)
        A negative number is a step of unknown state, which is not counted.
    states : int
        K.
    smoothing : float
        s, so that unseen transitions are not impossible.
    """
    first = np.array([path[0] for path in paths if len(path)])
    start = smoothing + np.bincount(first[first >= 0], minlength=states)
    pairs = np.concatenate(
        [np.stack([path[:-1], path[1:]], axis=1) for path in paths if len(path) > 1]
        or [np.zeros((0, 2), int)]
    )
    pairs = pairs[(pairs >= 0).all(axis=1)]
    numbers = pairs[:, 0] * states + pairs[:, 1]
    counts = np.bincount(numbers, minlength=states**2).reshape(states, states)
    with np.errstate(divide="ignore"):
        return Chain(_log_shares(start), _log_shares(smoothing + counts))


def _log_shares(counts: np.ndarray) -> np.ndarray:
    """Return logarithms of relative frequencies; uniform where nothing was counted."""
    total = counts.sum(axis=-1, keepdims=True)
    alike = 1 / counts.shape[-1]
    return np.log(np.where(total > 0, counts / np.where(total > 0, total, 1), alike))


def viterbi(chain: Chain, b: np.ndarray) -> np.ndarray:
    """Return the path (steps,) of state numbers that maximises p(y, x).

    Equations
    ---------
        δ₁ = π b₁,   δₜ[k] = maxⱼ δₜ₋₁[j] a[j, k] bₜ[k]

    then backwards from the largest δ_T along the maximising j.
    """
    path = np.zeros(len(b), int)
    best = np.zeros(b.shape, int)
    delta = chain.start + b[0]
    for t in range(1, len(b)):
        ways = delta[:, None] + chain.transition
        best[t] = ways.argmax(axis=0)
        delta = ways.max(axis=0) + b[t]
    path[-1] = delta.argmax()
    for t in range(len(b) - 1, 0, -1):
        path[t - 1] = best[t, path[t]]
    return path


def posteriors(chain: Chain, b: np.ndarray) -> np.ndarray:
    """Return p(state at t | all x), (steps, K).

    Equations
    ---------
        α₁ = π b₁,   αₜ[k] = Σⱼ αₜ₋₁[j] a[j, k] bₜ[k]
        β_T = 1,     βₜ[j] = Σₖ a[j, k] bₜ₊₁[k] βₜ₊₁[k]
        γₜ ∝ αₜ βₜ
    """
    forward, backward = np.zeros(b.shape), np.zeros(b.shape)
    forward[0] = chain.start + b[0]
    for t in range(1, len(b)):
        ways = forward[t - 1][:, None] + chain.transition
        forward[t] = np.logaddexp.reduce(ways, axis=0) + b[t]
    for t in range(len(b) - 2, -1, -1):
        ways = chain.transition + b[t + 1] + backward[t + 1]
        backward[t] = np.logaddexp.reduce(ways, axis=1)
    gamma = forward + backward
    return np.exp(gamma - np.logaddexp.reduce(gamma, axis=1, keepdims=True))
