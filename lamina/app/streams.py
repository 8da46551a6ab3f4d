"""Standard streams that are closed, as a daemon or a shell's ``>&-`` leaves them."""

import errno
import io
import os
import sys


class ClosedOutput(io.TextIOBase):
    """Standard output that is closed: what is printed to it is an error."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.EBADF, "standard output is closed")


def open_closed() -> None:
    """Put something in the place of standard streams that are closed.

    Their numbers are taken first: the next file to be opened would get one of them,
    and whatever a library prints would land in that file. Standard input is empty
    then, messages go nowhere, and output is an error where there is any.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
    if sys.stdin is None:
        sys.stdin = os.fdopen(0)
    if sys.stdout is None:
        sys.stdout = ClosedOutput()
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")


def is_open() -> bool:
    """Whether there is a standard output."""
    return not isinstance(sys.stdout, ClosedOutput)
