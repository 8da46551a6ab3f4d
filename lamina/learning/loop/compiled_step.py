"""The compiled part of the training loop: a pure function of arrays.

One program serves every fit of a structure: the numbers in descriptions are traced
leaves, rows are padded to few sizes, and the numbers of epochs and steps are traced
too. Many models can train side by side in one program.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lamina.learning.data.loader import MAX_EPOCHS_PER_CALL
from lamina.learning.loop.side_by_side import mapped, row_axes
from lamina.learning.objectives.objective import Batch, Objective
from lamina.learning.parallel.compilation import Compiled, count_compilation
from lamina.learning.parallel.mesh import EVERYWHERE, by_rows, on_each
from lamina.networks.core.keys import device_key
from lamina.networks.core.masking import values_of, with_values
from lamina.networks.core.random_bits import fold_in
from lamina.networks.core.sparse import map_rows


class Work(NamedTuple):
    """The steps of a call.

    Parameters
    ----------
    order : int array (epochs per call, steps, batch) or None
        Row numbers of each batch; None for one batch of all examples.
    epochs : int
        Number of epochs to run.
    begin, end : int
        The steps of each epoch to run: from ``begin`` to before ``end``.
    key : uint32 array (2,)
        Words of the run's key; a step's key is ``fold_in(epoch, step)`` of it.
    first_epoch, first_step : int
        Numbers of ``order[0]`` and of ``order[0, 0]`` in the run, for the keys.
    limits : dict of float
        Training stops after the first epoch in which the mean of a reported number is
        at or below its limit; numbers that the algorithm does not report are ignored.
    """

    order: Any
    epochs: Any
    begin: Any
    end: Any
    key: Any
    first_epoch: Any
    first_step: Any
    limits: dict[str, Any]


def train(
    objective: Objective,
    algorithm: Any,
    params: Any,
    state: Any,
    data: Batch,
    work: Work,
) -> tuple[Any, Any, dict[str, Any]]:
    """Train one model, or many side by side, for some epochs.

    Parameters
    ----------
    objective, algorithm : descriptions
    params, state : pytrees
        The parameters and the algorithm's state.
    data : Batch
        Examples on the device; with ``objective.shards``, each device has a shard of
        every batch, and the order counts the rows of a shard.
    work : Work

    With many models, each has its own value of every leaf marked by
    :class:`lamina.learning.loop.side_by_side.Own`.

    Returns
    -------
    params, state, sums
        sums[name] (epochs per call,): each number that the algorithm reports, times its
        batch's weight and summed over the epoch; ``sums["weight"]``: the weights. NaN
        for epochs that did not run. With many models, all have one more axis.
    """
    count_compilation()
    args, run = (objective, algorithm, params, state, data, work), mapped(_train)
    if objective.shards is None:
        return run(*args)
    rows = row_axes(data, by_rows(0), by_rows(1))
    seen = tuple([rows if arg is data else EVERYWHERE for arg in args])
    return on_each(run, objective.shards.devices, seen)(*args)


def _train(
    objective: Objective,
    algorithm: Any,
    params: Any,
    state: Any,
    data: Batch,
    work: Work,
) -> tuple[Any, Any, dict[str, Any]]:
    """Train one model as in :func:`train`; ``data`` is this device's shard."""
    key, order = device_key(work.key), work.order

    def take_step(epoch: Any, step: Any, carry: Any) -> Any:
        params, state, sums = carry
        batch = data if order is None else _take(data, order[epoch, step])
        epoch_key = fold_in(key, work.first_epoch + epoch)
        step_key = fold_in(epoch_key, work.first_step + step)
        before = params
        params, state, report = algorithm.update(
            objective, params, state, batch, step_key
        )
        # First-order methods report the loss before their step, others after it.
        seen = before if algorithm.needs.first_order else params
        report = report | {"loss": objective.reported(report["loss"], seen, batch)}
        return params, state, _add(sums, report, jnp.sum(batch.weight))

    zero = _zero_sums(objective, algorithm, params, state, data, order, key)

    def goes_on(carry: Any) -> Any:
        epoch, _, _, history = carry
        last = {name: history[name][epoch - 1] for name in history}
        within = [
            last[name] / last["weight"] <= limit
            for name, limit in work.limits.items()
            if name in last
        ]
        ended = jnp.any(jnp.array(within, bool)) & (epoch > 0)
        return (epoch < work.epochs) & ~ended

    def take_epoch(carry: Any) -> Any:
        epoch, params, state, history = carry
        carry = params, state, zero
        body = partial(take_step, epoch)
        # Not `scan`: the number of steps is traced, so that one program serves fits of
        # every length.
        params, state, sums = jax.lax.fori_loop(work.begin, work.end, body, carry)
        # Once per epoch, not per step: devices wait for each other at every sum.
        sums = objective.over_shards(sums)
        history = {name: history[name].at[epoch].set(sums[name]) for name in sums}
        return epoch + 1, params, state, history

    size = MAX_EPOCHS_PER_CALL if order is None else order.shape[0]
    # The shape is fixed when compiled: epochs that are not run stay NaN.
    history = {name: jnp.full(size, jnp.nan, z.dtype) for name, z in zero.items()}
    start = jnp.zeros((), jnp.int32), params, state, history
    _, *end_state = jax.lax.while_loop(goes_on, take_epoch, start)
    return tuple(end_state)


def _take(data: Batch, rows: Any) -> Batch:
    """Gather a batch; the row number after the last example is padding of weight 0."""
    # All row numbers are valid; the default mode would also check each and fill with
    # NaN.
    return map_rows(lambda a: a.at[rows].get(mode="clip"), data)


def _add(sums: dict[str, Any], report: dict[str, Any], weight: Any) -> dict[str, Any]:
    weighted = {name: weight * value for name, value in report.items()}
    return jax.tree.map(jnp.add, sums, weighted | {"weight": weight})


def _zero_sums(
    objective: Any,
    algorithm: Any,
    params: Any,
    state: Any,
    data: Batch,
    order: Any,
    key: Any,
) -> dict[str, Any]:
    """Return zeros for the numbers that the algorithm reports, without running it."""
    batch = data if order is None else _take(data, order[0, 0])
    report = jax.eval_shape(algorithm.update, objective, params, state, batch, key)[2]
    zero = jnp.zeros((), batch.weight.dtype)
    return dict.fromkeys([*report, "weight"], zero)


def evaluate(
    objective: Objective, params: Any, data: Batch, order: Any
) -> tuple[Any, Any, Any]:
    """Return (Σ w ℓ, Σ w, outputs) over batches, in inference mode.

    For one model, or many side by side as in :func:`train`.

    Shapes: order (steps, batch); outputs (steps · batch, …).
    """
    count_compilation()
    return mapped(_evaluate)(objective, params, data, order)


def _evaluate(
    objective: Objective, params: Any, data: Batch, order: Any
) -> tuple[Any, Any, Any]:
    """Evaluate one model as described in :func:`evaluate`."""

    def one(rows: Any) -> tuple[Any, Any, Any]:
        batch = _take(data, rows)
        h = objective.network.pre_activation(params, batch.x)
        loss = objective.total_loss(h, batch)
        return loss, jnp.sum(batch.weight), objective.network.output(h)

    # Batch by batch, so that memory holds the activations of one batch.
    losses, weights, outputs = jax.lax.map(one, order)
    outputs = outputs.reshape(-1, *outputs.shape[2:])
    return jnp.sum(losses), jnp.sum(weights), outputs


def deltas(objective: Objective, params: Any, data: Batch, order: Any) -> Any:
    """Return ‖∂ℓ/∂h‖₂ (steps · batch,) of every example, in inference mode."""
    count_compilation()

    def one(rows: Any) -> Any:
        batch = _take(data, rows)
        # δ of an example does not depend on its weight; padding is dropped by the
        # caller.
        batch = batch._replace(weight=jnp.ones_like(batch.weight))
        h = objective.network.pre_activation(params, batch.x)
        delta = jax.grad(objective.total_loss)(h, batch)
        return jnp.sqrt(jnp.sum(delta * delta, axis=tuple(range(1, delta.ndim))))

    return jax.lax.map(one, order).reshape(-1)


def adversarial_examples(
    objective: Objective,
    params: Any,
    attack: Any,
    data: Batch,
    order: Any,
    key_words: Any,
    block: Any,
) -> Any:
    """Return x̃ (steps · batch, …) of every example, in inference mode."""
    count_compilation()
    key = jax.random.fold_in(device_key(key_words), block)

    def one(step: Any) -> Any:
        number, rows = step
        batch = _take(data, rows)
        # An example of weight 0 has no gradient to follow.
        batch = batch._replace(weight=jnp.ones_like(batch.weight))

        def loss(values: Any) -> Any:
            x = with_values(batch.x, values)
            return objective.total_loss(
                objective.network.pre_activation(params, x), batch
            )

        x = jnp.asarray(values_of(batch.x), batch.weight.dtype)
        return attack.attack(loss, x, jax.random.fold_in(key, number))

    moved = jax.lax.map(one, (jnp.arange(order.shape[0]), order))
    return moved.reshape(-1, *moved.shape[2:])


def apply(network: Any, params: Any, x: Any) -> Any:
    """Return the network's outputs for x (batch, …)."""
    count_compilation()
    return network(params, x)


compiled_train = Compiled(train)
compiled_evaluate = Compiled(evaluate)
compiled_deltas = Compiled(deltas)
compiled_attack = Compiled(adversarial_examples)
compiled_apply = Compiled(apply)
