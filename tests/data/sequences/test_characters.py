"""Characters of texts as numbers."""

import numpy as np
import pytest

from lamina.data.sequences.characters import (
    as_codes,
    as_one_hot,
    holds_texts,
    vocabulary_of,
)


def test_characters_are_numbered_in_the_order_of_the_alphabet():
    vocabulary = vocabulary_of(["abc", "ca😀"])
    assert vocabulary == "abc😀"
    found = as_codes(["cab", "😀?"], vocabulary)
    assert found.lengths.tolist() == [3, 2]
    assert found.values[:, 0].tolist() == [3, 1, 2, 4, 0]
    assert as_codes(["ab"], "ba").values[:, 0].tolist() == [2, 1]
    assert as_codes(["ab"], "").values[:, 0].tolist() == [0, 0]


def test_one_hot_rows():
    found = as_one_hot(["ba", "x"], "ab")
    assert found.values.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]


def test_an_empty_text_is_refused():
    with pytest.raises(ValueError, match="text 1 is empty"):
        as_codes(["a", ""], "a")


@pytest.mark.parametrize(
    ("X", "texts"),
    [
        (["a", "b"], True),
        (("a",), True),
        (np.array(["a", "b"]), True),
        (np.array(["a", "b"], object), True),
        ("ab", False),
        ([], False),
        ([[1.0], "a"], False),
        (np.zeros(3), False),
        (np.array([["a"]]), False),
    ],
)
def test_what_texts_are(X, texts):
    assert holds_texts(X) == texts
