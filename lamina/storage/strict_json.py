"""JSON from untrusted files: bounded depth, no duplicate keys, no NaN."""

import json
import re
from typing import Any

# Possessive quantifiers avoid backtracking: in an unterminated string full of quotation
# marks, the search from each of them would run to its end, in quadratic time.
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)


def loads(text: str, max_depth: int) -> Any:
    """Parse JSON with at most ``max_depth`` levels and no duplicate keys.

    Raises
    ------
    ValueError
        If the text is not such JSON.
    """
    if depth(text) > max_depth:
        raise ValueError(f"JSON is nested deeper than {max_depth}")
    return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)


def dumps(value: Any) -> str:
    """Write compact JSON; NaN and infinity raise an error.

    Raises
    ------
    ValueError
        If it has a number that JSON cannot represent.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def depth(text: str) -> int:
    """Return the nesting depth of brackets outside strings, without recursion."""
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
        raise ValueError("JSON has a duplicate key")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"JSON has {name}, which is not a number")
