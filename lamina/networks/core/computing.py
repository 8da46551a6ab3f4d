"""JAX's settings for lamina's programs.

A user's settings (other random numbers, strict types, NaN checks …) are meant for the
user's own code. In lamina they would change bits or make correct programs fail. So they
are overridden while lamina computes, in this thread only.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import jax
import numpy as np
from numpy.typing import DTypeLike

SETTINGS: tuple[tuple[str, Any, tuple], ...] = (
    ("jax_numpy_rank_promotion", jax.numpy_rank_promotion, ("allow",)),
    ("jax_numpy_dtype_promotion", jax.numpy_dtype_promotion, ("standard",)),
    ("jax_default_matmul_precision", jax.default_matmul_precision, (None,)),
    ("jax_default_prng_impl", jax.default_prng_impl, ("threefry2x32",)),
    ("jax_threefry_partitionable", jax.threefry_partitionable, (True,)),
    ("jax_softmax_custom_jvp", jax.softmax_custom_jvp, (True,)),
    ("jax_disable_jit", jax.disable_jit, (False,)),
    ("jax_debug_nans", jax.debug_nans, (False,)),
    ("jax_debug_infs", jax.debug_infs, (False,)),
    ("jax_debug_key_reuse", jax.debug_key_reuse, (False,)),
    ("jax_check_tracer_leaks", jax.check_tracer_leaks, (False,)),
    *(
        (f"jax_transfer_guard_{way}", context, ("allow", "log", None))
        for way, context in (
            ("host_to_device", jax.transfer_guard_host_to_device),
            ("device_to_device", jax.transfer_guard_device_to_device),
            ("device_to_host", jax.transfer_guard_device_to_host),
        )
    ),
)
"""Name, context, and the allowed values; any other value is replaced by the first."""


@contextmanager
def own_settings(dtype: DTypeLike) -> Iterator[None]:
    """Set JAX's settings to what lamina's programs need, for this thread and context.

    Only settings that differ are changed: it takes 4 µs if none does.

    Parameters
    ----------
    dtype : dtype
        Type of the computation; JAX has float64 only if ``jax_enable_x64`` is on.
    """
    double = np.dtype(dtype) == np.float64
    with ExitStack() as stack:
        if jax.config.jax_enable_x64 != double:  # pyright: ignore
            stack.enter_context(jax.enable_x64(double))
        for name, context, fitting in SETTINGS:
            if getattr(jax.config, name) not in fitting:
                stack.enter_context(context(fitting[0]))
        yield


@contextmanager
def computing(dtype: DTypeLike) -> Iterator[None]:
    """Compute on JAX's devices under :func:`own_settings`.

    Everything that lamina computes with JAX runs in this context; what it computes with
    NumPy does not.

    Raises
    ------
    RuntimeError
        In a process that was forked after JAX had started in its parent: JAX's threads
        do not exist in the child, and JAX would wait for them forever.
    """
    if _process.cut_off:
        raise RuntimeError(
            "this process was forked after JAX had started in its parent, and JAX "
            "would hang here. Use another way to start processes: joblib's backend "
            "'loky' or multiprocessing's 'spawn' or 'forkserver'; or fork before the "
            "first fit"
        )
    with own_settings(dtype):
        yield


class _Process:
    """Whether JAX's threads exist in this process: a fork does not copy them."""

    started = cut_off = False

    def before_fork(self) -> None:
        """Check whether JAX has started; the check does not start it."""
        bridge = sys.modules.get("jax._src.xla_bridge")  # no public API for it
        # `bool()` is False: a module that is not imported has not started.
        self.started = getattr(bridge, "backends_are_initialized", bool)()

    def after_fork(self) -> None:
        self.cut_off = self.cut_off or self.started


_process = _Process()
if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(before=_process.before_fork, after_in_child=_process.after_fork)
