"""Examples on the device: sizes, padding, sparse and stored rows, missing targets."""

import jax
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from lamina.learning import Dataset, Loader
from lamina.learning.data import inputs
from lamina.learning.data.dataset import padded_size
from lamina.learning.objectives.objective import chunks_of
from lamina.networks import Key
from lamina.networks.core.sparse import SparseRows

X = np.arange(22.0).reshape(11, 2) + 1
Y = np.arange(11.0)[:, None] + 100
W = np.arange(11.0) + 0.5
KEY = Key(3)


THIN_X = scipy.sparse.csr_array(  # 11 × 300, an entry a row
    (X[:, 0], np.arange(11) * 5, np.arange(12)), shape=(11, 300)
)


def loader(rows=None, batch_size=4, examples=None, **how):
    rows = None if rows is None else np.array(rows)
    return Loader(examples or Dataset(X, Y, W), rows, batch_size=batch_size, **how)


# ---- sizes --------------------------------------------------------------------------


def test_padded_sizes():
    sizes = sorted({padded_size(n) for n in range(1025)})
    assert sizes == [*range(32, 513, 32), *range(576, 1025, 64)]


@given(st.integers(1, 10**9))
def test_padding_is_at_most_an_eighth_or_31_rows(n):
    size = padded_size(n)
    assert n <= size <= max(n + n / 8, n + 31)
    assert padded_size(size) == size
    assert padded_size(n + 1) >= size


@given(st.integers(2049, 10**9))
def test_many_rows_are_padded_by_a_64th_at_most_to_whole_chunks(n):
    size = padded_size(n)
    assert size < n + max(n / 64, 16 * chunks_of(n))
    assert chunks_of(size) == chunks_of(n)
    assert size % chunks_of(size) == 0


def test_ten_thousand_numbers_of_rows_share_few_sizes():
    assert len({padded_size(n) for n in range(500, 2049)}) <= 20
    assert len({padded_size(n) for n in range(10_000, 20_000)}) <= 100


# ---- examples -----------------------------------------------------------------------


def test_device_holds_all_rows_and_then_padding_of_weight_zero():
    x, y, weight, _ = Dataset(X, Y, W).device
    assert x.shape == (32, 2)
    np.testing.assert_array_equal(x[:11], X)
    np.testing.assert_array_equal(y[:11], Y)
    np.testing.assert_array_equal(weight, [*W, *[0] * 21])
    assert not np.any(x[11:])
    assert x.dtype == y.dtype == weight.dtype == np.float32


class Stored:
    """Rows that are read when they are asked for, and counted."""

    def __init__(self, x):
        self.x, self.shape, self.dtype, self.largest = x, x.shape, x.dtype, 0

    def __getitem__(self, rows):
        taken = self.x[rows]
        self.largest = max(self.largest, len(taken))
        return taken


def test_bytes_stay_bytes_on_the_device():
    pixels = X.astype(np.uint8)
    for examples in (Dataset(pixels, Y), Dataset(pixels, Y, resident=False)):
        assert examples.block(np.array([3, 11, 0])).x.dtype == np.uint8
        assert examples.device.x.dtype == np.uint8
        assert examples.device.y.dtype == np.float32
    sparse = Dataset(scipy.sparse.csr_array(pixels), Y)
    assert sparse.device.x.dtype == np.float32


def test_stored_rows_are_streamed_and_never_read_at_once(monkeypatch):
    pixels = (np.arange(60) * 4).astype(np.uint8).reshape(30, 2)
    monkeypatch.setattr(inputs, "STREAM_BYTES", 4 * 2 * 2)  # two batches of four rows
    stored = Stored(pixels)
    examples = Dataset(stored, np.arange(30.0)[:, None])
    assert not examples.resident
    assert (examples.n, examples.shape) == (30, (2,))
    seen = []
    for batch, order, steps in Loader(examples, batch_size=4).blocks(KEY, 0):
        assert order.shape == (1, 2, 4)
        assert 1 <= steps <= 2
        real = np.asarray(batch.weight) > 0
        seen += np.asarray(batch.x)[real, 0].tolist()
    assert sorted(seen) == pixels[:, 0].tolist()
    assert seen != sorted(seen)
    assert stored.largest == 8


@pytest.mark.parametrize("n", [31, 32, 33, 64, 256])
def test_there_is_always_a_row_of_padding(n):
    """Row number n is padding, even where n is a padded size itself."""
    assert Dataset(np.ones((n, 1)), np.ones((n, 1))).device.weight[-1] == 0


def test_weights_are_one_by_default():
    weight = Dataset(X, Y).device.weight
    assert weight.tolist() == [1.0] * 11 + [0.0] * 21


def test_class_numbers_stay_whole():
    y = Dataset(X, np.arange(11)).device.y
    assert y.dtype == np.int32
    assert y.shape == (32,)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "csr"])
def test_blocks_gather_rows_and_padding_anywhere(sparse):
    x = scipy.sparse.csr_array(X) if sparse else X
    block = Dataset(x, Y, W, resident=False).block(np.array([3, 11, 0, 11, 10]))
    np.testing.assert_array_equal(block.x, [X[3], [0, 0], X[0], [0, 0], X[10]])
    np.testing.assert_array_equal(block.y, [Y[3], [0], Y[0], [0], Y[10]])
    np.testing.assert_array_equal(block.weight, [W[3], 0, W[0], 0, W[10]])


def test_which_gear():
    assert Dataset(X, Y).resident
    assert Dataset(scipy.sparse.csr_array(X), Y).resident
    assert not Dataset(X, Y, resident=False).resident
    assert Dataset(THIN_X, Y).resident


def test_few_entries_stay_sparse_on_the_device():
    batch = Dataset(THIN_X, Y, W).device
    assert isinstance(batch.x, SparseRows)
    assert batch.x.shape == (32, 300)
    dense = np.asarray(batch.x @ np.eye(300, dtype=np.float32))
    np.testing.assert_array_equal(dense[:11], THIN_X.toarray())
    assert not dense[11:].any()
    np.testing.assert_array_equal(batch.weight, [*W, *[0] * 21])


def test_many_entries_or_few_columns_become_dense():
    narrow, full = THIN_X[:, :255], scipy.sparse.csr_array(np.ones((11, 300)))
    for x in (narrow, full):
        device = Dataset(x, Y).device.x
        np.testing.assert_array_equal(device[:11], x.toarray())


def test_large_and_not_thin_is_streamed_but_never_dense_as_a_whole(monkeypatch):
    monkeypatch.setattr(inputs, "STREAM_BYTES", 11 * 300 * 4 - 1)
    full = scipy.sparse.csr_array(np.ones((11, 300)))
    examples = Dataset(full, Y)
    assert not examples.resident
    assert isinstance(examples.block(np.arange(4)).x, jax.Array)
    assert isinstance(loader(None, 11, examples).whole_batch.x, SparseRows)


def test_similar_numbers_of_entries_look_alike():
    """At most an eighth is padding, and one program serves them all."""
    sizes = set()
    for n in range(100_000, 110_000, 100):
        x = scipy.sparse.csr_array((np.ones(n), np.zeros(n), [0, n]), shape=(1, 300))
        sizes.add(len(inputs.sparse_rows(x, np.float32, 1).values))
        assert n < max(sizes) <= n * 9 / 8
    assert len(sizes) <= 3


@pytest.mark.parametrize("form", ["csc", "coo", "lil", "dok"])
def test_any_sparse_form_is_taken(form):
    examples = Dataset(THIN_X.asformat(form), Y)
    dense = np.asarray(examples.device.x @ np.eye(300, dtype=np.float32))
    np.testing.assert_array_equal(dense[:11], THIN_X.toarray())
    block = examples.block(np.array([3, 11]))
    np.testing.assert_array_equal(block.x, [THIN_X[3].toarray(), np.zeros(300)])


def test_images_keep_their_shape():
    images = Dataset(np.ones((11, 3, 2, 1)), Y)
    assert images.shape == (3, 2, 1)
    assert images.device.x.shape == (32, 3, 2, 1)


def test_arrays_are_aligned_and_not_aliased():
    """The CPU device takes 64-byte aligned memory as it is; X is copied there."""
    x = X.astype(np.float32)
    examples = Dataset(x, Y)
    before = np.array(examples.device.x)
    x[:] = -1
    np.testing.assert_array_equal(examples.device.x, before)
    assert inputs.aligned((3, 5), np.float32).ctypes.data % 64 == 0


def test_unmeasured_outputs_are_masked_and_the_others_stand_in_for_them():
    """Weights 1, 2, 1: the second output is measured with weight 2 of 4."""
    y = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, np.nan]])
    batch = Dataset(np.ones((3, 1)), y, np.array([1.0, 2, 1])).device
    np.testing.assert_array_equal(batch.y[:3], [[1, 0], [2, 5], [3, 0]])
    np.testing.assert_array_equal(batch.mask[:4], [[1, 0], [1, 2], [1, 0], [0, 0]])
    assert Dataset(np.ones((3, 1)), np.ones((3, 2))).device.mask is None
    block = Dataset(np.ones((3, 1)), y).block(np.array([1, 3]))
    np.testing.assert_array_equal(block.mask, [[1, 3], [0, 0]])


def test_an_output_that_nobody_measured_counts_nothing():
    y = np.array([[1.0, np.nan], [2.0, np.nan]])
    batch = Dataset(np.ones((2, 1)), y).device
    np.testing.assert_array_equal(batch.mask[:2], [[1, 0], [1, 0]])


def test_held_out_rows_and_all_others_stand_in_for_their_own_only():
    """Training weighs 3, of which 1 is measured; validation 5, all measured."""
    y = np.array([[1.0, 2.0], [2.0, np.nan], [3.0, 4.0], [5.0, 6.0]])
    examples = Dataset(np.ones((4, 1)), y, np.array([1.0, 2, 2, 3]))
    examples.hold_out(np.array([2, 3]))
    expected = [[1, 3], [1, 0], [1, 1], [1, 1]]
    np.testing.assert_array_equal(examples.device.mask[:4], expected)
    whole = Dataset(np.ones((2, 1)), np.ones((2, 2)))
    whole.hold_out(np.array([1]))
    assert whole.mask is None


def test_a_target_that_is_the_input_is_gathered_once():
    x = np.arange(12.0).reshape(6, 2)
    examples = Dataset(x, x, dtype=np.float64)
    batch = examples.padded(np.array([4, 1]), 3)
    assert batch.y is batch.x
    np.testing.assert_array_equal(batch.x, [[8, 9], [2, 3], [0, 0]])
    other = Dataset(x, x.copy(), dtype=np.float64).padded(np.array([4, 1]), 3)
    assert other.y is not other.x


@pytest.mark.parametrize("density", [0.001, 0.3])
def test_sparse_targets_make_dense_batches(density, monkeypatch):
    x = scipy.sparse.random_array((50, 400), density=density, format="csr", rng=0)
    x = x.astype(np.float32)
    examples = Dataset(x, x, dtype=np.float32)
    assert examples.resident
    assert not examples.stays_sparse
    device = examples.device
    np.testing.assert_array_equal(np.asarray(device.x)[:50], x.toarray())
    np.testing.assert_array_equal(np.asarray(device.y)[:50], x.toarray())
    monkeypatch.setattr(inputs, "STREAM_BYTES", 50 * 400 * 4 - 1)
    large = Dataset(x, x, dtype=np.float32)
    assert not large.resident
    block = large.block(np.array([3, 50, 7]))
    rows = x.toarray()
    np.testing.assert_array_equal(block.y, [rows[3], np.zeros(400), rows[7]])
    np.testing.assert_array_equal(block.weight, [1, 0, 1])
