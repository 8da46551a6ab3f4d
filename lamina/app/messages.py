"""Messages, and text from files, made safe for a terminal."""

import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Any

from lamina.data.errors import Message, Setting, UserError, bounded

LONGEST = 600
_CACHE = re.compile(
    r"Error (?:reading|writing) persistent compilation cache entry for .*?: "
    r"(\w+: )?(\[Errno \d+\] )?(?P<reason>.*)"
)
_BYTE = re.compile(r"\\udc([89a-f][0-9a-f])")  # a surrogate, escaped


def printable(text: object) -> str:
    """Return text in one line without control characters, which move the cursor.

    Bytes of a file name that are not UTF-8 are written ``\\xff``.
    """
    return "".join(c if c.isprintable() else _escaped(c) for c in str(text))


def _escaped(character: str) -> str:
    byte = ord(character) - 0xDC00  # as os.fsdecode encodes such a byte
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else "·"


def say(kind: str, texts: Iterable[str]) -> None:
    """Print notes or warnings to standard error, one line each."""
    for text in texts:
        print(f"lamina: {kind}: {short_line(text)}", file=sys.stderr)


def one_line(error: BaseException) -> str:
    """Return an error's message in one readable line."""
    text = error.message if isinstance(error, UserError) else str(error)
    return short_line(text) or type(error).__name__


def short_line(text: str) -> str:
    """Return a message in one line, with settings as they are typed."""
    text = " ".join(worded(text).split())
    return bounded(printable(_BYTE.sub(r"\\x\1", text)), LONGEST)


def worded(text: str) -> str:
    """Return a message with settings as they are typed: ``--column-type x=date``."""
    return text.worded(typed) if isinstance(text, Message) else text


_known: ContextVar[Sequence[Any]] = ContextVar("known", default=())


def speak(options: Sequence[Any]) -> None:
    """Write settings in messages as options of the running command from now on."""
    _known.set(options)


def typed(setting: Setting) -> str:
    """Return a setting as it is typed: as an option, or else with ``-s``.

    ``latent_dim=4`` is the option ``--latent-dim 4``; ``max_iter=50`` is one of the
    network.
    """
    from lamina.models.kinds.registry import fit_options
    from lamina.models.options import find

    for options in (_known.get(), fit_options()):
        if (option := find(options, setting)) is not None:
            return option.written(setting)
    if isinstance(setting.value, str):
        return f"-s {shlex.quote(f'{setting.parameter}={setting.value}')}"
    return f"-s {shlex.quote(str(setting))}"


def in_words(warning: object) -> str:
    """Return a library's warning in words that help a user."""
    text = str(warning)
    if found := _CACHE.match(text):
        return (
            "compiled programs cannot be cached for the next command "
            f"({found['reason']}); set LAMINA_CACHE=FOLDER to use another folder"
        )
    return text
