"""Texts from files as they may stand on a terminal."""

import re
import shlex
import sys
from collections.abc import Iterable

LONGEST = 600
_CACHE = re.compile(
    r"Error (?:reading|writing) persistent compilation cache entry for .*?: "
    r"(\w+: )?(\[Errno \d+\] )?(?P<reason>.*)"
)
_BYTE = re.compile(r"\\udc([89a-f][0-9a-f])")  # as Python writes such a name
_ARGUMENT = re.compile(r"\b(target|task)='([^']+)'")
_SIZE = re.compile(r"\bsize=\((\d+), (\d+)\)")
_MODEL = re.compile(r"\bmodel='([a-z-]+)'")
_CODES = re.compile(r"\bn_codes=(\d+)")
_SHAPE = re.compile(r"\bimage_shape=\((\d+), (\d+)\)")
_KIND = re.compile(r"\bkinds=\{'([^']+)': '(\w+)'\}")


def printable(text: object) -> str:
    """Return text in one line without control characters, which move the cursor.

    A byte of a file name that is not UTF-8 is written ``\\xff``.
    """
    return "".join(c if c.isprintable() else _escaped(c) for c in str(text))


def _escaped(character: str) -> str:
    byte = ord(character) - 0xDC00  # what os.fsdecode makes of such a byte
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else "·"


def say(kind: str, texts: Iterable[str]) -> None:
    """Print notes or warnings, each in one line on standard error."""
    for text in texts:
        print(f"lamina: {kind}: {short_line(text)}", file=sys.stderr)


def one_line(error: BaseException) -> str:
    """Return an error's message in one line that a person can read."""
    return short_line(str(error)) or type(error).__name__


def short_line(text: str) -> str:
    """Return a message in one line that a person can read."""
    from lamina.data.tables.table import bounded

    text = _BYTE.sub(r"\\x\1", with_options(" ".join(text.split())))
    return bounded(printable(text), LONGEST)


def in_words(warning: object) -> str:
    """Return what a library warns of as a person has a use for it."""
    text = str(warning)
    if found := _CACHE.match(text):
        return (
            "compiled programs cannot be kept for the next command "
            f"({found['reason']}); LAMINA_CACHE=FOLDER keeps them in another folder"
        )
    return text


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
