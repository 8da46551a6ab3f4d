"""Two layers that read a sequence from both ends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import LSTM, RNN, Bidirectional, Key

pytestmark = pytest.mark.usefixtures("x64")


def test_two_directions_by_hand():
    """What comes back at step t has read all steps from the last one down to t."""
    layer = Bidirectional(RNN(1, "identity"))
    params, shape = layer.init(Key(0), (3, 1))
    assert shape == (3, 2)
    params = jax.tree.map(np.ones_like, params)
    for own in params.values():
        own["bias"][:] = 0
    x = jnp.array([[[1.0], [2.0], [4.0]], [[3.0], [5.0], [9.0]]])
    mask = jnp.array([[True, True, True], [True, True, False]])
    sums = layer(params, x, mask=mask)
    np.testing.assert_array_equal(sums[0, :, 0], [1, 3, 7])
    np.testing.assert_array_equal(sums[0, :, 1], [7, 6, 4])
    np.testing.assert_array_equal(sums[1, :2, 1], [8, 5])


@pytest.mark.parametrize("wrong", ["LSTM", 3, None, LSTM])
def test_what_is_no_layer_is_refused(wrong):
    with pytest.raises(TypeError, match="needs a recurrent layer such as"):
        Bidirectional(wrong)
