"""The ``.ts`` files of the UCR and UEA archives of time series.

References
----------
A. Bagnall, H. A. Dau, J. Lines et al. (2018), The UEA multivariate time series
classification archive, arXiv:1811.00075; timeseriesclassification.com.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.formats.duckdb_engine import memory_bytes
from lamina.data.formats.gzip import UNREADABLE, opened
from lamina.data.sequences.ragged_array import SequenceError, as_ragged_array
from lamina.data.sequences.sequence_set import SequenceSet

_KEYS = (
    *("problemname", "timestamps", "missing", "univariate", "dimension", "dimensions"),
    *("equallength", "serieslength", "classlabel", "targetlabel"),
)


def read_ts(path: str | os.PathLike[Any]) -> SequenceSet:
    """Read a ``.ts`` file: one sequence per line, its features separated by colons.

    Parameters
    ----------
    path : path
        Compressed by gzip or not.

    Returns
    -------
    SequenceSet
        Classes are integers if all labels are, else text.

    Raises
    ------
    SequenceError
        If the file is not a ``.ts`` file, or a line does not match the header; the
        message names file and line. Time stamps and missing values are not supported.
    """
    path = Path(path)
    lines = _lines(path)
    head = _head(path, lines)
    labelled = head.get("classlabel") or head.get("targetlabel") or ["false"]
    labelled = labelled[0].lower() == "true"
    numeric = head.get("targetlabel", ["false"])[0].lower() == "true"
    parts, labels, first = [], [], 0
    for number, text in lines:
        *features, last = text.split(":")
        if labelled:
            labels.append(last.strip())
        else:
            features.append(last)
        first = first or number
        parts.append(_values(path, number, features))
        if parts[-1].shape[1] != parts[0].shape[1]:
            raise SequenceError(
                f"{path}, line {number}: {parts[-1].shape[1]} features, but line "
                f"{first} has {parts[0].shape[1]}"
            )
    if not parts:
        raise SequenceError(f"{path}: no sequences after @data")
    y = _labels(path, labels, numeric) if labelled else None
    task = None if y is None else "regression" if numeric else "classification"
    name = " ".join(head.get("problemname", [])) or path.name.partition(".")[0]
    names = list(map(str, range(len(parts))))
    return SequenceSet(as_ragged_array(parts), y, names, name, str(path), task)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines of a file that are neither empty nor a comment."""
    memory = memory_bytes()
    most, longest = memory // 4, memory // 64  # a parsed line takes 14 times as much
    number = size = 0
    try:
        with opened(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig") as file:
            while line := file.readline(longest):
                number, size = number + 1, size + len(line)
                if len(line) >= longest:
                    raise SequenceError(
                        f"{path}, line {number}: is too long for the memory"
                    )
                if size >= most:
                    raise SequenceError(f"{path}: is too large for the memory")
                line = line.strip()
                if line and not line.startswith("#"):
                    yield number, line
    except UnicodeDecodeError:
        raise SequenceError(f"{path}: is not text, so not a .ts file") from None
    except UNREADABLE as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SequenceError(f"{path}: cannot be read ({reason})") from None


def _head(path: Path, lines: Iterator[tuple[int, str]]) -> dict[str, list[str]]:
    """Return the header."""
    head: dict[str, list[str]] = {}
    for number, text in lines:
        key, *values = text.split()
        key = key.lower()
        if key == "@data":
            if head.get("timestamps", ["false"])[0].lower() == "true":
                raise SequenceError(
                    f"{path}: has time stamps, which are not supported; write only the "
                    "values, with @timeStamps false"
                )
            return head
        if not key.startswith("@") or key[1:] not in _KEYS:
            raise SequenceError(
                f"{path}, line {number}: {text[:40]!r} is not valid in the header of a "
                ".ts file, which ends with @data"
            )
        head[key[1:]] = values or ["false"]
    raise SequenceError(f"{path}: has no @data line, so it is not a .ts file")


def _values(path: Path, number: int, features: list[str]) -> np.ndarray:
    """Return one line as (steps, features)."""
    columns = []
    for feature, text in enumerate(features):
        try:
            columns.append(np.array(text.split(","), dtype=np.float64))
        except ValueError:
            wrong = next(v for v in text.split(",") if not _is_number(v)).strip()
            missing = wrong in ("?", "")
            why = "a value is missing" if missing else f"{wrong[:20]!r} is not a number"
            raise SequenceError(
                f"{path}, line {number}, feature {feature}: {why}"
            ) from None
        if not np.isfinite(columns[-1]).all():
            raise SequenceError(
                f"{path}, line {number}, feature {feature}: a value is missing or not "
                "finite"
            )
    steps = {len(column) for column in columns}
    if len(steps) != 1:
        raise SequenceError(
            f"{path}, line {number}: its features have different numbers of steps, "
            f"{', '.join(map(str, sorted(steps))) or 'none'}"
        )
    return np.stack(columns, axis=1)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _labels(path: Path, labels: list[str], numeric: bool) -> np.ndarray:
    if numeric:
        try:
            return np.array(labels, dtype=np.float64)
        except ValueError:
            wrong = next(label for label in labels if not _is_number(label))
            raise SequenceError(
                f"{path}: target {wrong[:20]!r} is not a number"
            ) from None
    whole = all(re.fullmatch(r"-?\d{1,17}", label) for label in labels)
    return np.array(labels, dtype=np.int64 if whole else object)
