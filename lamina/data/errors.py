"""What is wrong with what a person gave: one error, with fields, for every front end.

A message may speak of a parameter. What that is called depends on who reads it:
``max_iter=50`` in Python, ``-s max_iter=50`` on the command line. So a message keeps
its settings apart from its words, and each front end says them in its own way.
"""

from collections.abc import Callable
from typing import Any

LONGEST = 2000
"""Characters of an error's message, whatever names and values it quotes."""


class Setting:
    """A parameter of which a message speaks, with its value or without.

    Its text is that of Python: ``max_iter=50``, or ``max_iter``.
    """

    def __init__(self, parameter: str, value: Any = ...):
        self.parameter = parameter
        self.value = value

    @property
    def has_value(self) -> bool:
        """Whether the message speaks of a value too."""
        return self.value is not ...

    def __str__(self) -> str:
        if not self.has_value:
            return self.parameter
        return f"{self.parameter}={self.value!r}"


class Message(str):
    """A text, as Python says it, that knows the settings of which it speaks.

    Parameters
    ----------
    *parts : text or Setting
        What the text is made of.
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
        """Return the message that :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            If anything in ``data`` is not as it is written.
        """
        parts = data.get("parts") if isinstance(data, dict) else None
        if not isinstance(parts, list) or len(data) > 1:  # type: ignore[arg-type]
            raise ValueError("a message is not readable")
        return cls(*map(_part_of_json, parts))

    def worded(self, setting: Callable[[Setting], str]) -> str:
        """Return the text with settings as a front end says them."""
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
        raise ValueError("a message is not readable")
    value = data.get("value", ...)
    value = tuple(value) if isinstance(value, list) else value
    if not isinstance(data["parameter"], str) or not _is_plain(value):
        raise ValueError("a message is not readable")
    return Setting(data["parameter"], value)


_SETTING = {"parameter", "value"}


def _is_plain(value: Any) -> bool:
    """Whether a value is what a setting of a message has: a few words or numbers."""
    if isinstance(value, dict):
        return all(isinstance(one, str) for pair in value.items() for one in pair)
    each = value if isinstance(value, tuple) else (value,)
    return all(one is ... or isinstance(one, str | int | float) for one in each)


class UserError(ValueError):
    """Something that a person gave cannot be used.

    The message is ``where: problem; hint``. Without a problem it says what was
    expected: ``where: parameter must be expected; got value; hint``.

    Parameters
    ----------
    problem : text or Message
    where : str, optional
        The file, table or line.
    parameter : str, optional
        The parameter whose value cannot be used.
    value : optional
        What was given for it.
    expected : str, optional
        What it must be, in words that follow "must be".
    hint : text or Message, optional
        How to mend it.

    Attributes
    ----------
    problem, where, parameter, value, expected, hint
        As given.
    message : Message
        All of it, with the settings of which it speaks.
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
    """Return a wrong value as a message shows it: in one line, and not too long."""
    shown = " ".join(repr(value).split())
    return shown if len(shown) <= most else f"{shown[:most]}…"


def bounded(text: str, most: int = LONGEST) -> str:
    """Return a message without its middle where it is long: the end is the fix."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"
