"""Texts from files as they may stand on a terminal."""

import re
import shlex

LONGEST = 600
_ARGUMENT = re.compile(r"\b(target|task)='([^']+)'")
_SIZE = re.compile(r"\bsize=\((\d+), (\d+)\)")
_MODEL = re.compile(r"\bmodel='([a-z-]+)'")
_CODES = re.compile(r"\bn_codes=(\d+)")
_SHAPE = re.compile(r"\bimage_shape=\((\d+), (\d+)\)")
_KIND = re.compile(r"\bkinds=\{'([^']+)': '(\w+)'\}")


def printable(text: object) -> str:
    """Return text in one line without control characters, which move the cursor."""
    return "".join(c if c.isprintable() else "·" for c in str(text))


def one_line(error: BaseException) -> str:
    """Return an error's message in one line that a person can read."""
    text = with_options(" ".join(str(error).split())) or type(error).__name__
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 1]}…"
    return printable(text)


def with_options(text: str) -> str:
    """Return advice to a programmer as advice to a person at the command line.

    ``kinds={'zip': 'category'}`` becomes ``--kind zip=category``, ``size=(48, 64)``
    becomes ``--size 48x64``.
    """
    text = text.replace("errors='skip'", "--skip-broken")
    text = _SHAPE.sub(r"--shape \1x\2", text)
    text = _CODES.sub(r"--codes \1", _MODEL.sub(r"--model \1", text))
    text = _SIZE.sub(r"--size \1x\2", text)
    text = _KIND.sub(lambda m: f"--kind {shlex.quote(f'{m[1]}={m[2]}')}", text)
    return _ARGUMENT.sub(lambda m: f"--{m[1]} {shlex.quote(m[2])}", text)
