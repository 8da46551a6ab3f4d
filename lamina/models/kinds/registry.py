"""The kinds of data that lamina knows: a new one is its file and a row here."""

import functools
from typing import Any

from lamina.data.errors import UserError
from lamina.models.kinds.bare import Bare
from lamina.models.kinds.embedding import Embeddings
from lamina.models.kinds.forecast import Forecasts
from lamina.models.kinds.image import Images
from lamina.models.kinds.kind import Described, Kind, check_given
from lamina.models.kinds.sequence import Sequences
from lamina.models.kinds.table import Tables
from lamina.models.options import Given, Option, options_of

KINDS: tuple[Kind, ...] = (
    Tables(),
    Images(),
    Sequences(),
    Forecasts(),
    Embeddings(),
)
"""From the most general kind to the most special one, which is asked first."""


def recognised(source: str, given: Given) -> Kind:
    """Return the kind of data that a source is, with the options that were given."""
    return next(kind for kind in reversed(KINDS) if kind.recognises(source, given))


def checked(kind: Kind, source: str, given: Given) -> Any:
    """Return the options of a fit, once they are those of the kind.

    Raises
    ------
    UserError
        If an option is for other kinds of data, or makes no sense.
    """
    check_given(kind, KINDS, source, given)
    options = kind.options(**given)
    kind.check(source, options)
    return options


def kind_of(model: Any) -> Described:
    """Return the kind of data of a fitted model; a bare estimator is one of its own.

    Raises
    ------
    UserError
        If this lamina does not know it.
    """
    name = getattr(model, "kind_", None)
    if name is None:
        return Bare()
    found = [kind for kind in KINDS if kind.name == name]
    if not found:
        known = ", ".join(kind.name for kind in KINDS)
        raise UserError(
            f"holds a model of a kind of data, {name[:40]!r}, that this lamina does "
            f"not know; it knows {known}"
        )
    return found[0]


@functools.cache
def fit_options() -> tuple[Option, ...]:
    """Return the options that any of the kinds takes, each once."""
    found = {o.name: o for kind in KINDS for o in options_of(kind.options)}
    return tuple(found.values())
