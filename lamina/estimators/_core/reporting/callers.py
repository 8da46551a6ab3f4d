"""Who called: warnings point at the line outside of lamina."""

import os
import sys

import lamina


def callers_level() -> int:
    """Return the ``stacklevel`` of the line outside of lamina that called it."""
    house = os.path.dirname(lamina.__file__)
    # `inspect.stack()` would read the source lines of every frame.
    frame, level, outermost = sys._getframe(1), 1, 0
    while frame is not None:
        if frame.f_code.co_filename.startswith(house):
            outermost = level
        frame, level = frame.f_back, level + 1
    return outermost + 1
