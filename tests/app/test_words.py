"""Texts from files as they may stand on a terminal."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.app.words import LONGEST, in_words, one_line, printable, say, with_options


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


def test_names_of_any_bytes_are_readable():
    name = os.fsdecode(b"non\xff\xc3\xa4.csv")
    assert printable(name) == "non\\xffä.csv"
    assert one_line(ValueError(f"{name!r}: x")) == "'non\\xffä.csv': x"
    assert len(one_line(ValueError(os.fsdecode(b"\xff" * 70_000)))) <= LONGEST


def test_the_fix_at_the_end_of_a_long_message_is_kept():
    line = one_line(ValueError(f"column {'c' * 70_000}: correct it"))
    assert line.startswith("column ccc")
    assert line.endswith("…" + "c" * (LONGEST // 3 - 12) + ": correct it")


def test_a_cache_that_cannot_be_written_is_no_riddle(capsys):
    told = (
        "Error writing persistent compilation cache entry for 'jit_step': OSError: "
        "[Errno 28] No space left on device: '/cache/x'"
    )
    expected = (
        "compiled programs cannot be kept for the next command (No space left on "
        "device: '/cache/x'); LAMINA_CACHE=FOLDER keeps them in another folder"
    )
    assert in_words(UserWarning(told)) == expected
    assert in_words("another") == "another"
    say("note", ["a\nb"])
    assert capsys.readouterr().err == "lamina: note: a b\n"


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
