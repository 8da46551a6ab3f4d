"""Texts from files as they may stand on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.app.words import LONGEST, one_line, printable, with_options


@given(st.text())
def test_nothing_moves_the_cursor(text):
    assert printable(text).isprintable()
    line = one_line(ValueError(text))
    assert line.isprintable()
    assert 0 < len(line) <= LONGEST


def test_errors_are_one_line():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(KeyError()) == "KeyError"
    assert one_line(ValueError("\x1b[31mred")) == "·[31mred"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("(kinds={'a': 'category'})", "(--kind a=category)"),
        ("(kinds={'a b': 'number'} uses it)", "(--kind 'a b=number' uses it)"),
        ("task='regression' predicts", "--task regression predicts"),
        ("Give it, target='y' perhaps", "Give it, --target y perhaps"),
        ("(errors='skip' leaves them out)", "(--skip-broken leaves them out)"),
        ("(size=(48, 64) would be", "(--size 48x64 would be"),
        ("n_codes=4, but there", "--codes 4, but there"),
        ("model='gaussian-rbm' is for", "--model gaussian-rbm is for"),
        ("image_shape=(3, 4) is 12", "--shape 3x4 is 12"),
        ("the resize=(48, 64)", "the resize=(48, 64)"),
    ],
)
def test_advice_to_programmers_becomes_options(text, advice):
    assert with_options(text) == advice
