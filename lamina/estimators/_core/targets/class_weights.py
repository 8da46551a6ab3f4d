"""Class weights, computed from the training labels."""

from typing import Any

import numpy as np
from sklearn.utils import compute_class_weight


def class_factors(class_weight: Any, classes: np.ndarray, target: Any) -> np.ndarray:
    """Return the factor of each class in each label column, (columns, classes).

    Equations
    ---------
        cⱼ(k) = nⱼ / (Kⱼ nⱼₖ)      "balanced", as in scikit-learn

    nⱼ is the number of labels of column j that are measured, nⱼₖ of those that are k,
    and Kⱼ how many classes there are among them. A class that is not counts 1.

    Parameters
    ----------
    class_weight : "balanced", or dict of label → factor
        Of several columns a list, with one dict a column.
    classes : ndarray
        What class numbers stand for; of several columns 0 and 1.
    target : ndarray (n,) or (n, columns)
        Class numbers of the training rows, NaN where a label is not measured.

    Raises
    ------
    ValueError
        If the weights are none, do not fit the columns, or name other classes.
    """
    target = target.reshape(len(target), -1)
    columns = target.shape[1]
    given = class_weight
    if columns == 1 or isinstance(given, str):
        given = [class_weight] * columns
    elif not isinstance(given, list | tuple) or len(given) != columns:
        raise ValueError(
            f'class_weight of {columns} label columns must be "balanced" or a list of '
            f"{columns} dicts, got {class_weight!r}"
        )
    factors = np.ones((columns, len(classes)))
    for column, own, labels in zip(factors, given, target.T, strict=True):
        if isinstance(own, str):
            numbers = labels[~np.isnan(labels)].astype(int)
            found = np.unique(numbers)
            column[found] = compute_class_weight(own, classes=found, y=numbers)
        else:
            column[:] = compute_class_weight(own, classes=classes, y=classes)
    return factors


def weights_by_class(factors: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return wᵢ = Πⱼ cⱼ(yᵢⱼ) over the measured labels j of each example, (n,).

    Shapes: factors as :func:`class_factors` gives them; target (n,) or (n, columns)
    class numbers, NaN where a label is not measured.
    """
    target = target.reshape(len(target), -1)
    weight = np.ones(len(target))
    for factor, labels in zip(factors, target.T, strict=True):
        measured = ~np.isnan(labels)
        weight[measured] *= factor[labels[measured].astype(int)]
    return weight
