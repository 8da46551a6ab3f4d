"""The one training loop: gears, seeds, chunks, stopping, schedules, interruption.

Most tests compare bits: two ways of training the same network must not differ at all.
Where the order of a sum may differ (another padding of a whole batch), the last places
of double precision may, and the test says so.
"""

import math
from dataclasses import dataclass, field

import jax
import numpy as np
import pytest
import scipy.sparse
from sklearn.neural_network import MLPClassifier, MLPRegressor

from lamina.learning import (
    L2,
    LBFGS,
    SGD,
    Adam,
    Adaptive,
    BoldDriver,
    Dataset,
    InverseScaling,
    Loader,
    LossBelow,
    MaxEvaluations,
    NoImprovement,
    Objective,
    SmallChange,
    Validation,
)
from lamina.learning.data import inputs
from lamina.learning.data import loader as feed_module
from lamina.learning.loop import plan as module
from lamina.learning.loop import trainer
from lamina.learning.loop.evaluation import validate
from lamina.learning.parallel.compilation import compile_count
from lamina.learning.protocols import FirstOrder, Moment, Schedule, StoppingRule
from lamina.networks import Dense, Dropout, Key, Network
from lamina.networks.core.description import description
from tests.learning.fits import fit

N = 23
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 4)) * (RNG.random((N, 4)) < 0.7)
CLASSES = RNG.integers(0, 3, N)
WEIGHTS = RNG.uniform(0.5, 2, N)

NETWORK = Network((Dense(5, "tanh"), Dropout(0.2), Dense(3, "softmax")))
OBJECTIVE = Objective(NETWORK, "cross_entropy", (L2(0.01),))
ALGORITHM = SGD(0.3, momentum=0.5)
START, _ = NETWORK.init(Key(0), (4,))


def examples(x=X, y=CLASSES, weight=None, **how):
    return Dataset(x, y, weight, **how)


def trained(batch_size=5, *, data=None, rows=None, seed=1, epochs=4, **how):
    """Train the small network; return what the loop gives back."""
    objective, algorithm = how.pop("objective", OBJECTIVE), how.pop("by", ALGORITHM)
    loader = Loader(
        examples() if data is None else data,
        rows,
        batch_size=batch_size,
        shuffle=how.pop("shuffle", True),
    )
    start, key = how.pop("start", START), Key(seed)
    return fit(objective, algorithm, loader, start, key=key, epochs=epochs, **how)


@pytest.fixture(scope="module", autouse=True)
def keep_all_programs():
    """Compile each structure once for all tests here, so that they are quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lamina.learning.parallel.compilation.MAX_PROGRAMS", math.inf)
        yield


def leaves(result):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(result.params)]


def same(one, other):
    """Whether two results have the same bits."""
    pairs = zip(leaves(one), leaves(other), strict=True)
    equal = all(np.array_equal(a, b) for a, b in pairs)
    return equal and one.history["loss"] == other.history["loss"]


def assert_close(one, other, **tolerance):
    for a, b in zip(leaves(one), leaves(other), strict=True):
        np.testing.assert_allclose(a, b, **tolerance)
    for name, values in one.history.items():
        np.testing.assert_allclose(values, other.history[name], **tolerance)


@pytest.fixture
def one_epoch_a_call(monkeypatch):
    monkeypatch.setattr(module, "SECONDS_PER_CALL", 0)


@pytest.fixture
def many_epochs_a_call(monkeypatch):
    monkeypatch.setattr(module, "SECONDS_PER_CALL", 1e9)


# ---- the two gears ------------------------------------------------------------------

BATCHES = pytest.mark.parametrize("batch_size", [1, 5, N], ids=["1", "5", "full"])


@BATCHES
def test_resident_and_streaming_give_the_same_bits(batch_size):
    resident = trained(batch_size, data=examples(resident=True))
    streaming = trained(batch_size, data=examples(resident=False))
    assert same(resident, streaming)


@pytest.fixture(scope="module", params=[1, 5, N], ids=["1", "5", "full"])
def streamed(request):
    """A run in one block an epoch, and the same in blocks of nine rows of 16 bytes."""
    batch_size = request.param
    whole = trained(batch_size, data=examples(resident=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "STREAM_BYTES", 150)
        return whole, trained(batch_size, data=examples(resident=False))


@pytest.mark.slow
def test_blocks_of_any_size_give_the_same_bits(streamed):
    for a, b in zip(*map(leaves, streamed), strict=True):
        np.testing.assert_array_equal(a, b)


def test_blocks_of_any_size_report_the_same(streamed):
    """The sums of several blocks are added on the host: their last bits may differ."""
    whole, blocks = streamed
    np.testing.assert_allclose(whole.history["loss"], blocks.history["loss"], rtol=1e-6)


@BATCHES
@pytest.mark.parametrize("form", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_csr_and_dense_give_the_same_bits(batch_size, form):
    assert same(trained(batch_size, data=examples(form(X))), trained(batch_size))


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [5, 17])
def test_gears_agree_on_some_of_the_rows(batch_size):
    """Rows of a whole batch lie elsewhere in memory: the last places may differ."""
    rows = np.sort(RNG.permutation(N)[:17])
    with jax.enable_x64(True):
        start = NETWORK.init(Key(0), (4,), np.float64)[0]
        one, other = (
            trained(
                batch_size,
                data=examples(dtype=np.float64, resident=resident),
                rows=rows,
                start=start,
                objective=NO_DROPOUT,
            )
            for resident in (True, False)
        )
    assert_close(one, other, rtol=1e-12)
    assert batch_size == 17 or same(one, other)


NO_DROPOUT = Objective(
    Network((Dense(5, "tanh"), Dropout(0.0), Dense(3, "softmax"))), "cross_entropy"
)


@pytest.mark.parametrize("batch_size", [5, N])
def test_rows_left_out_change_nothing(batch_size):
    """Training on some rows is training on a table of these rows alone."""
    rows = np.arange(3, 20)
    with jax.enable_x64(True):
        how = {
            "start": NETWORK.init(Key(0), (4,), np.float64)[0],
            "objective": NO_DROPOUT,
            "shuffle": False,
        }
        part = examples(X[rows], CLASSES[rows], dtype=np.float64)
        alone = trained(batch_size, data=part, **how)
        among = trained(batch_size, data=examples(dtype=np.float64), rows=rows, **how)
    assert_close(among, alone, rtol=1e-12)


# ---- padding ------------------------------------------------------------------------


@pytest.mark.parametrize("size", [24, 40, 64])
def test_padding_to_another_size_gives_the_same_bits(size, monkeypatch):
    expected = trained(5)
    monkeypatch.setattr(feed_module, "padded_size", lambda n: size)
    assert same(trained(5), expected)


@pytest.mark.slow
def test_padding_a_whole_batch_changes_at_most_the_last_places(monkeypatch):
    """Dropout included: its mask is drawn number by number, whatever comes after."""
    with jax.enable_x64(True):
        how = {"start": NETWORK.init(Key(0), (4,), np.float64)[0]}
        expected = trained(N, data=examples(dtype=np.float64), **how)
        monkeypatch.setattr(feed_module, "padded_size", lambda n: 64)
        padded = trained(N, data=examples(dtype=np.float64), **how)
    assert_close(padded, expected, rtol=1e-12, atol=1e-15)


# ---- seeds and chunks ---------------------------------------------------------------


@BATCHES
def test_the_same_seed_gives_the_same_bits(batch_size):
    first = trained(batch_size)
    assert same(trained(batch_size), first)
    assert not same(trained(batch_size, seed=2), first)


@BATCHES
def test_many_epochs_a_call_are_as_many_calls(batch_size, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_PER_CALL", 0)
    one_by_one = trained(batch_size, epochs=40)
    monkeypatch.setattr(module, "SECONDS_PER_CALL", 1e9)
    calls = count_calls(monkeypatch)
    assert same(trained(batch_size, epochs=40), one_by_one)
    assert len(calls) == 2  # of 32 epochs at most


def count_calls(monkeypatch):
    """Let a list grow with each call of the compiled program."""
    calls, train = [], trainer.compiled_train

    def counted(*args):
        calls.append(args)
        return train(*args)

    monkeypatch.setattr(trainer, "compiled_train", counted)
    return calls


@dataclass
class At(StoppingRule):
    """Stop after so many epochs."""

    epoch: int
    seen: list = field(default_factory=list)

    def __call__(self, record):
        self.seen.append(record["loss"])
        return len(self.seen) == self.epoch


@BATCHES
def test_a_stop_amid_a_call_gives_the_weights_of_that_epoch(
    batch_size, many_epochs_a_call
):
    rule = At(7)
    stopped = trained(batch_size, epochs=20, stopping=[rule])
    expected = trained(batch_size, epochs=7)
    assert stopped.reason == "stopped"
    assert stopped.epochs == 7
    assert stopped.examples == 7 * N
    assert same(stopped, expected)
    assert rule.seen == expected.history["loss"]
    state, expected_state = (jax.tree.leaves(r.state) for r in (stopped, expected))
    for a, b in zip(state, expected_state, strict=True):
        np.testing.assert_array_equal(a, b)


@BATCHES
def test_a_fit_can_go_on_where_another_ended(batch_size):
    whole = trained(batch_size, epochs=5)
    first = trained(batch_size, epochs=2)
    rest = trained(
        batch_size,
        epochs=3,
        start=first.params,
        state=first.state,
        first_epoch=2,
        examples=first.examples,
    )
    assert rest.epochs == 3
    assert rest.examples == whole.examples == 5 * N
    first.history["loss"] += rest.history["loss"]
    rest.history = first.history
    assert same(rest, whole)


def test_no_epochs_change_nothing():
    result = trained(epochs=0)
    assert result.epochs == 0
    assert result.history == {}


# ---- batches by hand, and by scikit-learn -------------------------------------------


def neuron_by_hand(batches, start, eta):
    w, b = start
    for rows in batches:
        delta = X[rows] @ w + b - TARGET[rows]
        w = w - eta * delta @ X[rows] / len(rows)
        b = b - eta * delta.mean()
    return np.append(w, b)


TARGET = X[:, 0] - 2 * X[:, 1] + 0.5


@pytest.mark.parametrize("batch_size", [1, 4, 9, N, 100])
def test_online_mini_batch_and_batch_learning_by_hand(batch_size):
    """Three epochs of a linear neuron in the order its key draws, in plain NumPy."""
    with jax.enable_x64(True):
        network = Network((Dense(1, "identity"),))
        start, _ = network.init(Key(0), (4,), np.float64)
        data = examples(y=TARGET[:, None], dtype=np.float64)
        result = trained(
            batch_size,
            data=data,
            start=start,
            objective=Objective(network, "squared_error"),
            by=SGD(0.1),
            epochs=3,
        )
        got = np.concatenate([leaf.ravel() for leaf in leaves(result)][::-1])
    batches = []
    for epoch in range(3):
        order = Key(1).fold_in("order", epoch).generator().permutation(N)
        batches += [order[i : i + batch_size] for i in range(0, N, batch_size)]
    expected = neuron_by_hand(batches, (start[0]["weight"][:, 0], 0.0), 0.1)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_history_is_the_weighted_mean_of_the_losses_of_an_epoch():
    """With η = 0 each batch has the loss of the start: their mean is the whole's."""
    with jax.enable_x64(True):
        start = NETWORK.init(Key(0), (4,), np.float64)[0]
        data = examples(weight=WEIGHTS, dtype=np.float64)
        how = {"start": start, "objective": NO_DROPOUT, "by": SGD(0.0), "epochs": 2}
        batches = trained(5, data=data, **how).history["loss"]
    h = np.tanh(X @ start[0]["weight"]) @ start[2]["weight"]
    losses = np.log(np.exp(h).sum(axis=1)) - h[np.arange(N), CLASSES]
    expected = np.average(losses, weights=WEIGHTS)
    np.testing.assert_allclose(batches, [expected] * 2, rtol=1e-13)


def scikit_learn(cls, start, target, **params):
    """Fit scikit-learn's network from given weights without shuffling."""
    layers = iter([start[0], start[-1]])

    class FromStart(cls):
        def _init_coef(self, fan_in, fan_out, dtype):
            layer = next(layers)
            assert layer["weight"].shape == (fan_in, fan_out)
            return layer["weight"].copy(), layer["bias"].copy()

    how = {"shuffle": False, "max_iter": 3, "batch_size": 5, "activation": "tanh"}
    model = FromStart(hidden_layer_sizes=(5,), **how, **params)
    with pytest.warns(match="Maximum iterations"):
        model.fit(X, target)
    return model


def alternating(coefs, intercepts):
    return [leaf for pair in zip(intercepts, coefs, strict=True) for leaf in pair]


SOLVERS = {
    "plain": (SGD(0.1), {"solver": "sgd", "momentum": 0.0}),
    "heavy ball": (
        SGD(0.1, 0.9),
        {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False},
    ),
    "nesterov": (SGD(0.1, 0.9, nesterov=True), {"solver": "sgd", "momentum": 0.9}),
    # scikit-learn's ε is added to √v instead of √v̂: let it be nothing
    "adam": (Adam(0.1, epsilon=1e-100), {"solver": "adam", "epsilon": 1e-100}),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_classifier_has_the_weights_of_scikit_learns(solver, dtype):
    algorithm, params = SOLVERS[solver]
    params = {"learning_rate_init": 0.1, "alpha": 0.01} | params
    network = Network((Dense(5, "tanh"), Dense(3, "softmax")))
    start, _ = network.init(Key(0), (4,), np.float64)
    theirs = scikit_learn(MLPClassifier, start, CLASSES, **params)
    with jax.enable_x64(dtype is np.float64):
        ours = trained(
            5,
            data=examples(dtype=dtype),
            start=jax.tree.map(lambda a: a.astype(dtype), start),
            objective=Objective(network, "cross_entropy", (L2(0.01),)),
            by=algorithm if dtype is np.float64 else with_epsilon(algorithm, 1e-30),
            epochs=3,
            shuffle=False,
        )
        compare(ours, theirs, 1e-10 if dtype is np.float64 else 2e-6)


def with_epsilon(algorithm, epsilon):
    """Single precision knows no 1e−100."""
    if isinstance(algorithm, Adam):
        return Adam(algorithm.learning_rate, epsilon=epsilon)
    return algorithm


def compare(ours, theirs, tolerance):
    for got, expected in zip(
        leaves(ours), alternating(theirs.coefs_, theirs.intercepts_), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(ours.history["loss"], theirs.loss_curve_, rtol=tolerance)


@pytest.mark.parametrize("schedule", ["constant", "invscaling"])
def test_regressor_has_the_weights_of_scikit_learns(schedule):
    """Without penalty, with a schedule, in double precision."""
    network = Network((Dense(5, "tanh"), Dense(1, "identity")))
    start, _ = network.init(Key(0), (4,), np.float64)
    params = {"solver": "sgd", "learning_rate_init": 0.1, "alpha": 0.0}
    theirs = scikit_learn(
        MLPRegressor, start, TARGET, learning_rate=schedule, power_t=0.3, **params
    )
    with jax.enable_x64(True):
        ours = trained(
            5,
            data=examples(y=TARGET[:, None], dtype=np.float64),
            start=start,
            objective=Objective(network, "squared_error"),
            by=SGD(0.1, 0.9, nesterov=True),
            schedule=InverseScaling(0.3) if schedule == "invscaling" else None,
            epochs=3,
            shuffle=False,
        )
        compare(ours, theirs, 1e-10)


# ---- weights of examples ------------------------------------------------------------


@pytest.mark.slow
def test_a_weight_is_a_number_of_repetitions_in_a_whole_batch():
    times = np.array([1, 2, 3] * 8)[:N]
    with jax.enable_x64(True):
        how = {
            "start": NETWORK.init(Key(0), (4,), np.float64)[0],
            "objective": Objective(NO_DROPOUT.network, "cross_entropy", (L2(0.1),)),
        }
        weighted = examples(weight=times.astype(float), dtype=np.float64)
        x, y = np.repeat(X, times, axis=0), np.repeat(CLASSES, times)
        repeated = examples(x, y, dtype=np.float64)
        one = trained(N, data=weighted, **how)
        other = trained(len(x), data=repeated, **how)
    assert_close(one, other, rtol=1e-12)


@pytest.mark.parametrize("batch_size", [5, N])
def test_examples_of_weight_zero_change_nothing(batch_size):
    """Whatever they hold: another input, another class."""
    weight = np.where(np.arange(N) % 3 == 0, 0.0, WEIGHTS)
    x, y = X.copy(), CLASSES.copy()
    x[weight == 0], y[weight == 0] = 50.0, (y[weight == 0] + 1) % 3
    one = trained(batch_size, data=examples(weight=weight))
    other = trained(batch_size, data=examples(x, y, weight=weight))
    assert same(one, other)


def test_examples_of_weight_zero_teach_nothing():
    """A batch of them has no gradient; penalties and momentum go on regardless."""
    result = trained(
        1,
        data=examples(weight=np.zeros(N)),
        epochs=2,
        by=SGD(0.1, 0.9),
        objective=Objective(NO_DROPOUT.network, "cross_entropy"),
    )
    for a, b in zip(leaves(result), jax.tree.leaves(START), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- validation, early stopping, the best weights -----------------------------------


def held_out(score, rows=None, **how):
    rows = np.array([3, 1, 8, 15, 4]) if rows is None else rows
    loader = Loader(examples(**how), rows, batch_size=2, shuffle=False)
    return Validation(loader, score)


def scripted(*scores):
    """Return a score function that says these scores one after the other."""
    scores = iter(scores)
    return lambda outputs: next(scores)


def test_validation_sees_the_outputs_of_its_rows_in_order():
    seen = []
    validation = held_out(lambda outputs: seen.append(outputs) or 0.0)
    result = trained(epochs=2, validation=validation)
    expected = NETWORK(jax.tree.map(np.asarray, result.params), X[[3, 1, 8, 15, 4]])
    assert len(seen) == 2
    np.testing.assert_allclose(seen[-1], expected, rtol=1e-5)


@pytest.mark.parametrize("resident", [True, False], ids=["resident", "streaming"])
@pytest.mark.parametrize("stream_bytes", [10, 2**20])
def test_validation_by_hand(resident, stream_bytes, monkeypatch):
    """The weighted mean of the losses, without penalty or dropout, in both gears."""
    monkeypatch.setattr(inputs, "STREAM_BYTES", stream_bytes)
    rows = np.array([3, 1, 8, 15, 4])
    validation = held_out(np.size, rows, weight=WEIGHTS, resident=resident)
    record = validate(OBJECTIVE, START, validation)
    a = NETWORK(START, X[rows])
    losses = -np.log(a[np.arange(5), CLASSES[rows]])
    expected = np.average(losses, weights=WEIGHTS[rows])
    assert record["validation_loss"] == pytest.approx(expected, rel=1e-6)
    assert record["score"] == 15


def test_validation_takes_its_rows_in_order_whatever_the_feed():
    seen = []
    loader = Loader(
        examples(), np.arange(N), batch_size=4
    )  # shuffle=True is the default
    validate(OBJECTIVE, START, Validation(loader, lambda a: seen.append(a) or 0.0))
    np.testing.assert_allclose(seen[0], NETWORK(START, X), rtol=1e-5)


def test_validation_does_not_change_learning():
    with_validation = trained(validation=held_out(lambda outputs: 0.0))
    assert same(with_validation, trained())
    assert with_validation.history.keys() == {"loss", "validation_loss", "score"}


def test_early_stopping_gives_back_the_best_weights():
    """Scores .1 .5 .3 .5 .2: the first .5 is the best, two epochs later it stops."""
    scores = [0.1, 0.5, 0.3, 0.5, 0.2, 0.9]
    result = trained(
        epochs=6,
        validation=held_out(scripted(*scores)),
        stopping=[NoImprovement("score", 0.01, 2, maximize=True)],
        keep_best="score",
    )
    assert result.reason == "stopped"
    assert result.epochs == 5
    assert result.history["score"] == scores[:5]
    for a, b in zip(leaves(result), leaves(trained(epochs=2)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_a_best_the_last_weights_are_given_back():
    scores = scripted(0.5, 0.1, 0.2)
    result = trained(epochs=3, validation=held_out(scores))
    assert result.reason == "finished"
    assert same(result, trained(epochs=3))


def test_scores_that_are_no_numbers_are_never_the_best():
    result = trained(
        epochs=3,
        validation=held_out(scripted(math.nan, 0.1, math.nan)),
        keep_best="score",
    )
    for a, b in zip(leaves(result), leaves(trained(epochs=2)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_best_weights_need_no_validation(many_epochs_a_call):
    """A rate that is good for three epochs and too large from then on."""
    by, schedule = SGD(0.1), BoldDriver(3.0, 1.0)
    how = {"objective": NO_DROPOUT, "by": by, "schedule": schedule}
    result = trained(N, epochs=12, keep_best="loss", **how)
    best = int(np.argmin(result.history["loss"]))
    assert 1 < best < 11
    expected = trained(N, epochs=best + 1, **how)
    for a, b in zip(leaves(result), leaves(expected), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- divergence and interruption ----------------------------------------------------


@description
class GoodUntil(Schedule):
    """A schedule whose rate is absurd from some number of examples on."""

    examples: int

    def rate(self, initial, moment):
        return initial if moment.examples < self.examples else 1e30


@BATCHES
def test_divergence_keeps_the_last_good_weights(batch_size):
    """Three epochs at a good rate, then 10³⁰: the weights of the third are kept."""
    schedule = GoodUntil(3 * N)
    result = trained(
        batch_size, epochs=9, schedule=schedule, by=SGD(0.1), objective=SQUARED
    )
    expected = trained(batch_size, epochs=3, by=SGD(0.1), objective=SQUARED)
    assert result.reason == "diverged"
    assert same(result, expected)
    assert result.epochs == 3


SQUARED = Objective(
    Network((Dense(5, "tanh"), Dropout(0.0), Dense(3, "identity"))),
    lambda a, y: (a - y[:, None]).sum(axis=-1) ** 2,
)


@pytest.mark.slow
@BATCHES
def test_divergence_gives_back_weights_of_a_finite_loss(batch_size):
    result = trained(batch_size, epochs=9, by=SGD(1e25), objective=SQUARED)
    assert result.reason == "diverged"
    batch = examples().device
    assert math.isfinite(SQUARED(result.params, batch))


@BATCHES
def test_a_weight_that_is_no_number_is_a_divergence(batch_size):
    weight = np.where(np.arange(N) == 3, np.nan, 1)
    result = trained(batch_size, data=examples(weight=weight), epochs=3)
    assert (result.reason, result.epochs) == ("diverged", 0)
    for a, b in zip(leaves(result), jax.tree.leaves(START), strict=True):
        np.testing.assert_array_equal(a, b)


def test_divergence_amid_a_call(many_epochs_a_call):
    """At the rate 1 the loss grows a thousandfold a step, to infinity within a call."""
    result = trained(5, epochs=30, by=SGD(1.0), objective=SQUARED)
    assert result.reason == "diverged"
    assert 0 < result.epochs == len(result.history["loss"])
    assert all(map(math.isfinite, result.history["loss"]))
    assert all(np.isfinite(leaf).all() for leaf in leaves(result))
    expected = trained(5, epochs=result.epochs, by=SGD(1.0), objective=SQUARED)
    assert same(result, expected)


def test_ctrl_c_keeps_what_was_learnt(monkeypatch, one_epoch_a_call):
    train, calls = trainer.compiled_train, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return train(*args)

    expected = trained(epochs=3)
    monkeypatch.setattr(trainer, "compiled_train", interrupted)
    result = trained(epochs=9)
    assert result.reason == "interrupted"
    assert result.epochs == 3
    assert same(result, expected)


def interrupt_at(epoch):
    def callback(progress):
        if progress.epoch == epoch:
            raise KeyboardInterrupt

    return callback


def test_ctrl_c_in_a_callback_leaves_weights_and_history_of_the_same_epoch():
    result = trained(epochs=9, callbacks=[interrupt_at(3)])
    assert result.reason == "interrupted"
    assert len(result.history["loss"]) == result.epochs
    assert same(result, trained(epochs=result.epochs))


def test_ctrl_c_in_the_validation_pass_leaves_both_of_the_same_epoch():
    scores = iter([0.1, 0.2])

    def score(outputs):
        try:
            return next(scores)
        except StopIteration:
            raise KeyboardInterrupt from None

    result = trained(epochs=9, validation=held_out(score))
    assert result.reason == "interrupted"
    assert {name: len(v) for name, v in result.history.items()} == dict.fromkeys(
        ["loss", "validation_loss", "score"], result.epochs
    )
    assert same(result, trained(epochs=result.epochs))


def test_ctrl_c_gives_back_the_best_weights_if_asked_to():
    result = trained(
        epochs=9,
        validation=held_out(scripted(0.1, 0.9, 0.3, 0.4, 0.2)),
        keep_best="score",
        callbacks=[interrupt_at(5)],
    )
    assert result.reason == "interrupted"
    for a, b in zip(leaves(result), leaves(trained(epochs=2)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_errors_of_callbacks_are_not_swallowed():
    def broken(progress):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trained(callbacks=[broken])


# ---- callbacks and rules ------------------------------------------------------------


def test_callbacks_are_told_of_every_epoch():
    told = []
    result = trained(epochs=3, callbacks=[told.append])
    assert same(result, trained(epochs=3))
    assert [(p.epoch, p.epochs, p.examples) for p in told] == [
        (1, 3, N),
        (2, 3, 2 * N),
        (3, 3, 3 * N),
    ]
    assert [p.record["loss"] for p in told] == result.history["loss"]
    for progress, epochs in zip(told, (1, 2, 3), strict=True):
        expected = leaves(trained(epochs=epochs))
        got = [np.asarray(leaf) for leaf in jax.tree.leaves(progress.params)]
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    assert told[0].seconds < told[2].seconds
    assert told[2].speed == pytest.approx(3 * N / told[2].seconds)


@pytest.mark.parametrize(
    ("answer", "epochs"), [(True, 1), (False, 4), (None, 4), (1, 4), ("stop", 4)]
)
def test_a_callback_that_returns_true_stops(answer, epochs):
    result = trained(epochs=4, callbacks=[lambda progress: answer])
    assert result.epochs == epochs
    assert result.reason == ("stopped" if epochs == 1 else "finished")


def test_all_callbacks_are_called_though_one_stops():
    called = []
    stop = [lambda p: True, lambda p: called.append(p.epoch)]
    assert trained(callbacks=stop).epochs == 1
    assert called == [1]


@pytest.mark.parametrize("many", [True, False], ids=["many", "one"])
def test_rules_are_asked_once_an_epoch(many, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_PER_CALL", 1e9 if many else 0)
    budget = MaxEvaluations("loss", math.inf)
    result = trained(epochs=4, stopping=[budget])
    assert budget.spent == pytest.approx(sum(result.history["loss"]), rel=1e-15)


# ---- schedules ----------------------------------------------------------------------


@description
class RateTeller(FirstOrder):
    """An algorithm that reports its learning rate, and a loss that never improves."""

    learning_rate: float

    def init(self, params):
        return {}

    def update(self, objective, params, state, batch, key):
        return params, state, {"loss": 1.0, "rate": self.learning_rate}


def rates(**how):
    how = {"by": RateTeller(0.2), "batch_size": 5} | how
    with jax.enable_x64(True):
        data = examples(dtype=np.float64)
        result = trained(data=data, **how)
        return result, result.history["rate"]


def test_a_constant_rate_stays():
    np.testing.assert_allclose(rates()[1], [0.2] * 4, rtol=1e-15)


@pytest.mark.parametrize("batch_size", [5, N])
def test_inverse_scaling_counts_examples(batch_size):
    """η₀ / (t + 1)^p with t = 0, 23, 46, 69 examples seen before the epoch."""
    _, got = rates(schedule=InverseScaling(0.5), batch_size=batch_size)
    expected = [0.2 / math.sqrt(t + 1) for t in (0, 23, 46, 69)]
    np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_inverse_scaling_goes_on_counting():
    _, got = rates(schedule=InverseScaling(0.5), examples=100, epochs=2)
    expected = [0.2 / math.sqrt(t + 1) for t in (100, 123)]
    np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_adaptive_divides_by_five_at_each_plateau():
    """Patience 1: the second epoch without improvement is a plateau."""
    result, got = rates(
        schedule=Adaptive(minimum=0.01),
        stopping=[NoImprovement("loss", 1e-4, 1)],
        epochs=20,
    )
    expected = [0.2] * 3 + [0.04] * 2 + [0.008] * 2
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    assert result.reason == "stopped"
    assert result.epochs == 7


def test_adaptive_does_not_overrule_callbacks():
    result, got = rates(
        schedule=Adaptive(),
        stopping=[NoImprovement("loss", 1e-4, 1)],
        callbacks=[lambda progress: progress.epoch == 3],
    )
    assert len(got) == 3
    assert result.reason == "stopped"


def test_adaptive_answers_plateaus_only():
    """A threshold that is reached is no plateau: learning is done."""
    result, got = rates(schedule=Adaptive(), stopping=[LossBelow("loss", 1.0)])
    assert len(got) == 1
    assert result.reason == "stopped"


def test_every_rule_sees_every_epoch():
    """Rates 0.2, 0.2, 0.04, 0.008: two that are less than the best before them."""
    falling = NoImprovement("rate", 0.0, math.inf, maximize=True)
    plateau = NoImprovement("loss", 1e-4, 0)
    rates(schedule=Adaptive(), stopping=[plateau, falling], epochs=4)
    assert falling.count == 2


# ---- compilation --------------------------------------------------------------------


@BATCHES
def test_other_numbers_compile_nothing(batch_size):
    """Rates, dropout, penalties, seeds, epochs, and a similar number of examples."""
    trained(batch_size)
    before = compile_count()
    layers = (NETWORK.layers[0], Dropout(0.4), NETWORK.layers[2])
    objective = Objective(Network(layers), "cross_entropy", (L2(0.5),))
    other = trained(
        min(batch_size, N - 1) if batch_size == N else batch_size,
        data=examples(X[:-1], CLASSES[:-1]),
        objective=objective,
        by=SGD(0.01, momentum=0),
        seed=5,
        epochs=37,
    )
    assert other.epochs == 37
    assert compile_count() == before


def test_validation_compiles_once():
    first = held_out(lambda outputs: 0.0)
    trained(epochs=2, validation=first)
    before = compile_count()
    trained(epochs=3, validation=held_out(lambda outputs: 1.0), seed=4)
    assert compile_count() == before


def test_all_gears_and_schedules_share_a_program():
    """Streamed blocks of the size of the resident data need none of their own."""
    trained(schedule=InverseScaling())
    before = compile_count()
    trained(schedule=Adaptive())
    trained(callbacks=[print])
    assert compile_count() == before


# ---- double precision ---------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "algorithm", [SGD(0.1, 0.9), Adam(0.1), LBFGS()], ids=["sgd", "adam", "lbfgs"]
)
def test_single_precision_data_train_where_double_is_enabled(algorithm):
    """Many users switch ``jax_enable_x64`` on for the whole process."""
    objective = Objective(NO_DROPOUT.network, "cross_entropy", (L2(0.1),))
    with jax.enable_x64(True):
        result = trained(N, by=algorithm, objective=objective)
        expected = jax.tree.map(lambda leaf: np.dtype(np.float32), result.params)
        assert jax.tree.map(lambda leaf: leaf.dtype, result.params) == expected
    assert_close(
        result, trained(N, by=algorithm, objective=objective), rtol=1e-4, atol=1e-5
    )


# ---- long epochs --------------------------------------------------------------------


@pytest.mark.slow
def test_an_epoch_of_several_calls_gives_the_same_bits(monkeypatch, one_epoch_a_call):
    """The sums of losses are then added on the host, in double precision."""
    whole = trained(2, epochs=3)
    monkeypatch.setattr(module, "STEPS_PER_SUM", 3)
    parts = trained(2, epochs=3)
    for a, b in zip(leaves(whole), leaves(parts), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(whole.history["loss"], parts.history["loss"], rtol=1e-6)


@description
class Laborious(Dense):
    """As Dense, but it says of itself that it takes a second of work."""

    def flops(self, params, shape):
        return int(module.FLOPS)


def test_calls_are_planned_by_work_and_not_by_parameters(monkeypatch):
    """5 steps an epoch: all in a call, or one step a call where each takes seconds."""
    calls = count_calls(monkeypatch)
    quick = trained(epochs=1)
    assert len(calls) == 1
    network = Network((Laborious(5, "tanh"), *NETWORK.layers[1:]))
    slow = trained(epochs=1, objective=Objective(network, "cross_entropy", (L2(0.01),)))
    assert len(calls) == 1 + 5
    assert_close(quick, slow, rtol=1e-6)


# ---- rules and schedules that look at the run ---------------------------------------


@pytest.mark.slow
def test_a_rule_may_watch_how_far_the_weights_move():
    """max |Δθ| of each epoch is in the record, and the first small one ends the run."""
    free = trained(4, epochs=12, by=SGD(0.05), stopping=[SmallChange(0.0)])
    changes = free.history["weight_change"]
    assert free.epochs == 12
    one = trained(4, epochs=1, by=SGD(0.05))
    pairs = zip(leaves(one), jax.tree.leaves(START), strict=True)
    moved = max(np.max(np.abs(a - b)) for a, b in pairs)
    assert changes[0] == pytest.approx(moved, rel=1e-6)
    threshold = sorted(changes)[2]
    stopped = trained(4, epochs=12, by=SGD(0.05), stopping=[SmallChange(threshold)])
    first = next(i for i, c in enumerate(changes) if c < threshold)
    assert stopped.epochs == first + 1
    assert stopped.reason == "stopped"


MOMENTS = []


@description
class Watching(Schedule):
    """A constant rate that keeps what it is told."""

    def rate(self, initial, moment):
        MOMENTS.append(moment._replace(losses=list(moment.losses)))
        return initial


def test_a_schedule_is_told_where_the_run_is():
    """Second half of a run: epochs and examples count on, losses are its own."""
    MOMENTS.clear()
    first = trained(5, epochs=2)
    second = trained(
        5, epochs=3, first_epoch=2, examples=first.examples, schedule=Watching()
    )
    losses = second.history["loss"]
    assert [Moment(2 + i, 5, (2 + i) * N, 0, losses[:i]) for i in range(3)] == MOMENTS


def test_memory_is_checked_before_the_first_step(monkeypatch):
    class Huge(type(SGD())):
        def memory_bytes(self, n_params, n_rows, n_outputs, itemsize):
            return 2**60

    with pytest.raises(ValueError, match="GiB"):
        trained(4, epochs=1, by=Huge(0.1))
