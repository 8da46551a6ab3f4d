"""Diagnostics of a network during training.

A *probe*, a few training examples, is sent forward and backward through the network
from time to time, and statistics of each layer are recorded. The statistics need their
own compiled program, which takes longer to compile than a small network takes to train.
So the first records of a run only keep the weights, and their statistics are computed
on demand; a long run computes them as it goes.
"""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.data.bucketing import STEPS_AT_ONCE, padded_time
from lamina.learning.data.dataset import Dataset
from lamina.learning.data.loader import Loader
from lamina.learning.objectives.objective import Batch, Objective, total_weight
from lamina.learning.parallel.compilation import Compiled, count_compilation
from lamina.networks.core.computing import computing
from lamina.networks.core.flops import flops
from lamina.networks.core.layer import Activated
from lamina.networks.core.masking import Sequences

PROBE_ROWS = 64
PROBE_NUMBERS = 2**22
"""Maximum size of the probe in numbers: wide examples make for fewer rows."""

SECONDS_PER_STEP, FLOPS = 2e-6, 1e11
"""A fast computer. The interval of records follows from the sizes alone, not from a
clock, so the same run has the same records everywhere, and nowhere too many."""

INTERVAL = 0.01
"""Seconds of training on that computer from one record to the next."""

PROBE_SHARE = 1 / 30
"""Maximum cost of a record as a fraction of the training since the last one."""

LONG = 1.0
"""Seconds of training on that computer after which statistics are computed at once."""

MOST_KEPT = 16
KEPT_BYTES = 4 * 2**20
"""Limits on the weights that are kept until then. If there are more records, every
other one is dropped."""

FIGURES = ("variance", "delta", "update", "saturated", "dead")

_SLOPES = {"logistic": lambda a: 4 * a * (1 - a), "tanh": lambda a: 1 - a * a}
"""φ′(h) as a fraction of its maximum, from a = φ(h)."""

FLAT = 0.05
NEARLY_ALL = 0.95


def probe_pass(
    objective: Objective, params: Any, batch: Batch
) -> tuple[Any, list[tuple[Any, Any]]]:
    """Return the mean loss of a batch, and (a, δ) of every layer with pre-activations.

    Equations
    ---------
        δᵢ = ∂ℓᵢ/∂h      of each example i, in inference mode, without penalties

    Shapes
    ------
    a and δ (batch, …, units). δ is 0 for examples of weight 0.
    """
    count_compilation()
    network = objective.network

    def total(shifts: Any) -> Any:
        trace = network.trace(params, batch.x, shifts=shifts)
        return objective.total_loss(trace[-1].h, batch), [s.a for s in trace]

    nets = [s.h for s in jax.eval_shape(lambda: network.trace(params, batch.x))]
    # The derivative by a shift of h at 0 is δ: one backward pass gives the δ of all
    # layers.
    zeros = [None if h is None else jnp.zeros(h.shape, h.dtype) for h in nets]
    (loss, a), deltas = jax.value_and_grad(total, has_aux=True)(zeros)
    pairs = zip(a, deltas, strict=True)
    return loss / total_weight(batch), [pair for pair in pairs if pair[1] is not None]


compiled_pass = Compiled(probe_pass)


class Record(NamedTuple):
    """Statistics of the network after an epoch.

    ``loss`` is that of the probe; ``contrast`` is the variance of the outputs relative
    to that of the targets; ``figures`` (layers, 5) are in the order of :data:`FIGURES`.
    """

    epoch: int
    loss: float
    contrast: float
    figures: np.ndarray


def layer_figures(name: str, a: np.ndarray, delta: np.ndarray) -> dict[str, float]:
    """Return a layer's statistics for the probe, all but ``update``.

    Equations
    ---------
        variance   mean over units of Varᵢ(aᵢ)
        delta      √(Σᵢ ‖δᵢ‖² / n)
        saturated  share of units with |φ′(h)| < 0.05 max |φ′| for 95 % of the examples
        dead       share of units with a = 0 for all examples

    ``saturated`` is for logistic and tanh units, ``dead`` for relu; both are NaN for
    others.

    Parameters
    ----------
    name : str
        Name of φ.
    a, delta : ndarray (n, …, units)
        Activations, and error signals of each example.
    """
    a, delta = (np.asarray(part).reshape(len(part), -1) for part in (a, delta))
    saturated = dead = math.nan
    if slope := _SLOPES.get(name):
        flat = np.mean(slope(a) < FLAT, axis=0)
        saturated = float(np.mean(flat >= NEARLY_ALL))
    if name == "relu":
        dead = float(np.mean(np.all(a == 0, axis=0)))
    return {
        "variance": float(np.mean(np.var(a, axis=0))),
        "delta": math.sqrt(np.sum(np.square(delta, dtype=np.float64)) / len(delta)),
        "saturated": saturated,
        "dead": dead,
    }


def contrast(a: np.ndarray, y: np.ndarray) -> float:
    """Return Σⱼ Varᵢ(aᵢⱼ) / Σⱼ Varᵢ(yᵢⱼ): 0 if all examples get the same output.

    Shapes: a (n, outputs); y the same, NaN where a target is missing, or (n,) class
    numbers. The result is NaN if all targets are equal or of another shape.
    """
    if y.ndim == 1 and a.ndim == 2:
        y = np.eye(a.shape[1])[y.astype(int)]
    if y.shape != a.shape:
        return math.nan
    known = ~np.all(np.isnan(y), axis=0)
    targets = float(np.sum(np.nanvar(y[:, known].astype(np.float64), axis=0)))
    outputs = float(np.sum(np.var(a[:, known].astype(np.float64), axis=0)))
    return outputs / targets if targets > 0 else math.nan


def relative_update(new: Any, old: Any, epochs: int) -> float:
    """Return ‖θ − θ′‖ / (‖θ‖ · epochs): a layer's relative update per epoch."""
    pairs = zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True)
    moved = math.hypot(*(_norm(np.subtract(n, o)) for n, o in pairs))
    size = math.hypot(*map(_norm, jax.tree.leaves(new)))
    # All weights may be 0.
    return moved / max(size, 1e-300) / epochs


def _norm(array: Any) -> float:
    return float(np.linalg.norm(np.asarray(array, np.float64)))


def take_probe(loader: Loader) -> Batch:
    """Return a loader's probe: equally spaced rows, as data are often sorted.

    Rows of weight 0 do not affect training and are left out. The probe is padded with
    such rows to a fixed number, so that all fits of a structure share one program.
    """
    examples = loader.dataset
    rows = loader.rows[examples.weight[loader.rows] > 0]
    if examples.ragged:
        return _of_sequences(examples, rows)
    numbers = max(1, examples.inputs.numbers)
    size = max(1, min(PROBE_ROWS, PROBE_NUMBERS // numbers))
    batch = _probe_of(examples, rows, size)
    return batch._replace(
        x=jax.tree.map(lambda x: x.astype(examples.dtype, copy=False), batch.x)
    )


def _of_sequences(examples: Dataset, rows: np.ndarray) -> Batch:
    """Return a probe of sequences, without the longest: padding to them is costly."""
    lengths = examples.x.lengths[rows]
    usual = np.quantile(lengths, 0.9) if len(rows) else 1
    rows = rows[lengths <= usual]
    size = int(np.clip(STEPS_AT_ONCE // padded_time(usual), 1, PROBE_ROWS))
    return _probe_of(examples, rows, size)


def _probe_of(examples: Dataset, rows: np.ndarray, size: int) -> Batch:
    """Return ``size`` of the rows, equally spaced, each of weight 1."""
    n = min(size, len(rows))
    batch = examples.padded(rows[_spread(len(rows), n)], size)
    return batch._replace(weight=(np.arange(size) < n).astype(examples.dtype))


def _spread(n: int, some: int) -> np.ndarray:
    """Return equally spaced ones of n numbers."""
    return np.linspace(0, max(0, n - 1), some).astype(int)


@dataclass
class Recorder:
    """The records of a run.

    Parameters
    ----------
    objective : Objective
    probe : Batch
        NumPy arrays, padded with rows of weight 0 to a fixed number.
    names : list of str
        Activation of every layer with statistics.
    seconds : float
        Duration of an epoch on the computer of :data:`FLOPS`.
    every : int
        Epochs from one record to the next.
    most_kept : int
        Maximum number of weights to keep.
    records : list of Record
        The oldest come first.
    kept : list of (epoch, parameters)
        Records whose statistics are not yet computed.
    before : tuple (epoch, parameters), optional
        The weights of the last record with statistics.
    """

    objective: Objective
    probe: Batch
    names: list[str]
    seconds: float
    every: int
    most_kept: int
    records: list[Record] = field(default_factory=list)
    kept: list[tuple[int, Any]] = field(default_factory=list)
    before: tuple[int, Any] | None = None

    @classmethod
    def of(cls, objective: Objective, loader: Loader, params: Any) -> "Recorder":
        """Return a recorder with a probe of the loader's rows."""
        probe = take_probe(loader)
        leaves = jax.tree.leaves(params)
        size = sum(map(np.size, leaves))
        # A backward pass costs about twice a forward pass.
        each = 3 * flops(objective.network, params, loader.dataset.shape) / FLOPS
        seconds = loader.steps * SECONDS_PER_STEP + len(loader.rows) * each
        interval = max(INTERVAL, len(probe.weight) * each / PROBE_SHARE)
        every, most_a_call = math.ceil(interval / seconds), loader.epochs_per_call
        if every > most_a_call:  # multiples of a call: records must not split calls
            every = most_a_call * math.ceil(every / most_a_call)
        most = KEPT_BYTES // max(1, size * leaves[0].dtype.itemsize)
        return cls(
            objective,
            probe,
            [str(layer.activation) for layer, _ in _with_figures(objective, params)],
            seconds,
            every=every,
            most_kept=min(max(2, most), MOST_KEPT),
        )

    @property
    def rows(self) -> int:
        """Number of examples in the probe."""
        return int(np.count_nonzero(self.probe.weight))

    def begin(self, epoch: int, params: Any) -> None:
        """Take the record before the first epoch of a new or resumed run."""
        self.forget(epoch)
        self.keep(epoch, params)

    def until_due(self, epoch: int) -> int:
        """Return the number of epochs from this one to the next record."""
        return self.every - epoch % self.every

    def note(self, epoch: int, params: Any) -> None:
        """Take a record after an epoch, if one is due."""
        if epoch % self.every == 0:
            self.keep(epoch, params)

    def keep(self, epoch: int, params: Any) -> None:
        """Take a record; compute its statistics only in a long run."""
        if self.kept and self.kept[-1][0] == epoch:
            return
        self.kept.append((epoch, params))
        if epoch * self.seconds >= LONG:
            self.settle()
        elif len(self.kept) > self.most_kept:
            self.kept[1:-1] = self.kept[2:-1:2]  # the first and the last one stay
            self.every *= 2

    def end(self, epoch: int, params: Any) -> None:
        """Take the record after the last epoch; do not keep large weights for it."""
        self.keep(epoch, params)
        if sum(leaf.nbytes for leaf in jax.tree.leaves(params)) > KEPT_BYTES:
            self.settle()
            self.before = None

    def forget(self, epoch: int) -> None:
        """Drop the records after this epoch: later epochs were undone."""
        self.kept = [kept for kept in self.kept if kept[0] <= epoch]
        self.records = [record for record in self.records if record.epoch <= epoch]

    def settle(self) -> None:
        """Compute the statistics of all records."""
        for epoch, params in self.kept:
            if not self.records or epoch > self.records[-1].epoch:
                self.records.append(self._record(epoch, params))
            self.before = epoch, params
        self.kept = []

    def _record(self, epoch: int, params: Any) -> Record:
        with computing(self.probe.weight.dtype):
            loss, layers = compiled_pass(self.objective, params, self.probe)
        with np.errstate(all="ignore"):  # the weights of a diverged run overflow
            return self._measured(epoch, params, float(loss), layers)

    def _measured(self, epoch: int, params: Any, loss: float, layers: Any) -> Record:
        rows, figures = max(1, self.rows), []
        layers = [[np.asarray(array)[:rows] for array in pair] for pair in layers]
        updates = self._updates(epoch, params)
        for name, (a, delta), update in zip(self.names, layers, updates, strict=True):
            found = layer_figures(name, a, delta) | {"update": update}
            figures.append([found[key] for key in FIGURES])
        y, mask = self.probe.y[:rows], self.probe.mask
        if mask is not None:
            y = np.where(mask[:rows] > 0, y, np.nan)
        spread = contrast(layers[-1][0], y)
        return Record(epoch, loss, spread, np.array(figures))

    def _updates(self, epoch: int, params: Any) -> list[float]:
        """Return the relative update of each layer since the last record."""
        if self.before is None:
            return [math.nan] * len(self.names)
        new = _with_figures(self.objective, params)
        old = _with_figures(self.objective, self.before[1])
        epochs = epoch - self.before[0]
        return [
            relative_update(now, then, epochs)
            for (_, now), (_, then) in zip(new, old, strict=True)
        ]

    def get_state(self) -> dict[str, Any]:
        """Return the state for a checkpoint, from which the records continue."""
        return {
            "every": self.every,
            "records": [tuple(record) for record in self.records],
            "kept": list(self.kept),
            "before": self.before,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from the state that :meth:`get_state` returned.

        Raises
        ------
        ValueError
            If the state is corrupt.
        """
        every, before = state["every"], state["before"]
        records = [Record(*record) for record in state["records"]]
        kept = [(epoch, params) for epoch, params in state["kept"]]
        weights = [*kept, *([] if before is None else [before])]
        readable = type(every) is int and every > 0
        readable = readable and all(map(self._fits_record, records))
        if not (readable and all(self._fits_weights(*pair) for pair in weights)):
            raise ValueError("the diagnostic records are corrupt")
        self.every, self.before, self.records, self.kept = every, before, records, kept

    def _fits_record(self, record: Record) -> bool:
        figures = record.figures
        fits = isinstance(figures, np.ndarray) and figures.dtype == np.float64
        fits = fits and figures.shape == (len(self.names), len(FIGURES))
        numbers = type(record.loss) is type(record.contrast) is float
        return fits and numbers and type(record.epoch) is int

    def _fits_weights(self, epoch: Any, params: Any) -> bool:
        """Whether weights have the shapes and types of those kept at the beginning."""
        known = jax.tree.structure(params), _shapes(params)
        now = [(jax.tree.structure(own), _shapes(own)) for _, own in self.kept[-1:]]
        return type(epoch) is int and all(known == own for own in now)

    def plain(self) -> dict[str, np.ndarray]:
        """Return all records, and the scales of the probe's inputs, as arrays."""
        self.settle()
        records = self.records
        return {
            "epoch": np.array([r.epoch for r in records], np.int64),
            "loss": np.array([r.loss for r in records], np.float64),
            "contrast": np.array([r.contrast for r in records], np.float64),
            "figures": np.reshape(
                [r.figures for r in records], (-1, len(self.names), 5)
            ),
            "scale": scales(self.probe),
        }


def _shapes(tree: Any) -> list[tuple]:
    """Return shape and type of every leaf, None for those that are not arrays."""
    leaves = jax.tree.leaves(tree)
    return [(getattr(a, "shape", None), getattr(a, "dtype", None)) for a in leaves]


def _with_figures(objective: Objective, params: Any) -> list[tuple[Any, Any]]:
    """Return (layer, parameters) of every layer with pre-activations."""
    return [
        pair
        for pair in objective.network.walk(params)
        if isinstance(pair[0], Activated)
    ]


def scales(probe: Batch) -> np.ndarray:
    """Return √(meanᵢ xᵢⱼ²) of each feature j; for images, over all values."""
    if isinstance(probe.x, Sequences):
        x = probe.x.values[np.asarray(probe.x.mask)].astype(np.float64)
    else:
        x = probe.x[probe.weight > 0].astype(np.float64)
        x = x if x.ndim == 2 else x.reshape(-1, 1)
    return np.sqrt(np.mean(x * x, axis=0))


def records_of(plain: dict[str, np.ndarray]) -> list[Record]:
    """Return the records that :meth:`Recorder.plain` stored."""
    rows = (plain[name].tolist() for name in ("epoch", "loss", "contrast"))
    return [Record(*row) for row in zip(*rows, plain["figures"], strict=True)]


def table(plain: dict[str, np.ndarray]) -> dict[str, list]:
    """Return statistics as columns of equal length, one row per record and layer.

    Layers are counted from 1; those without units (Dropout) are left out.
    """
    records, layers, _ = plain["figures"].shape
    columns = np.moveaxis(plain["figures"], -1, 0).reshape(len(FIGURES), -1)
    return {
        "epoch": np.repeat(plain["epoch"], layers).tolist(),
        "layer": np.tile(np.arange(1, layers + 1), records).tolist(),
        **dict(zip(FIGURES, columns.tolist(), strict=True)),
    }
