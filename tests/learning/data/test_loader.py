"""The feed: sizes, orders and blocks; every row once an epoch, padding besides."""

import jax
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from lamina.learning import Examples, Feed
from lamina.learning.data import loader as module
from lamina.learning.data.loader import MAX_EPOCHS_PER_CALL, STEPS_PER_CALL, padded_size
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


def feed(rows=None, batch_size=4, examples=None, **how):
    rows = None if rows is None else np.array(rows)
    return Feed(examples or Examples(X, Y, W), rows, batch_size=batch_size, **how)


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
    x, y, weight, _ = Examples(X, Y, W).device
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
    for examples in (Examples(pixels, Y), Examples(pixels, Y, resident=False)):
        assert examples.block(np.array([3, 11, 0])).x.dtype == np.uint8
        assert examples.device.x.dtype == np.uint8
        assert examples.device.y.dtype == np.float32
    sparse = Examples(scipy.sparse.csr_array(pixels), Y)
    assert sparse.device.x.dtype == np.float32


def test_stored_rows_are_streamed_and_never_read_at_once(monkeypatch):
    pixels = (np.arange(60) * 4).astype(np.uint8).reshape(30, 2)
    monkeypatch.setattr(module, "STREAM_BYTES", 4 * 2 * 2)  # two batches of four rows
    stored = Stored(pixels)
    examples = Examples(stored, np.arange(30.0)[:, None])
    assert not examples.resident
    assert (examples.n, examples.shape) == (30, (2,))
    seen = []
    for batch, order, steps in Feed(examples, batch_size=4).blocks(KEY, 0):
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
    assert Examples(np.ones((n, 1)), np.ones((n, 1))).device.weight[-1] == 0


def test_weights_are_one_by_default():
    weight = Examples(X, Y).device.weight
    assert weight.tolist() == [1.0] * 11 + [0.0] * 21


def test_class_numbers_stay_whole():
    y = Examples(X, np.arange(11)).device.y
    assert y.dtype == np.int32
    assert y.shape == (32,)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "csr"])
def test_blocks_gather_rows_and_padding_anywhere(sparse):
    x = scipy.sparse.csr_array(X) if sparse else X
    block = Examples(x, Y, W, resident=False).block(np.array([3, 11, 0, 11, 10]))
    np.testing.assert_array_equal(block.x, [X[3], [0, 0], X[0], [0, 0], X[10]])
    np.testing.assert_array_equal(block.y, [Y[3], [0], Y[0], [0], Y[10]])
    np.testing.assert_array_equal(block.weight, [W[3], 0, W[0], 0, W[10]])


def test_which_gear():
    assert Examples(X, Y).resident
    assert Examples(scipy.sparse.csr_array(X), Y).resident
    assert not Examples(X, Y, resident=False).resident
    assert Examples(THIN_X, Y).resident


def test_few_entries_stay_sparse_on_the_device():
    batch = Examples(THIN_X, Y, W).device
    assert isinstance(batch.x, SparseRows)
    assert batch.x.shape == (32, 300)
    dense = np.asarray(batch.x @ np.eye(300, dtype=np.float32))
    np.testing.assert_array_equal(dense[:11], THIN_X.toarray())
    assert not dense[11:].any()
    np.testing.assert_array_equal(batch.weight, [*W, *[0] * 21])


def test_many_entries_or_few_columns_become_dense():
    narrow, full = THIN_X[:, :255], scipy.sparse.csr_array(np.ones((11, 300)))
    for x in (narrow, full):
        device = Examples(x, Y).device.x
        np.testing.assert_array_equal(device[:11], x.toarray())


def test_large_and_not_thin_is_streamed_but_never_dense_as_a_whole(monkeypatch):
    monkeypatch.setattr(module, "STREAM_BYTES", 11 * 300 * 4 - 1)
    full = scipy.sparse.csr_array(np.ones((11, 300)))
    examples = Examples(full, Y)
    assert not examples.resident
    assert isinstance(examples.block(np.arange(4)).x, jax.Array)
    assert isinstance(feed(None, 11, examples).whole_batch.x, SparseRows)


def test_similar_numbers_of_entries_look_alike():
    """At most an eighth is padding, and one program serves them all."""
    sizes = set()
    for n in range(100_000, 110_000, 100):
        x = scipy.sparse.csr_array((np.ones(n), np.zeros(n), [0, n]), shape=(1, 300))
        sizes.add(len(module.sparse_rows(x, np.float32, 1).values))
        assert n < max(sizes) <= n * 9 / 8
    assert len(sizes) <= 3


@pytest.mark.parametrize("form", ["csc", "coo", "lil", "dok"])
def test_any_sparse_form_is_taken(form):
    examples = Examples(THIN_X.asformat(form), Y)
    dense = np.asarray(examples.device.x @ np.eye(300, dtype=np.float32))
    np.testing.assert_array_equal(dense[:11], THIN_X.toarray())
    block = examples.block(np.array([3, 11]))
    np.testing.assert_array_equal(block.x, [THIN_X[3].toarray(), np.zeros(300)])


def test_images_keep_their_shape():
    images = Examples(np.ones((11, 3, 2, 1)), Y)
    assert images.shape == (3, 2, 1)
    assert images.device.x.shape == (32, 3, 2, 1)


def test_arrays_are_aligned_and_not_aliased():
    """The CPU device takes 64-byte aligned memory as it is; X is copied there."""
    x = X.astype(np.float32)
    examples = Examples(x, Y)
    before = np.array(examples.device.x)
    x[:] = -1
    np.testing.assert_array_equal(examples.device.x, before)
    assert module._aligned((3, 5), np.float32).ctypes.data % 64 == 0


def test_unmeasured_outputs_are_masked_and_the_others_stand_in_for_them():
    """Weights 1, 2, 1: the second output is measured with weight 2 of 4."""
    y = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, np.nan]])
    batch = Examples(np.ones((3, 1)), y, np.array([1.0, 2, 1])).device
    np.testing.assert_array_equal(batch.y[:3], [[1, 0], [2, 5], [3, 0]])
    np.testing.assert_array_equal(batch.mask[:4], [[1, 0], [1, 2], [1, 0], [0, 0]])
    assert Examples(np.ones((3, 1)), np.ones((3, 2))).device.mask is None
    block = Examples(np.ones((3, 1)), y).block(np.array([1, 3]))
    np.testing.assert_array_equal(block.mask, [[1, 3], [0, 0]])


def test_an_output_that_nobody_measured_counts_nothing():
    y = np.array([[1.0, np.nan], [2.0, np.nan]])
    batch = Examples(np.ones((2, 1)), y).device
    np.testing.assert_array_equal(batch.mask[:2], [[1, 0], [1, 0]])


def test_held_out_rows_and_all_others_stand_in_for_their_own_only():
    """Training weighs 3, of which 1 is measured; validation 5, all measured."""
    y = np.array([[1.0, 2.0], [2.0, np.nan], [3.0, 4.0], [5.0, 6.0]])
    examples = Examples(np.ones((4, 1)), y, np.array([1.0, 2, 2, 3]))
    examples.hold_out(np.array([2, 3]))
    expected = [[1, 3], [1, 0], [1, 1], [1, 1]]
    np.testing.assert_array_equal(examples.device.mask[:4], expected)
    whole = Examples(np.ones((2, 1)), np.ones((2, 2)))
    whole.hold_out(np.array([1]))
    assert whole.mask is None


# ---- orders -------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 3, 4, 10])
@pytest.mark.parametrize("rows", [None, [0, 2, 3, 5, 7, 8, 10]], ids=["all", "some"])
def test_each_epoch_takes_every_row_once(rows, batch_size):
    f = feed(rows, batch_size)
    mine = sorted(rows or range(11))
    order = f.order(KEY, 5, 3)
    for epoch in order[:3]:
        steps = epoch[: f.steps].ravel()
        assert sorted(steps[steps < 11]) == mine
        assert np.all(steps[len(mine) :] == 11)
        assert np.all(epoch[f.steps :] == 11)


def test_orders_derive_from_the_epoch_alone():
    f = feed()
    together = f.order(KEY, 4, 3)
    for i in range(3):
        np.testing.assert_array_equal(f.order(KEY, 4 + i, 1)[0], together[i])
    assert not np.array_equal(together[0], together[1])
    assert not np.array_equal(together[0], f.order(Key(4), 4, 1)[0])


def test_order_is_the_keys_permutation():
    expected = KEY.fold_in("order", 4).generator().permutation(11)
    np.testing.assert_array_equal(feed().order(KEY, 4, 1)[0].ravel()[:11], expected)


def test_without_shuffling_rows_come_as_given():
    order = feed([5, 2, 9], 2, shuffle=False).order(KEY, 0, 2)
    for epoch in order[:2]:
        assert epoch[:2].tolist() == [[5, 2], [9, 11]]


def test_all_orders_are_drawn_alike():
    """Each row is first equally often: 6,600 epochs, 600 each ± 5 σ."""
    f = feed(batch_size=1)
    firsts = np.concatenate([f.order(KEY, 30 * i, 30)[:30, 0, 0] for i in range(220)])
    counts = np.bincount(firsts, minlength=11)
    assert np.abs(counts - 600).max() < 5 * np.sqrt(600 * 10 / 11)


def test_orders_of_similar_sizes_have_one_shape():
    """And so one compiled program: 1,500 rows and 1,437 of them."""
    x, y = np.zeros((1500, 1)), np.zeros((1500, 1))
    shapes = set()
    for n in (1500, 1437):
        f = Feed(Examples(x[:n], y[:n]), batch_size=32)
        shapes.add((f.order(KEY, 0, 1).shape, f.examples.device.x.shape))
    assert len(shapes) == 1


def test_small_data_take_many_epochs_a_call():
    assert feed().epochs_per_call == MAX_EPOCHS_PER_CALL
    large = Feed(Examples(np.zeros((3000, 1)), np.zeros(3000)), batch_size=1)
    assert large.epochs_per_call == STEPS_PER_CALL // 3072


# ---- whole batches and blocks -------------------------------------------------------


@pytest.mark.parametrize("batch_size", [11, 12, 1000])
def test_from_all_rows_on_the_batch_is_whole(batch_size):
    f = feed(batch_size=batch_size)
    assert f.whole
    assert f.steps == 1
    assert not feed(batch_size=10).whole


@pytest.mark.parametrize("resident", [True, False], ids=["resident", "streaming"])
def test_whole_batch_weighs_other_rows_zero(resident):
    rows = [0, 2, 3, 5]
    examples = Examples(X, Y, W, resident=resident)
    batch = feed(rows, 4, examples).whole_batch
    real = np.asarray(batch.weight) > 0
    np.testing.assert_array_equal(np.asarray(batch.x)[real], X[rows])
    np.testing.assert_array_equal(np.asarray(batch.y)[real], Y[rows])
    np.testing.assert_array_equal(np.asarray(batch.weight)[real], W[rows])


@pytest.mark.parametrize(
    "resident",
    [
        True,
        False,
    ],
    ids=["resident", "streaming"],
)
def test_repeated_rows_weigh_twice(resident):
    """A bootstrap sample as a whole batch."""
    examples = Examples(X, Y, resident=resident)
    batch = feed([0, 0, 3], 3, examples).whole_batch
    assert float(np.sum(batch.weight)) == 3


@pytest.mark.parametrize("bytes_a_block", [1, 64, 10**9])
def test_blocks_are_the_order_cut_into_pieces(bytes_a_block, monkeypatch):
    monkeypatch.setattr(module, "STREAM_BYTES", bytes_a_block)
    f = Feed(Examples(X, Y, W, resident=False), batch_size=3)
    order = f.order(KEY, 2, 1)[0]
    seen = 0
    for data, local, steps in f.blocks(KEY, 2):
        for rows in local[0, :steps]:
            real = order[seen] < 11
            expected = X[order[seen][real]]
            np.testing.assert_array_equal(np.asarray(data.x)[rows][real], expected)
            np.testing.assert_array_equal(np.asarray(data.weight)[rows] > 0, real)
            seen += 1
    assert seen == f.steps == 4


def test_all_blocks_have_one_shape(monkeypatch):
    monkeypatch.setattr(module, "STREAM_BYTES", 64)
    f = Feed(Examples(X, Y, W, resident=False), batch_size=3)
    shapes = [jax.tree.map(np.shape, block[:2]) for block in f.blocks(KEY, 0)]
    assert len(shapes) > 1
    assert all(shape == shapes[0] for shape in shapes)


# ---- targets that are the inputs themselves -----------------------------------------


def test_a_target_that_is_the_input_is_gathered_once():
    x = np.arange(12.0).reshape(6, 2)
    examples = Examples(x, x, dtype=np.float64)
    batch = examples.padded(np.array([4, 1]), 3)
    assert batch.y is batch.x
    np.testing.assert_array_equal(batch.x, [[8, 9], [2, 3], [0, 0]])
    other = Examples(x, x.copy(), dtype=np.float64).padded(np.array([4, 1]), 3)
    assert other.y is not other.x


@pytest.mark.parametrize("density", [0.001, 0.3])
def test_sparse_targets_make_dense_batches(density, monkeypatch):
    x = scipy.sparse.random_array((50, 400), density=density, format="csr", rng=0)
    x = x.astype(np.float32)
    examples = Examples(x, x, dtype=np.float32)
    assert examples.resident
    assert not examples.stays_sparse
    device = examples.device
    np.testing.assert_array_equal(np.asarray(device.x)[:50], x.toarray())
    np.testing.assert_array_equal(np.asarray(device.y)[:50], x.toarray())
    monkeypatch.setattr(module, "STREAM_BYTES", 50 * 400 * 4 - 1)
    large = Examples(x, x, dtype=np.float32)
    assert not large.resident
    block = large.block(np.array([3, 50, 7]))
    rows = x.toarray()
    np.testing.assert_array_equal(block.y, [rows[3], np.zeros(400), rows[7]])
    np.testing.assert_array_equal(block.weight, [1, 0, 1])
