"""Validation of values from a file: type annotations, and additional rules.

An annotation is a plain type, ``Literal``, ``X | None``, ``list[X]``, ``dict[str, X]``,
``tuple[X, ...]``, ``tuple[X, Y]``, a class, or one of these with rules::

    n_outputs: Annotated[int, Whole(1)]
    target_mean: Annotated[np.ndarray, Floats("n_outputs")]

Rules express what annotations cannot: sizes, ranges, finiteness. Sizes are numbers,
names of preceding fields (or of fields of the enclosing object), functions of these, or
None for any size. ``int`` and ``float`` include NumPy's numbers, ``float`` also
integers, NaN and infinity.
"""

import math
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from operator import attrgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin

import numpy as np

Size = int | str | None | Callable[[Any], int]

MOST = 2**53
"""Maximum count: the largest integer range that float64 represents exactly."""


class Unset:
    """The type of :data:`UNSET`."""

    def __repr__(self) -> str:
        return "nothing"


UNSET = Unset()
"""Marks a field of a record without a value, not even None."""


class Scope:
    """The names that rules may use: known fields, and those of an outer object.

    Parameters
    ----------
    outer : object, optional
    """

    # A slot, so that `vars(scope)` holds the known fields alone.
    __slots__ = ("__dict__", "_outer")

    def __init__(self, outer: Any = None) -> None:
        self._outer = outer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outer, name)


class Rule(Protocol):
    """A condition on a value beyond its type."""

    def fits(self, value: Any, scope: Any) -> bool:
        """Whether a value of the right type satisfies the rule."""
        ...

    def text(self, scope: Any) -> str:
        """Return the requirement as text, including the type unless it only adds to
        it."""
        ...


def check(kind: Any, value: Any, path: str, scope: Any = None) -> None:
    """Raise an error if a value does not match an annotation.

    Parameters
    ----------
    kind : a type or an annotation
    value : the value to check
    path : str
        Name of the value in the error.
    scope : Scope, optional
        Names that rules may use.

    Raises
    ------
    ValueError
        With the path of the invalid part, what was expected and what was found.
    """
    wrong = _first_wrong(kind, value, path, scope)
    if wrong is not None:
        where, expected, found = wrong
        raise ValueError(f"{where} must be {expected}; got {shown(found)}")


def fits(kind: Any, value: Any, scope: Any = None) -> bool:
    """Whether a value matches an annotation."""
    return _first_wrong(kind, value, "", scope) is None


def shown(value: Any) -> str:
    """Return a short description of a value."""
    if isinstance(value, np.ndarray):
        odd = value.dtype.kind == "f" and not np.isfinite(value).all()
        rest = " with NaN or infinity" if odd else ""
        return f"an array of {value.dtype}, shape {value.shape}{rest}"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


# ---- annotations --------------------------------------------------------------------

Wrong = tuple[str, str, Any]
"""Location, what was expected there, and what was found."""


def _first_wrong(kind: Any, value: Any, path: str, scope: Any) -> Wrong | None:
    """Return the first part of a value that does not match an annotation."""
    if get_origin(kind) is Annotated:
        inner, *rules = get_args(kind)
        wrong = _first_wrong(inner, value, path, scope)
        if wrong is not None and wrong[0] != path:
            return wrong
        right = wrong is None and all(rule.fits(value, scope) for rule in rules)
    else:
        right = value is not UNSET and _is_instance(kind, value, scope)
    if not right:
        return path, expected(kind, scope), value
    for part, inside, where in _parts(kind, value):
        wrong = _first_wrong(part, inside, f"{path}{where}", scope)
        if wrong is not None:
            return wrong
    return None


def _is_instance(kind: Any, value: Any, scope: Any) -> bool:
    """Whether a value is of a type, without checking its parts."""
    origin, args = get_origin(kind), get_args(kind)
    if kind in _TYPES:
        return _TYPES[kind][1](value)
    if origin is Literal:
        # `True == 1`: the type counts as well.
        return any(type(value) is type(one) and value == one for one in args)
    if origin in (Union, UnionType):
        return any(fits(one, value, scope) for one in args)
    if origin is tuple and args[-1] is not Ellipsis:
        return isinstance(value, tuple) and len(value) == len(args)
    return isinstance(value, origin or kind)


def _parts(kind: Any, value: Any) -> Iterable[tuple[Any, Any, str]]:
    """Yield the required type of each part of a value, the part, and its location."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is dict:
        keys, values = args
        for key, inside in value.items():
            yield keys, key, " (a key)"
            yield values, inside, f"[{key!r:.40}]"
    elif origin in (list, tuple):
        each = args[:1] * len(value) if origin is list or args[-1] is ... else args
        for i, (part, inside) in enumerate(zip(each, value, strict=True)):
            yield part, inside, f"[{i}]"


def expected(kind: Any, scope: Any = None) -> str:
    """Return an annotation in words."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        inner, *rules = args
        texts = [rule.text(scope) for rule in rules]
        adding = all(isinstance(rule, Length | Distinct) for rule in rules)
        return ", ".join([expected(inner, scope), *texts] if adding else texts)
    if kind in _TYPES:
        return _TYPES[kind][0]
    if origin is Literal:
        return f"one of {args}"
    if origin in (Union, UnionType):
        known = [one for one in args if one is not Unset]
        known.sort(key=lambda one: one is not NoneType)
        return " or ".join(expected(one, scope) for one in known)
    if origin is tuple and args[-1] is not Ellipsis:
        return f"a tuple of {', '.join(expected(one, scope) for one in args)}"
    if origin in (list, tuple):
        return f"a {origin.__name__} of entries, each {expected(args[0], scope)}"
    if origin is dict:
        return f"a dictionary from texts to {expected(args[1], scope)}"
    return f"a {kind.__name__}"


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


_TYPES: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    Any: ("there", lambda value: True),
    None: ("None", lambda value: value is None),
    NoneType: ("None", lambda value: value is None),
    bool: ("True or False", lambda value: isinstance(value, bool | np.bool_)),
    int: ("a whole number", _is_whole),
    float: ("a number", _is_real),
    str: ("a text", lambda value: isinstance(value, str)),
    np.ndarray: ("an array", lambda value: isinstance(value, np.ndarray)),
}

# ---- rules --------------------------------------------------------------------------


class Whole:
    """A whole number in [low, high]."""

    def __init__(self, low: int = 0, high: Size = MOST) -> None:
        self.low, self.high = low, high

    def fits(self, value: Any, scope: Any) -> bool:
        return _is_whole(value) and self.low <= int(value) <= self._most(scope)

    def text(self, scope: Any) -> str:
        return f"a whole number from {self.low} to {self._most(scope):,}"

    def _most(self, scope: Any) -> int:
        found = _size(self.high, scope)
        return MOST if found is None else found


class Finite:
    """A finite number, > ``above``."""

    def __init__(self, above: float = -math.inf) -> None:
        self.above = above

    def fits(self, value: Any, scope: Any) -> bool:
        try:
            return math.isfinite(value) and value > self.above
        except OverflowError:  # for integers beyond the range of floats
            return False

    def text(self, scope: Any) -> str:
        return "a finite number" + _bound(">", self.above)


class Length:
    """A number of entries: exactly ``n``, or ``least`` to ``most``."""

    def __init__(self, n: Size = None, *, least: int = 0, most: int = MOST) -> None:
        self.n, self.least, self.most = n, least, most

    def fits(self, value: Any, scope: Any) -> bool:
        n = _size(self.n, scope)
        return self.least <= len(value) <= self.most and n in (None, len(value))

    def text(self, scope: Any) -> str:
        n = _size(self.n, scope)
        return f"of length {f'{self.least} to {self.most:,}' if n is None else n}"


class Distinct:
    """Texts without duplicates."""

    def fits(self, value: Any, scope: Any) -> bool:
        return len(set(value)) == len(value)

    def text(self, scope: Any) -> str:
        return "without duplicates"


class Among:
    """A dictionary with known keys: texts, or those returned by a function.

    Parameters
    ----------
    names : sequence of str, or a function of the scope
    like : str, optional
        A field that must have the same keys, unless it is empty or None.
    """

    def __init__(
        self, names: Iterable[str] | Callable[[Any], Iterable[str]], like: str = ""
    ) -> None:
        self.names, self.like = names, like

    def fits(self, value: Any, scope: Any) -> bool:
        other = attrgetter(self.like)(scope) if self.like else None
        same = not other or set(value) == set(other)
        return same and self._known(scope).issuperset(value)

    def text(self, scope: Any) -> str:
        return f"a dictionary of {', '.join(sorted(self._known(scope)))}"

    def _known(self, scope: Any) -> set[str]:
        return set(self.names(scope) if callable(self.names) else self.names)


class Is:
    """A condition given by a function.

    Parameters
    ----------
    what : str
        Description in words.
    holds : function of the value and the scope
    """

    def __init__(self, what: str, holds: Callable[[Any, Any], Any]) -> None:
        self.what, self.holds = what, holds

    def fits(self, value: Any, scope: Any) -> bool:
        return bool(self.holds(value, scope))

    def text(self, scope: Any) -> str:
        return self.what


class Shape:
    """An array of a shape; "any" size is at least 1."""

    what = "an array"

    def __init__(self, *sizes: Size) -> None:
        self.sizes = sizes

    def fits(self, value: Any, scope: Any) -> bool:
        if not isinstance(value, np.ndarray) or value.ndim != len(self.sizes):
            return False
        pairs = zip(value.shape, self._sizes(scope), strict=True)
        return all(n > 0 if size is None else n == size for n, size in pairs)

    def text(self, scope: Any) -> str:
        sizes = ["any" if n is None else str(n) for n in self._sizes(scope)]
        return f"{self.what} of shape ({', '.join(sizes)}{',' * (len(sizes) == 1)})"

    def _sizes(self, scope: Any) -> list[int | None]:
        return [_size(size, scope) for size in self.sizes]


class Floats(Shape):
    """An array of finite floats of a shape, all ≥ ``low`` and > ``above``."""

    def __init__(
        self, *sizes: Size, low: float = -math.inf, above: float = -math.inf
    ) -> None:
        super().__init__(*sizes)
        self.low, self.above = low, above
        self.what = f"an array of finite floats{_bound('≥', low)}{_bound('>', above)}"

    def fits(self, value: Any, scope: Any) -> bool:
        if not super().fits(value, scope) or not are_finite_floats(value):
            return False
        return bool((value >= self.low).all() and (value > self.above).all())


class Integers(Shape):
    """An array of integers of a shape."""

    what = "an array of whole numbers"

    def fits(self, value: Any, scope: Any) -> bool:
        return super().fits(value, scope) and value.dtype.kind in "iu"


class Texts(Shape):
    """An array of texts of a shape."""

    what = "an array of texts"

    def fits(self, value: Any, scope: Any) -> bool:
        return super().fits(value, scope) and _are_texts(value)


class LabelsOf(Shape):
    """An array of labels of a shape: texts, booleans, integers or finite numbers."""

    what = "an array of labels"

    def fits(self, value: Any, scope: Any) -> bool:
        return super().fits(value, scope) and _are_labels(value)


def are_finite_floats(value: Any) -> bool:
    """Whether a value is an array of floats, all of them finite."""
    array = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return array and bool(np.isfinite(value).all())


def _are_texts(value: np.ndarray) -> bool:
    if value.dtype.kind == "O":
        return all(isinstance(one, str) for one in value.flat)
    return value.dtype.kind == "U"


def _are_labels(value: np.ndarray) -> bool:
    if value.dtype.kind == "f":
        return bool(np.isfinite(value).all())
    return value.dtype.kind in "biu" or _are_texts(value)


def _bound(sign: str, bound: float) -> str:
    return f" {sign} {bound:g}" if bound > -math.inf else ""


def _size(size: Size, scope: Any) -> int | None:
    if isinstance(size, str):
        return attrgetter(size)(scope)
    return size(scope) if callable(size) else size
