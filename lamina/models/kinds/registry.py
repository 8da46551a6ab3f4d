"""The kinds of data that lamina supports: each is a file, and a row here."""

import functools
from typing import Any

from lamina.data.errors import UserError
from lamina.models.kinds.bare import Bare
from lamina.models.kinds.embedding import Embeddings
from lamina.models.kinds.forecast import Forecasts
from lamina.models.kinds.image import Images
from lamina.models.kinds.kind import Kind, check_given
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
"""From the most general kind to the most specific one, which is tried first."""


def recognised(source: str, given: Given) -> Kind:
    """Return the kind of data that a source is, given these options."""
    return next(kind for kind in reversed(KINDS) if kind.recognises(source, given))


def checked(kind: Kind, source: str, given: Given) -> Any:
    """Return the options of a fit, after checking them.

    Raises
    ------
    UserError
        If an option applies to other kinds of data, or is invalid.
    """
    check_given(kind, KINDS, source, given)
    options = kind.options(**given)
    kind.check(source, options)
    return options


def kind_of(model: Any) -> Kind | Bare:
    """Return the kind of data of a fitted model, or Bare for a plain estimator.

    Raises
    ------
    UserError
        If this version of lamina does not support it.
    """
    name = getattr(model, "kind_", None)
    if name is None:
        return Bare()
    found = [kind for kind in KINDS if kind.name == name]
    if not found:
        known = ", ".join(kind.name for kind in KINDS)
        raise UserError(
            f"this version of lamina does not support models of kind {name[:40]!r}; it "
            f"supports {known}"
        )
    return found[0]


@functools.cache
def fit_options() -> tuple[Option, ...]:
    """Return the options of all kinds, without duplicates."""
    found = {o.name: o for kind in KINDS for o in options_of(kind.options)}
    return tuple(found.values())
