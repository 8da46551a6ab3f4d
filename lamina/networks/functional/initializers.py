"""Initialisers of weights.

Every initialiser is called as ``init(key, shape, fan_in, fan_out)`` and returns a NumPy
array. It runs on the host: drawing is cheaper than compiling a program that draws (the
first ``jax.random`` call of a new shape takes about 50 ms).
"""

from collections.abc import Callable

import numpy as np

from lamina.networks.core.keys import Key

Initializer = Callable[[Key, tuple[int, ...], int, int], np.ndarray]


def zeros(key: Key, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
    """θ = 0. Hidden units then stay identical to each other."""
    return np.zeros(shape)


def uniform(key: Key, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
    """θ ~ U[−0.1, 0.1], small random weights."""
    return key.generator().uniform(-0.1, 0.1, shape)


def normal(key: Key, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
    """θ ~ N(0, 1); activations explode with depth."""
    return key.generator().standard_normal(shape)


def lecun(key: Key, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
    """θ ~ N(0, 1/n): preserves the variance of pre-activations.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), Efficient BackProp, section 4.6.
    """
    return key.generator().normal(0, np.sqrt(1 / fan_in), shape)


def glorot_normal(
    key: Key, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> np.ndarray:
    """θ ~ N(0, 2/(n + n′)), variance 2/(n + n′).

    References
    ----------
    Glorot & Bengio (2010), Understanding the difficulty of training deep feedforward
    neural networks, AISTATS, section 4.2.
    """
    return key.generator().normal(0, np.sqrt(2 / (fan_in + fan_out)), shape)


def glorot_uniform(
    key: Key, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> np.ndarray:
    """θ ~ U[−√(6/(n + n′)), √(6/(n + n′))].

    References
    ----------
    Glorot & Bengio (2010), equation 16.
    """
    bound = np.sqrt(6 / (fan_in + fan_out))
    return key.generator().uniform(-bound, bound, shape)


def he(key: Key, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
    """θ ~ N(0, 2/n), for rectified linear units.

    References
    ----------
    He, Zhang, Ren & Sun (2015), Delving deep into rectifiers, ICCV, section 2.2.
    """
    return key.generator().normal(0, np.sqrt(2 / fan_in), shape)


def nguyen_widrow(
    key: Key, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> np.ndarray:
    """Each unit's weight vector has length 0.7 n′^(1/n), with matching biases.

    Intended for n′ tanh units on n inputs in [−1, 1]: the active regions of the units
    then tile the input space. The matching biases are drawn by
    :func:`nguyen_widrow_bias`.

    References
    ----------
    Nguyen & Widrow (1990), Improving the learning speed of 2-layer neural networks by
    choosing initial values of the adaptive weights, IJCNN.
    """
    weight = key.generator().uniform(-1, 1, shape)
    length = np.linalg.norm(weight.reshape(-1, shape[-1]), axis=0)
    # 1e-12: a unit whose weights were all drawn as 0 would give 0/0.
    return weight * (0.7 * fan_out ** (1 / fan_in) / np.maximum(length, 1e-12))


def nguyen_widrow_bias(key: Key, units: int, fan_in: int) -> np.ndarray:
    """θ₀ ~ U[−β, β] with β = 0.7 n′^(1/n): see :func:`nguyen_widrow`."""
    beta = 0.7 * units ** (1 / fan_in)
    return key.generator().uniform(-beta, beta, units)


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "uniform": uniform,
    "normal": normal,
    "lecun": lecun,
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he": he,
    "nguyen_widrow": nguyen_widrow,
}


def initializer(name: str) -> Initializer:
    """Return the initialiser of that name.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    try:
        return INITIALIZERS[name]
    except (KeyError, TypeError):
        known = ", ".join(INITIALIZERS)
        raise ValueError(f"init must be one of {known}; got {name!r}") from None
