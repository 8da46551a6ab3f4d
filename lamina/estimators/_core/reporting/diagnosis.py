"""Health of a fitted network: figures of its layers, and one sentence of advice."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.learning.diagnostics.recorder import FIGURES
from lamina.networks import Rescale

# ---- what an estimator keeps --------------------------------------------------------


def settled_records(estimator: Any) -> dict[str, np.ndarray]:
    """Return all records of a fitted estimator; figures are computed now if need be."""
    recorder = estimator._recorder
    if recorder is not None and recorder.kept:
        estimator._diagnostics = recorder.plain()
    records = vars(estimator).get("_diagnostics")
    return _nothing() if records is None else records


def _nothing() -> dict[str, np.ndarray]:
    none = np.zeros(0)
    plain = {"epoch": none.astype(int), "loss": none, "contrast": none, "scale": none}
    return plain | {"figures": np.zeros((0, 0, len(FIGURES)))}


# ---- advice -------------------------------------------------------------------------

LARGE = 100.0
"""An input column of this size is too large for any usual start."""

UNEVEN, UNEVEN_LARGE = 30.0, 10.0
"""So is one that is so many times as large as the typical one, from this size on."""

CONSTANT = 0.02
"""Outputs that vary by less than this share of what the targets do are all the same."""

FADING, FADED = 0.35, 0.01
"""δ fades if each layer leaves so much of it, and all layers together so much."""

MANY_DEAD, SOME_DEAD = 0.9, 0.5
MANY_SATURATED = 0.5

STEADY_EPOCHS = 10
"""Shorter runs are not judged by their loss."""

SLOW = 3e-4
"""Weights that move by less of their size an epoch hardly move."""


@dataclass(frozen=True)
class Case:
    """What there is to judge by; ``figures`` are (records, layers)."""

    losses: list[float]
    since_start: bool
    stop_reason: str
    rate: float | None
    columns: list[str]
    activations: list[str]
    scale: np.ndarray
    probe_losses: np.ndarray
    contrast: float
    figures: dict[str, np.ndarray]

    @property
    def fall(self) -> float:
        """By which share the loss has fallen since the start.

        That of the probe, from before the first step on; a run that was taken up from
        a checkpoint knows only how the loss of its epochs went.
        """
        losses = self.probe_losses if self.since_start else self.losses
        start, end = float(losses[0]), float(losses[-1])
        # 1e-300: a loss may start at 0.
        return (start - end) / max(abs(start), 1e-300)

    @property
    def stuck(self) -> bool:
        """Whether all examples get the same answer."""
        return self.contrast < CONSTANT

    def last(self, name: str) -> np.ndarray:
        """Return a figure of the last record, one number a layer."""
        return self.figures[name][-1]


def advise(case: Case) -> str | None:
    """Return one sentence about what is most likely wrong, None if nothing is."""
    return next((text for rule in RULES if (text := rule(case))), None)


def unscaled(case: Case) -> str | None:
    """Inputs of very different size: the large ones alone decide for long."""
    scale = case.scale
    present = scale[scale > 0]
    if not len(present):
        return None
    largest, typical = float(scale.max()), float(np.median(present))
    uneven = largest > UNEVEN_LARGE and largest > UNEVEN * typical
    if not uneven and largest <= LARGE:
        return None
    big, small = (
        int(np.argmax(scale)),
        int(np.argmin(np.where(scale > 0, scale, np.inf))),
    )
    beside = (
        f", {case.columns[small]} around {scale[small]:.3g}" if small != big else ""
    )
    return (
        f"the inputs are not scaled: {case.columns[big]} has values around "
        f"{largest:.3g}{beside}; put a StandardScaler before the network."
    )


def diverged(case: Case) -> str | None:
    """Steps that lead ever further away."""
    if case.stop_reason != "diverged":
        return None
    return f"the loss grew without bounds: {_rate(case)} is too high; try a tenth."


def fading(case: Case) -> str | None:
    """Too many layers that each shrink δ: those at the bottom do not learn."""
    deltas = case.last("delta")
    layers = len(deltas) - 1
    if layers < 3 or not case.stuck or not deltas[-1] > 0:
        return None
    left = deltas[0] / deltas[-1]
    factor = left ** (1 / layers)
    if factor > FADING or left > FADED:
        return None
    names = "/".join(dict.fromkeys(case.activations[:-1]))
    return (
        f"the lower layers do not learn: from layer {layers + 1} down to layer 1 δ "
        f"shrinks to {factor:.2g} of itself a layer ({left:.1g} in all); take fewer "
        f"hidden layers, or relu instead of {names}."
    )


def dead(case: Case) -> str | None:
    """Rectified units that are never on, and so never learn."""
    share, first = case.last("dead"), case.figures["dead"][0]
    many = (share >= MANY_DEAD) | ((share >= SOME_DEAD) & (share >= first + 0.3))
    if not np.any(many):
        return None
    layer = int(np.argmax(np.where(many, share, -1)))
    born = first[layer] >= SOME_DEAD
    remedy = "other initial weights (init)" if born else "a smaller learning rate"
    return (
        f"{share[layer]:.0%} of the ReLU units in layer {layer + 1} are dead: try "
        f"activation=leaky_relu or {remedy}."
    )


def saturated(case: Case) -> str | None:
    """Units at the ends of their range, where φ′ is nearly 0, and a loss still high."""
    share = case.last("saturated")[:-1]
    if case.fall > 0.5 or not np.any(share >= MANY_SATURATED):
        return None
    layer = int(np.nanargmax(share))
    return (
        f"{share[layer]:.0%} of the {case.activations[layer]} units of layer "
        f"{layer + 1} are saturated and hardly learn; try smaller inputs, smaller "
        "initial weights or a lower learning rate."
    )


def too_high(case: Case) -> str | None:
    """Steps that are too long: the loss rises, or jumps about."""
    losses = np.array(case.losses)
    if case.rate is None or len(losses) < STEADY_EPOCHS:
        return None
    ups = np.maximum(0, np.diff(losses[-STEADY_EPOCHS:]))
    if case.fall > -0.2 and np.sum(ups) < 0.5 * abs(losses[0]):
        return None
    what = "the loss has risen" if case.fall <= -0.2 else "the loss jumps up and down"
    return f"{what}: {_rate(case)} is too high; try a third of it."


def too_low(case: Case) -> str | None:
    """Steps that are too short to come anywhere."""
    updates = case.figures["update"]
    if case.rate is None or len(case.losses) < STEADY_EPOCHS or len(updates) < 2:
        return None
    fastest = float(np.nanmax(updates))
    if case.fall > 0.1 or fastest > SLOW:
        return None
    return (
        f"the weights hardly move, by {fastest:.1g} of their size an epoch: "
        f"{_rate(case)} is too low; try ten times as much."
    )


def flat(case: Case) -> str | None:
    """A loss that does not fall, and nothing else to see."""
    losses = case.losses
    if len(losses) < STEADY_EPOCHS or not case.stuck or case.fall > 0.5:
        return None
    if losses[-1] < 0.99 * losses[len(losses) // 2]:
        return None  # it is on its way
    return (
        "all examples get nearly the same answer; check that the targets belong to "
        "their rows, and try another learning rate or network."
    )


RULES = (unscaled, diverged, too_high, fading, dead, saturated, too_low, flat)
"""In the order of causes: what comes first may be the reason for what follows."""


def _rate(case: Case) -> str:
    given = case.rate is not None and math.isfinite(case.rate)
    return f"the learning rate {case.rate:g}" if given else "the step"


def case_of(estimator: Any, algorithm: Any) -> Case | None:
    """Return what is known of a fitted estimator, None if nothing was recorded."""
    plain = settled_records(estimator)
    if not len(plain["epoch"]):
        return None
    features = getattr(estimator, "feature_names_in_", None)
    numbers = [f"column {i}" for i in range(len(plain["scale"]))]
    layers = [layer for layer, _ in estimator.network_.walk(estimator.params_)]
    return Case(
        losses=list(estimator.history_.get("loss", ())),
        since_start=not plain["epoch"][0] or not estimator.history_.get("loss"),
        stop_reason=estimator.stop_reason_,
        rate=algorithm.rate,
        columns=numbers if features is None else [f"column {f!r}" for f in features],
        activations=[str(a.activation) for a in layers if a.activation is not None],
        scale=np.zeros(0) if _rescales(estimator.network_) else plain["scale"],
        probe_losses=plain["loss"],
        contrast=float(plain["contrast"][-1]),
        figures={n: plain["figures"][:, :, i] for i, n in enumerate(FIGURES)},
    )


def _rescales(network: Any) -> bool:
    """Whether the network scales its inputs itself."""
    first = network.layers[0]
    return isinstance(first, Rescale) and (first.shift, first.factor) != (0, 1)
