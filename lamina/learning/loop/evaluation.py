"""Passes over examples in their order, in which nothing is learnt."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.learning.control.stopping import Record
from lamina.learning.data.bucketing import chunks
from lamina.learning.data.loader import Feed
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
    """The validation pass: held-out rows and how to score the outputs for them."""

    feed: Feed
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
    """Return losses and scores of some of n models side by side.

    Those that are held out are the same for all models, and evaluated together, or each
    has its own.
    """
    n = len(objectives)
    held = {i: one for i in models if (one := validations[i]) is not None}
    if not held:
        return {}
    feeds = [None if one is None else one.feed for one in validations]
    if any(feed is not feeds[0] for feed in feeds):
        return {
            i: validate(objectives[i], pick(params, i, n), one)
            for i, one in held.items()
        }
    parts = _evaluated(own(stack(objectives), n), own(params, n), feeds[0])
    found = {}
    for i, one in held.items():
        alone = [(rows, pick(part, i, n)) for rows, part in parts]
        found[i] = _record(objectives[i], one, alone)
    return found


def _evaluated(objective: Any, params: Any, feed: Any) -> list[tuple[Any, tuple]]:
    """Return (rows, (Σ w ℓ, Σ w, outputs)) of a feed, batch by batch."""
    return [
        (rows, compiled_evaluate(objective, params, data, order))
        for data, order, rows in in_order(feed)
    ]


def _record(
    objective: Objective, validation: Validation, parts: list[tuple[Any, tuple]]
) -> Record:
    losses = sum(float(loss) for _, (loss, _, _) in parts)
    weights = sum(float(weight) for _, (_, weight, _) in parts)
    outputs = [(rows, output) for rows, (_, _, output) in parts]
    measured = _measured_outputs(objective, validation.feed)
    found = _in_their_places(validation.feed, outputs)
    return {
        "validation_loss": float(losses) / max(float(weights), 1e-300) / measured,
        "score": validation.score(found),
    }


def _measured_outputs(objective: Objective, feed: Feed) -> int:
    """Return over how many outputs the loss is a mean: those of which rows know any."""
    mask = feed.examples.mask
    if objective.outputs == 1 or mask is None:
        return objective.outputs
    known = mask[feed.rows] > 0
    return max(1, int(known.any(axis=tuple(range(known.ndim - 1))).sum()))


def deltas(objective: Objective, params: Any, feed: Feed) -> np.ndarray:
    """Return ‖∂ℓ/∂h‖₂ of every row of the feed, in order."""
    parts = [
        (rows, compiled_deltas(objective, params, data, order))
        for data, order, rows in in_order(feed)
    ]
    return _in_their_places(feed, parts)


def attacked(
    objective: Objective, params: Any, attack: Any, feed: Feed, key: Key
) -> Any:
    """Return the inputs of every row of the feed, moved to where they are most wrong.

    Parameters
    ----------
    objective : Objective
    params : its network's parameters
    attack : FGSM or PGD
    feed : Feed
    key : Key
        Random starts derive from it.
    """
    words = key.fold_in("attack").words()
    with computing(feed.examples.dtype):
        parts = [
            (rows, compiled_attack(objective, params, attack, *data, words, block))
            for block, (*data, rows) in enumerate(in_order(feed))
        ]
        return _in_their_places(feed, parts)


def in_order(feed: Feed) -> Iterable[tuple[Batch, np.ndarray, np.ndarray]]:
    """Yield (data, order, which rows of the feed they are): all rows once.

    Rows come in their order; sequences with those of similar lengths.
    """
    key, n = Key(0), len(feed.rows)
    if feed.examples.ragged:
        for rows, size in chunks(feed.examples.x.lengths[feed.rows]):
            taken = np.full(size, feed.examples.n, np.int32)
            taken[: len(rows)] = feed.rows[rows]
            yield feed.examples.block(taken), np.arange(size)[None], rows
        return
    feed = feed.in_order()
    if feed.examples.resident:
        yield feed.examples.device, feed.order(key, 0, 1)[0], np.arange(n)
        return
    first = 0
    for data, order, _ in feed.blocks(key, 0):
        yield data, order[0], np.arange(first, min(n, first + order[0].size))
        first += order[0].size


def _in_their_places(feed: Feed, parts: list[tuple[np.ndarray, Any]]) -> Any:
    """Return what came out for each row of the feed; for steps as a list of arrays."""
    if not feed.examples.ragged:
        return np.concatenate([np.asarray(o) for _, o in parts])[: len(feed.rows)]
    found: list[Any] = [None] * len(feed.rows)
    for rows, outputs in parts:
        for row, output in zip(rows, np.asarray(outputs), strict=False):
            found[row] = output
    if found[0].ndim < 2:
        return np.stack(found)
    lengths = feed.examples.x.lengths[feed.rows]
    return [output[:n] for output, n in zip(found, lengths, strict=True)]
