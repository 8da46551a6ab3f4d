"""Learning from sequences of different lengths, bucket by bucket."""

import copy

import jax
import numpy as np
import pytest

from lamina import learning
from lamina.data.series import as_series
from lamina.learning.apply import outputs_of_sequences
from lamina.learning.health import Recorder
from lamina.learning.passes import validate
from lamina.learning.program import compile_count
from lamina.learning.ragged import padded_time
from lamina.networks import (
    LSTM,
    Bidirectional,
    Dense,
    Key,
    Last,
    Network,
    Sequences,
)


def sequences(lengths, features=2, seed=0):
    rng = np.random.default_rng(seed)
    return as_series([rng.standard_normal((n, features)) for n in lengths])


def test_times_double():
    steps = np.array([1, 7, 8, 9, 16, 17, 32, 33, 1000])
    assert padded_time(steps).tolist() == [8, 8, 8, 16, 16, 32, 32, 64, 1024]


LENGTHS = [5] * 9 + [12] * 6 + [30] * 3 + [15] * 2


def feed_of(batch_size=4, shuffle=True):
    x = sequences(LENGTHS)
    examples = learning.Examples(x, np.arange(len(x)) % 3)
    return learning.Feed(examples, batch_size=batch_size, shuffle=shuffle)


def test_every_row_comes_once_with_others_of_its_bucket():
    feed = feed_of()
    assert feed.streams
    assert feed.block_steps == 1
    for epoch in range(3):
        seen, times = [], []
        for batch, order, steps in feed.blocks(Key(3), epoch):
            assert steps == 1
            real = np.asarray(batch.weight) > 0
            lengths = np.asarray(batch.x.lengths)[real]
            assert not np.asarray(batch.x.lengths)[~real].any()
            time = batch.x.values.shape[1]
            assert time == padded_time(lengths.max())
            assert lengths.min() > time // 2 or time == 8
            times.append(time)
            seen += np.asarray(batch.y)[real].tolist()
            assert order.shape == (1, 1, 4)
        assert len(times) == feed.steps == 3 + 2 + 1
        assert sorted(times) == [8, 8, 8, 16, 16, 32]
        assert sorted(seen) == sorted(np.arange(20) % 3)
    first, again, other = (feed.order(Key(3), epoch, 1).tolist() for epoch in (0, 0, 1))
    assert first == again
    assert first != other


def test_few_sequences_join_the_next_longer_ones():
    feed = feed_of(batch_size=10)
    times = {b.x.values.shape[1] for b, _, _ in feed.blocks(Key(0), 0)}
    assert times == {16, 32}  # 9 of 5 steps with 8 of up to 16; 3 of 30 alone
    assert feed.steps == 2 + 1


def test_in_order_they_come_as_they_were_given():
    rows = []
    for batch, _, _ in feed_of(6).in_order().blocks(Key(0), 0):
        lengths = np.asarray(batch.x.lengths)
        rows += lengths[lengths > 0].tolist()
    assert rows == LENGTHS


def test_some_rows_only():
    feed = feed_of().only(np.array([0, 1, 16]))
    lengths = [
        np.sort(np.asarray(b.x.lengths)[np.asarray(b.weight) > 0]).tolist()
        for b, _, _ in feed.blocks(Key(0), 0)
    ]
    assert lengths == [[5, 5, 30]]


NETWORK = Network((LSTM(4), Last(), Dense(3, "softmax")))


def trained(feed, epochs=2, **how):
    params, _ = NETWORK.init(Key(1), (30, 2), np.float32)
    objective = learning.Objective(NETWORK, "cross_entropy")
    now = objective, learning.SGD(0.1), feed, params
    return learning.fit(*now, key=Key(2), epochs=epochs, **how)


def test_a_whole_batch_learns_what_each_sequence_alone_teaches():
    """One step of gradient descent by hand: the mean of 20 gradients."""
    feed = feed_of(batch_size=20)
    assert (feed.whole, feed.steps) == (True, 1)
    found = trained(feed, epochs=1).params
    params, _ = NETWORK.init(Key(1), (30, 2), np.float32)
    objective = learning.Objective(NETWORK, "cross_entropy")
    x = sequences(LENGTHS)

    def alone(i):
        batch = learning.Batch(
            np.asarray(x[i], np.float32)[None],
            np.array([i % 3]),
            np.ones(1, np.float32),
        )
        return jax.grad(objective)(params, batch)

    total = jax.tree.map(lambda *g: sum(g) / 20, *[alone(i) for i in range(20)])
    right = jax.tree.map(lambda p, g: p - 0.1 * g, params, total)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_program_a_bucket_and_none_the_second_time():
    before = compile_count()
    first = trained(feed_of())
    assert compile_count() - before == 3
    again = trained(feed_of())
    assert compile_count() - before == 3
    for a, b in zip(
        jax.tree.leaves(first.params), jax.tree.leaves(again.params), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert first.history["loss"][1] < first.history["loss"][0]


class Kept:
    """A checkpoint that is always due and keeps all snapshots."""

    first = True

    def __init__(self, snapshot=None):
        self.snapshot, self.saved = snapshot, []

    def load(self):
        return copy.deepcopy(self.snapshot)

    def due(self):
        return True

    def save(self, snapshot):
        self.saved.append(copy.deepcopy(snapshot))


def test_a_run_goes_on_where_it_was_broken_off():
    """From every snapshot, those amid an epoch included, with the same bits."""
    kept = Kept()
    whole = trained(feed_of(), epochs=3, checkpoint=kept)
    assert len(kept.saved) > 3 * 5
    for snapshot in kept.saved[::4]:
        rest = trained(feed_of(), epochs=3, checkpoint=Kept(snapshot))
        assert rest.epochs == 3
        assert rest.history == whole.history
        for a, b in zip(
            jax.tree.leaves(whole.params), jax.tree.leaves(rest.params), strict=True
        ):
            np.testing.assert_array_equal(a, b)


def test_validation_sees_every_sequence_in_its_place():
    feed = feed_of()
    result = trained(feed)
    outputs = []

    def score(found):
        outputs.append(found)
        return 0.5

    validation = learning.Validation(feed_of(6, shuffle=False), score)
    objective = learning.Objective(NETWORK, "cross_entropy")
    params = result.params
    record = validate(objective, params, validation)
    x = sequences(LENGTHS)
    alone = [NETWORK(params, np.asarray(one, np.float32)[None])[0] for one in x]
    np.testing.assert_allclose(outputs[0], np.stack(alone), atol=1e-6)
    loss = -np.mean([np.log(p[i % 3]) for i, p in enumerate(alone)])
    np.testing.assert_allclose(record["validation_loss"], loss, rtol=1e-5)


@pytest.mark.parametrize("whole", [True, False])
def test_every_sequence_gets_the_answer_it_gets_alone(whole, monkeypatch):
    """One for the whole, or one at each step; few at a time, and a long one too."""
    monkeypatch.setattr("lamina.learning.apply.STEPS_AT_ONCE", 40)
    layers = (Bidirectional(LSTM(4)), *([Last()] if whole else []), Dense(3))
    network = Network(layers)
    params, _ = network.init(Key(1), (30, 2), np.float32)
    x = sequences([*LENGTHS, 100])
    found = outputs_of_sequences(network, params, x, np.float32)
    assert len(found) == 21
    for answer, one in zip(found, x, strict=True):
        right = network(params, np.asarray(one, np.float32)[None])[0]
        assert answer.shape == right.shape
        np.testing.assert_allclose(answer, right, atol=1e-6)


def test_health_is_that_of_some_of_the_sequences():
    feed = feed_of()
    params, _ = NETWORK.init(Key(1), (30, 2), np.float32)
    objective = learning.Objective(NETWORK, "cross_entropy")
    recorder = Recorder.of(objective, feed, params)
    assert recorder is not None
    trained(feed, health=recorder)
    recorder.settle()
    assert recorder.records
    assert isinstance(recorder.probe.x, Sequences)
    real = np.asarray(recorder.probe.weight) > 0
    lengths = recorder.probe.x.lengths
    assert not lengths[~real].any()
    assert set(lengths[real].tolist()) <= set(LENGTHS)
