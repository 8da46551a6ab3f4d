"""Warnings that point to the line of the user's own program."""

import os
import sys
import warnings

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep


def warn(message: str | UserWarning) -> None:
    """Warn at the line outside of lamina that called it."""
    frame, level, outermost = sys._getframe(0), 1, 1
    while frame is not None:
        if frame.f_code.co_filename.startswith(_PACKAGE):
            outermost = level
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=outermost + 1)
