"""Input data: tables, images, sequences, their encoding, and embedded data sets.

Names are imported lazily, so that a program that only loads a data set does not pay for
importing the file readers.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamina.data.datasets.drawing import shapes
    from lamina.data.datasets.sequence_generators import markov_chain
    from lamina.data.datasets.sequence_sets import SequenceDataset, TimeSeriesDataset
    from lamina.data.datasets.sets import Dataset, load, names
    from lamina.data.images.disk_images import DiskImages
    from lamina.data.images.idx import read_idx
    from lamina.data.images.image_folder import read_image_folder
    from lamina.data.images.image_schema import ImageSchema
    from lamina.data.images.image_set import ImageSet
    from lamina.data.images.images import ImageError, as_images
    from lamina.data.sequences.ragged_array import (
        RaggedArray,
        SequenceError,
        as_ragged_array,
    )
    from lamina.data.sequences.sequence_set import SequenceSet
    from lamina.data.sequences.ts_files import read_ts
    from lamina.data.sources.image_table import read_image_table
    from lamina.data.sources.images import holds_images, read_images
    from lamina.data.sources.long_table import read_long
    from lamina.data.sources.sequences import holds_sequences, read_sequences
    from lamina.data.sources.tables import read_table
    from lamina.data.tables.schema import TableSchema
    from lamina.data.tables.table import Table, TableError
    from lamina.data.timeseries.forecast_table import ForecastTable, read_forecast

__all__ = [
    "Dataset",
    "DiskImages",
    "ForecastTable",
    "ImageError",
    "ImageSchema",
    "ImageSet",
    "RaggedArray",
    "SequenceDataset",
    "SequenceError",
    "SequenceSet",
    "Table",
    "TableError",
    "TableSchema",
    "TimeSeriesDataset",
    "as_images",
    "as_ragged_array",
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
    "Dataset": "datasets.sets",
    "ForecastTable": "timeseries.forecast_table",
    "ImageError": "images.images",
    "ImageSchema": "images.image_schema",
    "ImageSet": "images.image_set",
    "DiskImages": "images.disk_images",
    "SequenceDataset": "datasets.sequence_sets",
    "SequenceError": "sequences.ragged_array",
    "RaggedArray": "sequences.ragged_array",
    "SequenceSet": "sequences.sequence_set",
    "Table": "tables.table",
    "TableError": "tables.table",
    "TableSchema": "tables.schema",
    "TimeSeriesDataset": "datasets.sequence_sets",
    "as_images": "images.images",
    "as_ragged_array": "sequences.ragged_array",
    "holds_images": "sources.images",
    "holds_sequences": "sources.sequences",
    "load": "datasets.sets",
    "markov_chain": "datasets.sequence_generators",
    "names": "datasets.sets",
    "read_forecast": "timeseries.forecast_table",
    "read_idx": "images.idx",
    "read_image_folder": "images.image_folder",
    "read_image_table": "sources.image_table",
    "read_images": "sources.images",
    "read_long": "sources.long_table",
    "read_sequences": "sources.sequences",
    "read_table": "sources.tables",
    "read_ts": "sequences.ts_files",
    "shapes": "datasets.drawing",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
