"""Fits of this checkout beside another's: ``python -m benchmarks.beside FOLDER``.

FOLDER is a checkout of another commit (``git worktree add --detach FOLDER COMMIT``).
Both fit the same models in warm processes of their own, in alternating rounds.
``--noisy`` does not wait for other programs to fall silent; then the fastest rounds
tell more than the medians.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from benchmarks import arena

WORKLOADS = {
    "200 rows, 20 epochs": "small",
    "784-256-10, 10,000 rows, 3 epochs": "wide",
    "Levenberg–Marquardt, 1-10-1": "second_order",
    "LSTM(32), 128 × 40 steps, 3 epochs": "recurrent",
    "early stopping, 1,000 rows": "early",
    "forecaster of 3 networks": "forecaster",
    "predict, one row, 100 times": "predict",
}


def fit(name: str, tree: str) -> tuple[Callable[[], object], float]:
    """Prepare a fit of one workload by the lamina in a folder."""
    sys.path.insert(0, tree)
    task = globals()[name]()
    return task, 1.0


def _data(n: int, features: int, classes: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, features)).astype(np.float32)
    return X, (X @ rng.standard_normal((features, classes))).argmax(axis=1)


def small() -> Callable[[], object]:
    """Where the host's part of the loop decides."""
    from lamina import MLPClassifier

    X, y = _data(200, 8, 3)
    return lambda: MLPClassifier((16,), max_iter=20, random_state=0).fit(X, y)


def wide() -> Callable[[], object]:
    """Where products of matrices decide."""
    from lamina import MLPClassifier

    X, y = _data(10_000, 784, 10)
    return lambda: MLPClassifier((256,), max_iter=3, random_state=0).fit(X, y)


def second_order() -> Callable[[], object]:
    """Full batches, many epochs in a call."""
    import numpy as np

    from lamina import MLPRegressor

    X = np.linspace(-1, 1, 100)[:, None]
    y = np.sin(3 * np.pi * X[:, 0])
    how = {"solver": "lm", "max_iter": 100, "random_state": 0}
    return lambda: MLPRegressor(hidden_layer_sizes=(10,), **how).fit(X, y)


def recurrent() -> Callable[[], object]:
    """A layer that runs on one core."""
    import numpy as np

    from lamina import RecurrentClassifier
    from lamina.networks import LSTM

    X = np.random.default_rng(0).standard_normal((128, 40, 8))
    y = np.arange(128) % 2
    how = {"max_iter": 3, "random_state": 0}
    return lambda: RecurrentClassifier([LSTM(32)], **how).fit(X, y)


def early() -> Callable[[], object]:
    """A call, a validation pass and decisions after every epoch."""
    from lamina import MLPClassifier

    X, y = _data(1000, 8, 3)
    how = {"early_stopping": True, "n_iter_no_change": 99, "max_iter": 60}
    return lambda: MLPClassifier((16,), random_state=0, **how).fit(X, y)


def forecaster() -> Callable[[], object]:
    """Members that learn side by side."""
    from lamina import Forecaster, data

    y = data.load("airline").y
    how = {"seasonal_period": 12, "intervals": False, "random_state": 0}
    return lambda: Forecaster(12, **how).fit(y)


def predict() -> Callable[[], object]:
    """Where validation and the call of the compiled program decide."""
    from lamina import MLPClassifier

    X, y = _data(200, 8, 3)
    model, row = MLPClassifier((16,), max_iter=5, random_state=0).fit(X, y), X[:1]
    return lambda: [model.predict(row) for _ in range(100)]


def main() -> None:
    """Race both checkouts and print the seconds of a fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*", metavar="NAME", help="some workloads only")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--noisy", action="store_true")
    args = parser.parse_args()
    if args.noisy:
        arena.ATTEMPTS, arena.PATIENCE = 1, 0.0
        arena.wait_for_silence.__defaults__ = (0.0, 0.12)
    print(f"{'ms a fit, median (fastest)':36} {'there':>18} {'here':>18} {'ratio':>13}")
    for title, name in WORKLOADS.items():
        if args.names and name not in args.names:
            continue
        there, here = arena.race(
            [
                arena.Contender(
                    tree, "benchmarks.beside:fit", {"name": name, "tree": tree}
                )
                for tree in (args.folder, str(arena.ROOT))
            ],
            args.rounds,
            600.0,
        )
        if there.failure or here.failure:
            print(f"{title:36} {there.failure or here.failure}")
            continue
        (mid, best), (mid_here, best_here) = map(_milliseconds, (there, here))
        print(
            f"{title:36} {mid:9.2f} ({best:6.2f}) {mid_here:9.2f} ({best_here:6.2f}) "
            f"{mid_here / mid:6.3f} ({best_here / best:5.3f})",
            flush=True,
        )


def _milliseconds(lap: arena.Lap) -> tuple[float, float]:
    return 1e3 / lap.rate, 1e3 / lap.spread[1]


if __name__ == "__main__":
    main()
