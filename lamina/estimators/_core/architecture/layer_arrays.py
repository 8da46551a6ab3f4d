"""``coefs_`` and ``intercepts_``: lists of a network's arrays that can be assigned."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


class ArraysOfLayers:
    """An attribute: the list of the weights, or of the biases, of all layers.

    Arrays assigned before there is a network are stored: ``partial_fit`` and warm
    starts begin with them.

    Parameters
    ----------
    part : str
        "weight" or "bias".
    doc : str
        The docstring.
    """

    def __init__(self, part: str, doc: str) -> None:
        self.part, self.__doc__ = part, doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        if estimator is None:
            return self
        given = vars(estimator).get("_given_arrays", {})
        if self.part in given:
            return given[self.part]
        return LayerArrays(self._arrays(estimator), partial(self._replace, estimator))

    def __set__(self, estimator: Any, arrays: Any) -> None:
        if hasattr(estimator, "params_"):
            self._replace(estimator, arrays)
        else:
            given = vars(estimator).get("_given_arrays", {})
            estimator._given_arrays = given | {self.part: list(arrays)}

    def _arrays(self, estimator: Any) -> list[np.ndarray]:
        return [own[self.part] for own in estimator.params_ if self.part in own]

    def _replace(self, estimator: Any, arrays: Any) -> list[np.ndarray]:
        """Replace the arrays of the layers; return the new ones."""
        how = self.part, self.name, arrays
        estimator.params_ = replaced_arrays(estimator.params_, *how)
        estimator._state = estimator._state_owner = None  # of the weights as they were
        return self._arrays(estimator)


class LayerCount:
    """The number of layers with weights, and one more for the inputs.

    scikit-learn counts it this way, and assigns it: the assigned number then hides this
    attribute.
    """

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        return self if estimator is None else len(estimator.coefs_) + 1


def given_arrays(estimator: Any) -> dict[str, list[Any]]:
    """Return the arrays assigned before there was a network, and forget them."""
    return vars(estimator).pop("_given_arrays", {})


class LayerArrays(list):
    """Arrays of the layers; an array assigned to an index becomes that layer's.

    Copies, sums and slices of it are plain lists.

    Parameters
    ----------
    arrays : list of ndarray
    put : function
        Takes a list of all arrays, including the new one, and returns those that the
        layers then have.
    """

    def __init__(self, arrays: list[np.ndarray], put: Callable) -> None:
        super().__init__(arrays)
        self._put = put

    def __setitem__(self, index: Any, value: Any) -> None:
        """Assign an array to a layer.

        Raises
        ------
        ValueError
            If it has another shape, or is not finite.
        """
        arrays = list(self)
        arrays[index] = value
        super().__setitem__(slice(None), self._put(arrays))

    def __reduce__(self) -> tuple:
        """Copy and pickle as a plain list, without the network."""
        return list, (list(self),)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a network has as many arrays as layers: none can be added")

    __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = _refuse


def replaced_arrays(
    params: tuple[dict, ...], part: str, name: str, arrays: Any
) -> tuple[dict, ...]:
    """Return parameters with other weights or biases, in the type of the old ones.

    Parameters
    ----------
    params : parameters of a network, one dictionary per layer
    part : str
        "weight" or "bias"
    name : str
        Their name in an error.
    arrays : list of array-like
        One for each layer that has this part.

    Raises
    ------
    ValueError
        If their number or a shape is wrong, or a value is not finite.
    """
    positions = [i for i, own in enumerate(params) if part in own]
    given = list(arrays) if isinstance(arrays, list | tuple) else None
    if given is None or len(given) != len(positions):
        got = type(arrays).__name__ if given is None else f"{len(given)} of them"
        raise ValueError(f"{name} must be a list of {len(positions)} arrays, got {got}")
    found = list(params)
    for number, (i, array) in enumerate(zip(positions, given, strict=True)):
        label, own = f"{name}[{number}]", found[i][part]
        found[i] = found[i] | {part: fitting(label, array, own)}
    return tuple(found)


def fitting(name: str, given: Any, own: np.ndarray) -> np.ndarray:
    """Return an array in the type of another one, whose shape it must have.

    Raises
    ------
    ValueError
        If it does not hold numbers, has another shape, or is not finite.
    """
    try:
        # NumPy would drop the imaginary part, with no more than a warning.
        if np.iscomplexobj(given):
            raise TypeError
        array = np.array(given, own.dtype)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of numbers") from None
    if array.shape != own.shape:
        raise ValueError(f"{name} must be of shape {own.shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite in {own.dtype}")
    return array
