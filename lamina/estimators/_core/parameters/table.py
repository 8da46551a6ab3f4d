"""Parameters of estimators: each declared once, with default, check and documentation.

A *table* is a class whose fields are parameters that several estimators share; it is
inherited. An *estimator* is a dataclass whose fields are its own parameters and those
of all tables above it. Which row counts follows the order in which Python looks for
attributes: the nearest class that says something about a parameter is right. ::

    @table("Training")
    class TrainingParams:
        solver: Any = param(default="adam", doc="The algorithm.", check=SOLVER)
        alpha: float = param(default=1e-4, doc="L2 penalty.", check=number(0))


    @estimator
    class Mine(NetworkEstimator, TrainingParams):
        units: int = param(default=10, doc="Hidden units.", check=COUNT, kw_only=False)
        solver: Any = param(default="sgd")  # another default
        alpha: float = fixed(default=0.0, reason="it has no weights")  # no parameter
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, TypeVar, dataclass_transform

import numpy as np
from sklearn.base import BaseEstimator

from lamina.estimators._core.parameters.checks import NONE, Check, integer
from lamina.estimators._core.parameters.docstrings import Docstring

C = TypeVar("C", bound=type)


class Parameter(NamedTuple):
    """A row of the table of an estimator's parameters.

    Parameters
    ----------
    name : str
    default : Any
    doc : str
        What it means.
    check : Check
        What it may be.
    group : str
        What it is about, in a word or two: the title of the table that it comes from.
    kw_only : bool
        Whether it is given by name only.
    first_order : bool
        Whether only solvers of first order can do what it asks for: it changes the
        gradient, the loss or the weights between two steps, or their size.
    missing : str
        Why this estimator has no such parameter; empty if it has.
    """

    name: str
    default: Any
    doc: str
    check: Check
    group: str
    kw_only: bool
    first_order: bool
    missing: str

    @property
    def expected(self) -> str:
        """What it may be, in words."""
        return self.check.expected


def param(
    *,
    default: Any,
    doc: str = "",
    check: Check | None = None,
    kw_only: bool = True,
    first_order: bool = False,
) -> Any:
    """Declare a parameter, or another default of one that a table declares.

    Parameters
    ----------
    default : immutable
    doc : str
        What it means; by default what the tables above say.
    check : Check, optional
        What it may be; by default what the tables above say.
    kw_only : bool, default=True
    first_order : bool, default=False
        Whether it needs a solver of first order: see :class:`Parameter`.
    """
    row = {"doc": doc, "check": check, "first_order": first_order}
    return dataclasses.field(default=default, kw_only=kw_only, metadata=row)


def fixed(*, default: Any, reason: str, init: Literal[False] = False) -> Any:
    """Say that an estimator has not got a parameter that a table declares, and why.

    Inside it has the value ``default``.
    """
    return dataclasses.field(default=default, init=init, metadata={"missing": reason})


@dataclass_transform(
    eq_default=False, kw_only_default=True, field_specifiers=(param, fixed)
)
def table(group: str) -> Callable[[C], C]:
    """Return a decorator for a class of parameters that several estimators inherit.

    Parameters
    ----------
    group : str
        What they are about.
    """

    def decorate(cls: C) -> C:
        _declare(cls, group)
        return cls

    return decorate


@dataclass_transform(
    eq_default=False, kw_only_default=True, field_specifiers=(param, fixed)
)
def estimator(cls: C) -> C:
    """Make a class an estimator: a dataclass of all parameters that it declares.

    The constructor stores its arguments unchanged, as ``clone`` needs it. Keyword
    parameters begin with those that ``_leading`` names: the order of scikit-learn's
    namesake. The docstring gets a *Parameters* section.
    """
    _declare(cls, cls.__name__)
    leading: tuple[str, ...] = getattr(cls, "_leading", ())
    positions = {name: place for place, name in enumerate(leading)}
    rows = sorted(
        _rows(cls).values(), key=lambda row: positions.get(row.name, len(positions))
    )
    # Fields of its own, not inherited ones: dataclasses let the last base class that
    # has got a field decide, Python the nearest class that declares it.
    cls.__annotations__ = {row.name: Any for row in rows}
    for row in rows:
        how = {"default": row.default, "kw_only": row.kw_only}
        setattr(cls, row.name, dataclasses.field(init=not row.missing, **how))
    dataclasses.dataclass(cls, repr=False, eq=False, match_args=False)
    cls.__init__.__annotations__.clear()  # constructors accept anything; fit checks
    text = Docstring(cls.__doc__ or "", functools.partial(parameters, cls))
    setattr(cls, "__doc__", text)  # noqa: B010
    return cls


def _declare(cls: type, group: str) -> None:
    """Take note of the parameters in a class's body; leave their defaults there."""
    own = {k: v for k, v in vars(cls).items() if isinstance(v, dataclasses.Field)}
    for name, field in own.items():
        setattr(cls, name, field.default)
    setattr(cls, "_declared", (group, own))  # noqa: B010


@functools.cache
def _rows(cls: type) -> dict[str, Parameter]:
    """Return the rows of a class by name, those that it has not got among them."""
    rows: dict[str, Parameter] = {}
    for one in reversed(cls.__mro__):
        group, own = vars(one).get("_declared", ("", {}))
        for name, field in own.items():
            rows[name] = _row(name, field, group, rows.get(name))
    return rows


def _row(name: str, field: Any, group: str, above: Parameter | None) -> Parameter:
    """Return a row; what the field does not say is as in the row above."""
    said = field.metadata
    check = said.get("check") or (above and above.check)
    doc = said.get("doc") or (above.doc if above else "")
    if check is None or not doc:
        raise TypeError(f"the parameter {name!r} has no check or no documentation")
    return Parameter(
        name,
        field.default,
        doc,
        check,
        above.group if above else group,
        field.kw_only is not False,
        said.get("first_order", False) or (above is not None and above.first_order),
        said.get("missing", ""),
    )


@functools.cache
def parameters(cls: type) -> tuple[Parameter, ...]:
    """Return the table of an estimator's parameters, one row each.

    Parameters
    ----------
    cls : type
        A class of :mod:`lamina.estimators` or :mod:`lamina.models`.

    Returns
    -------
    tuple of Parameter
        With ``name``, ``default``, ``expected`` (what it may be, in words), ``doc`` and
        ``group``.

    Examples
    --------
    >>> from lamina.estimators import MLPClassifier, parameters
    >>> row = next(r for r in parameters(MLPClassifier) if r.name == "alpha")
    >>> row.default, row.expected, row.group
    (0.0001, 'a number in [0, ∞)', 'Regularisation')
    """
    return tuple(row for row in _rows(cls).values() if not row.missing)


def missing_parameters(cls: type) -> dict[str, str]:
    """Return why an estimator has not got a parameter that others of its kind have."""
    return {row.name: row.missing for row in _rows(cls).values() if row.missing}


@functools.cache
def param_names(cls: type[BaseEstimator]) -> list[str]:
    """Return the names of a class's parameters; to read its signature takes 0.3 ms."""
    return BaseEstimator._get_param_names.__func__(cls)


@table("Run")
class SeedParams:
    """The seed, which every estimator has."""

    random_state: Any = param(
        default=None,
        doc="""The random seed: of initial weights, the order of examples,
        noise. None draws another one for each fit.""",
        check=integer(0)
        | Check("a RandomState", lambda v: isinstance(v, np.random.RandomState))
        | NONE,
    )


def given_params(estimator: Any) -> dict[str, Any]:
    """Return what ``get_params(deep=False)`` does, in a hundredth of the time."""
    return {name: getattr(estimator, name) for name in param_names(type(estimator))}


def check_params(estimator: Any) -> None:
    """Refuse parameters that their rows of the table do not accept.

    Raises
    ------
    ValueError
        Naming the parameter, what was expected and what came.
    """
    rows = _rows(type(estimator))
    for name, value in given_params(estimator).items():
        if name in rows:
            rows[name].check(name, value)


@contextmanager
def plain_params(estimator: Any) -> Iterator[None]:
    """Let parameters that are NumPy's numbers be Python's own for a while.

    Checkpoints, annotations and compiled programs then know one type of each.
    """
    kinds = np.bool_, np.integer, np.floating
    given = given_params(estimator).items()
    given = {name: value for name, value in given if isinstance(value, kinds)}
    vars(estimator).update({name: value.item() for name, value in given.items()})
    try:
        yield
    finally:
        vars(estimator).update(given)
