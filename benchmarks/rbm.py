"""Restricted Boltzmann machines: whole fits, and how likely they make the data.

All do the same: persistent contrastive divergence, one Gibbs step an update, as many
chains as a batch has rows, a constant rate, no penalty, float32. scikit-learn keeps the
order of the rows, the others draw a new one every epoch. PyTorch has no such machine;
its contender is the plain loop that one writes, under ``inference_mode``.

How likely the data are is told by the pseudo-likelihood, Σᵢ log P(vᵢ | the others), as
an exact mean over digits, for machines that were fitted with the same settings.
"""

import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.arena import Contender, race
from benchmarks.fitting import Task
from benchmarks.machine import thread_counts
from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table, race_table

RATE = 0.05
SEEDS = (0, 1, 2)
SLACK = 0.1
"""By how much, of about 20, the pseudo-likelihood may be below scikit-learn's."""


@dataclass(frozen=True)
class Case:
    """Inputs, a machine, and how long to train it."""

    rows: int
    features: int
    units: int
    batch: int
    epochs: int

    @property
    def samples(self) -> int:
        """Rows that one fit goes through."""
        return self.rows * self.epochs

    def data(self) -> np.ndarray:
        """Numbers in [0, 1), most of them near 0, as of images of digits."""
        rng = np.random.default_rng(0)
        return rng.random((self.rows, self.features), dtype=np.float32) ** 4

    def settings(self) -> dict[str, Any]:
        """What lamina and scikit-learn call by the same name."""
        return {
            "n_components": self.units,
            "learning_rate": RATE,
            "batch_size": self.batch,
            "n_iter": self.epochs,
            "random_state": 0,
        }


CASES = {
    "64 × 100 units, batches of 10": (Case(1797, 64, 100, 10, 20), 5.0),
    "784 × 256 units, batches of 64": (Case(12_800, 784, 256, 64, 2), 2.4),
}
"""What is raced, and the multiple of scikit-learn's speed that lamina promises."""


def run(options: Options) -> Report:
    """Race both sizes; then compare what was learnt."""
    tables = []
    for name, (case, bound) in CASES.items():
        laps = race(contenders(case), options.rounds, options.budget)
        title = f"{name}: fit"
        table = race_table(title, "rows/s", laps, bound, against="scikit-learn")
        tables.append(table)
    return Report("rbm", "Restricted Boltzmann machines", [*tables, likelihoods()])


def contenders(case: Case) -> list[Contender]:
    """Lamina, and both rivals at every thread count."""
    settings = asdict(case)
    entrants = [Contender("lamina", f"{__name__}:lamina_task", settings)]
    for threads in thread_counts():
        cap = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        many = f"{threads} thread{'s' if threads > 1 else ''}"
        for name, task in (("scikit-learn", "sklearn_task"), ("PyTorch", "torch_task")):
            address = f"{__name__}:{task}"
            entrants.append(Contender(f"{name}, {many}", address, settings, cap))
    return entrants


def lamina_task(**settings) -> tuple[Task, int]:
    """A fit by lamina."""
    from lamina import BernoulliRBM

    case = Case(**settings)
    model, X = BernoulliRBM(**case.settings()), case.data()
    return lambda: model.fit(X), case.samples


def sklearn_task(**settings) -> tuple[Task, int]:
    """A fit by scikit-learn."""
    from sklearn.neural_network import BernoulliRBM

    case = Case(**settings)
    model, X = BernoulliRBM(**case.settings()), case.data()
    return lambda: model.fit(X), case.samples


def torch_task(**settings) -> tuple[Task, int]:
    """A fit by the loop that one writes."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    case = Case(**settings)
    X = torch.from_numpy(case.data())

    @torch.inference_mode()
    def fit() -> float:
        weight = 0.01 * torch.randn(case.features, case.units)
        a, b = torch.zeros(case.features), torch.zeros(case.units)
        h = torch.zeros(case.batch, case.units)
        for _ in range(case.epochs):
            for rows in torch.randperm(len(X)).split(case.batch):
                v = X[rows]
                p = torch.sigmoid(v @ weight + b)
                seen = torch.bernoulli(torch.sigmoid(h @ weight.T + a))
                q = torch.sigmoid(seen @ weight + b)
                rate = RATE / len(v)
                weight.addmm_(v.T, p, alpha=rate).addmm_(seen.T, q, alpha=-rate)
                a.add_(v.sum(0), alpha=rate).sub_(seen.sum(0), alpha=rate)
                b.add_(p.sum(0), alpha=rate).sub_(q.sum(0), alpha=rate)
                h = torch.bernoulli(q)
        return float(weight.mean())

    return fit, case.samples


def likelihoods() -> Table:
    """Pseudo-likelihood of digits under machines of both, with the same settings."""
    from sklearn.neural_network import BernoulliRBM as Peer

    from lamina import BernoulliRBM, data

    pixels = (data.load("digits").X / 16).astype(np.float32)
    how = {"n_components": 100, "learning_rate": RATE, "batch_size": 10, "n_iter": 20}
    found = {
        name: [
            pseudo_likelihood(cls(**how, random_state=seed).fit(pixels), pixels)
            for seed in SEEDS
        ]
        for name, cls in (("lamina", BernoulliRBM), ("scikit-learn", Peer))
    }
    rows = [
        Row(name, float(np.mean(of)), min(of), max(of)) for name, of in found.items()
    ]
    gap = float(np.mean(found["lamina"]) - np.mean(found["scikit-learn"]))
    claim = Claim("lamina − scikit-learn", gap, -SLACK)
    title = f"digits, 100 units, 20 epochs, {len(SEEDS)} seeds: pseudo-likelihood"
    return Table(title, "nats an example", rows, [claim])


def pseudo_likelihood(model: Any, X: np.ndarray) -> float:
    """Mean over examples of Σᵢ log P(vᵢ | the others), for v between 0 and 1 as well.

    log σ(F(ṽ) − F(v)) with ṽ = v but for 1 − vᵢ, as scikit-learn estimates it by one i.
    """
    W, a = np.asarray(model.components_.T, float), model.intercept_visible_
    z = X @ W + model.intercept_hidden_
    free = -X @ a - np.logaddexp(0, z).sum(axis=1)
    total = np.zeros(len(X))
    for i in range(X.shape[1]):
        change = (1 - 2 * X[:, i])[:, None]
        other = -X @ a - change[:, 0] * a[i]
        other = other - np.logaddexp(0, z + change * W[i]).sum(axis=1)
        total -= np.logaddexp(0, free - other)
    return float(total.mean())
