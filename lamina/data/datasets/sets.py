"""Embedded data sets, without a network: ``load("iris")``.

Measured ones lie beside this file as compressed files (`sets/README.md` tells their
sources and licences); the others are formulas in `generators` and, for sequences,
`sequence_generators`.
"""

from __future__ import annotations

import difflib
import gzip
import inspect
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.datasets import generators, sequence_sets
from lamina.data.datasets.options import checked_options
from lamina.data.images.images import as_images
from lamina.data.tables.table import Table

_FOLDER = Path(__file__).with_name("embedded")
EMBEDDED = ("iris", "wine", "breast_cancer", "diabetes", "digits")
#: Height and width where a row is the pixels of an image.
IMAGE_SHAPES = {"digits": (8, 8)}


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set with what is known about it.

    Attributes
    ----------
    X : ndarray of float64 (n_rows, n_features)
    y : ndarray (n_rows,)
        Classes as int64 0 … k − 1, or float64 for regression.
    feature_names : list of str
    target_names : list of str
        Names of the classes; empty for regression.
    target : str
        Name of the target column of `as_table`.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    feature_names: list[str]
    target_names: list[str]
    target: str
    description: str
    source: str
    license: str

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        return f"Dataset({self.name}: {len(self.X):,} rows × {self.X.shape[1]})"

    @property
    def image_shape(self) -> tuple[int, int] | None:
        """Height and width of the image that a row is; None if it is none."""
        return IMAGE_SHAPES.get(self.name)

    def as_images(self) -> np.ndarray:
        """The rows as images, bytes (n, h, w, 1).

        Raises
        ------
        ValueError
            If the rows are no images.
        """
        if self.image_shape is None:
            raise ValueError(
                f"{self.name} holds no images; {', '.join(IMAGE_SHAPES)} does"
            )
        return as_images(self.X.astype(np.uint8), self.image_shape)

    def as_table(self) -> Table:
        """Features and target in one table; classes stand there by their names."""
        columns = {
            name: np.ascontiguousarray(self.X[:, i])
            for i, name in enumerate(self.feature_names)
        }
        if self.target_names:
            labels = np.array(self.target_names, dtype=object)[self.y]
        else:
            labels = self.y.astype(np.float64)
        return Table({**columns, self.target: labels}, self.name)


@dataclass(frozen=True)
class _Formula:
    """A generator and the names of its parts."""

    make: Callable[..., generators.Pair]
    features: tuple[str, ...]
    target: str = "class"

    def load(self, name: str, options: dict[str, Any]) -> Dataset:
        X, y = self.make(**checked_options(name, self.make, options))
        width = X.shape[1]
        features = self.features if len(self.features) == width else _xs(width)
        n_classes = max(2, int(y.max()) + 1) if self.target == "class" else 0
        return Dataset(
            name,
            X,
            y,
            list(features),
            list(map(str, range(n_classes))),
            self.target,
            inspect.getdoc(self.make) or "",
            "a formula, see lamina.data.datasets.generators",
            "none needed: made by lamina",
        )


def _xs(width: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(1, width + 1))


FORMULAS = {
    "xor": _Formula(generators.xor, _xs(2)),
    "two_spirals": _Formula(generators.two_spirals, _xs(2)),
    "moons": _Formula(generators.moons, _xs(2)),
    "circles": _Formula(generators.circles, _xs(2)),
    "blobs": _Formula(generators.blobs, _xs(2)),
    "friedman1": _Formula(generators.friedman1, _xs(10), "y"),
    "sine": _Formula(generators.sine, ("x",), "y"),
}


def names() -> list[str]:
    """Names of all data sets that `load` knows."""
    return [
        *(*EMBEDDED, *sequence_sets.EMBEDDED),
        *(*FORMULAS, *sequence_sets.FORMULAS),
    ]


def load(name: str, **options: Any) -> Any:
    """An embedded data set, or one made by a formula.

    Parameters
    ----------
    name : str
        One of `names`.
    **options
        For formulas: `n` (points), `noise`, `seed`; `centers` and `features` of blobs,
        `factor` of circles; those of sequences are in `sequence_generators`.

    Returns
    -------
    Dataset, SequenceDataset or TimeSeriesDataset
        A table of examples, sequences, or one long series: that follows from the name.

    Raises
    ------
    ValueError
        An unknown name or option, or a number of points that cannot be.
    """
    formula = FORMULAS.get(name) or sequence_sets.FORMULAS.get(name)
    if formula is not None:
        return formula.load(name, options)
    if name not in names():
        close = difflib.get_close_matches(str(name), names(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ";"
        raise ValueError(
            f"no data set is called {name!r}{hint} There are: {', '.join(names())}"
        )
    if options:
        raise ValueError(
            f"{name} is a measured data set and takes no option {next(iter(options))!r}"
        )
    if name in sequence_sets.EMBEDDED:
        return sequence_sets.EMBEDDED[name](_about()[name])
    return _embedded(name)


def _embedded(name: str) -> Dataset:
    packed = (_FOLDER / f"{name}.csv.gz").read_bytes()
    about = _about()[name]
    head, _, body = gzip.decompress(packed).decode("ascii").partition("\n")
    values = np.loadtxt(io.StringIO(body), delimiter=",", ndmin=2)
    *features, target = head.split(",")
    y = values[:, -1].copy()
    return Dataset(
        name,
        np.ascontiguousarray(values[:, :-1]),
        y.astype(np.int64) if about["target_names"] else y,
        features,
        list(about["target_names"]),
        target,
        about["description"],
        about["source"],
        about["license"],
    )


@cache
def _about() -> dict[str, dict[str, Any]]:
    return json.loads((_FOLDER / "about.json").read_text(encoding="utf-8"))
