"""Files in, model out: one file for each kind of data."""

from lamina.models.embedding import CodeModel
from lamina.models.forecast import ForecastModel
from lamina.models.image import ImageModel
from lamina.models.sequence import SequenceModel
from lamina.models.table import TableModel

__all__ = [
    "CodeModel",
    "ForecastModel",
    "ImageModel",
    "SequenceModel",
    "TableModel",
]
