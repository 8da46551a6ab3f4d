"""Models trained directly on files: one module for each kind of data.

The classes are imported on first use, so that reading the options of a kind does not
wait for numerical libraries.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamina.models.embedding import EmbeddingModel
    from lamina.models.forecast import ForecastModel
    from lamina.models.image import ImageModel
    from lamina.models.sequence import SequenceModel
    from lamina.models.table import TableModel

__all__ = [
    "HOMES",
    "EmbeddingModel",
    "ForecastModel",
    "ImageModel",
    "SequenceModel",
    "TableModel",
]

HOMES = {
    "EmbeddingModel": "lamina.models.embedding",
    "ForecastModel": "lamina.models.forecast",
    "ImageModel": "lamina.models.image",
    "SequenceModel": "lamina.models.sequence",
    "TableModel": "lamina.models.table",
}
"""The name of each model class, and its module."""


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
