"""Devices: how the cores of a machine share a step.

On a CPU, XLA runs a convolution or a recurrence of a compiled loop on one core. Two
*devices* of the same CPU run on two: each takes its share of every batch and the sums
of the shares are what one device would have got, but for rounding.
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
"""More are not asked for: none of this was measured on more than two cores."""

LEAST_SECONDS, LEAST_ROWS = 3e-3, 8
"""Shares are worth their 0.1 ms from steps of so many seconds on (on one core of a
modest machine), and have at least so many rows."""


@cache
def ask_for_all_cores() -> None:
    """Ask for one CPU device a core, before the first computation of the process.

    Nothing happens if one was made before, or somebody has said how many there are.
    """
    said = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if said or getattr(jax.config, "jax_num_cpu_devices", -1) >= 0:
        return
    try:
        jax.config.update("jax_num_cpu_devices", min(_cores(), MOST_DEVICES))
    except RuntimeError:  # the devices are there
        return


@cache
def _cores() -> int:
    """Return how many cores JAX found when it started.

    As many as this process may run on, or as the environment variable NPROC says.
    """
    if (told := os.environ.get("NPROC", "")).isdecimal():
        return max(1, int(told))
    ours = getattr(os, "sched_getaffinity", None)  # of Linux
    return len(ours(0)) if ours else os.cpu_count() or 1


def computing_threads() -> int:
    """Return among how many threads large sums are divided; 0 if not on a CPU.

    The last bits of such a sum depend on it: XLA's matrix products cut long rows into
    as many pieces.
    """
    if jax.default_backend() != "cpu":
        return 0
    return max(_cores(), jax.local_device_count("cpu"))


def shards_of(network: Any, params: Any, rows: int, seconds: float) -> int:
    """Return among how many devices a batch of so many rows should be divided.

    One, unless the network has layers that run on one core, and a step takes long.
    """
    if seconds < LEAST_SECONDS:
        return 1
    return max(1, min(len(devices_of(network, params)), rows // LEAST_ROWS))


def devices_of(network: Any, params: Any) -> list[Any]:
    """Return the devices that should compute a network side by side."""
    layers = [layer for layer, _ in network.walk(params)]
    on_one_core = any(layer.on_one_core for layer in layers)
    if not on_one_core or jax.default_backend() != "cpu":
        return [None]  # the default one
    return list(jax.local_devices(backend="cpu"))


def check_devices(shards: int, threads: int) -> None:
    """Refuse a run whose sums were divided among other cores than are here.

    Parameters
    ----------
    shares : int
        Devices among which its batches were divided.
    threads : int
        What :func:`computing_threads` was.

    Raises
    ------
    ValueError
        If there are fewer devices, or another number of threads: sums would be rounded
        in another way.
    """
    here = computing_threads()
    if threads and here and threads != here:
        raise ValueError(
            f"the checkpoint is that of a run on {threads} cores, and here are {here}: "
            "it would not go on with the same bits. Set the environment variable "
            f"NPROC={threads} before Python starts to run it all the same, as on "
            f"{threads} cores"
        )
    here = jax.local_device_count("cpu")
    if not 1 <= shards <= here:
        raise ValueError(
            f"the checkpoint is that of a run on {shards} cores, and here are {here}: "
            "it would not go on with the same bits. Set the environment variable "
            f"JAX_NUM_CPU_DEVICES={shards} to run it all the same"
        )


@dataclass(frozen=True)
class Shards:
    """A batch of which each of several devices has a part.

    Parameters
    ----------
    devices : int
    """

    devices: int

    @staticmethod
    def of(devices: int) -> "Shards | None":
        """Return the shares of so many devices, None for one."""
        return Shards(devices) if devices > 1 else None

    def total(self, sums: Any) -> Any:
        """Return sums over the examples of this device as those over all."""
        return jax.lax.psum(sums, AXIS)

    def own_key(self, key: Any) -> Any:
        """Return a key from which this device draws its own numbers."""
        return jax.random.fold_in(key, jax.lax.axis_index(AXIS))


@cache
def mesh(shards: int) -> Mesh:
    """Return the first so many devices, as one axis."""
    return Mesh(np.array(jax.local_devices(backend="cpu")[:shards]), (AXIS,))


def divided(rows: Any, shards: int) -> Any:
    """Put arrays on the devices, each its share of the first axis."""
    return jax.device_put(rows, NamedSharding(mesh(shards), by_rows()))


EVERYWHERE = PartitionSpec()
"""All devices see all of an array."""


def by_rows(axis: int = 0) -> PartitionSpec:
    """Return that each device sees its share of an array's rows, along this axis."""
    return PartitionSpec(*[None] * axis, AXIS)


def on_each(function: Any, shards: int, seen: tuple[Any, ...]) -> Any:
    """Return the function as it runs on each device; its results are all the same.

    The compiler can divide a program by itself, if batches lie on a mesh (``jax.jit``
    and ``NamedSharding``). On two cores that was as fast for convolutions (28×28, 64
    rows, 5×5×32 and 5×5×64: 69 ms a step against 71), but LSTM(128) over 64 steps took
    101 ms against 67: its loops along time are divided badly. And sums differ in their
    last bits.

    ``seen`` says of each argument what a device sees of it: :data:`EVERYWHERE`, or
    :func:`by_rows`.
    """
    return jax.shard_map(
        function,
        mesh=mesh(shards),
        in_specs=seen,
        out_specs=EVERYWHERE,
        check_vma=False,  # it cannot see through loops that sums are equal everywhere
    )


def to_each(values: Any, shards: int) -> Any:
    """Put arrays on each of the devices, if there are several."""
    if shards == 1:
        return values
    return jax.device_put(values, NamedSharding(mesh(shards), EVERYWHERE))


def one_copy(values: Any, shards: int) -> Any:
    """Return what each of several devices has, as it lies on the first."""
    if shards == 1:
        return values
    return jax.tree.map(lambda a: a.addressable_data(0), values)
