"""The clockwork recurrent layer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import ClockworkRNN, Key
from tests.networks.recurrent_checks import check, name

pytestmark = pytest.mark.usefixtures("x64")

LAYERS = [ClockworkRNN(3, (1, 2, 3))]


def clockwork(layer, p, x):
    """The equations of the docstring, unit by unit; one unit a period."""
    h, every = np.zeros((len(x), layer.units)), []
    for t in range(x.shape[1]):
        new = h.copy()
        for j, period in enumerate(layer.periods):
            if t % period == 0:
                heard = h[:, j:] @ p["recurrent_weight"][j:, j]  # itself and slower
                net = x[:, t] @ p["weight"][:, j] + heard + p["bias"][j]
                new[:, j] = np.tanh(net)
        h = new
        every.append(h)
    return np.stack(every, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS, ids=name)
def test_it_is_its_equations(layer):
    check(layer, clockwork)


@pytest.mark.slow
def test_a_slow_module_waits_for_its_clock():
    """Periods 1 and 3: the second unit changes at t = 0 and 3 only."""
    layer = ClockworkRNN(2, (1, 3))
    params, _ = layer.init(Key(0), (5, 1))
    assert params["recurrent_weight"][0, 1] == 0
    x = np.random.default_rng(0).standard_normal((1, 5, 1))
    h = np.asarray(layer(params, jnp.asarray(x)))[0]
    assert (h[1:3, 1] == h[0, 1]).all()
    assert h[3, 1] != h[2, 1]
    assert len(np.unique(h[:, 0])) == 5
    gradient = jax.grad(lambda p: jnp.sum(layer(p, jnp.asarray(x))))(params)
    assert gradient["recurrent_weight"][0, 1] == 0


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: ClockworkRNN(4, (2, 1)), "periods must be increasing"),
        (lambda: ClockworkRNN(4, ()), "periods must be increasing"),
        (lambda: ClockworkRNN(4, (1, 2, 4)), "multiple of the number of periods, 3"),
    ],
)
def test_impossible_layers_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
