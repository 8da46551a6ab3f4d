"""Prediction: the latency of one row, and many rows at once."""

from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.arena import Contender, race
from benchmarks.fitting import Task, Workload, torch_network
from benchmarks.machine import thread_counts
from benchmarks.options import Options
from benchmarks.report import Report, race_table


@dataclass(frozen=True)
class Case:
    """A network, how many rows it sees in a call, and the calls of one round."""

    title: str
    features: int
    hidden: tuple[int, ...]
    rows: int
    calls: int
    bound: float
    against: str = ""


CASES = (
    Case("64-64-10, one row a call", 64, (64,), 1, 1000, 2.0, "scikit-learn"),
    # Differences below 10 % are ties, and a tie with the fastest is the promise.
    Case("784-256-128-10, 20,000 rows a call", 784, (256, 128), 20_000, 5, 0.9),
)


def run(options: Options) -> Report:
    """Race ``predict`` of fitted classifiers, class labels out."""
    tables = []
    for case in CASES:
        laps = race(contenders(case), options.rounds, options.budget)
        table = race_table(case.title, "rows/s", laps, case.bound, case.against)
        tables.append(table)
    return Report("predict", "Prediction with a fitted classifier", tables)


def contenders(case: Case) -> list[Contender]:
    """Lamina, and every rival at every thread count worth trying."""
    settings = asdict(case)
    entrants = [Contender("lamina", f"{__name__}:lamina_predict", settings)]
    for threads in thread_counts():
        cap = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        plural = "s" if threads > 1 else ""
        for name in ("PyTorch", "scikit-learn"):
            label = f"{name}, {threads} thread{plural}"
            factory = "torch_predict" if name == "PyTorch" else "sklearn_predict"
            address = f"{__name__}:{factory}"
            entrants.append(Contender(label, address, settings, cap))
    return entrants


def lamina_predict(**settings) -> tuple[Task, int]:
    """``predict`` of lamina's classifier."""
    from lamina import MLPClassifier

    return estimator_predict(MLPClassifier, settings)


def sklearn_predict(**settings) -> tuple[Task, int]:
    """``predict`` of scikit-learn's classifier."""
    from sklearn.neural_network import MLPClassifier

    return estimator_predict(MLPClassifier, settings)


def estimator_predict(estimator: type, settings: dict) -> tuple[Task, int]:
    """Calls of ``predict`` after one epoch on a few random rows."""
    case = restore(settings)
    X, y = workload(case).data()
    model = estimator(case.hidden, max_iter=1, random_state=0).fit(X, y)
    return repeated(model.predict, inputs(case), case)


def torch_predict(**settings) -> tuple[Task, int]:
    """Class numbers by PyTorch, from array to array, without bookkeeping."""
    import os

    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    case = restore(settings)
    model = torch_network(workload(case)).eval()

    def predict(X: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(X)).argmax(1).numpy()

    return repeated(predict, inputs(case), case)


def workload(case: Case) -> Workload:
    """What the classifier is fitted on: a few rows, for its weights do not matter."""
    return Workload(200, case.features, case.hidden, 10, batch_size=200, epochs=1)


def inputs(case: Case) -> np.ndarray:
    """The rows to predict."""
    rng = np.random.default_rng(1)
    return rng.random((case.rows, case.features), dtype=np.float32)


def repeated(predict, X: np.ndarray, case: Case) -> tuple[Task, int]:
    """One round: as many calls as the case asks for."""

    def task() -> None:
        for _ in range(case.calls):
            predict(X)

    return task, case.calls * case.rows


def restore(settings: dict) -> Case:
    """The case out of what came through JSON."""
    return Case(**{**settings, "hidden": tuple(settings["hidden"])})
