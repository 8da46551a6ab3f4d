"""Convolutional networks: whole fits and predictions, beside PyTorch and Keras.

All do the same: fresh weights, ReLU, softmax cross entropy, stochastic gradient descent
with heavy-ball momentum, batches of 64 in a new random order every epoch, float32.
PyTorch runs eagerly in both of its memory formats and on one thread and all; its data
are tensors of that format beforehand. Keras runs on JAX, as lamina does. A pool of
Keras has no padding by numbers: 3 × 3 windows with stride 2 are its "same", which adds
places at the other end but does the same work. Predictions of PyTorch and of Keras
are made in chunks of every size in :data:`CHUNKS`; each is a contender, and the fastest
of them counts.
"""

import os
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.arena import Contender, race
from benchmarks.fitting import MOMENTUM, NEVER, RATE, Task
from benchmarks.machine import thread_counts
from benchmarks.options import Options
from benchmarks.report import Report, race_table

BATCH, CLASSES = 64, 10

CHUNKS = (64, 128, 250)
"""Images that the rivals predict at once."""


@dataclass(frozen=True)
class Case:
    """Images of random numbers, a network, and how many are learnt or predicted.

    Layers are ("conv", filters, size, stride), ("pool", size, stride, padding) and
    ("dense", units); convolutions are padded by half their size.
    """

    title: str
    shape: tuple[int, int, int]
    layers: tuple[tuple, ...]
    bound: float
    rows: int = 1280
    epochs: int = 2
    predicts: bool = False

    @property
    def units(self) -> int:
        """Images of one round."""
        return self.rows * self.epochs

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Images in [0, 1) and class numbers; all classes occur."""
        rng = np.random.default_rng(0)
        X = rng.random((self.rows, *self.shape), dtype=np.float32)
        return X, rng.permutation(np.arange(self.rows) % CLASSES)


def two_convs(size: int, stride: int, padding: int) -> tuple[tuple, ...]:
    """5 × 5 × 32, 5 × 5 × 64, a pool after each, and 128 units."""
    pool = ("pool", size, stride, padding)
    return ("conv", 32, 5, 1), pool, ("conv", 64, 5, 1), pool, ("dense", 128)


POOL = ("pool", 2, 2, 0)
THREE_CONVS = (
    ("conv", 32, 3, 1),
    POOL,
    ("conv", 64, 3, 1),
    POOL,
    ("conv", 128, 3, 1),
    POOL,
    ("dense", 128),
)
STRIDES = (
    ("conv", 32, 3, 1),
    ("conv", 64, 3, 2),
    ("conv", 128, 3, 2),
    ("dense", 128),
)
GREY, COLOUR = (28, 28, 1), (32, 32, 3)

CASES = (
    Case("28×28, two 5×5, pools 2×2: fit", GREY, two_convs(2, 2, 0), 1.05),
    Case("28×28, two 5×5, pools 3×3/2: fit", GREY, two_convs(3, 2, 1), 1.0),
    Case("32×32×3, three 3×3, pools 2×2: fit", COLOUR, THREE_CONVS, 1.0),
    Case("32×32×3, strides of 2: fit", COLOUR, STRIDES, 1.0),
    Case(
        "28×28, two 5×5, pools 2×2: predict",
        GREY,
        two_convs(2, 2, 0),
        1.2,
        rows=4000,
        epochs=1,
        predicts=True,
    ),
    Case(
        "32×32×3, three 3×3, pools 2×2: predict",
        COLOUR,
        THREE_CONVS,
        1.2,
        rows=4000,
        epochs=1,
        predicts=True,
    ),
)


def run(options: Options) -> Report:
    """Race every case."""
    tables = [
        race_table(
            case.title,
            "images/s",
            race(contenders(case), options.rounds, options.budget),
            case.bound,
        )
        for case in CASES
    ]
    return Report("convolution", "Convolutional networks: fit and predict", tables)


def contenders(case: Case) -> list[Contender]:
    """Lamina, PyTorch in both formats at every thread count, and Keras."""
    settings = asdict(case)
    entrants = [Contender("lamina", f"{__name__}:lamina_task", settings)]
    backend = {"KERAS_BACKEND": "jax"}
    for chunk in CHUNKS if case.predicts else (BATCH,):
        chunked = {**settings, "chunk": chunk}
        by = f", {chunk} at once" if case.predicts else ""
        for threads in thread_counts():
            cap = {"OMP_NUM_THREADS": str(threads)}
            for last, name in ((False, "NCHW"), (True, "NHWC")):
                plural = "s" if threads > 1 else ""
                label = f"PyTorch {name}, {threads} thread{plural}{by}"
                arguments = {**chunked, "channels_last": last}
                address = f"{__name__}:torch_task"
                entrants.append(Contender(label, address, arguments, cap))
        address = f"{__name__}:keras_task"
        entrants.append(Contender(f"Keras, JAX{by}", address, chunked, backend))
    return entrants


def lamina_task(**settings) -> tuple[Task, int]:
    """A fit or predictions by lamina's estimator."""
    from lamina import SGD, Conv, ConvNetClassifier, Dense, MaxPool

    case = restore(settings)
    made = {
        "conv": lambda n, k, s: Conv(n, k, s, k // 2),
        "pool": lambda k, s, p: MaxPool(k, s, p),
        "dense": lambda n: Dense(n, "relu"),
    }
    model = ConvNetClassifier(
        [made[kind](*numbers) for kind, *numbers in case.layers],
        solver=SGD(RATE, MOMENTUM, nesterov=False),
        alpha=0.0,
        batch_size=BATCH,
        max_iter=case.epochs,
        tol=0.0,
        n_iter_no_change=NEVER,
        random_state=0,
    )
    X, y = case.data()
    if not case.predicts:
        return lambda: model.fit(X, y), case.units
    model.set_params(max_iter=1).fit(X[:BATCH], y[:BATCH])
    return lambda: model.predict(X), case.units


def torch_task(channels_last: bool, chunk: int, **settings) -> tuple[Task, int]:
    """A fit by the plain loop that PyTorch's tutorials teach, or class numbers."""
    import torch
    from torch.nn.functional import cross_entropy

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    case = restore(settings)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    X, y = (torch.from_numpy(array) for array in case.data())
    X = X.permute(0, 3, 1, 2).contiguous(memory_format=layout)

    def network():
        return torch_network(case).to(memory_format=layout)

    def fit() -> float:
        model = network()
        solver = torch.optim.SGD(
            model.parameters(), RATE, momentum=MOMENTUM, fused=True
        )
        for _ in range(case.epochs):
            for rows in torch.randperm(len(X)).split(BATCH):
                solver.zero_grad()
                loss = cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                solver.step()
        return loss.item()

    model = network().eval()

    def predict() -> np.ndarray:
        with torch.inference_mode():
            parts = [model(part).argmax(1) for part in X.split(chunk)]
            return torch.cat(parts).numpy()

    return predict if case.predicts else fit, case.units


def torch_network(case: Case):
    """The network of the case as a PyTorch module with fresh weights."""
    import torch
    from torch import nn

    layers, flat = [], False
    for kind, *numbers in case.layers:
        if kind == "conv":
            filters, size, stride = numbers
            layers += [nn.LazyConv2d(filters, size, stride, size // 2), nn.ReLU()]
        elif kind == "pool":
            layers.append(nn.MaxPool2d(*numbers))
        else:
            layers += [] if flat else [nn.Flatten()]
            layers += [nn.LazyLinear(*numbers), nn.ReLU()]
            flat = True
    model = nn.Sequential(*layers, nn.LazyLinear(CLASSES))
    height, width, channels = case.shape
    model(torch.zeros(2, channels, height, width))  # makes the weights
    return model


def keras_task(chunk: int, **settings) -> tuple[Task, int]:
    """``fit`` or ``predict`` of a Keras model."""
    import keras

    case = restore(settings)
    X, y = case.data()

    def compiled():
        model = keras_network(case)
        model.compile(
            keras.optimizers.SGD(RATE, momentum=MOMENTUM),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        return model

    model = compiled()  # once: a fresh one would compile in every round

    def fit() -> None:
        model.fit(X, y, batch_size=chunk, epochs=case.epochs, verbose=0)

    def predict() -> np.ndarray:
        return model.predict(X, batch_size=chunk, verbose=0).argmax(1)

    return predict if case.predicts else fit, case.units


def keras_network(case: Case):
    """The network of the case as a Keras model."""
    import keras

    made = {
        "conv": lambda n, k, s: keras.layers.Conv2D(
            n, k, s, padding="same", activation="relu"
        ),
        "pool": lambda k, s, p: keras.layers.MaxPooling2D(
            k, s, padding="same" if p else "valid"
        ),
        "dense": lambda n: keras.layers.Dense(n, activation="relu"),
    }
    layers = [keras.layers.Input(case.shape)]
    for kind, *numbers in case.layers:
        if kind == "dense":
            layers.append(keras.layers.Flatten())  # of what is flat: nothing
        layers.append(made[kind](*numbers))
    return keras.Sequential([*layers, keras.layers.Dense(CLASSES)])


def restore(settings: dict) -> Case:
    """The case out of what came through JSON."""
    layers = tuple(tuple(layer) for layer in settings["layers"])
    shape = tuple(settings["shape"])
    return Case(**{**settings, "layers": layers, "shape": shape})
