"""What goes in: tables, pictures, sequences, their encoding, embedded data sets.

The names are handed on when they are first asked for, so that a program that only
loads a data set does not pay for the readers of files.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamina.data.drawing import shapes
    from lamina.data.forecast_table import ForecastTable, read_forecast
    from lamina.data.idx import read_idx
    from lamina.data.image_folder import read_image_folder
    from lamina.data.image_schema import ImageSchema
    from lamina.data.image_set import ImageSet
    from lamina.data.image_sources import holds_images, read_images
    from lamina.data.image_table import read_image_table
    from lamina.data.images import ImageError, as_images
    from lamina.data.long_table import read_long
    from lamina.data.pictures import Pictures
    from lamina.data.schema import TableSchema
    from lamina.data.sequence_generators import markov_chain
    from lamina.data.sequence_sets import SequenceDataset, TimeSeriesDataset
    from lamina.data.series import SequenceError, Series, as_series
    from lamina.data.series_set import SeriesSet
    from lamina.data.series_sources import holds_sequences, read_sequences
    from lamina.data.sets import Dataset, load, names
    from lamina.data.table import Table, TableError
    from lamina.data.tables import read_table
    from lamina.data.ts_files import read_ts

__all__ = [
    "Dataset",
    "ForecastTable",
    "ImageError",
    "ImageSchema",
    "ImageSet",
    "Pictures",
    "SequenceDataset",
    "SequenceError",
    "Series",
    "SeriesSet",
    "Table",
    "TableError",
    "TableSchema",
    "TimeSeriesDataset",
    "as_images",
    "as_series",
    "holds_images",
    "holds_sequences",
    "load",
    "markov_chain",
    "names",
    "read_forecast",
    "read_idx",
    "read_image_folder",
    "read_image_table",
    "read_images",
    "read_long",
    "read_sequences",
    "read_table",
    "read_ts",
    "shapes",
]

_HOMES = {
    "Dataset": "sets",
    "ForecastTable": "forecast_table",
    "ImageError": "images",
    "ImageSchema": "image_schema",
    "ImageSet": "image_set",
    "Pictures": "pictures",
    "SequenceDataset": "sequence_sets",
    "SequenceError": "series",
    "Series": "series",
    "SeriesSet": "series_set",
    "Table": "table",
    "TableError": "table",
    "TableSchema": "schema",
    "TimeSeriesDataset": "sequence_sets",
    "as_images": "images",
    "as_series": "series",
    "holds_images": "image_sources",
    "holds_sequences": "series_sources",
    "load": "sets",
    "markov_chain": "sequence_generators",
    "names": "sets",
    "read_forecast": "forecast_table",
    "read_idx": "idx",
    "read_image_folder": "image_folder",
    "read_image_table": "image_table",
    "read_images": "image_sources",
    "read_long": "long_table",
    "read_sequences": "series_sources",
    "read_table": "tables",
    "read_ts": "ts_files",
    "shapes": "drawing",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
