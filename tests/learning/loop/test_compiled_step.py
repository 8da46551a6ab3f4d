"""The compiled part of the loop: epochs and batches by hand, keys, many models."""

import threading
from collections import OrderedDict

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.learning import (
    FGSM,
    L1,
    L2,
    SGD,
    Batch,
    ClipNorm,
    ClipValue,
    Dataset,
    InputNoise,
    Loader,
    MaxNorm,
    Objective,
    WeightNoise,
)
from lamina.learning.loop.compiled_step import (
    Work,
    apply,
    compiled_apply,
    compiled_evaluate,
    compiled_train,
    train,
)
from lamina.learning.parallel import compilation
from lamina.learning.parallel.compilation import compile_count
from lamina.learning.protocols import Algorithm
from lamina.networks import Dense, Dropout, Key, Network
from lamina.networks.core.description import description
from tests.learning.fits import fit

pytestmark = pytest.mark.usefixtures("x64")

NEURON = Network((Dense(1, "identity"),))
OBJECTIVE = Objective(NEURON, "squared_error")
X = np.array([[1.0, 2.0], [-1.0, 0.5], [0.0, 1.0], [3.0, -1.0], [0.5, 0.5]])
Y = np.array([[1.0], [0.0], [2.0], [-1.0], [0.5]])
W = np.array([1.0, 2.0, 0.5, 1.0, 1.0])
WORDS = Key(0).words()
START = ({"weight": np.array([[0.1], [-0.2]]), "bias": np.array([0.05])},)


def padded():
    """Five examples and a row of padding, as the device holds them."""
    return jax.device_put(
        Batch(np.vstack([X, [[0, 0]]]), np.vstack([Y, [[0]]]), np.append(W, 0))
    )


def batches_by_hand(orders, eta):
    """Gradient descent on a linear neuron in plain NumPy; the losses of each epoch."""
    w, b, history = START[0]["weight"][:, 0].copy(), 0.05, []
    for order in orders:
        loss = 0.0
        for rows in order:
            x, y, weight = X[rows], Y[rows, 0], W[rows]
            delta = x @ w + b - y
            loss += np.sum(weight * 0.5 * delta**2)
            w = w - eta * (weight * delta) @ x / weight.sum()
            b = b - eta * np.sum(weight * delta) / weight.sum()
        history.append(loss)
    return w, b, history


ORDERS = [[[3, 1], [0, 4], [2]], [[0, 1], [2, 3], [4]]]


def test_epochs_and_batches_by_hand():
    """Two epochs of batches of 2, 2 and 1; losses are weighted sums."""
    order = np.full((4, 5, 2), 5, np.int32)  # room for more epochs and more steps
    for e, epoch in enumerate(ORDERS):
        for s, rows in enumerate(epoch):
            order[e, s, : len(rows)] = rows
    algorithm = SGD(0.1)
    params, _, sums = compiled_train(
        *(OBJECTIVE, algorithm, START, algorithm.init(START), padded()),
        Work(order, 2, 0, 3, WORDS, 0, 0, {}),
    )
    w, b, losses = batches_by_hand(ORDERS, 0.1)
    np.testing.assert_allclose(params[0]["weight"][:, 0], w, rtol=1e-13)
    np.testing.assert_allclose(params[0]["bias"], b, rtol=1e-13)
    np.testing.assert_allclose(sums["loss"], [*losses, np.nan, np.nan], rtol=1e-13)
    np.testing.assert_array_equal(sums["weight"], [5.5, 5.5, np.nan, np.nan])


def test_a_whole_batch_by_hand():
    algorithm = SGD(0.1)
    params, _, sums = compiled_train(
        *(OBJECTIVE, algorithm, START, algorithm.init(START), padded()),
        Work(None, 3, 0, 1, WORDS, 0, 0, {}),
    )
    w, b, losses = batches_by_hand([[[0, 1, 2, 3, 4]]] * 3, 0.1)
    np.testing.assert_allclose(params[0]["weight"][:, 0], w, rtol=1e-13)
    np.testing.assert_allclose(params[0]["bias"], b, rtol=1e-13)
    np.testing.assert_allclose(sums["loss"][:3], losses, rtol=1e-13)


def test_a_limit_ends_a_call_after_the_first_epoch_that_keeps_it():
    """Epochs cost nothing after the one that ended the run; its weights come back."""
    algorithm = SGD(0.1)
    how = (OBJECTIVE, algorithm, START, algorithm.init(START), padded())
    _, _, losses = batches_by_hand([[[0, 1, 2, 3, 4]]] * 5, 0.1)
    limits = {"loss": losses[2] / 5.5 * (1 + 1e-12), "accuracy": 1.0}
    params, _, sums = compiled_train(*how, Work(None, 5, 0, 1, WORDS, 0, 0, limits))
    w, _, _ = batches_by_hand([[[0, 1, 2, 3, 4]]] * 3, 0.1)
    np.testing.assert_allclose(params[0]["weight"][:, 0], w, rtol=1e-13)
    np.testing.assert_allclose(sums["loss"][:3], losses[:3], rtol=1e-13)
    assert np.isnan(sums["loss"][3:]).all()


@description
class KeyTeller(Algorithm):
    """An algorithm that reports a number drawn from the key of its step."""

    def init(self, params):
        return {}

    def update(self, objective, params, state, batch, key):
        return params, state, {"loss": 0.0, "draw": jax.random.uniform(key)}


def draws(order, epochs, steps, first_epoch=0, first_step=0):
    args = (OBJECTIVE, KeyTeller(), START, {}, padded())
    work = Work(order, epochs, 0, steps, WORDS, first_epoch, first_step, {})
    sums = compiled_train(*args, work)[2]
    return np.asarray(sums["draw"] / np.maximum(sums["weight"], 1e-9))[:epochs]


def key_of(epoch, step):
    key = jax.random.wrap_key_data(WORDS, impl="threefry2x32")
    return jax.random.fold_in(jax.random.fold_in(key, epoch), step)


def test_a_steps_key_is_the_runs_key_folded_with_epoch_and_step():
    order = np.zeros((2, 3, 1), np.int32)
    got = draws(order, 2, 3, first_epoch=7, first_step=4)
    expected = [
        np.mean([jax.random.uniform(key_of(epoch, step)) for step in (4, 5, 6)])
        for epoch in (7, 8)
    ]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_a_whole_batch_has_the_key_of_step_zero():
    expected = [jax.random.uniform(key_of(epoch, 0)) for epoch in (3, 4)]
    np.testing.assert_allclose(draws(None, 2, 1, first_epoch=3), expected, rtol=1e-12)


def test_another_mask_each_step():
    """Dropout ½ on one constant input of 1: the output is 0 or 2, step by step."""
    network = Network((Dropout(0.5), Dense(1, "identity", "zeros", use_bias=False)))
    objective = Objective(network, lambda a, y: a[:, 0])
    params = ({}, {"weight": np.ones((1, 1))})
    algorithm = SGD(0.0)
    order = np.zeros((8, 1, 1), np.int32)
    sums = compiled_train(
        *(objective, algorithm, params, algorithm.init(params)),
        Batch(np.ones((1, 1)), np.zeros((1, 1)), np.ones(1)),
        Work(order, 8, 0, 1, WORDS, 0, 0, {}),
    )[2]
    assert set(sums["loss"].tolist()) == {0.0, 2.0}


def test_evaluation_by_hand():
    order = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    loss, weight, outputs = compiled_evaluate(OBJECTIVE, START, padded(), order)
    a = X @ START[0]["weight"] + 0.05
    np.testing.assert_allclose(outputs[:5], a, rtol=1e-14)
    expected = np.sum(W * 0.5 * (a - Y)[:, 0] ** 2)
    assert float(loss) == pytest.approx(expected, rel=1e-14)
    assert float(weight) == 5.5


def test_evaluation_has_no_penalty_and_no_dropout():
    network = Network((Dropout(0.5), Dense(1, "identity")))
    objective = Objective(network, "squared_error", (L2(10.0),))
    order = np.arange(5, dtype=np.int32)[None]
    loss, _, _ = compiled_evaluate(objective, ({}, *START), padded(), order)
    plain, _, _ = compiled_evaluate(OBJECTIVE, START, padded(), order)
    assert float(loss) == float(plain)


@pytest.mark.slow
def test_many_models_train_side_by_side():
    """Mapped over rates, dropout rates, starts and keys: each as if it were alone."""
    network = Network((Dense(4, "tanh"), Dropout(0.5), Dense(1, "identity")))
    rates, dropouts = np.array([0.01, 0.1, 0.3]), np.array([0.0, 0.2, 0.5])
    starts = [network.init(Key(s), (2,), np.float64)[0] for s in range(3)]
    words = np.stack([Key(s).words() for s in range(3)])
    order = jnp.array([[[3, 1], [0, 4]], [[0, 1], [2, 3]]])
    data = padded()

    def trained(rate, dropout, params, words):
        layers = (network.layers[0], Dropout(dropout), network.layers[2])
        objective = Objective(Network(layers), "squared_error")
        algorithm = SGD(rate, momentum=0.9)
        state = algorithm.init(params)
        work = Work(order, 2, 0, 2, words, 0, 0, {})
        params, _, sums = train(objective, algorithm, params, state, data, work)
        return params, sums["loss"]

    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *starts)
    together = jax.jit(jax.vmap(trained))(rates, dropouts, stacked, words)
    alone = jax.jit(trained)
    for i in range(3):
        one = alone(rates[i], dropouts[i], starts[i], words[i])
        jax.tree.map(
            lambda many, single, i=i: np.testing.assert_allclose(
                many[i], single, rtol=1e-12, atol=1e-14
            ),
            together,
            one,
        )


SETTINGS = {
    "rate": np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.05, 0.05]),
    "momentum": np.array([0.9, 0.0, 0.5, 0.9, 0.0, 0.5, 0.9, 0.9]),
    "dropout": np.linspace(0, 0.5, 8),
    "l2": np.geomspace(1e-4, 1, 8),
    "l1": np.geomspace(1e-6, 0.1, 8),
    "input_noise": np.linspace(0, 0.7, 8),
    "weight_noise": np.linspace(0.35, 0, 8),
    "clip_norm": np.geomspace(0.01, 10, 8),
    "clip_value": np.geomspace(10, 0.01, 8),
    "max_norm": np.linspace(0.3, 3, 8),
    "epsilon": np.linspace(0, 0.5, 8),
    "seed": np.stack([Key(s).words() for s in range(8)]),
}


@pytest.mark.slow
def test_eight_settings_train_in_one_program_as_eight_runs_would():
    """Every number of an objective and an algorithm is a leaf, and so is the seed."""
    start, _ = Network((Dense(4, "tanh"), Dense(1, "identity"))).init(
        Key(0), (2,), np.float64
    )
    params = (start[0], {}, start[1])
    order = jnp.array([[[3, 1], [0, 4]], [[0, 1], [2, 3]]])
    data = padded()

    def trained(rate, momentum, dropout, epsilon, seed, **numbers):
        layers = Dense(4, "tanh"), Dropout(dropout), Dense(1, "identity")
        terms = (
            L2(numbers["l2"]),
            L1(numbers["l1"]),
            InputNoise(numbers["input_noise"]),
            WeightNoise(numbers["weight_noise"]),
            FGSM(epsilon, share=0.3),
        )
        objective = Objective(Network(layers), "squared_error", terms)
        algorithm = ClipNorm(SGD(rate, momentum), numbers["clip_norm"])
        algorithm = ClipValue(algorithm, numbers["clip_value"])
        algorithm = MaxNorm(algorithm, numbers["max_norm"])
        state = algorithm.init(params)
        work = Work(order, 2, 0, 2, seed, 0, 0, {})
        how = (objective, algorithm, params, state, data, work)
        params_after, _, sums = train(*how)
        return params_after, sums["loss"]

    together = jax.jit(jax.vmap(lambda settings: trained(**settings)))(SETTINGS)
    alone = jax.jit(lambda settings: trained(**settings))
    runs = [alone({k: v[i] for k, v in SETTINGS.items()}) for i in range(8)]
    assert alone._cache_size() == 1
    for many, *single in zip(*map(jax.tree.leaves, (together, *runs)), strict=True):
        np.testing.assert_allclose(many, np.stack(single), rtol=1e-11, atol=1e-14)
    losses = together[1][:, 0]
    assert len(np.unique(np.asarray(losses))) == 8


def test_apply():
    a = X @ START[0]["weight"] + 0.05
    np.testing.assert_allclose(apply(NEURON, START, X), a, rtol=1e-14)
    np.testing.assert_allclose(compiled_apply(NEURON, START, X), a, rtol=1e-14)


# ---- counting and forgetting --------------------------------------------------------


def compile_something_new():
    network = Network((Dense(1, lambda h: 1 * h),))
    compiled_apply(network, START, X)


def test_compilations_are_counted_once_a_program():
    before = compile_count()
    compile_something_new()
    assert compile_count() == before + 1
    compiled_apply(NEURON, START, X)
    at = compile_count()
    compiled_apply(NEURON, START, X)
    assert compile_count() == at


def test_each_thread_counts_its_own():
    before, counts = compile_count(), []

    def work():
        compile_something_new()
        counts.append(compile_count())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert counts == [1]
    assert compile_count() == before


@pytest.mark.slow
def test_a_fit_whose_program_was_forgotten_is_the_same_fit(monkeypatch):
    def weights():
        loader = Loader(Dataset(X, Y, dtype=np.float64), batch_size=2)
        params = fit(OBJECTIVE, SGD(0.1), loader, START, key=Key(0), epochs=2).params
        return np.asarray(params[0]["weight"])

    monkeypatch.setattr(compilation, "MAX_PROGRAMS", 1)
    monkeypatch.setattr(compiled_train, "_programs", OrderedDict())
    first = weights()
    draws(None, 1, 1)
    at = compile_count()
    np.testing.assert_array_equal(weights(), first)
    assert compile_count() == at + 1
