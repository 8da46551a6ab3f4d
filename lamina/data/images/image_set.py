"""`ImageSet`: images that were read, with labels and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lamina.data.images.disk_images import DiskImages
from lamina.data.images.image_schema import ImageSchema

#: Broken files that a message names.
NAMED = 5


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images, and labels where there are any.

    Attributes
    ----------
    X : ndarray or DiskImages, uint8 (n, h, w, c)
        An array where it is small, else `DiskImages` in a temporary file.
    y : ndarray (n,) or None
        Classes (text or whole numbers) or numbers; None if there are no labels.
    names : list of str
        What each image is called: path inside the folder, or number in the file.
    schema : ImageSchema
        Size, colours and proportions that the images were brought to.
    source : str
        What messages call the collection.
    target : str
        Name of what `y` is.
    task : str or None
        "classification" or "regression", None without labels.
    notes : list of str
        What a person should know: what was chosen, left out, or unusual.
    skipped : list of (str, str)
        Files that could not be read, and why.
    """

    X: np.ndarray | DiskImages
    y: np.ndarray | None
    names: Sequence[str]
    schema: ImageSchema
    source: str
    target: str = "class"
    task: str | None = None
    notes: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        return f"ImageSet({len(self):,} × {self.schema.describe()}, {self.source})"

    @property
    def classes(self) -> list:
        """The different labels, sorted; none without labels or for numbers."""
        if self.y is None or self.task != "classification":
            return []
        return sorted(set(self.y.tolist()))


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first few of many names, as they stand in a message."""
    more = ", …" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def counted(n: int, noun: str, one: str = "is", many: str = "are") -> str:
    """A number of things and the verb for it: ``1 image is``, ``1,200 files are``."""
    return f"1 {noun} {one}" if n == 1 else f"{n:,} {noun}s {many}"
