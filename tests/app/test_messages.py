"""Texts from files as they may stand on a terminal."""

import os
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.app import messages
from lamina.app.messages import LONGEST, in_words, one_line, printable, say, worded
from lamina.data.errors import Message, Setting, UserError
from lamina.models.options import option, options_of


@pytest.fixture(autouse=True)
def no_command_runs():
    """Tests of commands leave behind which options they had."""
    messages.speak(())


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
        "compiled programs cannot be cached for the next command (No space left on "
        "device: '/cache/x'); set LAMINA_CACHE=FOLDER to use another folder"
    )
    assert in_words(UserWarning(told)) == expected
    assert in_words("another") == "another"
    say("note", ["a\nb"])
    assert capsys.readouterr().err == "lamina: note: a b\n"


@pytest.mark.parametrize(
    ("setting", "typed"),
    [
        (Setting("column_types", {"a": "category"}), "--column-type a=category"),
        (Setting("column_types", {"a b": "number"}), "--column-type 'a b=number'"),
        (Setting("task", "regression"), "--task regression"),
        (Setting("target", "y"), "--target y"),
        (Setting("errors", "skip"), "--skip-broken"),
        (Setting("size", (48, 64)), "--size 48x64"),
        (Setting("latent_dim", 4), "--latent-dim 4"),
        (Setting("model", "gaussian-rbm"), "--model gaussian-rbm"),
        (Setting("image_shape", (3, 4)), "--image-shape 3x4"),
        (Setting("exogenous"), "--exogenous"),
        (Setting("holdout"), "--holdout"),
        (Setting("max_iter", 50), "-s max_iter=50"),
        (Setting("solver", "sgd"), "-s solver=sgd"),
        (Setting("resize", (48, 64)), "-s 'resize=(48, 64)'"),
    ],
)
def test_settings_are_said_as_they_are_typed(setting, typed):
    assert messages.typed(setting) == typed
    assert worded(Message("(", setting, " would do)")) == f"({typed} would do)"


def test_texts_without_settings_are_left_alone():
    assert worded("column_types={'a': 'category'}") == "column_types={'a': 'category'}"


@dataclass
class Own:
    n: int = option(1, "", flag="-n")


def test_a_command_s_own_options_come_first():
    (own,) = options_of(
        dataclass(
            type(
                "Own",
                (),
                {"__annotations__": {"n": int}, "n": option(1, "", flag="-n")},
            )
        )
    )
    assert messages.typed(Setting("n", 0)) == "-s n=0"
    messages.speak([own])
    try:
        assert messages.typed(Setting("n", 0)) == "-n 0"
    finally:
        messages.speak(())


def test_errors_are_said_with_options():
    error = UserError(parameter="latent_dim", value=0, expected="at least 1", where="t")
    assert one_line(error) == "t: --latent-dim must be at least 1; got 0"
