"""Estimators saved from Python: they have layers, but no known source of inputs."""

from typing import Any

from lamina.data.errors import UserError
from lamina.models.reports import Layers, Part, Training


class Bare:
    """A fitted estimator without information on how its inputs were read.

    It has those methods of a :class:`lamina.models.kinds.kind.Kind` that are about any
    model.
    """

    def check_can(self, model: Any, command: str, path: str) -> None:
        """Refuse a command that a model does not support.

        Raises
        ------
        UserError
            Saying what to do instead.
        """
        name = type(model).__name__
        if command == "inspect":
            if _shape(model) is None:
                raise UserError(
                    f"is a {name}; lamina inspect works on image models only",
                    where=path,
                    hint="lamina summary works on all models",
                )
        elif command == "read images":
            raise UserError(
                f"is a {name} that does not say how its images were read",
                where=path,
                hint="inspect it in Python, with lamina.insight",
            )
        elif command != "summary":
            does = "predict" if hasattr(model, "predict") else "transform"
            raise UserError(
                f"is a {name} saved from Python, without information on columns",
                where=path,
                hint=f"use it in Python: lamina.load(path).{does}(X)",
            )

    def estimator(self, model: Any) -> str:
        """Return the name of a model's estimator."""
        return type(model).__name__

    def describe(self, model: Any) -> list[Part]:
        """Return a description of a model."""
        from lamina.estimators._core.network_estimator import NetworkEstimator
        from lamina.estimators._core.reporting.summary import rows_of

        if not isinstance(model, NetworkEstimator):
            return []
        rows = rows_of(model)
        return [
            Training(int(model.n_iter_), None, model.stop_reason_),
            Layers(rows, sum(row["parameters"] for row in rows)),
        ]


def _shape(model: Any) -> tuple[int, ...] | None:
    """Return the shape of the images that an estimator takes, if it takes images."""
    return getattr(model, "image_shape_", None)
