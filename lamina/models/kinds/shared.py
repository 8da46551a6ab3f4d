"""Options of ``lamina fit`` that several kinds of data share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lamina.data.errors import Message, Setting, UserError
from lamina.models.options import option


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Return parameters of a network, of texts such as ``max_iter=50``."""
    from lamina.estimators._core.parameters.settings import parse_setting

    return dict(map(parse_setting, texts))


def parse_column_types(texts: Sequence[str]) -> dict[str, str]:
    """Return kinds of columns, of texts such as ``zip=category``.

    Raises
    ------
    UserError
        If one is written in another way.
    """
    return dict(map(_kind, texts))


def _kind(text: str) -> tuple[str, str]:
    name, sign, kind = text.rpartition("=")
    if not sign or not name:
        raise UserError(
            Message(
                Setting("column_types"),
                f" is written COLUMN=KIND, such as zip=category, not {text!r}",
            ),
            parameter="column_types",
            value=text,
        )
    return name, kind


def write_column_types(column_types: dict[str, str]) -> str:
    """Return kinds of columns as they are typed."""
    return " ".join(f"{name}={kind}" for name, kind in column_types.items())


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """Return a size as it is typed: ``64`` or ``48x64``.

    Raises
    ------
    UserError
        If it is written in another way.
    """
    return None if text is None else _sides(text, "size")


def parse_shape(text: str | None) -> tuple[int, int] | None:
    """Return the shape of images whose pixels are columns, ``8x8`` or ``8``.

    Raises
    ------
    UserError
        If it is written in another way.
    """
    if text is None:
        return None
    size = _sides(text, "image_shape")
    height, width = (size, size) if isinstance(size, int) else size
    if not height or not width:
        raise UserError(
            Message(
                Setting("image_shape"), f" needs sides of at least 1, not {text!r}"
            ),
            parameter="image_shape",
            value=text,
        )
    return height, width


def _sides(text: str, parameter: str) -> int | tuple[int, int]:
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise UserError(
            parameter=parameter,
            value=text,
            expected="one side or HEIGHTxWIDTH, such as 64 or 48x64",
        )
    height, width = int(sides[0]), int(sides[-1])
    return height if len(sides) == 1 else (height, width)


def write_size(size: Any) -> str:
    """Return a size as it is typed."""
    return "x".join(map(str, size)) if isinstance(size, Sequence) else str(size)


def parse_skip(skip: bool) -> str:
    """Return what happens to files that cannot be read."""
    return "skip" if skip else "raise"


def one_or_all(columns: Sequence[str]) -> Any:
    """Return one column's name, a list of several, or None."""
    return columns[0] if len(columns) == 1 else list(columns) or None


def tasks() -> Sequence[str]:
    """Return the tasks that a target may set."""
    from lamina.data.tables.target import TASKS

    return TASKS


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Options of every fit."""

    out: str = option(
        "model.lamina",
        "Where the model goes.",
        short="-o",
        metavar="FILE",
        is_path=True,
        parameter="",
    )
    sets: tuple[str, ...] = option(
        (),
        "A parameter of the network, such as max_iter=50, solver=lbfgs or "
        "'layers=[Dense(64), Dropout(0.3)]'.",
        flag="--set",
        short="-s",
        metavar="NAME=VALUE",
        parameter="settings",
        parse=parse_settings,
    )
    seed: int = option(0, "Seed of everything random.", parameter="random_state")


@dataclass(frozen=True, kw_only=True)
class TargetOptions:
    """Which columns are predicted, or left out as labels."""

    target: tuple[str, ...] = option(
        (),
        "Column to predict; several times for several.",
        short="-t",
        metavar="COLUMN",
        parse=one_or_all,
    )


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """What kind of answer is predicted."""

    group = "Training"

    task: str | None = option(
        None,
        "classification or regression; found from the target.",
        metavar="TASK",
        choices=tasks,
    )


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Options of networks that are trained on a part of the data."""

    group = "Training"

    holdout: float = option(
        0.2, "Share of the rows held out for the scores.", metavar="SHARE"
    )
    save_holdout: str | None = option(
        None,
        "Write the held-out rows to this CSV file.",
        metavar="FILE",
        is_path=True,
        parameter="",
    )
    checkpoint: str | None = option(
        None,
        "Write the state of the training there from time to time; the same command "
        "again goes on from it, bit for bit.",
        metavar="FOLDER",
        is_path=True,
        parameter="",
    )
    resume: str | None = option(
        None,
        "Like --checkpoint, but there has to be one to go on from.",
        metavar="FOLDER",
        is_path=True,
        parameter="",
    )


@dataclass(frozen=True, kw_only=True)
class ColumnOptions:
    """Options of the columns of a table."""

    group = "Tables"

    exclude: tuple[str, ...] = option(
        (),
        "A column to leave out; several times for several.",
        short="-x",
        metavar="COLUMN",
        parse=list,
    )
    column_types: tuple[str, ...] = option(
        (),
        "number, category, date or ignore, where the kind found is wrong.",
        flag="--column-type",
        metavar="COLUMN=KIND",
        parse=parse_column_types,
        write=write_column_types,
    )


@dataclass(frozen=True, kw_only=True)
class ImageReading:
    """Options of reading images; those that are applied to a model know it too."""

    group = "Images"

    skip_broken: bool = option(
        False,
        "Leave images out that cannot be read, instead of refusing them all.",
        parameter="errors",
        parse=parse_skip,
    )


@dataclass(frozen=True, kw_only=True)
class SizeOptions(ImageReading):
    """Options of images to learn from."""

    group = "Images"

    size: str | None = option(
        None,
        "Size that images are brought to, such as 64 or 48x64; found from the "
        "images, at most 128.",
        metavar="HEIGHTxWIDTH",
        parse=parse_size,
        write=write_size,
    )


@dataclass(frozen=True, kw_only=True)
class SeriesOptions:
    """Options of tables in which several rows belong together, one a step."""

    group = "Sequences"

    group_column: str | None = option(
        None,
        "Each row is a step; this column says of which sequence.",
        metavar="COLUMN",
        parameter="series",
    )
    time_column: str | None = option(
        None, "Column that orders the steps.", metavar="COLUMN", parameter="time"
    )
