"""`ImageSet`: images that were read, with labels and metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lamina.data.images.disk_images import DiskImages
from lamina.data.images.image_schema import ImageSchema

#: Maximum number of unreadable files that a message lists.
NAMED = 5


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images, with labels if there are any.

    Attributes
    ----------
    X : ndarray or DiskImages, uint8 (n, h, w, c)
        An array if it is small, else `DiskImages` in a temporary file.
    y : ndarray (n,) or None
        Classes (text or integers) or numbers; None if there are no labels.
    names : list of str
        Name of each image: its path within the folder, or its number in the file.
    schema : ImageSchema
        Size and colours that the images were converted to.
    source : str
        Name of the collection in messages.
    target : str
        Name of the target.
    task : str or None
        "classification" or "regression", None without labels.
    notes : list of str
        Notes for the user: what was chosen, skipped, or unusual.
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
        """The distinct labels, sorted; empty without labels or for numbers."""
        if self.y is None or self.task != "classification":
            return []
        return sorted(set(self.y.tolist()))


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return the first few of many names for a message."""
    more = ", …" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def counted(n: int, noun: str, one: str = "is", many: str = "are") -> str:
    """Return a count with noun and verb: ``1 image is``, ``1,200 files are``."""
    return f"1 {noun} {one}" if n == 1 else f"{n:,} {noun}s {many}"
