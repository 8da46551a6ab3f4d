"""Texts as sequences of characters.

The characters of a vocabulary are numbered from 1 in its order; 0 is any other
character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.data.sequences.ragged_array import RaggedArray, SequenceError


def holds_texts(X: Any) -> bool:
    """Whether X is a list or an array of texts."""
    if isinstance(X, np.ndarray) and X.dtype.kind == "U":
        return X.ndim == 1
    if isinstance(X, str) or not hasattr(X, "__getitem__") or not len(X):
        return False
    of_objects = isinstance(X, np.ndarray) and X.dtype.kind == "O" and X.ndim == 1
    return (of_objects or isinstance(X, list | tuple)) and all(
        isinstance(one, str) for one in X
    )


def vocabulary_of(texts: Sequence[str]) -> str:
    """Return the distinct characters of some texts, sorted."""
    return "".join(sorted(set().union(*texts)))


def as_codes(texts: Sequence[str], vocabulary: str) -> RaggedArray:
    """Return texts as sequences (steps, 1) of character numbers.

    Raises
    ------
    SequenceError
        If a text is empty; with its number.
    """
    lengths = np.array([len(text) for text in texts])
    if not len(lengths) or not lengths.all():
        number = int(np.argmin(lengths)) if len(lengths) else 0
        raise SequenceError(f"text {number} is empty")
    # All characters at once, four bytes each; lone surrogates are characters, too.
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")
    known = np.frombuffer(vocabulary.encode("utf-32-le", "surrogatepass"), "<u4")
    if not len(known):
        return RaggedArray(np.zeros((len(points), 1), np.float32), lengths)
    order = np.argsort(known)
    at = order[np.searchsorted(known, points, sorter=order).clip(max=len(known) - 1)]
    codes = np.where(known[at] == points, at + 1, 0)
    return RaggedArray(codes[:, None].astype(np.float32), lengths)


def as_one_hot(texts: Sequence[str], vocabulary: str) -> RaggedArray:
    """Return texts as one-hot sequences (steps, characters + 1).

    Raises
    ------
    SequenceError
        If a text is empty; with its number.
    """
    codes = as_codes(texts, vocabulary)
    eye = np.eye(len(vocabulary) + 1, dtype=np.float32)
    return RaggedArray(eye[codes.values[:, 0].astype(int)], codes.lengths)
