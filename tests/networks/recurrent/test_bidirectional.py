"""Two layers that read a sequence from both ends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import LSTM, RNN, Bidirectional, Dropout, Key

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.slow
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


def test_each_direction_draws_for_itself():
    layer, params = Bidirectional(Dropout(0.5)), {"forward": {}, "backward": {}}
    x = jnp.ones((2, 6, 3))
    np.testing.assert_array_equal(layer(params, x), 1)
    there, back = jnp.split(layer(params, x, key=Key(0).device()), 2, axis=-1)
    for way in (there, back):
        np.testing.assert_array_equal(np.unique(way), [0, 2])
    assert not np.array_equal(there, back[:, ::-1])


@pytest.mark.parametrize("wrong", ["LSTM", 3, None, LSTM])
def test_what_is_no_layer_is_refused(wrong):
    with pytest.raises(TypeError, match="needs a recurrent layer such as"):
        Bidirectional(wrong)
