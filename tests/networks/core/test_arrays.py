"""The types of what flows through networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks.core.arrays import Array


def test_arrays_of_the_host_of_a_device_and_traced_ones():
    traced = []
    jax.jit(lambda x: traced.append(isinstance(x, Array)))(1.0)
    assert traced == [True]
    assert isinstance(jnp.zeros(2), Array)
    assert isinstance(np.zeros(2), Array)


@pytest.mark.parametrize("other", [1.0, [1.0], None, "x"])
def test_what_is_no_array(other):
    assert not isinstance(other, Array)
