"""What tests of recurrent layers share: loops by hand are compared with the layers."""

import jax
import jax.numpy as jnp
import numpy as np

from lamina.networks import Key


def name(layer):
    return "-".join(map(str, (type(layer).__name__, *vars(layer).values())))


def sigma(z):
    return 1 / (1 + np.exp(-z))


PHI = {
    "tanh": np.tanh,
    "logistic": sigma,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "identity": lambda z: z,
}


def made(layer, time=5, batch=2, features=2):
    """Parameters no start is symmetric in, and inputs."""
    rng = np.random.default_rng(0)
    params, _ = layer.init(Key(0), (time, features))
    params = {k: v + 0.3 * rng.standard_normal(v.shape) for k, v in params.items()}
    return params, rng.standard_normal((batch, time, features))


def check(layer, by_hand):
    """All that holds for every recurrent layer."""
    check_equation(layer, by_hand)
    check_derivatives(layer, by_hand)
    check_past(layer)
    check_pieces(layer)


def check_equation(layer, by_hand):
    """Every step is the equation."""
    params, x = made(layer)
    h = layer(params, jnp.asarray(x))
    np.testing.assert_allclose(h, by_hand(layer, params, x), atol=1e-14)


def check_derivatives(layer, by_hand):
    """By x and by every parameter: differences of the loop by hand."""
    params, x = made(layer)
    c = np.random.default_rng(1).standard_normal(by_hand(layer, params, x).shape)

    def loss(p, x):
        return jnp.sum(c * layer(p, x))

    found = jax.jit(jax.grad(loss, (0, 1)))(params, jnp.asarray(x))
    arrays, structure = jax.tree.flatten((params, x))
    for number, (array, gradient) in enumerate(
        zip(arrays, jax.tree.leaves(found), strict=True)
    ):
        for at in np.ndindex(array.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [a.copy() for a in arrays]
                moved[number][at] += step
                p, x_moved = jax.tree.unflatten(structure, moved)
                ends.append(np.sum(c * by_hand(layer, p, x_moved)))
            right = (ends[0] - ends[1]) / 2e-6
            np.testing.assert_allclose(gradient[at], right, atol=2e-8)


def check_past(layer):
    """Steps that pad a sequence come after it: they need no mask.

    Whatever they hold changes no bit. How many there are may change the last one, as a
    processor multiplies matrices of another size in another order.
    """
    params, x = made(layer)
    of_ones, of_large = (
        layer(params, jnp.asarray(np.concatenate([x, np.full((2, 3, 2), v)], axis=1)))
        for v in (1.0, -1e6)
    )
    np.testing.assert_array_equal(of_ones[:, :5], of_large[:, :5])
    np.testing.assert_allclose(
        of_ones[:, :5], layer(params, jnp.asarray(x)), atol=1e-14
    )


def check_pieces(layer):
    """A sequence in pieces gives what the whole one gives, whatever pads a piece."""
    params, x = made(layer, time=7)
    whole = layer(params, jnp.asarray(x))
    state = layer.start(2, x.dtype)
    first, state = layer.run(params, jnp.asarray(x[:, :3]), state)
    np.testing.assert_allclose(first, whole[:, :3], atol=1e-14)
    # Of the first example two more steps are real, of the second none, then two each.
    padded = jnp.asarray(x[:, 3:6])
    mask = np.array([[True, True, False], [False, False, False]])
    second, state = layer.run(params, padded, state, mask=jnp.asarray(mask))
    np.testing.assert_allclose(second[0, :2], whole[0, 3:5], atol=1e-14)
    rest = jnp.asarray(np.stack([x[0, 5:7], x[1, 3:5]]))
    third, _ = layer.run(params, rest, state)
    np.testing.assert_allclose(third[0], whole[0, 5:7], atol=1e-14)
    np.testing.assert_allclose(third[1], whole[1, 3:5], atol=1e-14)
