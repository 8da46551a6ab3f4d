"""Resume an interrupted fit from a checkpoint, with identical weights.

Run it with ``python examples/checkpoint.py``. Whatever interrupts a fit, a power cut or
a job's time limit, call it again with the same parameters and data.
"""

import tempfile
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lamina import MLPClassifier, data

PARAMS = {"hidden_layer_sizes": (64,), "max_iter": 40, "random_state": 0}


def power_cut(progress):
    """Interrupt the fit in its 15th epoch."""
    if progress.epoch == 15:
        raise RuntimeError("power cut")


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)  # 40 epochs are not enough
    digits = data.load("digits")
    X, y = digits.X / 16, digits.y
    unbroken = MLPClassifier(**PARAMS).fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        try:
            MLPClassifier(**PARAMS, checkpoint=folder, callbacks=[power_cut]).fit(X, y)
        except RuntimeError as error:
            print(f"interrupted: {error}")
        again = MLPClassifier(**PARAMS, checkpoint=folder).fit(X, y)
        print(f"resumed after epoch {again.resumed_from_}, ended at {again.n_iter_}")
        pairs = zip(again.coefs_, unbroken.coefs_, strict=True)
        print("identical weights:", all(np.array_equal(a, b) for a, b in pairs))

        PARAMS["max_iter"] = 60
        longer = MLPClassifier(**PARAMS, checkpoint=folder).fit(X, y)
        print(f"more epochs: from {longer.resumed_from_} to {longer.n_iter_}")

        try:
            MLPClassifier(**PARAMS, checkpoint=folder).fit(X[:1000], y[:1000])
        except ValueError as error:
            print("other data:", str(error).replace(folder, "run"))
