"""Whole fits of one multi-layer perceptron in four libraries, with equal settings.

All do the same: fresh weights, ReLU, softmax cross entropy, stochastic gradient descent
with heavy-ball momentum, a new random order every epoch, a fixed number of epochs, no
penalty, no stopping, float32. Every rival gets what makes it fastest: its data as
tensors beforehand, PyTorch's fused optimiser, no shuffling where one batch is the whole
data set, all of a small data set shuffled at once.
"""

import itertools
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.arena import Contender
from benchmarks.machine import thread_counts

RATE, MOMENTUM = 0.01, 0.9
NEVER = 10**6  # epochs without improvement before a fit would stop
SMALL_BYTES = 2**20  # a data set below this is shuffled as a whole

Task = Callable[[], object]


@dataclass(frozen=True)
class Workload:
    """A data set of random numbers, a network, and how long to train it."""

    rows: int
    features: int
    hidden: tuple[int, ...]
    classes: int
    batch_size: int
    epochs: int

    @property
    def units(self) -> int:
        """Samples that one fit goes through."""
        return self.rows * self.epochs

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs in [0, 1) and class numbers; all classes occur."""
        rng = np.random.default_rng(0)
        X = rng.random((self.rows, self.features), dtype=np.float32)
        return X, rng.permutation(np.arange(self.rows) % self.classes)


def contenders(workload: Workload) -> list[Contender]:
    """Lamina, and every rival at every thread count worth trying."""
    entrants = [Contender("lamina", f"{__name__}:lamina_fit", asdict(workload))]
    for threads in thread_counts():
        cap = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        arguments = asdict(workload)
        for name, factory in RIVALS.items():
            label = f"{name}, {threads} thread{'s' if threads > 1 else ''}"
            address = f"{__name__}:{factory}"
            entrants.append(Contender(label, address, arguments, cap))
    return entrants


RIVALS = {
    "PyTorch": "torch_fit",
    "scikit-learn": "sklearn_fit",
    "skorch": "skorch_fit",
}


def lamina_fit(**settings) -> tuple[Task, int]:
    """A fit by lamina; the warm-up calls compile the structure."""
    from lamina import SGD, MLPClassifier

    workload = restore(settings)
    model = MLPClassifier(
        workload.hidden,
        solver=SGD(RATE, momentum=MOMENTUM),
        **common_parameters(workload),
    )
    X, y = workload.data()
    return lambda: model.fit(X, y), workload.units


def sklearn_fit(**settings) -> tuple[Task, int]:
    """A fit by scikit-learn."""
    from sklearn.neural_network import MLPClassifier

    workload = restore(settings)
    model = MLPClassifier(
        workload.hidden,
        solver="sgd",
        learning_rate_init=RATE,
        momentum=MOMENTUM,
        nesterovs_momentum=False,
        **common_parameters(workload),
    )
    X, y = workload.data()
    return lambda: model.fit(X, y), workload.units


def common_parameters(workload: Workload) -> dict:
    """What lamina and scikit-learn call by the same name."""
    return {
        "alpha": 0.0,
        "batch_size": workload.batch_size,
        "max_iter": workload.epochs,
        "tol": 0.0,
        "n_iter_no_change": NEVER,
        "random_state": 0,
    }


def torch_fit(**settings) -> tuple[Task, int]:
    """A fit by the plain loop that PyTorch's tutorials teach."""
    import torch
    from torch.nn.functional import cross_entropy

    prepare_torch()
    workload = restore(settings)
    X, y = (torch.from_numpy(array) for array in workload.data())

    def fit() -> float:
        model = torch_network(workload)
        solver = torch.optim.SGD(
            model.parameters(), RATE, momentum=MOMENTUM, fused=True
        )
        for _ in range(workload.epochs):
            for inputs, targets in torch_batches(X, y, workload.batch_size):
                solver.zero_grad()
                loss = cross_entropy(model(inputs), targets)
                loss.backward()
                solver.step()
        return loss.item()

    return fit, workload.units


def torch_batches(X, y, size: int):
    """The batches of one epoch in random order, in whichever way is fastest."""
    import torch

    if size >= len(X):
        return [(X, y)]
    order = torch.randperm(len(X))
    if X.nbytes <= SMALL_BYTES:
        return zip(X[order].split(size), y[order].split(size), strict=True)
    return ((X[rows], y[rows]) for rows in order.split(size))


def skorch_fit(**settings) -> tuple[Task, int]:
    """A fit by skorch, PyTorch behind scikit-learn's interface."""
    import torch
    from skorch import NeuralNetClassifier

    prepare_torch()
    workload = restore(settings)
    model = NeuralNetClassifier(
        torch_network(workload),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=MOMENTUM,
        optimizer__fused=True,
        lr=RATE,
        batch_size=workload.batch_size,
        max_epochs=workload.epochs,
        iterator_train__shuffle=workload.batch_size < workload.rows,
        train_split=None,
        verbose=0,
    )
    X, y = workload.data()
    return lambda: model.fit(X, y), workload.units


def prepare_torch() -> None:
    """Give PyTorch the threads that its contender's environment names."""
    import os

    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def torch_network(workload: Workload):
    """The network of the workload as a PyTorch module with fresh weights."""
    from torch import nn

    sizes = (workload.features, *workload.hidden)
    layers = []
    for n, units in itertools.pairwise(sizes):
        layers += [nn.Linear(n, units), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], workload.classes))


def restore(settings: dict) -> Workload:
    """The workload out of what came through JSON."""
    return Workload(**{**settings, "hidden": tuple(settings["hidden"])})
