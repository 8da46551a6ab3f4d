"""Import the numerical libraries as fast as possible."""

import importlib
import sys

from lamina.app import cache


def start_engine() -> None:
    """Enable the compilation cache and import the estimators.

    scikit-learn imports pandas if it is installed, only to read ARFF files. No command
    reads those, so pandas is hidden, which saves a third of a second.
    """
    cache.enable()
    hidden = "pandas" not in sys.modules and "sklearn" not in sys.modules
    if hidden:
        sys.modules["pandas"] = None  # type: ignore[assignment]  # "not installed"
    try:
        importlib.import_module("lamina.estimators")
    finally:
        if hidden:
            del sys.modules["pandas"]
