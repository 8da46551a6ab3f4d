"""Estimators that were saved from Python: they know no source, but have layers."""

from typing import Any

from lamina.data.errors import UserError
from lamina.models.kinds.kind import Described
from lamina.models.reports import Layers, Part, Training


class Bare(Described):
    """A fitted estimator of which nobody knows what its inputs were read from."""

    def check_can(self, model: Any, command: str, path: str) -> None:
        name = type(model).__name__
        if command == "inspect":
            if _shape(model) is None:
                raise UserError(
                    f"the model is a {name}, and lamina inspect is for models of "
                    "images",
                    where=path,
                    hint="lamina summary shows any",
                )
        elif command == "read images":
            raise UserError(
                f"holds a {name} that does not know how its images were read",
                where=path,
                hint="look at images in Python, with lamina.insight",
            )
        elif command != "summary":
            does = "predict" if hasattr(model, "predict") else "transform"
            raise UserError(
                f"holds a {name} that was saved from Python and knows no columns",
                where=path,
                hint=f"use it there: lamina.load(path).{does}(X)",
            )

    def estimator(self, model: Any) -> str:
        return type(model).__name__

    def describe(self, model: Any) -> list[Part]:
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
