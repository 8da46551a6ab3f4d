"""Settings as a person types them: ``max_iter=50``, ``layers=[Dense(64)]``.

Values are read, never run: literals, names, and calls of the descriptions that lamina
knows (layers, algorithms) with literals as arguments.
"""

import ast
import json
import re
from typing import Any

from lamina.networks.core.description import find

LONGEST = 10_000
_LARGEST = 2**64
_UNREADABLE = (ArithmeticError, MemoryError, RecursionError, TypeError, ValueError)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_CONSTANTS = {"true": True, "false": False, "null": None, "none": None}


def parse_setting(text: str) -> tuple[str, Any]:
    """Read ``name=value``.

    Raises
    ------
    ValueError
        If there is no name, or the value is not one of the kinds above.
    """
    name, sign, value = text.partition("=")
    name = name.strip()
    if not sign or not _NAME.fullmatch(name):
        raise ValueError(
            f"a setting is written name=value, such as max_iter=50, not {text[:60]!r}"
        )
    try:
        return name, parse_value(value.strip())
    except _UNREADABLE as error:
        reason = str(error) or "it is nested too deeply"
        raise ValueError(f"{name}={value[:60]}: {reason}") from None


def parse_value(text: str) -> Any:
    """Read a value: JSON, a Python literal, a name, or a description.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a value has at most {LONGEST:,} characters")
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    try:
        return json.loads(text, parse_constant=_refuse, parse_int=_digits)
    except ValueError:
        pass
    if _WORD.fullmatch(text):
        return text
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        raise ValueError("the value cannot be read") from None
    return _value(tree.body)


def _digits(text: str) -> int:
    return _whole(int(text))


def _whole(value: int) -> int:
    """Refuse what no parameter takes and no message could show.

    Raises
    ------
    OverflowError
        If it has more than 64 bits.
    """
    if abs(value) > _LARGEST:
        raise OverflowError("a whole number has at most 64 bits")
    return value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() as value):
            return _whole(value)
        case ast.Constant(value=None | float() | str() as value):
            return value
        case ast.UnaryOp(
            op=ast.USub(), operand=ast.Constant(value=int() | float() as n)
        ):
            return -n
        case ast.Name(id=name) if name.lower() in _CONSTANTS:
            return _CONSTANTS[name.lower()]
        case ast.Name(id=name):
            return name
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip(keys, values, strict=True)
            return {_value(k): _value(v) for k, v in pairs}  # type: ignore[arg-type]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if all(
            k.arg for k in keywords
        ):
            named = {str(k.arg): _value(k.value) for k in keywords}
            return find(name)(*map(_value, args), **named)
    raise ValueError(
        "only numbers, texts, lists and descriptions such as Dense(64) can stand here"
    )
