"""`DiskImages`: images larger than memory, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from lamina.data.images.disk_array import DiskArray
from lamina.data.images.images import ImageError

#: Larger collections are kept in a file, smaller ones as arrays.
IN_MEMORY = 256 * 2**20


class DiskImages:
    """Images (n, h, w, c) of bytes in a temporary file, read on demand.

    It has the part of an array's interface that estimators need: `shape`, `dtype`,
    ``len`` and indexing. ``images[rows]`` is an array of these images, in this order;
    rows may be a slice, an integer array (negative ones count from the end) or a
    boolean array. ``images[5]`` is one image. `take` selects images without reading
    them, and ``np.asarray(images)`` reads all of them into memory.

    The file is removed with the last `DiskImages` that uses it, or with the process.

    Parameters
    ----------
    disk_array : DiskArray
        One row per image.
    image_shape : (h, w, c)
    rows : ndarray of int, optional
        Positions of the images in the file; all by default.
    """

    is_images = True

    def __init__(
        self,
        disk_array: DiskArray,
        image_shape: tuple[int, ...],
        rows: np.ndarray | None = None,
    ) -> None:
        if prod(image_shape) != disk_array.row_bytes:
            raise ValueError(f"{image_shape} is not {disk_array.row_bytes} bytes")
        self._disk_array = disk_array
        self._rows = np.arange(disk_array.n_rows) if rows is None else rows
        self.shape = (len(self._rows), *image_shape)

    dtype = np.dtype(np.uint8)
    ndim = 4

    @property
    def nbytes(self) -> int:
        """Size of the images in bytes: in the file, not in memory."""
        return prod(self.shape)

    @property
    def size(self) -> int:
        """Number of values, as of an array."""
        return prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        n, height, width, channels = self.shape
        return (
            f"Images({n:,} × {height} × {width} × {channels}, "
            f"{self.nbytes / 1e6:,.0f} MB in {self._disk_array.folder})"
        )

    def take(self, rows: Any) -> DiskImages:
        """Select some of the images, without reading them."""
        return DiskImages(self._disk_array, self.shape[1:], self._positions(rows))

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, int | np.integer):
            return self[[rows]][0]
        places = self._positions(rows)
        out = np.empty((len(places), *self.shape[1:]), np.uint8)
        view, size = out.reshape(-1).data, self._disk_array.row_bytes
        # One read per run of neighbours, straight into the result.
        for first, last in _runs(places):
            part = view[first * size : last * size]
            self._disk_array.read_into(int(places[first]), part)
        return out

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("images in a file need a copy to become an array")
        images = self[:]
        return images if dtype is None else images.astype(dtype, copy=False)

    def __reduce__(self) -> Any:
        raise TypeError(
            "Images are in a temporary file of this process and cannot be copied or "
            "sent to another process; use threads, or send the paths"
        )

    def _positions(self, rows: Any) -> np.ndarray:
        if isinstance(rows, slice):
            return self._rows[rows]
        rows = np.asarray(rows)
        if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iub"):
            raise IndexError(
                "images must be indexed by a slice or a list of whole numbers; got "
                f"{rows.dtype} of shape {rows.shape}"
            )
        return self._rows[rows.astype(np.intp) if not rows.size else rows]


def _runs(places: np.ndarray) -> Iterator[tuple[int, int]]:
    """Return runs of positions that are adjacent in the file: one read each."""
    breaks = np.flatnonzero(np.diff(places) != 1) + 1
    bounds = [0, *breaks.tolist(), len(places)] if len(places) else [0]
    return pairwise(bounds)


class ImageBuffer:
    """A buffer for images that arrive in any order: an array, or a file if large.

    Threads call `put`; `finished` returns the images that arrived.
    """

    def __init__(
        self, n: int, image_shape: tuple[int, ...], in_memory: int = IN_MEMORY
    ) -> None:
        self.image_shape = image_shape
        self._came = np.zeros(n, bool)
        self._array = self._disk_array = None
        if n * prod(image_shape) < in_memory:
            self._array = np.empty((n, *image_shape), np.uint8)
        else:
            self._disk_array = DiskArray(n, prod(image_shape))

    def put(self, row: int, image: np.ndarray) -> None:
        """Store one image."""
        if image.shape != self.image_shape:
            raise ImageError(f"an image is {image.shape}, not {self.image_shape}")
        if self._disk_array is not None:
            self._disk_array.write(row, image.tobytes())
        elif self._array is not None:
            self._array[row] = image
        self._came[row] = True

    def finished(self) -> tuple[np.ndarray | DiskImages, np.ndarray]:
        """Return the images that arrived, in order, and their numbers."""
        rows = np.flatnonzero(self._came)
        if self._disk_array is not None:
            return DiskImages(self._disk_array, self.image_shape, rows), rows
        assert self._array is not None
        return self._array if self._came.all() else self._array[rows], rows

    def close(self) -> None:
        """Free the buffer, if its images are not needed."""
        if self._disk_array is not None:
            self._disk_array.close()
        self._array = self._disk_array = None
