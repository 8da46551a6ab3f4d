"""Disk space for a model, reserved before hours of work.

The size of a model file is known as soon as its network is built, before training. The
code that will write the file reserves a place, and the code that builds the network
claims the space::

    with reserved("model.lamina"):
        model.fit(data)  # calls claim() when its network is built
    model.save("model.lamina")

The space is held by an unnamed temporary file in the same folder, whose blocks the file
system has allocated: it disappears with the process, however that ends.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO

from lamina.storage.atomic import UnwritableError

try:
    import resource
except ImportError:  # Windows has no limit on the size of a file
    resource = None

MARGIN = 2**15
"""Bytes of a file besides its tensors: the header, columns, histories."""

CHUNK = 2**20
UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ENODEV)


class Reservation:
    """The disk space reserved for one file.

    Parameters
    ----------
    path : path
        Path of the future file. A path that is not a regular file needs no space.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path, self.size = path, 0
        self._target = Path(os.path.realpath(path))
        self._file: IO[bytes] | None = None

    def claim(self, size: int) -> None:
        """Reserve that many bytes in total, if less is reserved so far.

        Raises
        ------
        UnwritableError
            If there is not enough space: with the file, the space it needs and what is
            free.
        """
        if size <= self.size or (self._target.exists() and not self._target.is_file()):
            return
        try:
            if self._file is None:
                folder = self._target.parent
                self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
            allocate(self._file.fileno(), self.size, size)
        except OSError as error:
            self.release()
            raise UnwritableError(
                f"{self.path}: cannot be written: {error.strerror}; the model needs "
                f"about {size:,} bytes{self._available(error)}"
            ) from None
        self.size = size

    def release(self) -> None:
        """Release the space."""
        if self._file is not None:
            self._file.close()
        self._file, self.size = None, 0

    def _available(self, error: OSError) -> str:
        if error.errno == errno.EFBIG and resource is not None:
            limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
            if limit != resource.RLIM_INFINITY:
                return f", but files are limited to {limit:,} (ulimit -f)"
        if error.errno == errno.ENOSPC:
            free = shutil.disk_usage(self._target.parent).free
            return f", but {free:,} are free"
        return ""


_reservation: ContextVar[Reservation | None] = ContextVar("room", default=None)


@contextmanager
def reserved(path: str | os.PathLike) -> Iterator[Reservation]:
    """Keep the space that is claimed within this context, for a file written
    afterwards."""
    room = Reservation(path)
    token = _reservation.set(room)
    try:
        yield room
    finally:
        _reservation.reset(token)
        room.release()


def claim(size: int) -> None:
    """Claim the bytes that the weights of a model need before it is trained.

    Nothing happens outside :func:`reserved`.

    Raises
    ------
    UnwritableError
        If there is not enough space.
    """
    room = _reservation.get()
    if room is not None:
        room.claim(size + MARGIN)


def allocate(descriptor: int, start: int, stop: int) -> None:
    """Allocate the bytes of a file on disk, by writing them if necessary.

    Raises
    ------
    OSError
        If there is not enough space.
    """
    try:
        # A file that is only made longer would be sparse and reserve nothing.
        os.posix_fallocate(descriptor, start, stop - start)
        return
    except AttributeError:  # macOS, Windows
        pass
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    zeros = bytes(min(CHUNK, stop - start))
    os.lseek(descriptor, start, os.SEEK_SET)
    while start < stop:
        start += os.write(descriptor, zeros[: stop - start])
    os.fsync(descriptor)
