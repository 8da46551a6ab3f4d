"""Calls of the compiled program: whose rows, which steps, and who goes together."""

from dataclasses import replace

import jax
import numpy as np
import pytest
import scipy.sparse

from lamina.data.sequences.ragged_array import as_ragged_array
from lamina.learning import SGD, Dataset, Loader, Objective, Problem
from lamina.learning.loop import trainer as module
from lamina.learning.loop.side_by_side import Own, stack
from lamina.learning.loop.state import Weights
from lamina.learning.loop.trainer import Epochs, Trainer, check_alike
from lamina.networks import Dense, Key, Network

N = 23
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((N, 4)), RNG.integers(0, 3, N)
OBJECTIVE = Objective(Network((Dense(3, "softmax"),)), "cross_entropy")
START, _ = OBJECTIVE.network.init(Key(0), (4,))
BY = SGD(0.1)


def problems(n=2, *, batch_size=5, data=None, **how):
    data = Dataset(X, Y, **how) if data is None else data
    return [Problem(OBJECTIVE, BY, Loader(data, batch_size=batch_size))] * n


def trainer(seeds=(0, 1), most_steps=10**6, limits=None, **how):
    keys = [Key(seed) for seed in seeds]
    return Trainer(problems(len(seeds), **how), keys, limits or {}, 1, most_steps)


def weights(n):
    return stack([Weights(START, BY.init(START))] * n)


def calls(monkeypatch, one, epochs):
    """Return what the compiled program is called with."""
    seen, train = [], module.compiled_train

    def told(*args):
        seen.append(args)
        return train(*args)

    monkeypatch.setattr(module, "compiled_train", told)
    one.train([BY] * one.n, weights(one.n), epochs)
    return seen


def test_an_epoch_may_take_several_calls(monkeypatch):
    one = trainer((0,), most_steps=2)
    found = [args[5][2:4] for args in calls(monkeypatch, one, Epochs([3], [1]))]
    assert found == [(0, 2), (2, 4), (4, 5)]


def test_fewer_steps_may_be_asked_for(monkeypatch):
    one = trainer((0,), most_steps=2)
    found = [args[5][2:4] for args in calls(monkeypatch, one, Epochs([0], [1], 3))]
    assert found == [(0, 2), (2, 3)]


def test_one_model_has_plain_numbers_and_arrays(monkeypatch):
    ((*_, work),) = calls(monkeypatch, trainer((7,)), Epochs([3], [2]))
    assert (work.epochs, work.first_epoch) == (2, 3)
    assert work.order.shape[1:] == trainer((7,)).loader.order(Key(7), 0, 1).shape[1:]


@pytest.mark.slow
def test_models_of_other_keys_have_orders_of_their_own(monkeypatch):
    ((*_, data, work),) = calls(monkeypatch, trainer(), Epochs([3, 5], [1, 1]))
    loader = trainer().loader
    for i, (key, first) in enumerate([(Key(0), 3), (Key(1), 5)]):
        np.testing.assert_array_equal(work.order.value[i], loader.order(key, first, 1))
    assert not any(isinstance(leaf, Own) for leaf in data)
    assert work.epochs.value.tolist() == [1, 1]
    assert work.first_epoch.value.tolist() == [3, 5]


@pytest.mark.slow
def test_a_model_that_takes_none_is_given_the_rows_of_another(monkeypatch):
    """It stays as it was, and nothing is drawn or gathered for it."""
    one = trainer((0, 1, 2))
    ((*_, work),) = calls(monkeypatch, one, Epochs([0, 4, 4], [0, 2, 2]))
    expected = one.loader.order(Key(1), 4, 2)
    for i in (0, 1):
        np.testing.assert_array_equal(work.order.value[i], expected)
    after, records = one.train([BY] * 3, weights(3), Epochs([0, 4, 4], [0, 2, 2]))
    assert [len(own) for own in records] == [0, 2, 2]
    for leaf, start in zip(
        jax.tree.leaves(after.params), jax.tree.leaves(START), strict=True
    ):
        np.testing.assert_array_equal(leaf[0], start)


@pytest.mark.slow
def test_models_of_one_key_share_their_order(monkeypatch):
    ((*_, work),) = calls(monkeypatch, trainer((3, 3)), Epochs([2, 2], [1, 1]))
    assert not isinstance(work.order, Own)
    assert not isinstance(work.key, Own)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [(3, 3), (3, 4)], ids=["one key", "two"])
def test_streamed_blocks_come_once_for_each_order(seeds, monkeypatch):
    gathered, block = [], Dataset.block

    def told(self, rows, shards=1):
        gathered.append(rows)
        return block(self, rows, shards)

    monkeypatch.setattr(Dataset, "block", told)
    one = trainer(seeds, resident=False)
    ((*_, data, _),) = calls(monkeypatch, one, Epochs([0, 0], [1, 1]))
    assert len(gathered) == len(set(seeds))
    assert isinstance(data.x, Own) == (len(set(seeds)) > 1)


@pytest.mark.slow
def test_a_whole_batch_is_there_once(monkeypatch):
    one = trainer(batch_size=N)
    ((*_, data, work),) = calls(monkeypatch, one, Epochs([0, 0], [1, 1]))
    assert work.order is None
    assert not any(isinstance(leaf, Own) for leaf in data)


def test_whole_batches_of_other_rows_differ_in_weights_only(monkeypatch):
    data = Dataset(X, Y)
    both = [
        Problem(OBJECTIVE, BY, Loader(data, rows, batch_size=N))
        for rows in (np.arange(9), np.arange(5, 14))
    ]
    one = Trainer(both, [Key(0), Key(1)], {}, 1, 10**6)
    ((*_, batch, _),) = calls(monkeypatch, one, Epochs([0, 0], [1, 1]))
    assert isinstance(batch.weight, Own)
    assert not isinstance(batch.x, Own)
    assert batch.weight.value.sum(axis=1).tolist() == [9, 9]


@pytest.mark.slow
def test_sparse_rows_of_all_models_lie_on_the_device_once(monkeypatch):
    wide = scipy.sparse.random_array((N, 300), density=0.02, rng=RNG, format="csr")
    network = Objective(Network((Dense(3, "softmax"),)), "cross_entropy")
    start, _ = network.network.init(Key(0), (300,))
    both = [Problem(network, BY, Loader(Dataset(wide, Y), batch_size=5))] * 2
    one = Trainer(both, [Key(0), Key(1)], {}, 1, 10**6)
    many = stack([Weights(start, BY.init(start))] * 2)
    after, _ = one.train([BY] * 2, many, Epochs([0, 0], [2, 2]))
    for i in range(2):
        single = Trainer(both[:1], [Key(i)], {}, 1, 10**6)
        alone, _ = single.train([BY], Weights(start, BY.init(start)), Epochs([0], [2]))
        for a, b in zip(
            jax.tree.leaves(after.params), jax.tree.leaves(alone.params), strict=True
        ):
            np.testing.assert_allclose(a[i], b, rtol=1e-4, atol=1e-6)


def test_what_does_not_go_together_is_refused():
    keys = [Key(0), Key(1)]
    one, _ = problems()
    check_alike([one, one], keys)
    other = replace(one, loader=Loader(Dataset(X, Y), batch_size=5))
    with pytest.raises(ValueError, match="the same examples"):
        check_alike([one, other], keys)
    data = one.loader.dataset
    for loader in (
        Loader(data, np.arange(9), batch_size=5),
        Loader(data, batch_size=4),
    ):
        with pytest.raises(ValueError, match="the same number of steps per epoch"):
            check_alike([one, replace(one, loader=loader)], keys)


def test_sequences_of_many_lengths_need_one_order():
    series = as_ragged_array([RNG.standard_normal((3 + i, 2)) for i in range(N)])
    both = problems(data=Dataset(series, Y))
    check_alike(both, [Key(0), Key(0)])
    with pytest.raises(ValueError, match="give them the same key"):
        check_alike(both, [Key(0), Key(1)])
    check_alike(problems(data=Dataset(series, Y), batch_size=N), [Key(0), Key(1)])
