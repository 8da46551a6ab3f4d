"""Learning from sequences of different lengths, bucket by bucket."""

import copy

import jax
import numpy as np
import pytest

from lamina import learning
from lamina.data.sequences.ragged_array import RaggedArray, as_ragged_array
from lamina.learning.data.bucketing import answers_filled_up, chunks, padded_time
from lamina.learning.diagnostics.recorder import Recorder
from lamina.learning.loop.apply import outputs_of_sequences
from lamina.learning.loop.evaluation import validate
from lamina.learning.parallel.compilation import compile_count
from lamina.networks import (
    LSTM,
    Bidirectional,
    Dense,
    Key,
    LastStep,
    Network,
    Sequences,
)
from tests.learning.fits import fit


def sequences(lengths, features=2, seed=0):
    rng = np.random.default_rng(seed)
    return as_ragged_array([rng.standard_normal((n, features)) for n in lengths])


def test_times_double():
    steps = np.array([1, 7, 8, 9, 16, 17, 32, 33, 1000])
    assert padded_time(steps).tolist() == [8, 8, 8, 16, 16, 32, 32, 64, 1024]


LENGTHS = [5] * 9 + [12] * 6 + [30] * 3 + [15] * 2


def feed_of(batch_size=4, shuffle=True):
    x = sequences(LENGTHS)
    examples = learning.Dataset(x, np.arange(len(x)) % 3)
    return learning.Loader(examples, batch_size=batch_size, shuffle=shuffle)


def test_every_row_comes_once_with_others_of_its_bucket():
    loader = feed_of()
    assert loader.streams
    assert loader.block_steps == 1
    for epoch in range(3):
        seen, times = [], []
        for batch, order, steps in loader.blocks(Key(3), epoch):
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
        assert len(times) == loader.steps == 3 + 2 + 1
        assert sorted(times) == [8, 8, 8, 16, 16, 32]
        assert sorted(seen) == sorted(np.arange(20) % 3)
    first, again, other = (
        loader.order(Key(3), epoch, 1).tolist() for epoch in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_few_sequences_join_the_next_longer_ones():
    loader = feed_of(batch_size=10)
    times = {b.x.values.shape[1] for b, _, _ in loader.blocks(Key(0), 0)}
    assert times == {16, 32}  # 9 of 5 steps with 8 of up to 16; 3 of 30 alone
    assert loader.steps == 2 + 1


def test_unshuffled_they_come_as_they_were_given_bucket_by_bucket():
    rows = []
    for batch, _, _ in feed_of(6, shuffle=False).blocks(Key(0), 0):
        lengths = np.asarray(batch.x.lengths)
        rows += lengths[lengths > 0].tolist()
    assert rows == [5] * 9 + [12] * 6 + [15] * 2 + [30] * 3


def test_a_giant_among_small_ones_brings_no_empty_places():
    x = sequences([5] * 9 + [3000])
    examples = learning.Dataset(x, np.arange(10) % 3)
    loader = learning.Loader(examples, batch_size=4)
    sizes = {b.x.values.shape[:2] for b, _, _ in loader.blocks(Key(0), 0)}
    assert sizes == {(4, 8), (1, 4096)}
    two = loader.divided(2)
    sizes = {b.x.values.shape[:2] for b, _, _ in two.blocks(Key(0), 0)}
    assert sizes == {(4, 8), (2, 4096)}


def test_similar_lengths_are_answered_together(monkeypatch):
    monkeypatch.setattr("lamina.learning.data.bucketing.STEPS_AT_ONCE", 40)
    lengths = np.array([3, 9, 8, 100, 7, 1, 2, 4, 5])
    found = [(rows.tolist(), size) for rows, size in chunks(lengths)]
    assert found == [
        ([0, 2, 4, 5, 6], 5),  # five times 8 steps, and no more
        ([7, 8], 2),
        ([1], 1),
        ([3], 1),
    ]


def test_answers_of_each_step():
    """Class −1, and a weight of 0, where there is no step or no answer."""
    codes = as_ragged_array([[1.0, 0.0], [2.0], [0.0, 1.0, 2.0]])
    codes = RaggedArray(codes.values.astype(np.int32), codes.lengths)
    y, mask = answers_filled_up(codes, [2, 0], 3, np.array([0, 2]), 4, np.float32)
    assert mask is None
    assert y.dtype == np.int32
    assert y.tolist() == [[0, 1, 2, -1], [-1] * 4, [1, 0, -1, -1]]
    numbers = RaggedArray(
        np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 6.0]]), np.array([2, 1])
    )
    y, mask = answers_filled_up(numbers, [0, 1], 2, slice(2), 3, np.float32)
    assert mask is not None
    assert y.dtype == mask.dtype == np.float32
    assert y.tolist() == [[[1, 2], [3, 0], [0, 0]], [[5, 6], [0, 0], [0, 0]]]
    assert mask.tolist() == [[[0.5, 1], [0.5, 0], [0, 0]], [[1, 1], [0, 0], [0, 0]]]


TAGGING = Network((LSTM(4), Dense(2)))


def step_examples():
    x, rng = sequences([3, 5, 12]), np.random.default_rng(1)
    values = rng.standard_normal((20, 2))
    values[4, 1] = np.nan
    return x, RaggedArray(values, x.lengths)


@pytest.mark.slow
def test_the_loss_of_a_sequence_is_the_mean_over_its_known_answers():
    x, y = step_examples()
    params, _ = TAGGING.init(Key(1), (12, 2), np.float32)
    objective = learning.Objective(TAGGING, "squared_error")
    loader = learning.Loader(learning.Dataset(x, y), batch_size=2)
    found = []
    record = validate(
        objective, params, learning.Validation(loader, lambda o: found.append(o) or 0.5)
    )
    total = 0.0
    for one, want, answer in zip(x, y, found[0], strict=True):
        right = TAGGING(params, np.asarray(one, np.float32)[None])[0]
        np.testing.assert_allclose(answer, right, atol=1e-6)
        total += np.nansum(np.nanmean(0.5 * (want - right) ** 2, axis=0))
    np.testing.assert_allclose(record["validation_loss"], total / 3, rtol=1e-5)


@pytest.mark.slow
def test_steps_of_equal_sequences_teach_what_ragged_ones_do():
    """An array (n, time, outputs) and sequences of one length: the same gradient."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 8, 2)).astype(np.float32)
    y = rng.standard_normal((4, 8, 2))
    y[1, 3:, 0] = np.nan
    params, _ = TAGGING.init(Key(1), (8, 2), np.float32)
    objective = learning.Objective(TAGGING, "squared_error")
    ragged = RaggedArray(y.reshape(-1, 2), np.full(4, 8))
    batches = [
        learning.Dataset(x, y).padded(np.arange(4), 4),
        learning.Dataset(as_ragged_array(x), ragged).padded(np.arange(4), 4),
    ]
    one, other = (jax.value_and_grad(objective)(params, batch) for batch in batches)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("term", [learning.InputNoise(0.1), learning.FGSM(0.1)])
def test_noise_and_attacks_move_the_numbers(term):
    """Steps that fill up are moved too, and change nothing."""
    params, _ = NETWORK.init(Key(1), (30, 2), np.float32)
    objective = learning.Objective(NETWORK, "cross_entropy", (term,))
    x = sequences(LENGTHS)
    batch = learning.Dataset(x, np.arange(20) % 3).padded(np.arange(20), 20)
    key = jax.random.key(0)
    loss = objective(params, batch, key)
    plain = learning.Objective(NETWORK, "cross_entropy")(params, batch)
    assert abs(loss - plain) > 1e-4
    if isinstance(term, learning.FGSM):
        assert loss > plain
        longer = batch.x.values.shape[1] + 5
        values = np.zeros((20, longer, 2), np.float32)
        values[:, :-5] = batch.x.values
        more = batch._replace(x=batch.x._replace(values=values))
        np.testing.assert_allclose(objective(params, more, key), loss, rtol=1e-5)


@pytest.mark.slow
def test_attacked_sequences_come_in_their_places():
    params, _ = NETWORK.init(Key(1), (30, 2), np.float32)
    objective = learning.Objective(NETWORK, "cross_entropy")
    loader = feed_of()
    moved = learning.adversarial_examples(
        objective, params, learning.FGSM(0.1), loader, Key(0)
    )
    x = loader.dataset.x
    assert [one.shape for one in moved] == [one.shape for one in x]
    for i, (one, clean) in enumerate(zip(moved, x, strict=True)):
        batch = learning.Batch(
            np.asarray(clean, np.float32)[None], np.array([i % 3]), np.ones(1)
        )
        slope = jax.grad(lambda v, b=batch: objective(params, b._replace(x=v)))(batch.x)
        np.testing.assert_allclose(one, clean + 0.1 * np.sign(slope[0]), atol=1e-6)


def test_some_rows_only():
    loader = feed_of().only(np.array([0, 1, 16]))
    lengths = [
        np.sort(np.asarray(b.x.lengths)[np.asarray(b.weight) > 0]).tolist()
        for b, _, _ in loader.blocks(Key(0), 0)
    ]
    assert lengths == [[5, 5, 30]]


NETWORK = Network((LSTM(4), LastStep(), Dense(3, "softmax")))


def trained(loader, epochs=2, **how):
    params, _ = NETWORK.init(Key(1), (30, 2), np.float32)
    objective = learning.Objective(NETWORK, "cross_entropy")
    now = objective, learning.SGD(0.1), loader, params
    return fit(*now, key=Key(2), epochs=epochs, **how)


@pytest.mark.slow
def test_a_whole_batch_learns_what_each_sequence_alone_teaches():
    """One step of gradient descent by hand: the mean of 20 gradients."""
    loader = feed_of(batch_size=20)
    assert (loader.whole, loader.steps) == (True, 1)
    found = trained(loader, epochs=1).params
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_validation_sees_every_sequence_in_its_place():
    loader = feed_of()
    result = trained(loader)
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


@pytest.mark.slow
@pytest.mark.parametrize("whole", [True, False])
def test_every_sequence_gets_the_answer_it_gets_alone(whole, monkeypatch):
    """One for the whole, or one at each step; few at a time, and a long one too."""
    monkeypatch.setattr("lamina.learning.data.bucketing.STEPS_AT_ONCE", 40)
    layers = (Bidirectional(LSTM(4)), *([LastStep()] if whole else []), Dense(3))
    network = Network(layers)
    params, _ = network.init(Key(1), (30, 2), np.float32)
    x = sequences([*LENGTHS, 100])
    found = outputs_of_sequences(network, params, x, np.float32)
    assert len(found) == 21
    for answer, one in zip(found, x, strict=True):
        right = network(params, np.asarray(one, np.float32)[None])[0]
        assert answer.shape == right.shape
        np.testing.assert_allclose(answer, right, atol=1e-6)


@pytest.mark.slow
def test_health_is_that_of_some_of_the_sequences():
    loader = feed_of()
    params, _ = NETWORK.init(Key(1), (30, 2), np.float32)
    objective = learning.Objective(NETWORK, "cross_entropy")
    recorder = Recorder.of(objective, loader, params)
    assert recorder is not None
    trained(loader, recorder=recorder)
    recorder.settle()
    assert recorder.records
    assert isinstance(recorder.probe.x, Sequences)
    real = np.asarray(recorder.probe.weight) > 0
    lengths = recorder.probe.x.lengths
    assert not lengths[~real].any()
    assert set(lengths[real].tolist()) <= set(LENGTHS)
