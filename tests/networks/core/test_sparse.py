"""Sparse rows: their products by hand and as dense ones, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from lamina.networks import Dense, Dropout, Network
from lamina.networks.core.sparse import PIECE, PIECES, SparseRows, map_rows

RNG = np.random.default_rng(0)
N, FEATURES, UNITS = 50, 300, 7


def random_csr(n=N, features=FEATURES, density=0.05):
    x = scipy.sparse.random_array(
        (n, features), density=density, rng=np.random.default_rng(1), format="csr"
    )
    x.data -= 0.5
    return x


def rows_of(x, dtype=np.float64, size=N + 3, entries=4096):
    """Padded to one size, so that few programs are compiled."""
    return SparseRows.from_csr(x, dtype, size, entries)


def padded(x, size=N + 3):
    return np.vstack([x.toarray(), np.zeros((size - x.shape[0], x.shape[1]))])


@pytest.fixture(autouse=True)
def in_double_precision():
    with jax.enable_x64(True):
        yield


# ---- by hand ------------------------------------------------------------------------

# x = [[0, 2, 0, 1], [0, 0, 0, 0], [3, 0, 0, 0]]
BY_HAND = SparseRows(
    values=np.array([2.0, 1.0, 3.0]),
    columns=np.array([1, 3, 0], np.int32),
    starts=np.array([0, 2, 2], np.int32),
    counts=np.array([2, 0, 1], np.int32),
    features=4,
)
WEIGHT = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])


def test_products_by_hand():
    h = BY_HAND @ WEIGHT
    assert h.tolist() == [[2 * 2 + 4, 2 * 20 + 40], [0, 0], [3 * 1, 3 * 10]]
    delta = np.array([[1.0, -1.0], [5.0, 5.0], [2.0, 4.0]])
    gradient = BY_HAND.T @ delta
    assert gradient.tolist() == [[3 * 2, 3 * 4], [2, -2], [0, 0], [1, -1]]


def test_it_looks_like_an_array():
    assert (BY_HAND.shape, BY_HAND.ndim, BY_HAND.dtype) == ((3, 4), 2, np.float64)


def test_a_choice_of_rows_leaves_the_entries_where_they_are():
    chosen = map_rows(lambda a: a[np.array([2, 0, 2])], (BY_HAND, np.arange(3)))
    assert chosen[1].tolist() == [2, 0, 2]
    assert (chosen[0] @ WEIGHT).tolist() == [[3, 30], [8, 80], [3, 30]]
    assert chosen[0].values is BY_HAND.values


# ---- beside dense rows --------------------------------------------------------------


def shuffled(x):
    """The same matrix with the entries of each row in another order."""
    order = np.concatenate(
        [
            RNG.permutation(np.arange(*x.indptr[i : i + 2], dtype=int))
            for i in range(x.shape[0])
        ]
    )
    arrays = (x.data[order], x.indices[order], x.indptr)
    return scipy.sparse.csr_array(arrays, shape=x.shape)


def repeated(x):
    """The same matrix with every entry given as two halves."""
    data, indices = np.repeat(x.data / 2, 2), np.repeat(x.indices, 2)
    return scipy.sparse.csr_array((data, indices, 2 * x.indptr), shape=x.shape)


def with_zeros(x):
    """The same matrix with a zero stored in front of every row."""
    positions = x.indptr[:-1]
    arrays = (
        np.insert(x.data, positions, 0),
        np.insert(x.indices, positions, 7),
        x.indptr + np.arange(x.shape[0] + 1),
    )
    return scipy.sparse.csr_array(arrays, shape=x.shape)


def long_numbers(x):
    x = x.copy()
    x.indices, x.indptr = x.indices.astype(np.int64), x.indptr.astype(np.int64)
    return x


def one_full_row(x):
    x = x.tolil()
    x[3] = RNG.standard_normal(x.shape[1])
    return x.tocsr()


def empty(x):
    """No row has an entry."""
    return scipy.sparse.csr_array(x.shape)


def all_in_one_column(x):
    dense = np.zeros(x.shape)
    dense[:, 5] = np.arange(x.shape[0])
    return scipy.sparse.csr_array(dense)


FORMS = [shuffled, repeated, with_zeros, long_numbers, one_full_row, empty]


@pytest.mark.parametrize("form", [*FORMS, all_in_one_column], ids=lambda f: f.__name__)
def test_products_are_those_of_dense_rows(form):
    x = form(random_csr())
    dense = padded(x)
    weight = RNG.standard_normal((FEATURES, UNITS))
    delta = RNG.standard_normal((len(dense), UNITS))
    np.testing.assert_allclose(rows_of(x) @ weight, dense @ weight, atol=1e-13)
    np.testing.assert_allclose(rows_of(x).T @ delta, dense.T @ delta, atol=1e-13)


@pytest.mark.parametrize("count", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
@pytest.mark.parametrize("n", [1, PIECES - 1, PIECES, PIECES + 1])
def test_pieces_may_end_anywhere(n, count):
    values = RNG.standard_normal((n, count))
    columns = np.argsort(RNG.random((n, 60)), axis=1)[:, :count]
    indptr = np.arange(n + 1) * count
    x = scipy.sparse.csr_array((values.ravel(), columns.ravel(), indptr), (n, 60))
    weight = RNG.standard_normal((60, 2))
    sparse, dense = rows_of(x, size=PIECES + 2), padded(x, size=PIECES + 2)
    np.testing.assert_allclose(sparse @ weight, dense @ weight, atol=1e-12)
    back = sparse.T @ (dense @ weight)
    np.testing.assert_allclose(back, dense.T @ (dense @ weight), atol=1e-12)


def test_float32_stays_float32():
    h = rows_of(random_csr(), np.float32) @ np.ones((FEATURES, 1), np.float32)
    assert h.dtype == np.float32


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"sparse \(3, 4\) @ \(5, 2\)"):
        BY_HAND @ np.ones((5, 2))
    with pytest.raises(ValueError, match=r"sparse \(4, 3\) @ \(4, 2\)"):
        BY_HAND.T @ np.ones((4, 2))


# ---- derivatives and maps -----------------------------------------------------------

X = random_csr()
W = RNG.standard_normal((FEATURES, UNITS))


def energy(x):
    """A function of W whose second derivative is not constant."""
    return lambda w: jnp.sum(jnp.tanh(x @ w) ** 2)


def hessian_times(f, v):
    return lambda w: jax.jvp(jax.grad(f), (w,), (v,))[1]


def reverse_over_reverse(f, v):
    return lambda w: jax.grad(lambda w: jnp.vdot(jax.grad(f)(w), v))(w)


DERIVATIVES = {
    "grad": jax.grad,
    "jvp": lambda f: lambda w: jax.jvp(f, (w,), (w * w,))[1],
    "forward over reverse": lambda f: hessian_times(f, W * W),
    "reverse over reverse": lambda f: reverse_over_reverse(f, W * W),
    "compiled": lambda f: jax.jit(jax.grad(f)),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_are_those_of_dense_rows(name):
    derivative = DERIVATIVES[name]
    mine, theirs = (
        derivative(energy(x))(W) for x in (rows_of(X), jnp.asarray(padded(X)))
    )
    np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)


def choice(x, rows, w):
    return energy(map_rows(lambda a: a[rows], x))(w)


@pytest.mark.slow
@pytest.mark.parametrize("axes", [(None, 0), (0, None), (0, 0)])
def test_many_models_at_once(axes):
    """Their weights, or their rows, or both are their own."""
    rows = jnp.array([[1, 2, 3], [50, 4, 4]])
    rows = rows if axes[0] == 0 else rows[0]
    weights = np.stack([W, W * W])
    weights = weights if axes[1] == 0 else weights[0]
    mine, theirs = (
        jax.vmap(jax.grad(lambda r, w, x=x: choice(x, r, w), 1), axes)(rows, weights)
        for x in (jax.device_put(rows_of(X)), jnp.asarray(padded(X)))
    )
    np.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_no_gradient_with_respect_to_the_values():
    def f(values):
        x = SparseRows(values, BY_HAND.columns, BY_HAND.starts, BY_HAND.counts, 4)
        return jnp.sum(x @ WEIGHT)

    with pytest.raises(ValueError, match="with respect to sparse inputs"):
        jax.grad(f)(BY_HAND.values)


def test_nothing_of_the_size_of_dense_rows_is_made():
    n, features = 200, 40_000
    x = rows_of(random_csr(n, features, 0.005), np.float32, n, 50_000)
    weight = np.zeros((features, 4), np.float32)
    step = jax.jit(jax.value_and_grad(lambda w, x: energy(x)(w)))
    memory = step.lower(weight, x).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 3 * weight.nbytes < n * features * 4 / 10


# ---- dropout ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [random_csr, lambda: repeated(random_csr())])
def test_dropout_leaves_out_what_it_sets_to_zero_in_dense_rows(dtype, form):
    key, eye = jax.random.key(5), np.eye(FEATURES, dtype=dtype)
    x = form()
    with jax.enable_x64(dtype == np.float64):
        dense = Dropout(0.3)({}, jnp.asarray(padded(x), dtype), key=key)
        sparse = Dropout(0.3)({}, rows_of(x, dtype), key=key) @ eye
    np.testing.assert_allclose(sparse, dense, rtol=1e-6)
    assert 0.6 < np.count_nonzero(sparse) / np.count_nonzero(padded(x)) < 0.8


@pytest.mark.slow
def test_dropout_is_the_same_backwards():
    """The gradient passes through the entries that were kept in the product."""
    network = Network((Dropout(0.4), Dense(3, "tanh")))
    params = ({}, {"weight": W[:, :3], "bias": np.zeros(3)})

    def gradient(x):
        key = jax.random.key(2)
        f = jax.grad(lambda p: jnp.sum(network(p, x, key=key) ** 2))
        return f(params)[1]["weight"]

    mine, theirs = gradient(rows_of(X)), gradient(jnp.asarray(padded(X)))
    np.testing.assert_allclose(mine, theirs, atol=1e-13)


def test_dropout_twice_is_refused():
    once = Dropout(0.4)({}, BY_HAND, key=jax.random.key(2))
    with pytest.raises(ValueError, match="one Dropout layer"):
        Dropout(0.4)({}, once, key=jax.random.key(2))


# ---- what is refused ----------------------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x + 1.0,
        lambda x: jnp.ones((3, 4)) + x,
        lambda x: np.ones((3, 4)) * x,
        lambda x: x[0],
        lambda x: x.reshape(12),
        lambda x: jnp.tanh(x),
        lambda x: np.asarray(x),
        lambda x: -x,
    ],
)
def test_whatever_needs_an_array_is_refused(use):
    with pytest.raises(ValueError, match="sparse inputs can go through Dropout"):
        use(BY_HAND)


def test_too_many_entries_are_refused_before_they_are_allocated():
    with pytest.raises(ValueError, match="at most 2³¹ − 1 entries"):
        SparseRows.from_csr(X, np.float32, 60, 2**31)
