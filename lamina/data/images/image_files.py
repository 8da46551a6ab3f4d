"""Reading many image files: inspected, decoded in threads, resized to one shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data._parallel import Progress, for_each
from lamina.data.errors import Message, Setting
from lamina.data.images import disk_images as disk_images
from lamina.data.images.decoding import (
    BrokenImage,
    Decoded,
    Look,
    decode,
    look,
    prepared,
)
from lamina.data.images.image_schema import ImageSchema, checked_size, chosen_size
from lamina.data.images.image_set import NAMED, counted, listed
from lamina.data.images.images import ImageError

ERRORS = ("raise", "skip")
#: Smaller files are decoded by a single thread: several would wait for each other more
#: than for the decoder (64 × 64: 5,800 files per second with one, 4,100 with two;
#: 160 × 160 and 6 KB: 2,400 and 3,100).
SMALL_FILE = 4096
_MEASURED = 100


@dataclass(frozen=True)
class Reading:
    """Options for reading images; see :func:`read_image_folder`."""

    size: Any = None
    channels: int | None = None
    resize: str = "letterbox"
    errors: str = "raise"
    progress: Progress | None = None
    threads: int | None = None
    in_memory: int = field(default_factory=lambda: disk_images.IN_MEMORY)

    def __post_init__(self) -> None:
        height, width = checked_size(self.size) or (1, 1)
        ImageSchema(height, width, self.channels or 1, self.resize)
        if self.channels is not None and not self.channels:
            raise ImageError("channels must be 1 (grey) or 3 (colour); got 0")
        if self.errors not in ERRORS:
            raise ImageError(
                f"errors must be {' or '.join(map(repr, ERRORS))}; got {self.errors!r}"
            )


@dataclass(frozen=True)
class FilesRead:
    """The images that could be read; `rows` holds their file numbers."""

    X: Any
    rows: np.ndarray
    schema: ImageSchema
    skipped: list[tuple[str, str]]
    notes: list[str]


def read_files(
    paths: Sequence[Path], names: Sequence[str], source: str, reading: Reading
) -> FilesRead:
    """Decode files into images of one shape.

    At most `threads` files are open at a time, each with the memory of one image, and
    only one with more than 16 million pixels. The images are stored in an array or, if
    they are many, in a temporary file.

    Raises
    ------
    ImageError
        If the disk is too small; if files cannot be read and ``errors="raise"``, with
        the first five and why; if none can be read.
    """
    with prepared():
        schema, notes = _schema(paths, reading)
        images = disk_images.ImageBuffer(len(paths), schema.shape, reading.in_memory)
        broken: dict[int, str] = {}
        odd: dict[int, Decoded] = {}

        def work(row: int) -> None:
            try:
                decoded = decode(paths[row], schema)
            except BrokenImage as reason:
                broken[row] = str(reason)
                return
            images.put(row, decoded.image)
            if decoded.size or decoded.name:
                # Without the image, which is in the buffer already.
                odd[row] = Decoded(_NOTHING, decoded.size, decoded.name)

        threads = reading.threads or _threads(paths)
        try:
            for_each(work, len(paths), threads=threads, progress=reading.progress)
            skipped = [(names[row], broken[row]) for row in sorted(broken)]
            _refuse_broken(skipped, len(paths), source, reading.errors)
        except BaseException:
            images.close()
            raise
    X, rows = images.finished()
    return FilesRead(X, rows, schema, skipped, notes + _oddities(odd, names))


_NOTHING = np.zeros(0, np.uint8)


def _schema(paths: Sequence[Path], reading: Reading) -> tuple[ImageSchema, list[str]]:
    """Return the schema from the options, completed by the headers of the files."""
    size, channels = checked_size(reading.size), reading.channels
    if size is not None and channels is not None:
        return ImageSchema(*size, channels, reading.resize), []
    if size is not None:
        return ImageSchema(*size, _channels(paths), reading.resize), []
    looks = _looks(paths, reading.threads or _threads(paths))
    if not looks:  # decoding reports the reason
        return ImageSchema(1, 1, channels or 1, reading.resize), []
    heights = np.array([found.height for found in looks])
    widths = np.array([found.width for found in looks])
    if channels is None:
        channels = 1 if all(found.grey for found in looks) else 3
    schema = ImageSchema(*chosen_size(heights, widths), channels, reading.resize)
    return schema, [_size_note(heights, widths, schema)]


def _channels(paths: Sequence[Path]) -> int:
    """Return 3 if any file is in colour, else 1; the search ends at the first."""
    for path in paths:
        try:
            if not look(path).grey:
                return 3
        except BrokenImage:
            continue  # decoding it will tell why
    return 1


def _threads(paths: Sequence[Path]) -> int | None:
    """Return 1 if most of the first files are small, else None for the default."""
    sizes = []
    for path in paths[:_MEASURED]:
        try:
            sizes.append(path.stat().st_size)
        except (OSError, ValueError):
            continue  # decoding it will tell why
    return 1 if sizes and float(np.median(sizes)) < SMALL_FILE else None


def _looks(paths: Sequence[Path], threads: int | None) -> list[Look]:
    found: list[Look | None] = [None] * len(paths)

    def work(row: int) -> None:
        try:
            found[row] = look(paths[row])
        except BrokenImage:
            return  # decoding it will tell why

    for_each(work, len(paths), threads=threads)
    return [each for each in found if each is not None]


def _size_note(heights: np.ndarray, widths: np.ndarray, schema: ImageSchema) -> str:
    if (heights == schema.height).all() and (widths == schema.width).all():
        return f"images are {schema.describe().rpartition(',')[0]}, not resized"
    low = f"{heights.min()} × {widths.min()}"
    high = f"{heights.max()} × {widths.max()}"
    return Message(
        f"images from {low} to {high} were resized to {schema.describe()} (",
        Setting("size", (schema.height, schema.width)),
        " gives the same)",
    )


def _refuse_broken(
    broken: list[tuple[str, str]], n: int, source: str, errors: str
) -> None:
    if not broken or (errors == "skip" and len(broken) < n):
        return
    shown = "; ".join(f"{name} {reason}" for name, reason in broken[:NAMED])
    more = f"; and {len(broken) - NAMED:,} more" if len(broken) > NAMED else ""
    skip = Message(" (", Setting("errors", "skip"), " skips them)")
    fix = "" if errors == "skip" or len(broken) == n else skip
    count = "none" if len(broken) == n else f"{len(broken):,}"
    can = "can" if count == "none" else "cannot"
    problem = f"{count} of {n:,} images {can} be read: {shown}{more}"
    raise ImageError(Message(problem, fix), where=source)


def skipped_note(skipped: list[tuple[str, str]]) -> list[str]:
    """Return a note of the files that were skipped, if any."""
    if not skipped:
        return []
    shown = "; ".join(f"{name} {reason}" for name, reason in skipped[:NAMED])
    more = "; …" if len(skipped) > NAMED else ""
    left_out = counted(
        len(skipped), "file", "cannot be read and is", "cannot be read and are"
    )
    return [f"{left_out} skipped: {shown}{more}"]


def _oddities(odd: dict[int, Decoded], names: Sequence[str]) -> list[str]:
    rows = sorted(odd)
    sizes = [f"{names[row]} ({odd[row].size})" for row in rows if odd[row].size]
    wrong = [f"{names[row]} ({odd[row].name})" for row in rows if odd[row].name]
    notes = []
    if sizes:
        notes.append(f"{counted(len(sizes), 'image')} of unusual size: {listed(sizes)}")
    if wrong:
        notes.append(
            f"{counted(len(wrong), 'image')} of another format than the extension: "
            f"{listed(wrong)}"
        )
    return notes


def frequencies(values: Sequence[str]) -> str:
    """Return counts of the values, the most frequent first: ``7 .txt, 1 .db``."""
    return ", ".join(f"{n} {value}" for value, n in Counter(values).most_common(5))
