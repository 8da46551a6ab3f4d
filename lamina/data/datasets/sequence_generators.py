"""Generated sequences: the same seed gives the same sequences.

Each function takes `n` sequences and `seed`, and returns X, a `RaggedArray`, and y: one
target per sequence, ndarray (n,), or one per step, a list of n ndarrays (steps,).
Sequences that may differ in length have `shortest` to `length` steps, drawn uniformly;
0 means that all have `length`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lamina.data.sequences.ragged_array import RaggedArray, step_numbers

Labelled = tuple[RaggedArray, np.ndarray]


class MarkovChain(NamedTuple):
    """The Markov chain of the states of `hidden_markov`.

    start (states,), transition (states, states) from row to column, means (states, 2).
    """

    start: np.ndarray
    transition: np.ndarray
    means: np.ndarray


def long_lag(
    n: int = 200, lag: int = 20, symbols: int = 8, classes: int = 2, seed: int = 0
) -> Labelled:
    """Sequences of lag + 1 symbols, whose class y is the first symbol.

    The other steps are drawn from `symbols` distractors, which are independent of the
    class. Symbol s is one-hot: x_t = e_s, the first `classes` features are those of the
    first step.

    References
    ----------
    S. Hochreiter, J. Schmidhuber (1997), Long short-term memory, Neural Computation
    9(8), 1735–1780, section 5.2 (experiment 2b, and there the last symbol is the first
    one again).
    """
    random = np.random.default_rng(seed)
    y = np.arange(n) % classes
    drawn = classes + random.integers(0, symbols, (n, lag))
    steps = np.column_stack([y, drawn]).ravel()
    return RaggedArray(np.eye(classes + symbols)[steps], np.full(n, lag + 1)), y


def adding_problem(
    n: int = 1000, length: int = 50, shortest: int = 0, seed: int = 0
) -> Labelled:
    """Sequences of numbers, two of them marked: y = v_i + v_j is their sum.

    x_t = (v_t, m_t): the values v_t are uniform in [0, 1], the markers m_t are 1 at i
    and j and 0 elsewhere; i is drawn from the first half of the steps, j from the
    second. Always predicting 1 has a mean squared error of 1/6.

    References
    ----------
    S. Hochreiter, J. Schmidhuber (1997), Long short-term memory, Neural Computation
    9(8), 1735–1780, section 5.4 (experiment 4, there with values from −1 to 1).
    Q. V. Le, N. Jaitly, G. E. Hinton (2015), A simple way to initialize recurrent
    networks of rectified linear units, arXiv:1504.00941, section 4.1.
    """
    if min(length, shortest or length) < 2:
        raise ValueError("the adding problem needs at least two steps, to mark two")
    random = np.random.default_rng(seed)
    lengths = _lengths(random, n, length, shortest)
    starts = np.cumsum(lengths) - lengths
    values = np.zeros((lengths.sum(), 2))
    values[:, 0] = random.uniform(size=len(values))
    half = lengths // 2
    i = starts + random.integers(0, half)
    j = starts + random.integers(half, lengths)
    values[i, 1] = values[j, 1] = 1
    return RaggedArray(values, lengths), values[i, 0] + values[j, 0]


def parity(
    n: int = 200, length: int = 10, shortest: int = 0, seed: int = 0
) -> Labelled:
    """Sequences of bits: y = (x_1 + … + x_T) mod 2, whether the number of ones is odd.

    x_t is drawn from {0, 1}.
    """
    random = np.random.default_rng(seed)
    lengths = _lengths(random, n, length, shortest)
    bits = random.integers(0, 2, lengths.sum())
    y = np.add.reduceat(bits, np.cumsum(lengths) - lengths) % 2
    return RaggedArray(bits[:, None].astype(np.float64), lengths), y


def noisy_sines(
    n: int = 300,
    classes: int = 3,
    noise: float = 0.3,
    length: int = 60,
    shortest: int = 30,
    seed: int = 0,
) -> Labelled:
    """Noisy sines whose frequency depends on the class.

    x_t = sin(2π f_y t + φ) + noise for t = 0, 1, 2, …, with f_y = (y + 1) / (4 classes)
    cycles per step, y = 0 … classes − 1. The phase φ is uniform; `noise` is the
    standard deviation of Gaussian noise.
    """
    random = np.random.default_rng(seed)
    lengths = _lengths(random, n, length, shortest)
    y = np.arange(n) % classes
    t = step_numbers(lengths)
    frequency = np.repeat((y + 1) / (4 * classes), lengths)
    phase = np.repeat(random.uniform(0, 2 * np.pi, n), lengths)
    x = np.sin(2 * np.pi * frequency * t + phase)
    x += noise * random.standard_normal(len(x))
    return RaggedArray(x[:, None], lengths), y


def hidden_markov(
    n: int = 100,
    states: int = 3,
    length: int = 50,
    noise: float = 0.5,
    shortest: int = 0,
    seed: int = 0,
) -> tuple[RaggedArray, list[np.ndarray]]:
    """Sequences of noisy points around the states of a Markov chain, y the states.

    P(y_1 = k) = π_k, P(y_t+1 = j | y_t = i) = a_ij, x_t ~ N(μ_k, noise² I) in state
    k = y_t. `markov_chain` returns π, a and μ, which are the same for every seed.

    References
    ----------
    L. R. Rabiner (1989), A tutorial on hidden Markov models and selected applications
    in speech recognition, Proceedings of the IEEE 77(2), 257–286, section II.
    """
    random = np.random.default_rng(seed)
    lengths = _lengths(random, n, length, shortest)
    chain = markov_chain(states)
    below = np.cumsum(chain.transition, axis=1)
    drawn = random.uniform(size=(n, length))
    y = np.zeros((n, length), np.int64)
    y[:, 0] = _drawn(np.cumsum(chain.start), drawn[:, 0])
    for t in range(1, length):
        y[:, t] = _drawn(below[y[:, t - 1]], drawn[:, t])
    steps = y[np.arange(length) < lengths[:, None]]
    x = chain.means[steps] + noise * random.standard_normal((len(steps), 2))
    return RaggedArray(x, lengths), np.split(steps, np.cumsum(lengths)[:-1])


def markov_chain(states: int = 3) -> MarkovChain:
    """Return the chain from which `hidden_markov` draws its states k = 0 … K − 1.

    Equations
    ---------
        π_k ∝ k + 1
        a_ij ∝ 5^−d,  d = (j − i) mod K
        μ_k = (cos 2πk/K, sin 2πk/K)

    so that a state lasts about five steps, and is mostly followed by the next one.
    """
    k = np.arange(states)
    start = (k + 1) / (k + 1).sum()
    transition = 5.0 ** -((k - k[:, None]) % states)
    transition /= transition.sum(axis=1, keepdims=True)
    angle = 2 * np.pi * k / states
    return MarkovChain(
        start, transition, np.column_stack([np.cos(angle), np.sin(angle)])
    )


def _drawn(below: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return the states selected by uniform numbers, given cumulative probabilities."""
    return (uniform[:, None] >= below[..., :-1]).sum(axis=-1)


def _lengths(
    random: np.random.Generator, n: int, length: int, shortest: int
) -> np.ndarray:
    if shortest > length:
        raise ValueError(f"shortest must be at most length, {length}; got {shortest}")
    return random.integers(shortest or length, length + 1, n)
