"""JAX's settings while lamina computes, and after; processes that cannot compute."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks.core import computing
from lamina.networks.core.computing import SETTINGS, own_settings

USERS = {
    "jax_numpy_rank_promotion": "raise",
    "jax_numpy_dtype_promotion": "strict",
    "jax_default_matmul_precision": "bfloat16",
    "jax_default_prng_impl": "rbg",
    "jax_transfer_guard_host_to_device": "disallow",
    "jax_transfer_guard_device_to_device": "disallow",
    "jax_transfer_guard_device_to_host": "disallow",
}
CASES = [
    pytest.param(context, name, USERS.get(name, not fitting[0]), fitting[0], id=name)
    for name, context, fitting in SETTINGS
]


def settings():
    names = ["jax_enable_x64", *(name for name, _, _ in SETTINGS)]
    return {name: getattr(jax.config, name) for name in names}


@pytest.mark.parametrize(("context", "name", "users", "needed"), CASES)
def test_a_setting_is_lamina_s_within_and_the_user_s_after(
    context, name, users, needed
):
    with context(users):
        before = settings()
        assert before[name] == users
        with own_settings(np.float32):
            assert settings()[name] == needed
        assert settings() == before


@pytest.mark.parametrize("double", [False, True])
def test_double_precision_is_there_if_it_is_computed_in(double):
    for users in (False, True):
        with jax.enable_x64(users):
            with own_settings(np.float64 if double else np.float32):
                assert jax.config.jax_enable_x64 is double
            assert jax.config.jax_enable_x64 is users


def test_settings_that_fit_are_left_as_they_are():
    with jax.transfer_guard_host_to_device("log"), own_settings(np.float32):
        assert jax.config.jax_transfer_guard_host_to_device == "log"


def test_settings_come_back_after_an_error():
    with jax.numpy_rank_promotion("raise"):
        with pytest.raises(KeyError), own_settings(np.float32):
            raise KeyError
        with pytest.raises(ValueError, match="rank_promotion"):
            jnp.ones((2, 3)) + jnp.ones(3)


def test_other_threads_keep_their_settings():
    found = []
    with own_settings(np.float64):
        thread = threading.Thread(target=lambda: found.append(settings()))
        thread.start()
        thread.join()
    assert found == [settings()]


def test_a_process_cut_off_from_jax_s_threads_is_refused(monkeypatch):
    process = computing._Process()
    monkeypatch.setattr(computing, "_process", process)
    process.after_fork()  # nothing had started
    with computing.computing(np.float32):
        jnp.ones(2).block_until_ready()
    process.before_fork()
    with computing.computing(np.float32):  # the parent goes on
        pass
    process.after_fork()
    for again in (False, True):
        if again:  # a fork of the fork
            process.before_fork()
            process.after_fork()
        with (
            pytest.raises(RuntimeError, match=r"forked .* 'loky'.*'spawn'"),
            computing.computing(np.float32),
        ):
            pass
    with own_settings(np.float32):  # shapes alone need no threads
        assert jax.eval_shape(lambda: jnp.ones(2)).shape == (2,)
