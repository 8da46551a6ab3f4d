"""Fitted state of an estimator, as one typed and versioned dataclass.

A model file holds the fields of this dataclass, and no other fitted attributes. Each
family of estimators has its own type. It lists the attributes that are stored, with
their rules (:mod:`lamina.storage.rules`); ``check`` tests that they fit each other and
the parameters.
"""

import dataclasses
from collections import ChainMap
from typing import Annotated, Any, ClassVar

from sklearn.base import BaseEstimator

from lamina.storage.rules import UNSET, Is, Unset, Whole

MOST_EPOCHS = 2**31 - 1
"""Epochs and draws are folded into keys of 32 bits."""

Count = Annotated[int, Whole(1)]
Number = Annotated[int, Whole()]
Epochs = Annotated[int, Whole(0, MOST_EPOCHS)]


def _is_fitted(value: Any) -> bool:
    known = isinstance(value, BaseEstimator)
    return known and bool({"network_", "window_"} & set(vars(value)))


Fitted = Annotated[Any, Is("a fitted estimator", lambda value, _: _is_fitted(value))]
"""An estimator inside another one."""


@dataclasses.dataclass(kw_only=True, eq=False)
class State:
    """The fitted state of an estimator.

    The field ``name`` stores the attribute ``name_``, or the one in the table
    ``named``. A field that may be unset is an attribute that need not exist.
    """

    version: ClassVar[int] = 1
    """Version of the format: files of another version are rejected."""

    named: ClassVar[dict[str, str]] = {
        "sklearn_output_config": "_sklearn_output_config",
    }
    """Fields whose attributes have other names; inherited ones need not be repeated."""

    not_kept: ClassVar[tuple[str, ...]] = ()
    """Attributes that follow from others, or are useless in a file; likewise."""

    sklearn_output_config: dict[str, str] | Unset = UNSET

    @classmethod
    def attributes(cls) -> dict[str, str]:
        """Return the name of the attribute that each field stores."""
        named = ChainMap(*[vars(base).get("named", {}) for base in cls.__mro__])
        names = [field.name for field in dataclasses.fields(cls)]
        return {name: named.get(name, f"{name}_") for name in names}

    @classmethod
    def of(cls, estimator: Any, training: bool = True) -> Any:
        """Return the fitted state of an estimator.

        Parameters
        ----------
        estimator : a fitted estimator
        training : bool, default=True
            Whether to store the solver's state, which only further training needs. It
            is twice as large as the network.
        """
        return cls(**cls._fields_of(estimator, training))

    @classmethod
    def _fields_of(cls, estimator: Any, training: bool) -> dict[str, Any]:
        kept = cls.attributes().items()
        return {name: getattr(estimator, own, UNSET) for name, own in kept}

    @classmethod
    def unknown(cls, estimator: Any) -> list[str]:
        """Return attributes of an estimator that are not lamina's."""
        known = {*estimator.get_params(deep=False), *cls.attributes().values()}
        for base in cls.__mro__:
            known.update(vars(base).get("not_kept", ()))
        return [name for name in vars(estimator) if name not in known]

    def has(self, *names: str) -> bool:
        """Whether all of these fields are set."""
        return all(getattr(self, name) is not UNSET for name in names)

    def restore(self, estimator: Any) -> None:
        """Restore the state of an estimator that has the stored parameters.

        Raises
        ------
        ValueError
            If something does not fit.
        """
        for name, own in self.attributes().items():
            if (value := getattr(self, name)) is not UNSET:
                setattr(estimator, own, value)
        self.check(estimator)

    def check(self, estimator: Any) -> None:
        """Reject fields that do not fit each other, or the estimator's parameters.

        Raises
        ------
        ValueError
            Naming what does not fit.
        """
