"""The base of all estimators and models: checked parameters, and saving."""

import dataclasses
import os
from typing import Any

from sklearn.base import BaseEstimator

from lamina.estimators._core.parameters.table import (
    SeedParams,
    check_params,
    param_names,
)
from lamina.networks.core.description import is_description


class Estimator(SeedParams, BaseEstimator):
    """An estimator whose parameters ``fit`` checks against a table.

    Parameters of descriptions are parameters of the estimator, too: a description's
    field is ``solver__learning_rate``, a layer's ``layers__0__units``.
    """

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return param_names(cls)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return parameters; with ``deep`` those of descriptions too.

        A description's field is ``solver__learning_rate``, a layer's
        ``layers__0__units``.
        """
        params = super().get_params(deep=deep)
        if deep:
            for name in list(params):
                params |= nested_params(name, params[name])
        return params

    def set_params(self, **params: Any) -> "Estimator":
        """Set parameters; nested ones replace their description by a changed copy."""
        plain = {k: v for k, v in params.items() if "__" not in k}
        super().set_params(**plain)
        own = self._get_param_names()
        for name, new in params.items():
            head, *path = name.split("__")
            if path:
                if head not in own:
                    super().set_params(**{name: new})  # raises, naming what is valid
                value = getattr(self, head)
                setattr(self, head, replaced(value, path, new, head))
        return self

    def _check_params(self) -> None:
        """Reject invalid parameters and combinations of parameters.

        Raises
        ------
        ValueError
            Naming the parameter, what was expected, and the value.
        """
        check_params(self)

    def save(self, path: str | os.PathLike) -> None:
        """Write the fitted model to a ``.lamina`` file; ``lamina.load`` reads it.

        See :func:`lamina.estimators._core.files.persistence.save`.
        """
        # Late: persistence knows the states of all estimators.
        from lamina.estimators._core.files import persistence

        persistence.save(self, path)


def nested_params(name: str, value: Any) -> dict[str, Any]:
    """Return ``name__field`` (and ``name__0__field``) of the descriptions in value."""
    if is_description(value):
        found = {f"{name}__{k}": v for k, v in vars(value).items()}
        for key, inner in list(found.items()):
            found |= nested_params(key, inner)
        return found
    if isinstance(value, list | tuple) and any(map(is_description, value)):
        found = {f"{name}__{i}": v for i, v in enumerate(value)}
        for key, inner in list(found.items()):
            found |= nested_params(key, inner)
        return found
    return {}


def replaced(value: Any, path: list[str], new: Any, name: str) -> Any:
    """Return a copy of value with another value at the end of a path.

    Raises
    ------
    ValueError
        If there is no such path.
    """
    if not path:
        return new
    head, *rest = path
    if isinstance(value, list | tuple) and head.isdigit() and int(head) < len(value):
        items = list(value)
        items[int(head)] = replaced(items[int(head)], rest, new, f"{name}__{head}")
        return type(value)(items)
    if is_description(value) and head in vars(value):
        inner = replaced(getattr(value, head), rest, new, f"{name}__{head}")
        # pyright cannot know that the decorator makes every description a dataclass.
        return dataclasses.replace(value, **{head: inner})  # type: ignore[type-var]
    raise ValueError(f"{name} = {value!r} has no parameter {head!r}")
