"""A temporary file of rows of equal size, for data larger than memory.

It is read by position, not memory-mapped: mapped pages count as memory of the process,
which would grow to the size of the file in a random pass. The file is unlinked as soon
as it is open (where the system allows it), so it disappears with the process, however
that ends.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import weakref
from pathlib import Path

from lamina.data.images.images import ImageError

#: Bytes to leave free on the disk.
RESERVE = 64 * 2**20


def disk_array_folder() -> Path:
    """Return the folder for large temporary files: ``TMPDIR``, or else ``/var/tmp``.

    ``/tmp`` is in memory on many systems, which would defeat the purpose.
    """
    stated, large = os.environ.get("TMPDIR"), Path("/var/tmp")
    if not stated and large.is_dir() and os.access(large, os.W_OK | os.X_OK):
        return large
    return Path(tempfile.gettempdir())


class DiskArray:
    """`n_rows` rows of `row_bytes` bytes each in a temporary file.

    Several threads may write and read rows at once.

    Raises
    ------
    ImageError
        If there is not enough disk space; raised before anything is written.
    """

    def __init__(
        self, n_rows: int, row_bytes: int, folder: str | os.PathLike | None = None
    ) -> None:
        self.n_rows, self.row_bytes = n_rows, row_bytes
        self.folder = disk_array_folder() if folder is None else Path(folder)
        self._check_room()
        file = tempfile.TemporaryFile(  # noqa: SIM115 - closed by `close`
            prefix="lamina-", dir=self.folder, buffering=0
        )
        self._descriptor = file.fileno()
        self.close = weakref.finalize(self, file.close)
        """Remove the file; also done when the object goes away, or the process."""
        self._reserve()

    @property
    def nbytes(self) -> int:
        """Size of the file."""
        return self.n_rows * self.row_bytes

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if self.nbytes + RESERVE > free:
            raise self._full(free)

    def _full(self, free: int) -> ImageError:
        return ImageError(
            f"{self.n_rows:,} images of {self.row_bytes:,} bytes need "
            f"{self.nbytes / 1e9:.1f} GB in {self.folder}, which has {free / 1e9:.1f} "
            "GB free; free some space, choose a smaller size=, or set the environment "
            "variable TMPDIR to a folder on a larger disk"
        )

    def _reserve(self) -> None:
        """Reserve the space now if the system can: the disk may fill up later."""
        if not hasattr(os, "posix_fallocate"):
            return
        try:
            os.posix_fallocate(self._descriptor, 0, self.nbytes)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                self.close()
                raise self._full(shutil.disk_usage(self.folder).free) from None
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise

    def write(self, row: int, data: bytes) -> None:
        """Write one row.

        Raises
        ------
        ValueError
            If it has the wrong size.
        OSError
            If the disk is full after all.
        """
        if len(data) != self.row_bytes:
            raise ValueError(f"a row has {self.row_bytes} bytes, not {len(data)}")
        view, place = memoryview(data), row * self.row_bytes
        while view:
            # The system may write less than it is given.
            done = os.pwrite(self._descriptor, view, place)
            view, place = view[done:], place + done

    def read_into(self, row: int, target: memoryview) -> None:
        """Fill `target`, bytes, with the rows from `row` on."""
        place = row * self.row_bytes
        while target:
            # It may read less than asked, too.
            done = os.preadv(self._descriptor, [target], place)
            if not done:
                raise OSError(errno.EIO, "the temporary file was truncated")
            target, place = target[done:], place + done
