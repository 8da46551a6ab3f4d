"""Options of ``lamina fit`` that several kinds of data share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lamina.data.errors import Message, Setting, UserError
from lamina.models.options import option


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Parse parameters of a network, such as ``max_iter=50``."""
    from lamina.estimators._core.parameters.settings import parse_setting

    return dict(map(parse_setting, texts))


def parse_column_types(texts: Sequence[str]) -> dict[str, str]:
    """Parse types of columns, such as ``zip=category``.

    Raises
    ------
    UserError
        If one cannot be parsed.
    """
    return dict(map(_kind, texts))


def _kind(text: str) -> tuple[str, str]:
    name, sign, kind = text.rpartition("=")
    if not sign or not name:
        raise UserError(
            Message(
                Setting("column_types"),
                f" must be COLUMN=TYPE, such as zip=category, got {text!r}",
            ),
            parameter="column_types",
            value=text,
        )
    return name, kind


def write_column_types(column_types: dict[str, str]) -> str:
    """Return types of columns as they are typed."""
    return " ".join(f"{name}={kind}" for name, kind in column_types.items())


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """Parse a size: ``64`` or ``48x64``.

    Raises
    ------
    UserError
        If it cannot be parsed.
    """
    return None if text is None else _sides(text, "size")


def parse_shape(text: str | None) -> tuple[int, int] | None:
    """Parse the shape of images whose pixels are columns: ``8x8`` or ``8``.

    Raises
    ------
    UserError
        If it cannot be parsed.
    """
    if text is None:
        return None
    size = _sides(text, "image_shape")
    height, width = (size, size) if isinstance(size, int) else size
    if not height or not width:
        raise UserError(
            Message(
                Setting("image_shape"), f" must have sides of at least 1, got {text!r}"
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
    """Return how to treat unreadable files."""
    return "skip" if skip else "raise"


def one_or_all(columns: Sequence[str]) -> Any:
    """Return the name of a single column, a list of several, or None."""
    return columns[0] if len(columns) == 1 else list(columns) or None


def tasks() -> Sequence[str]:
    """Return the names of the tasks."""
    from lamina.data.tables.target import TASKS

    return TASKS


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Options of every fit."""

    out: str = option(
        "model.lamina",
        "Path of the model file.",
        short="-o",
        metavar="FILE",
        is_path=True,
        parameter="",
    )
    sets: tuple[str, ...] = option(
        (),
        "Parameter of the network, such as max_iter=50, solver=lbfgs or "
        "'layers=[Dense(64), Dropout(0.3)]' (repeatable).",
        flag="--set",
        short="-s",
        metavar="NAME=VALUE",
        parameter="settings",
        parse=parse_settings,
    )
    seed: int = option(0, "Random seed.", parameter="random_state")


@dataclass(frozen=True, kw_only=True)
class TargetOptions:
    """Which columns are targets."""

    target: tuple[str, ...] = option(
        (),
        "Column to predict (repeatable).",
        short="-t",
        metavar="COLUMN",
        parse=one_or_all,
    )


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """The type of target."""

    group = "Training"

    task: str | None = option(
        None,
        "classification or regression.",
        metavar="TASK",
        automatic="inferred from the target",
        choices=tasks,
    )


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Options of networks that are tested on a part of the data."""

    group = "Training"

    holdout: float = option(
        0.2, "Fraction of the rows held out as the test set.", metavar="FRACTION"
    )
    save_holdout: str | None = option(
        None,
        "Write the test rows to this CSV file.",
        metavar="FILE",
        is_path=True,
        parameter="",
    )
    checkpoint: str | None = option(
        None,
        "Save the state of training to this folder at intervals; rerun the command to "
        "resume, with bit-identical results.",
        metavar="FOLDER",
        is_path=True,
        parameter="",
    )
    resume: str | None = option(
        None,
        "Like --checkpoint, but the checkpoint must already exist.",
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
        "Column to ignore (repeatable).",
        short="-x",
        metavar="COLUMN",
        parse=list,
    )
    column_types: tuple[str, ...] = option(
        (),
        "Override the type of a column: number, category, date or ignore (repeatable).",
        flag="--column-type",
        metavar="COLUMN=TYPE",
        parse=parse_column_types,
        write=write_column_types,
    )


@dataclass(frozen=True, kw_only=True)
class ImageReading:
    """Options of reading images, in all commands that read data."""

    group = "Images"

    skip_broken: bool = option(
        False,
        "Skip unreadable images instead of stopping with an error.",
        parameter="errors",
        parse=parse_skip,
    )


@dataclass(frozen=True, kw_only=True)
class SizeOptions(ImageReading):
    """Options of images to train on."""

    group = "Images"

    size: str | None = option(
        None,
        "Size to which images are resized, such as 64 or 48x64.",
        metavar="HEIGHTxWIDTH",
        automatic="inferred from the images, at most 128",
        parse=parse_size,
        write=write_size,
    )


@dataclass(frozen=True, kw_only=True)
class SeriesOptions:
    """Options of tables in which each row is a step of a sequence."""

    group = "Sequences"

    group_column: str | None = option(
        None,
        "Column that identifies the sequence of each row; each row is a step.",
        metavar="COLUMN",
        parameter="series",
    )
    time_column: str | None = option(
        None,
        "Column that orders the steps of a sequence.",
        metavar="COLUMN",
        parameter="time",
    )
