"""Errors in user input: one exception with fields, for every front end.

A message may mention a parameter, whose notation depends on the front end:
``max_iter=50`` in Python, ``-s max_iter=50`` on the command line. So a message stores
its settings separately from its text, and each front end renders them in its own
notation.
"""

from collections.abc import Callable
from typing import Any

LONGEST = 2000
"""Maximum length of an error message, whatever names and values it quotes."""


class Setting:
    """A parameter mentioned in a message, with or without its value.

    Its text is in Python notation: ``max_iter=50``, or ``max_iter``.
    """

    def __init__(self, parameter: str, value: Any = ...):
        self.parameter = parameter
        self.value = value

    @property
    def has_value(self) -> bool:
        """Whether the message mentions a value."""
        return self.value is not ...

    def __str__(self) -> str:
        if not self.has_value:
            return self.parameter
        return f"{self.parameter}={self.value!r}"


class Message(str):
    """A message in Python notation that knows the settings it mentions.

    Parameters
    ----------
    *parts : text or Setting
        Parts of the text.
    """

    parts: tuple[Any, ...]

    def __new__(cls, *parts: Any) -> "Message":
        made = super().__new__(cls, "".join(map(str, parts)))
        made.parts = tuple(
            inner
            for part in parts
            for inner in (part.parts if isinstance(part, Message) else (part,))
        )
        return made

    def to_json(self) -> dict[str, Any]:
        """Return the parts as plain JSON data."""
        return {"parts": [_part_json(part) for part in self.parts]}

    @classmethod
    def from_json(cls, data: object) -> "Message":
        """Return the message from the data of :meth:`to_json`.

        Raises
        ------
        ValueError
            If ``data`` is corrupt.
        """
        parts = data.get("parts") if isinstance(data, dict) else None
        if not isinstance(parts, list) or len(data) > 1:  # type: ignore[arg-type]
            raise ValueError("the message is corrupt")
        return cls(*map(_part_of_json, parts))

    def worded(self, setting: Callable[[Setting], str]) -> str:
        """Return the text with settings in the notation of a front end."""
        said = (setting(p) if isinstance(p, Setting) else str(p) for p in self.parts)
        return "".join(said)


def _part_json(part: Any) -> Any:
    if not isinstance(part, Setting):
        return str(part)
    value = {"value": part.value} if part.has_value else {}
    return {"parameter": part.parameter, **value}


def _part_of_json(data: object) -> Any:
    if isinstance(data, str):
        return data
    if not isinstance(data, dict) or not {"parameter"} <= set(data) <= _SETTING:
        raise ValueError("the message is corrupt")
    value = data.get("value", ...)
    value = tuple(value) if isinstance(value, list) else value
    if not isinstance(data["parameter"], str) or not _is_plain(value):
        raise ValueError("the message is corrupt")
    return Setting(data["parameter"], value)


_SETTING = {"parameter", "value"}


def _is_plain(value: Any) -> bool:
    """Whether a setting may have this value: a few strings or numbers."""
    if isinstance(value, dict):
        return all(isinstance(one, str) for pair in value.items() for one in pair)
    each = value if isinstance(value, tuple) else (value,)
    return all(one is ... or isinstance(one, str | int | float) for one in each)


class UserError(ValueError):
    """An error in user input.

    The message is ``where: problem; hint``. Without a problem it states what was
    expected: ``where: parameter must be expected; got value; hint``.

    Parameters
    ----------
    problem : text or Message
    where : str, optional
        The file, table or line.
    parameter : str, optional
        The parameter with the invalid value.
    value : optional
        Its value.
    expected : str, optional
        What it must be, as a phrase that follows "must be".
    hint : text or Message, optional
        How to fix it.

    Attributes
    ----------
    problem, where, parameter, value, expected, hint
        As given.
    message : Message
        The whole message, with the settings it mentions.
    """

    def __init__(
        self,
        problem: str = "",
        *,
        where: str | None = None,
        parameter: str | None = None,
        value: Any = None,
        expected: str | None = None,
        hint: str | None = None,
    ):
        self.problem = problem
        self.where = where
        self.parameter = parameter
        self.value = value
        self.expected = expected
        self.hint = hint
        parts: list[Any] = [] if where is None else [where, ": "]
        parts += [problem] if problem else self._expectation()
        parts += [] if hint is None else ["; ", hint]
        self.message = Message(*parts)
        super().__init__(bounded(self.message))

    def _expectation(self) -> list[Any]:
        if self.parameter is None:
            return []
        must = [Setting(self.parameter), f" must be {self.expected}"]
        return [*must, f"; got {quoted(self.value)}"]


def quoted(value: Any, most: int = 100) -> str:
    """Return a value as a message shows it: in one line, and not too long."""
    shown = " ".join(repr(value).split())
    return shown if len(shown) <= most else f"{shown[:most]}…"


def bounded(text: str, most: int = LONGEST) -> str:
    """Return a long message without its middle: the end has the fix."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"
