"""The feed: orders and blocks; every row once an epoch, padding besides."""

import jax
import numpy as np
import pytest
import scipy.sparse

from lamina.learning import Dataset, Loader
from lamina.learning.data import inputs
from lamina.learning.data.loader import MAX_EPOCHS_PER_CALL, STEPS_PER_CALL
from lamina.networks import Key

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


# ---- orders -------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 3, 4, 10])
@pytest.mark.parametrize("rows", [None, [0, 2, 3, 5, 7, 8, 10]], ids=["all", "some"])
def test_each_epoch_takes_every_row_once(rows, batch_size):
    f = loader(rows, batch_size)
    mine = sorted(rows or range(11))
    order = f.order(KEY, 5, 3)
    for epoch in order[:3]:
        steps = epoch[: f.steps].ravel()
        assert sorted(steps[steps < 11]) == mine
        assert np.all(steps[len(mine) :] == 11)
        assert np.all(epoch[f.steps :] == 11)


def test_orders_derive_from_the_epoch_alone():
    f = loader()
    together = f.order(KEY, 4, 3)
    for i in range(3):
        np.testing.assert_array_equal(f.order(KEY, 4 + i, 1)[0], together[i])
    assert not np.array_equal(together[0], together[1])
    assert not np.array_equal(together[0], f.order(Key(4), 4, 1)[0])


def test_order_is_the_keys_permutation():
    expected = KEY.fold_in("order", 4).generator().permutation(11)
    np.testing.assert_array_equal(loader().order(KEY, 4, 1)[0].ravel()[:11], expected)


def test_without_shuffling_rows_come_as_given():
    order = loader([5, 2, 9], 2, shuffle=False).order(KEY, 0, 2)
    for epoch in order[:2]:
        assert epoch[:2].tolist() == [[5, 2], [9, 11]]


@pytest.mark.slow
def test_all_orders_are_drawn_alike():
    """Each row is first equally often: 6,600 epochs, 600 each ± 5 σ."""
    f = loader(batch_size=1)
    firsts = np.concatenate([f.order(KEY, 30 * i, 30)[:30, 0, 0] for i in range(220)])
    counts = np.bincount(firsts, minlength=11)
    assert np.abs(counts - 600).max() < 5 * np.sqrt(600 * 10 / 11)


def test_orders_of_similar_sizes_have_one_shape():
    """And so one compiled program: 1,500 rows and 1,437 of them."""
    x, y = np.zeros((1500, 1)), np.zeros((1500, 1))
    shapes = set()
    for n in (1500, 1437):
        f = Loader(Dataset(x[:n], y[:n]), batch_size=32)
        shapes.add((f.order(KEY, 0, 1).shape, f.dataset.device.x.shape))
    assert len(shapes) == 1


def test_small_data_take_many_epochs_a_call():
    assert loader().epochs_per_call == MAX_EPOCHS_PER_CALL
    large = Loader(Dataset(np.zeros((3000, 1)), np.zeros(3000)), batch_size=1)
    assert large.epochs_per_call == STEPS_PER_CALL // 3072


# ---- whole batches and blocks -------------------------------------------------------


@pytest.mark.parametrize("batch_size", [11, 12, 1000])
def test_from_all_rows_on_the_batch_is_whole(batch_size):
    f = loader(batch_size=batch_size)
    assert f.whole
    assert f.steps == 1
    assert not loader(batch_size=10).whole


@pytest.mark.parametrize("resident", [True, False], ids=["resident", "streaming"])
def test_whole_batch_weighs_other_rows_zero(resident):
    rows = [0, 2, 3, 5]
    examples = Dataset(X, Y, W, resident=resident)
    batch = loader(rows, 4, examples).whole_batch
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
    examples = Dataset(X, Y, resident=resident)
    batch = loader([0, 0, 3], 3, examples).whole_batch
    assert float(np.sum(batch.weight)) == 3


@pytest.mark.parametrize("bytes_a_block", [1, 64, 10**9])
def test_blocks_are_the_order_cut_into_pieces(bytes_a_block, monkeypatch):
    monkeypatch.setattr(inputs, "STREAM_BYTES", bytes_a_block)
    f = Loader(Dataset(X, Y, W, resident=False), batch_size=3)
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
    monkeypatch.setattr(inputs, "STREAM_BYTES", 64)
    f = Loader(Dataset(X, Y, W, resident=False), batch_size=3)
    shapes = [jax.tree.map(np.shape, block[:2]) for block in f.blocks(KEY, 0)]
    assert len(shapes) > 1
    assert all(shape == shapes[0] for shape in shapes)


# ---- targets that are the inputs themselves -----------------------------------------
