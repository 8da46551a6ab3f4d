"""Application: NumPy for few rows, a compiled program for many, the same answers."""

import numpy as np
import pytest
import scipy.sparse

from lamina.learning.loop import apply as module
from lamina.learning.loop.apply import outputs, rows_at_once
from lamina.learning.parallel.compilation import compile_count
from lamina.networks import (
    Conv,
    Dense,
    Dropout,
    Flatten,
    Key,
    Network,
    Rescale,
)
from lamina.networks.core.layer import Layer

NETWORK = Network((Dropout(0.9), Dense(5, "tanh"), Dense(3, "softmax")))
PARAMS, _ = NETWORK.init(Key(0), (4,))
X = np.random.default_rng(0).standard_normal((50, 4))


def by_hand(x):
    hidden = np.tanh(x @ PARAMS[1]["weight"] + PARAMS[1]["bias"])
    h = hidden @ PARAMS[2]["weight"] + PARAMS[2]["bias"]
    e = np.exp(h)
    return e / e.sum(axis=1, keepdims=True)


@pytest.fixture(params=["numpy", "compiled"])
def path(request, monkeypatch):
    if request.param == "compiled":
        monkeypatch.setattr(module, "NUMPY_WORK", -1)
    return request.param


@pytest.mark.parametrize("n", [1, 7, 8, 50])
@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array])
def test_both_paths_by_hand(path, n, form):
    a = outputs(NETWORK, PARAMS, form(X[:n]), np.float32)
    assert type(a) is np.ndarray
    assert a.dtype == np.float32
    np.testing.assert_allclose(a, by_hand(X[:n]), rtol=2e-6)


class Stored:
    """Rows that are read when they are asked for, and counted."""

    def __init__(self, x):
        self.x, self.shape, self.dtype, self.largest = x, x.shape, x.dtype, 0

    def __getitem__(self, rows):
        self.largest = max(self.largest, len(self.x[rows]))
        return self.x[rows]


def test_bytes_become_numbers_in_the_network(path, monkeypatch):
    """(x − 100) / 50, then as by hand; also where the rows are stored."""
    monkeypatch.setattr(module, "NUMPY_ROWS", 16)
    monkeypatch.setattr(module, "COMPILED_ROWS", 16)
    pixels = np.random.default_rng(1).integers(0, 256, (50, 4), dtype=np.uint8)
    network = Network((Rescale(100.0, 0.02), *NETWORK.layers))
    stored, wanted = Stored(pixels), by_hand((pixels - 100.0) / 50)
    for x in (pixels, stored):
        a = outputs(network, [{}, *PARAMS], x, np.float32)
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, wanted, rtol=2e-5)
    assert stored.largest == 16


def test_chunks_are_joined_in_order(path, monkeypatch):
    whole = outputs(NETWORK, PARAMS, X, np.float32)
    for name, rows in [("NUMPY_ROWS", 8), ("COMPILED_ROWS", 8)]:
        monkeypatch.setattr(module, name, rows)
    for form in (np.asarray, scipy.sparse.csr_array):
        in_chunks = outputs(NETWORK, PARAMS, form(X), np.float32)
        np.testing.assert_allclose(in_chunks, whole, rtol=1e-6)


def test_chunks_have_a_bounded_size(monkeypatch):
    """Rows at a time: the constant, or fewer if rows are large."""
    sizes = []
    monkeypatch.setattr(module, "NUMPY_WORK", -1)
    monkeypatch.setattr(
        module, "compiled_apply", lambda n, p, x: sizes.append(len(x)) or x
    )
    outputs(NETWORK, PARAMS, np.zeros((5000, 4)), np.float32)
    assert max(sizes) == module.COMPILED_ROWS < sum(sizes)
    monkeypatch.setattr(module, "STREAM_BYTES", 16 * 100)  # a hundred rows of 16 bytes
    sizes.clear()
    outputs(NETWORK, PARAMS, np.zeros((5000, 4)), np.float32)
    assert max(sizes) == 100


WIDE_X = scipy.sparse.random_array((50, 600), density=0.02, rng=0, format="csr")
WIDE_NET = Network((Dense(5, "tanh"), Dense(3, "softmax")))
WIDE_PARAMS, _ = WIDE_NET.init(Key(0), (600,))


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("rows", [8, 2048])
def test_sparse_rows_are_not_made_dense(path, form, rows, monkeypatch):
    for name in ("NUMPY_ROWS", "COMPILED_ROWS"):
        monkeypatch.setattr(module, name, rows)
    expected = outputs(WIDE_NET, WIDE_PARAMS, WIDE_X.toarray(), np.float32)
    x = WIDE_X.asformat(form)
    with monkeypatch.context() as patch:
        for kind in (scipy.sparse.csr_array, scipy.sparse.csc_array):
            patch.setattr(kind, "toarray", None)
        a = outputs(WIDE_NET, WIDE_PARAMS, x, np.float32)
        none = outputs(WIDE_NET, WIDE_PARAMS, x.tocsr()[:0], np.float32)
    np.testing.assert_allclose(a, expected, rtol=1e-5)
    assert none.shape == (0, 3)


def test_work_of_sparse_rows_is_that_of_their_entries():
    """600 · 5 weights meet 2 % of entries only; the other parameters meet each row."""
    rest = 5 + 5 * 3 + 3
    expected = WIDE_X.nnz * (600 * 5) // 600 + 50 * rest
    assert module._work(WIDE_PARAMS, WIDE_X) == expected
    assert module._work(WIDE_PARAMS, WIDE_X.toarray()) == 50 * (600 * 5 + rest)


def test_few_rows_compile_nothing():
    before = compile_count()
    outputs(NETWORK, PARAMS, X, np.float32)
    assert compile_count() == before


def test_numbers_of_rows_share_programs(path):
    outputs(NETWORK, PARAMS, X[:50], np.float32)
    before = compile_count()
    for n in (49, 50):
        outputs(NETWORK, PARAMS, X[:n], np.float32)
    assert compile_count() == before


def test_a_layer_that_needs_the_device_is_compiled():
    class OnDevice:
        activation = "identity"

        def __call__(self, params, x, *, key=None, mask=None):
            assert not isinstance(x, np.ndarray)
            return 2 * x

    class Stack(Layer):
        layers = (OnDevice(),)

        def __call__(self, params, x, *, key=None, mask=None):
            return self.layers[0](params[0], x)

    import jax

    jax.tree_util.register_static(Stack)
    a = outputs(Stack(), ({},), X[:9], np.float32)
    np.testing.assert_array_equal(a, 2 * X[:9].astype(np.float32))


def test_same_rows_same_bits(path):
    first, again = (outputs(NETWORK, PARAMS, X, np.float32) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_no_rows(path):
    assert outputs(NETWORK, PARAMS, X[:0], np.float32).shape == (0, 3)


# ---- examples that are arrays themselves --------------------------------------------

IMAGES = np.random.default_rng(5).standard_normal((150, 6, 6, 1))
CONVOLVES = Network((Conv(2, 3), Flatten(), Dense(3)))
CONV_PARAMS, _ = CONVOLVES.init(Key(0), (6, 6, 1))


@pytest.mark.parametrize("n", [1, 4, 5, 33, 150])
def test_images_are_answered_a_few_at_a_time(n, monkeypatch):
    seen = []

    def applied(network, params, x):
        seen.append(len(x))
        return network(params, x)

    monkeypatch.setattr(module, "compiled_apply", applied)
    x = IMAGES[:n].astype(np.float32)
    a = outputs(CONVOLVES, CONV_PARAMS, x, np.float32)
    np.testing.assert_allclose(a, CONVOLVES(CONV_PARAMS, x), atol=1e-5)
    assert seen == {1: [4], 4: [4], 5: [32], 33: [64], 150: [128, 128]}[n]


def test_large_layers_leave_room_for_fewer_images(monkeypatch):
    """The image is 6 × 6, the largest layer's output 4 × 4 × 2: 144 and 128 bytes."""
    now = CONVOLVES, CONV_PARAMS, (6, 6, 1), np.float32
    assert rows_at_once(*now) == 128
    monkeypatch.setattr(module, "LAYER_BYTES", 128 * 144)
    assert rows_at_once(*now) == 128
    monkeypatch.setattr(module, "LAYER_BYTES", 128 * 144 - 1)
    assert rows_at_once(*now) == 32
    monkeypatch.setattr(module, "LAYER_BYTES", 1)
    assert rows_at_once(*now) == 4
