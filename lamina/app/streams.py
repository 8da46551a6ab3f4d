"""Closed standard streams, as in a daemon or after ``>&-`` in a shell."""

import errno
import io
import os
import sys


class ClosedOutput(io.TextIOBase):
    """Closed standard output: printing to it is an error."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.EBADF, "standard output is closed")


def open_closed() -> None:
    """Replace standard streams that are closed.

    Their file descriptors are occupied first: otherwise the next file opened would get
    one of them, and anything a library prints would end up in that file. Afterwards
    standard input is empty, messages are discarded, and output is an error.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
    if sys.stdin is None:
        sys.stdin = os.fdopen(0)
    if sys.stdout is None:
        sys.stdout = ClosedOutput()
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")


def is_open() -> bool:
    """Whether there is a standard output."""
    return not isinstance(sys.stdout, ClosedOutput)
