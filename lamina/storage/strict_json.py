"""JSON from a file of unknown origin: no depth, no duplicates, no NaN."""

import json
import re
from typing import Any

# Nothing that has been read is read again: a text that never ends may be full of
# quotation marks, from each of which the search would run to its end.
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)


def loads(text: str, max_depth: int) -> Any:
    """Parse JSON that nests at most ``max_depth`` deep and repeats no key.

    Raises
    ------
    ValueError
        If it is not such JSON.
    """
    if depth(text) > max_depth:
        raise ValueError(f"JSON is nested deeper than {max_depth}")
    return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)


def dumps(value: Any) -> str:
    """Write JSON without blanks; NaN and infinity are refused.

    Raises
    ------
    ValueError
        If it holds a number that JSON cannot say.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def depth(text: str) -> int:
    """Return how deep brackets nest outside of strings, without recursion."""
    level = deepest = 0
    for match in _TOKENS.finditer(text):
        token = match[0]
        if token in "[{":
            level += 1
            deepest = max(deepest, level)
        elif token in "]}":
            level -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("JSON repeats a key")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"JSON holds {name}, which is no number")
