"""Passes over examples in their order, in which nothing is learnt."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.learning.feed import Feed
from lamina.learning.objective import Objective
from lamina.learning.program import (
    compiled_attack,
    compiled_deltas,
    compiled_evaluate,
)
from lamina.learning.stopping import Record
from lamina.networks.keys import Key


@dataclass(frozen=True)
class Validation:
    """The validation pass: held-out rows and how to score the outputs for them."""

    feed: Feed
    score: Callable[[np.ndarray], float]


def validate(objective: Objective, params: Any, validation: Validation) -> Record:
    """Return the loss and the score of held-out examples."""
    feed = validation.feed
    losses, weights, outputs = [], [], []
    for data, order in in_order(feed):
        loss, weight, output = compiled_evaluate(objective, params, data, order)
        losses.append(loss)
        weights.append(weight)
        outputs.append(output)
    output = np.concatenate([np.asarray(o) for o in outputs])[: len(feed.rows)]
    weight = max(float(sum(map(float, weights))), 1e-300)
    loss = float(sum(map(float, losses))) / weight
    return {"validation_loss": loss, "score": validation.score(output)}


def deltas(objective: Objective, params: Any, feed: Feed) -> np.ndarray:
    """Return ‖∂ℓ/∂h‖₂ of every row of the feed, in order."""
    parts = [
        np.asarray(compiled_deltas(objective, params, data, order))
        for data, order in in_order(feed)
    ]
    return np.concatenate(parts)[: len(feed.rows)]


def attacked(
    objective: Objective, params: Any, attack: Any, feed: Feed, key: Key
) -> np.ndarray:
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
    parts = [
        np.asarray(compiled_attack(objective, params, attack, *one, words, block))
        for block, one in enumerate(in_order(feed))
    ]
    return np.concatenate(parts)[: len(feed.rows)]


def in_order(feed: Feed) -> Iterable[tuple]:
    """Yield (data, order) that visit all rows once, in order."""
    key, feed = Key(0), feed.in_order()
    if feed.examples.resident:
        yield feed.examples.device, feed.order(key, 0, 1)[0]
    else:
        for data, order, _ in feed.blocks(key, 0):
            yield data, order[0]
