"""Records in model files of how sources are read: schemas and baselines.

The constraints on a schema's fields, beyond their types, are defined here: a schema is
plain data, independent of files.
"""

from typing import Annotated, Literal

import numpy as np

from lamina.data import ImageSchema, TableSchema
from lamina.data.errors import Message
from lamina.data.tables.columns import (
    UNUSED,
    CategoryColumn,
    DateColumn,
    NumberColumn,
    UnusedColumn,
)
from lamina.data.tables.target import Target
from lamina.metrics.scores import Baseline
from lamina.storage.codec import Reader, Writer, add_kind, register
from lamina.storage.rules import Distinct, Finite, Floats, Is, Length

LONGEST = 100_000
"""Maximum number of characters of a name."""

Text = Annotated[str, Length(most=LONGEST)]
FiniteNumber = Annotated[float, Finite()]
Scale = Annotated[float, Finite(above=0)]
Reason = Annotated[str, Is("a reason", lambda value, _: value in UNUSED)]
Levels = Annotated[tuple[Text, ...], Distinct()]
Names = Annotated[tuple[Text, ...], Length(least=1), Distinct()]


def _check_target(target: Target) -> None:
    if target.task == "regression" and target.labels != "float":
        raise ValueError("the target's task and labels disagree")


def _check_schema(schema: TableSchema) -> None:
    names = [*(column.name for column in schema.columns), *schema.target]
    if len(set(names)) < len(names):
        raise ValueError("a column name is duplicated")


def _write_message(value: Message, writer: Writer, path: str) -> dict:
    return {"message": value.to_json()}


def _read_message(content: object, reader: Reader, path: str) -> Message:
    return Message.from_json(content)


add_kind("message", Message, _write_message, _read_message)

SCALED = {"name": Text, "mean": FiniteNumber, "scale": Scale}
register(ImageSchema)
register(NumberColumn, kinds=SCALED)
register(DateColumn, kinds=SCALED)
register(CategoryColumn, kinds={"name": Text, "levels": Levels})
register(UnusedColumn, kinds={"name": Text, "kind": Reason})
register(
    Target,
    kinds={
        "names": Names,
        "task": Literal["classification", "regression"],
        "labels": Literal["int", "float", "text"],
    },
    check=_check_target,
)
register(TableSchema, version=1, kinds={"notes": tuple[Text, ...]}, check=_check_schema)

Floating = Annotated[np.ndarray, Floats(None)] | None
register(Baseline, kinds={"shares": Floating, "mean": Floating})

Scores = dict[str, float | None]
"""None is an unknown score."""
