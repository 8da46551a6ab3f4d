"""Starting the libraries that compute, as fast as they can be."""

import importlib
import sys

from lamina.app import cache


def start_engine() -> None:
    """Switch the compilation cache on and import the estimators.

    scikit-learn imports pandas where it is installed, for its reader of ARFF files
    alone; a command never reads these and does not wait a third of a second for it.
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
