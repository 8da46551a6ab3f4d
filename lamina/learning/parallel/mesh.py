"""Devices: how the cores of a computer share a step.

On a CPU, XLA runs a convolution or a recurrence within a compiled loop on one core. Two
*devices* of the same CPU use two cores: each computes its shard of every batch, and the
sums over shards equal those of one device, up to rounding.
"""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "shards"

MOST_DEVICES = 8
"""Maximum number of devices: nothing here was measured on more than two cores."""

LEAST_SECONDS, LEAST_ROWS = 3e-3, 8
"""Sharding costs 0.1 ms per step. It pays off for steps of at least this many seconds
(on one core of a modest computer); a shard has at least this many rows."""


@cache
def ask_for_all_cores() -> None:
    """Request one CPU device per core, before the first computation of the process.

    Nothing happens if JAX has already started, or the number is set by the user.
    """
    # The older way of setting the same number.
    said = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if said or getattr(jax.config, "jax_num_cpu_devices", -1) >= 0:
        return
    try:
        jax.config.update("jax_num_cpu_devices", min(_cores(), MOST_DEVICES))
    except RuntimeError:  # JAX has already started
        return


@cache
def _cores() -> int:
    """Return the number of cores that JAX uses.

    The cores that this process may run on, or the environment variable NPROC.
    """
    if (count := os.environ.get("NPROC", "")).isdecimal():
        return max(1, int(count))
    ours = getattr(os, "sched_getaffinity", None)  # of Linux
    return len(ours(0)) if ours else os.cpu_count() or 1


def computing_threads() -> int:
    """Return the number of threads that share large sums; 0 if not on a CPU.

    The last bits of such a sum depend on it: XLA's matrix products split long rows into
    that many pieces.
    """
    if jax.default_backend() != "cpu":
        return 0
    return max(_cores(), jax.local_device_count("cpu"))


def shards_of(network: Any, params: Any, rows: int, seconds: float) -> int:
    """Return how many devices should share a batch of this many rows.

    One, unless the network has layers that run on one core and a step takes long.
    """
    if seconds < LEAST_SECONDS:
        return 1
    return max(1, min(len(devices_of(network, params)), rows // LEAST_ROWS))


def devices_of(network: Any, params: Any) -> list[Any]:
    """Return the devices that should compute a network in parallel."""
    layers = [layer for layer, _ in network.walk(params)]
    on_one_core = any(layer.on_one_core for layer in layers)
    if not on_one_core or jax.default_backend() != "cpu":
        return [None]  # the default one
    return list(jax.local_devices(backend="cpu"))


def check_devices(shards: int, threads: int) -> None:
    """Reject a run that cannot resume with the same bits on this computer's cores.

    Parameters
    ----------
    shards : int
        Number of devices that shared its batches.
    threads : int
        Value of :func:`computing_threads` in that run.

    Raises
    ------
    ValueError
        If there are fewer devices or a different number of threads: sums would be
        rounded differently.
    """
    here = computing_threads()
    if threads and here and threads != here:
        raise ValueError(
            f"the checkpoint is of a run on {threads} cores, but this computer has "
            f"{here}: the run would not resume with the same bits. To resume it as on "
            f"{threads} cores, set the environment variable NPROC={threads} before "
            "Python starts"
        )
    here = jax.local_device_count("cpu")
    if not 1 <= shards <= here:
        raise ValueError(
            f"the checkpoint is of a run on {shards} cores, but this computer has "
            f"{here}: the run would not resume with the same bits. To resume it, set "
            f"the environment variable JAX_NUM_CPU_DEVICES={shards}"
        )


@dataclass(frozen=True)
class Shards:
    """A batch that is sharded over several devices.

    Parameters
    ----------
    devices : int
    """

    devices: int

    @staticmethod
    def of(devices: int) -> "Shards | None":
        """Return the sharding over this number of devices, None for one."""
        return Shards(devices) if devices > 1 else None

    def total(self, sums: Any) -> Any:
        """Return sums over this device's examples as sums over all examples."""
        return jax.lax.psum(sums, AXIS)

    def own_key(self, key: Any) -> Any:
        """Return this device's own random key."""
        return jax.random.fold_in(key, jax.lax.axis_index(AXIS))


@cache
def mesh(shards: int) -> Mesh:
    """Return a mesh of the first devices along one axis."""
    return Mesh(np.array(jax.local_devices(backend="cpu")[:shards]), (AXIS,))


def divided(rows: Any, shards: int) -> Any:
    """Shard arrays over the devices along the first axis."""
    return jax.device_put(rows, NamedSharding(mesh(shards), by_rows()))


EVERYWHERE = PartitionSpec()
"""Every device sees the whole array."""


def by_rows(axis: int = 0) -> PartitionSpec:
    """Return the spec by which each device sees its shard of rows along this axis."""
    return PartitionSpec(*[None] * axis, AXIS)


def on_each(function: Any, shards: int, seen: tuple[Any, ...]) -> Any:
    """Return the function run on each device; its results are the same on all.

    The compiler can partition a program by itself if batches are on a mesh (``jax.jit``
    and ``NamedSharding``). On two cores that was as fast for convolutions (28×28, 64
    rows, 5×5×32 and 5×5×64: 69 ms per step against 71), but LSTM(128) over 64 steps
    took 101 ms against 67: its loops over time are partitioned badly. Sums also differ
    in their last bits.

    ``seen`` holds the spec of each argument: :data:`EVERYWHERE` or :func:`by_rows`.
    """
    return jax.shard_map(
        function,
        mesh=mesh(shards),
        in_specs=seen,
        out_specs=EVERYWHERE,
        check_vma=False,  # it cannot infer through loops that psums are replicated
    )


def to_each(values: Any, shards: int) -> Any:
    """Replicate arrays on all devices, if there are several."""
    if shards == 1:
        return values
    return jax.device_put(values, NamedSharding(mesh(shards), EVERYWHERE))


def one_copy(values: Any, shards: int) -> Any:
    """Return replicated arrays as they are on the first device."""
    if shards == 1:
        return values
    return jax.tree.map(lambda a: a.addressable_data(0), values)
