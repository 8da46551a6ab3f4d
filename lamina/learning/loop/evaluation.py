"""Evaluation: passes over examples in order, without training."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.learning.control.stopping import Record
from lamina.learning.data.bucketing import chunks
from lamina.learning.data.loader import Loader
from lamina.learning.loop.compiled_step import (
    compiled_attack,
    compiled_deltas,
    compiled_evaluate,
)
from lamina.learning.loop.side_by_side import own, pick, stack
from lamina.learning.objectives.objective import Batch, Objective
from lamina.networks.core.computing import computing
from lamina.networks.core.keys import Key


@dataclass(frozen=True)
class Validation:
    """Validation: held-out rows and how to score their outputs."""

    loader: Loader
    score: Callable[[Any], float]


def validate(objective: Objective, params: Any, validation: Validation) -> Record:
    """Return the loss and the score of held-out examples."""
    return validate_each([objective], params, [validation], [0])[0]


def validate_each(
    objectives: Sequence[Objective],
    params: Any,
    validations: Sequence[Validation | None],
    models: Sequence[int],
) -> dict[int, Record]:
    """Return losses and scores of some of n models.

    If all models share the held-out rows, they are evaluated together.
    """
    n = len(objectives)
    held = {i: one for i in models if (one := validations[i]) is not None}
    if not held:
        return {}
    loaders = [None if one is None else one.loader for one in validations]
    if any(loader is not loaders[0] for loader in loaders):
        return {
            i: validate(objectives[i], pick(params, i, n), one)
            for i, one in held.items()
        }
    parts = _evaluated(own(stack(objectives), n), own(params, n), loaders[0])
    found = {}
    for i, one in held.items():
        alone = [(rows, pick(part, i, n)) for rows, part in parts]
        found[i] = _record(objectives[i], one, alone)
    return found


def _evaluated(objective: Any, params: Any, loader: Any) -> list[tuple[Any, tuple]]:
    """Return (rows, (Σ w ℓ, Σ w, outputs)) of a loader, batch by batch."""
    return [
        (rows, compiled_evaluate(objective, params, data, order))
        for data, order, rows in in_order(loader)
    ]


def _record(
    objective: Objective, validation: Validation, parts: list[tuple[Any, tuple]]
) -> Record:
    losses = sum(float(loss) for _, (loss, _, _) in parts)
    weights = sum(float(weight) for _, (_, weight, _) in parts)
    outputs = [(rows, output) for rows, (_, _, output) in parts]
    measured = _measured_outputs(objective, validation.loader)
    found = _in_their_places(validation.loader, outputs)
    return {
        "validation_loss": float(losses) / max(float(weights), 1e-300) / measured,
        "score": validation.score(found),
    }


def _measured_outputs(objective: Objective, loader: Loader) -> int:
    """Return over how many outputs the loss is a mean: those with known targets."""
    mask = loader.dataset.mask
    if objective.outputs == 1 or mask is None:
        return objective.outputs
    known = mask[loader.rows] > 0
    return max(1, int(known.any(axis=tuple(range(known.ndim - 1))).sum()))


def deltas(objective: Objective, params: Any, loader: Loader) -> np.ndarray:
    """Return ‖∂ℓ/∂h‖₂ of every row of the loader, in order."""
    parts = [
        (rows, compiled_deltas(objective, params, data, order))
        for data, order, rows in in_order(loader)
    ]
    return _in_their_places(loader, parts)


def adversarial_examples(
    objective: Objective, params: Any, attack: Any, loader: Loader, key: Key
) -> Any:
    """Return adversarial inputs for every row of the loader.

    Parameters
    ----------
    objective : Objective
    params : its network's parameters
    attack : FGSM or PGD
    loader : Loader
    key : Key
        Random starts are derived from it.
    """
    words = key.fold_in("attack").words()
    with computing(loader.dataset.dtype):
        parts = [
            (rows, compiled_attack(objective, params, attack, *data, words, block))
            for block, (*data, rows) in enumerate(in_order(loader))
        ]
        return _in_their_places(loader, parts)


def in_order(loader: Loader) -> Iterable[tuple[Batch, np.ndarray, np.ndarray]]:
    """Yield (data, order, row positions in the loader): all rows once.

    Rows come in order; sequences are grouped by similar length.
    """
    key, n = Key(0), len(loader.rows)
    if loader.dataset.ragged:
        for rows, size in chunks(loader.dataset.x.lengths[loader.rows]):
            taken = np.full(size, loader.dataset.n, np.int32)
            taken[: len(rows)] = loader.rows[rows]
            yield loader.dataset.block(taken), np.arange(size)[None], rows
        return
    # Without shuffling, so the key is never used.
    loader = loader.in_order()
    if loader.dataset.resident:
        yield loader.dataset.device, loader.order(key, 0, 1)[0], np.arange(n)
        return
    first = 0
    for data, order, _ in loader.blocks(key, 0):
        yield data, order[0], np.arange(first, min(n, first + order[0].size))
        first += order[0].size


def _in_their_places(loader: Loader, parts: list[tuple[np.ndarray, Any]]) -> Any:
    """Return the outputs in the loader's order; for steps as a list of arrays."""
    if not loader.dataset.ragged:
        return np.concatenate([np.asarray(o) for _, o in parts])[: len(loader.rows)]
    found: list[Any] = [None] * len(loader.rows)
    for rows, outputs in parts:
        # `strict=False`: outputs of padding follow those of the rows.
        for row, output in zip(rows, np.asarray(outputs), strict=False):
            found[row] = output
    if found[0].ndim < 2:
        return np.stack(found)
    lengths = loader.dataset.x.lengths[loader.rows]
    return [output[:n] for output, n in zip(found, lengths, strict=True)]
