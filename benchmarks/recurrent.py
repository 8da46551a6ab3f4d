"""Recurrent networks: whole fits, beside PyTorch and Keras.

All do the same: one recurrent layer with fresh weights, whose last output a linear
layer reads; softmax cross entropy, stochastic gradient descent with heavy-ball
momentum, batches of 64 in a new random order every epoch, float32. What is counted are
time steps of real sequences, not those that fill them up. PyTorch runs eagerly, with
the batch in front and with time in front, on one thread and all; its data are tensors
of that form beforehand. Keras runs on JAX, as lamina does, as a loop: unrolled, its RNN
is no faster and its LSTM compiles for minutes. PyTorch's layers have a second bias,
which costs next to nothing.

Of sequences of different lengths PyTorch learns in both of the ways that its tutorials
teach: packed, or filled up to the longest. Lamina gets a list of arrays.

What the others do not have is compared with lamina's own plain LSTM.
"""

import itertools
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.arena import Contender, Lap, race
from benchmarks.fitting import MOMENTUM, NEVER, RATE, Task
from benchmarks.machine import thread_counts
from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table, race_row, race_table

BATCH, CLASSES, UNITS = 64, 10, 128


@dataclass(frozen=True)
class Case:
    """Sequences of random numbers, and the layer that learns them.

    ``layer`` is a name in :func:`layers`; with ``shortest`` steps differ, uniformly
    from it to ``steps``.
    """

    layer: str
    steps: int = 64
    shortest: int = 64
    features: int = 32
    rows: int = 1280
    epochs: int = 5

    @property
    def lengths(self) -> np.ndarray:
        """Steps of each sequence."""
        rng = np.random.default_rng(1)
        return rng.integers(self.shortest, self.steps + 1, self.rows)

    @property
    def ragged(self) -> bool:
        """Whether lengths differ."""
        return self.shortest < self.steps

    @property
    def units(self) -> int:
        """Real time steps of one fit."""
        return int(self.lengths.sum()) * self.epochs

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Normal numbers, 0 behind the last step; class numbers; all classes occur."""
        rng = np.random.default_rng(0)
        shape = (self.rows, self.steps, self.features)
        X = rng.standard_normal(shape, dtype=np.float32)
        X[np.arange(self.steps) >= self.lengths[:, None]] = 0
        return X, rng.permutation(np.arange(self.rows) % CLASSES)


BOUNDS = {"RNN": 2.5, "GRU": 2.0, "LSTM": 1.0}
"""What lamina promises as a multiple of the fastest rival."""

VARIANTS = (
    "LSTM 1997",
    "LSTM peephole",
    "LSTM coupled",
    "GRU before",
    "ClockworkRNN",
    "OutputFeedbackRNN",
)
COSTS = 1.5
"""What a variant may take as a multiple of the plain LSTM's time."""

RAGGED = Case("LSTM", shortest=20)


def run(options: Options) -> Report:
    """Race the layers that all have, the variants, and sequences of many lengths."""
    tables = []
    for layer, bound in BOUNDS.items():
        laps = race(contenders(Case(layer)), options.rounds, options.budget)
        title = f"{layer}({UNITS}), 64 steps of 32 features: fit"
        tables.append(race_table(title, "steps/s", laps, bound))
    variants = [
        Contender(layer, f"{__name__}:lamina_task", asdict(Case(layer)))
        for layer in ("LSTM", *VARIANTS)
    ]
    tables += [
        variant_table(race(variants, options.rounds, options.budget)),
        ragged_table(race(contenders(RAGGED), options.rounds, options.budget)),
    ]
    return Report("recurrent", "Recurrent networks: fit", tables)


def variant_table(laps: Sequence[Lap]) -> Table:
    """Lamina's layers that the others lack, beside its plain LSTM."""
    plain, *others = laps
    claims = [
        Claim(
            f"{lap.name} ÷ LSTM",
            lap.rate / plain.rate if plain.seconds and lap.seconds else None,
            round(1 / COSTS, 3),
        )
        for lap in others
    ]
    rows = [race_row(lap) for lap in laps]
    return Table("what only lamina has: fit", "steps/s", rows, claims)


def ragged_table(laps: Sequence[Lap]) -> Table:
    """Sequences of many lengths; no promise, but the ratio is shown."""
    rates = {lap.name: lap.rate for lap in laps}
    own = rates.pop("lamina")
    fastest = max(rates, key=lambda name: rates[name])
    ratio = own / rates[fastest] if own and rates[fastest] else None
    rows = [race_row(lap) for lap in laps]
    rows.append(Row(f"lamina ÷ {fastest}", ratio, note="no promise"))
    title = f"LSTM({UNITS}), {RAGGED.shortest} to {RAGGED.steps} steps: fit"
    return Table(title, "real steps/s", rows)


def contenders(case: Case) -> list[Contender]:
    """Lamina, PyTorch in every form at every thread count, and Keras."""
    settings = asdict(case)
    entrants = [Contender("lamina", f"{__name__}:lamina_task", settings)]
    ways = ("packed", "filled up") if case.ragged else ("",)
    forms = itertools.product(thread_counts(), (True, False), ways)
    for threads, batch_first, way in forms:
        plural = "s" if threads > 1 else ""
        form = f"{'batch' if batch_first else 'time'} first{way and ', ' + way}"
        entrants.append(
            Contender(
                f"PyTorch, {form}, {threads} thread{plural}",
                f"{__name__}:torch_task",
                {**settings, "batch_first": batch_first, "packed": way == "packed"},
                {"OMP_NUM_THREADS": str(threads)},
            )
        )
    address, backend = f"{__name__}:keras_task", {"KERAS_BACKEND": "jax"}
    entrants.append(Contender("Keras, JAX", address, settings, backend))
    return entrants


def layers(units: int) -> dict[str, Any]:
    """The recurrent layers of lamina by their names here."""
    from lamina import GRU, LSTM, RNN, ClockworkRNN, OutputFeedbackRNN

    return {
        "RNN": RNN(units),
        "GRU": GRU(units),
        "LSTM": LSTM(units),
        "LSTM 1997": LSTM(units, "1997"),
        "LSTM peephole": LSTM(units, "peephole"),
        "LSTM coupled": LSTM(units, "coupled"),
        "GRU before": GRU(units, "before"),
        "ClockworkRNN": ClockworkRNN(units, (1, 2, 4, 8)),
        "OutputFeedbackRNN": OutputFeedbackRNN(units, units),
    }


def lamina_task(**settings) -> tuple[Task, int]:
    """A fit by lamina's estimator."""
    from lamina import SGD, RecurrentClassifier

    case = Case(**settings)
    model = RecurrentClassifier(
        [layers(UNITS)[case.layer]],
        pooling="last",
        standardize=False,
        solver=SGD(RATE, MOMENTUM, nesterov=False),
        alpha=0.0,
        dropout=0.0,
        clip_norm=None,
        schedule=None,
        batch_size=BATCH,
        max_iter=case.epochs,
        tol=0.0,
        n_iter_no_change=NEVER,
        random_state=0,
    )
    X, y = case.data()
    if case.ragged:
        X = [one[:n] for one, n in zip(X, case.lengths, strict=True)]
    return lambda: model.fit(X, y), case.units


def torch_task(batch_first: bool, packed: bool, **settings) -> tuple[Task, int]:
    """A fit by the plain loop that PyTorch's tutorials teach."""
    import torch
    from torch.nn.functional import cross_entropy

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    case = Case(**settings)
    X, y = (torch.from_numpy(array) for array in case.data())
    X = X if batch_first else X.swapaxes(0, 1).contiguous()
    lengths = torch.from_numpy(case.lengths)

    def fit() -> float:
        model = torch_network(case, batch_first, packed)
        solver = torch.optim.SGD(
            model.parameters(), RATE, momentum=MOMENTUM, fused=True
        )
        for _ in range(case.epochs):
            for rows in torch.randperm(len(y)).split(BATCH):
                solver.zero_grad()
                inputs = X[rows] if batch_first else X[:, rows]
                loss = cross_entropy(model(inputs, lengths[rows]), y[rows])
                loss.backward()
                solver.step()
        return loss.item()

    return fit, case.units


def torch_network(case: Case, batch_first: bool, packed: bool):
    """The network of the case as a PyTorch module with fresh weights."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            kind = getattr(nn, case.layer)
            self.layer = kind(case.features, UNITS, batch_first=batch_first)
            self.out = nn.Linear(UNITS, CLASSES)

        def forward(self, x, lengths):
            if packed:
                x = pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)
                _, last = self.layer(x)
                last = last[0] if isinstance(last, tuple) else last  # h of (h, C)
                return self.out(last[0])
            every, _ = self.layer(x)
            if not case.ragged:
                return self.out(every[:, -1] if batch_first else every[-1])
            rows = torch.arange(len(lengths))
            where = (rows, lengths - 1) if batch_first else (lengths - 1, rows)
            return self.out(every[where])

    return Reader()


def keras_task(**settings) -> tuple[Task, int]:
    """``fit`` of a Keras model; what fills sequences up is masked."""
    import keras

    case = Case(**settings)
    X, y = case.data()
    name = {"RNN": "SimpleRNN"}.get(case.layer, case.layer)
    model = keras.Sequential(
        [
            keras.layers.Input((case.steps, case.features)),
            *([keras.layers.Masking()] if case.ragged else []),
            getattr(keras.layers, name)(UNITS),
            keras.layers.Dense(CLASSES),
        ]
    )
    model.compile(  # once: a fresh one would compile in every round
        keras.optimizers.SGD(RATE, momentum=MOMENTUM),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )

    def fit() -> None:
        model.fit(X, y, batch_size=BATCH, epochs=case.epochs, verbose=0)

    return fit, case.units
