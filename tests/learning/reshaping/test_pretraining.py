"""Layer-wise pre-training, beside each layer's own network trained by itself."""

from itertools import pairwise, product

import numpy as np
import pytest
import scipy.sparse

from lamina.learning import (
    L2,
    SGD,
    Adam,
    AutoencoderPretraining,
    ContrastiveDivergence,
    Dataset,
    KLSparsity,
    LevenbergMarquardt,
    Loader,
    Objective,
    RBMPretraining,
    SupervisedPretraining,
    hidden_layers,
    penalties,
    pretrain,
)
from lamina.networks import (
    RBM,
    Dense,
    Dropout,
    GaussianNoise,
    Key,
    MaskingNoise,
    Network,
    Rescale,
)
from lamina.networks.composite.mirror import Tied
from tests.learning.fits import fit

RNG = np.random.default_rng(0)
N = 60
X = RNG.random((N, 6)).astype(np.float32)
WIDE = (X * [1, 10, 1, 100, 1, 1] - [0, 5, 0, 50, 3, 0]).astype(np.float32)
Y = RNG.integers(0, 3, N)
KEY = Key(7)


def network(activation="logistic", dropout=False):
    between = [Dropout(0.5)] if dropout else []
    hidden = [Dense(5, activation), *between, Dense(4, activation)]
    return Network((*hidden, Dense(3, "softmax")))


def begun(net):
    return net.init(KEY.fold_in("init"), (6,), np.float32)[0]


def pretrained(plan, x=X, net=None, rows=None, y=Y, weight=None, **how):
    net = net or network()
    objective = Objective(net, "cross_entropy", (L2(0.01),))
    loader = Loader(Dataset(x, y, weight), rows, batch_size=20)
    return pretrain(objective, begun(net), plan, loader, key=KEY, **how)


def alone(objective, algorithm, x, y, number, epochs, size, init=None):
    """Train one small network by itself, from the key of a layer's number."""
    key = KEY.fold_in(number)
    shape = (x.shape[1],)
    params, _ = objective.network.init(key.fold_in("init"), shape, np.float32)
    loader = Loader(Dataset(x, y), batch_size=size)
    return fit(objective, algorithm, loader, params, key=key, epochs=epochs)


def logistic(x, layer):
    return 1 / (1 + np.exp(-(x @ layer["weight"] + layer["bias"])))


def same(found, wanted):
    for name in ("weight", "bias"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5, atol=1e-7)


# ---- the four ways ------------------------------------------------------------------


@pytest.mark.slow
def test_a_stack_of_machines_each_learns_what_those_below_make_of_the_inputs():
    plan = [RBMPretraining(3, alpha=0.1), RBMPretraining(2, batch_size=15)]
    params, results = pretrained(plan)
    v, zeros = X, np.zeros((N, 1), np.float32)
    for number, (units, penalty, epochs, size) in enumerate(
        [(5, 0.1, 3, 10), (4, None, 2, 15)], start=1
    ):
        objective = Objective(
            Network((RBM(units),)), "squared_error", penalties(penalty)
        )
        way = (objective, ContrastiveDivergence(0.1), v, zeros, number, epochs, size)
        learnt = alone(*way)
        same(params[number - 1], learnt.params[0])
        assert results[number - 1].history["loss"] == pytest.approx(
            learnt.history["loss"], rel=1e-4
        )
        v = logistic(v, learnt.params[0])


def test_gaussian_units_put_the_scale_of_the_inputs_into_the_weights():
    """σ(x W' + b') is P(h = 1 | (x − μ) / s) of the machine that learnt."""
    (layer, *_), _ = pretrained([RBMPretraining(3), None], WIDE)
    mean, scale = WIDE.mean(axis=0), WIDE.std(axis=0)
    v = (WIDE - mean) / scale
    objective = Objective(Network((RBM(5, "gaussian"),)), "squared_error")
    zeros = np.zeros((N, 1), np.float32)
    learnt = alone(objective, ContrastiveDivergence(0.01), v, zeros, 1, 3, 10)
    wanted = logistic(v, learnt.params[0])
    np.testing.assert_allclose(logistic(WIDE, layer), wanted, rtol=1e-4)


@pytest.mark.parametrize("corruption", [None, MaskingNoise(0.4), GaussianNoise(0.1)])
@pytest.mark.parametrize("tied", [False, True])
def test_an_autoencoder_gives_its_encoder(corruption, tied):
    how = AutoencoderPretraining(2, SGD(0.3), 15, corruption, tied=tied, alpha=0.1)
    (layer, *_), (result, _) = pretrained([how, None])
    pair = (Dense(5, "logistic"), Dense(6, "logistic"))
    pair = (Tied(pair[:1], pair[1:]),) if tied else pair
    before = () if corruption is None else (corruption,)
    objective = Objective(Network((*before, *pair)), "binary_cross_entropy", (L2(0.1),))
    learnt = alone(objective, SGD(0.3), X, X, 1, 2, 15)
    code = learnt.params[len(before)]
    same(layer, code["layers"][0] if tied else code)
    assert result.history["loss"] == pytest.approx(learnt.history["loss"], rel=1e-5)


def test_columns_of_any_scale_count_the_same_as_targets():
    (layer, *_), _ = pretrained([AutoencoderPretraining(2, SGD(0.01), 15), None], WIDE)
    target = (WIDE - WIDE.mean(axis=0)) / WIDE.std(axis=0)
    net = Network((Dense(5, "logistic"), Dense(6, "identity")))
    objective = Objective(net, "squared_error")
    learnt = alone(objective, SGD(0.01), WIDE, target.astype(np.float32), 1, 2, 15)
    same(layer, learnt.params[0])


def test_outputs_of_hidden_layers_are_targets_as_they_are():
    """Those of tanh units are in [−1, 1]: squared error, whatever they happen to be."""
    net = network("tanh")
    how = AutoencoderPretraining(2, SGD(0.1), 15)
    (_, second, _), _ = pretrained([None, how], net=net)
    first = begun(net)[0]
    v = np.tanh(X @ first["weight"] + first["bias"]).astype(np.float32)
    objective = Objective(
        Network((Dense(4, "tanh"), Dense(5, "identity"))), "squared_error"
    )
    same(second, alone(objective, SGD(0.1), v, v, 2, 2, 15).params[0])


@pytest.mark.slow
def test_a_sparse_code_is_about_the_units_of_the_layer():
    how = AutoencoderPretraining(60, Adam(0.01), 20, sparsity=KLSparsity(0.05, 3.0))
    plain = AutoencoderPretraining(60, Adam(0.01), 20)
    corrupted = AutoencoderPretraining(
        60, Adam(0.01), 20, MaskingNoise(0.1), KLSparsity(0.05, 3.0)
    )
    active = [
        logistic(X, pretrained([plan, None])[0][0]).mean()
        for plan in (plain, how, corrupted)
    ]
    assert active[0] > 0.3
    assert max(active[1:]) < 0.15


@pytest.mark.slow
def test_a_supervised_layer_learns_the_targets_by_itself():
    params, _ = pretrained([SupervisedPretraining(3, SGD(0.5), 15)] * 2)
    v = X
    for number, units in ((1, 5), (2, 4)):
        net = Network((Dense(units, "logistic"), Dense(3, "softmax")))
        objective = Objective(net, "cross_entropy", (L2(0.01),))
        learnt = alone(objective, SGD(0.5), v, Y, number, 3, 15)
        same(params[number - 1], learnt.params[0])
        v = logistic(v, learnt.params[0]).astype(np.float32)


def test_labels_that_are_missing_teach_a_supervised_layer_nothing():
    y = RNG.integers(0, 2, (N, 3)).astype(np.float32)
    y[:40, 1] = np.nan
    net = Network((Dense(5, "logistic"), Dense(3, "logistic")))
    objective = Objective(net, "binary_cross_entropy")
    loader = Loader(Dataset(X, y), batch_size=20)
    plan = [SupervisedPretraining(3, SGD(0.5), 15)]
    params, _ = pretrain(objective, begun(net), plan, loader, key=KEY)
    same(params[0], alone(objective, SGD(0.5), X, y, 1, 3, 15).params[0])


# ---- which layers, which rows -------------------------------------------------------


def test_a_layer_without_and_the_output_layer_start_as_they_are():
    first, last = begun(network())[1], begun(network())[2]
    params, results = pretrained([RBMPretraining(1), None])
    same(params[1], first)
    same(params[2], last)
    assert results[1] is None


def test_hidden_layers_are_dense_ones_below_the_output():
    assert hidden_layers(network(dropout=True)) == [0, 2]
    assert hidden_layers(Network((Dense(3),))) == []


@pytest.mark.slow
def test_dropout_between_layers_is_off():
    plan = [RBMPretraining(2), RBMPretraining(2)]
    (one, two, _), _ = pretrained(plan)
    (first, _, second, _), _ = pretrained(plan, net=network(dropout=True))
    same(first, one)
    same(second, two)


def test_what_a_layer_without_weights_does_is_seen_by_the_next():
    above = [Dense(4, "logistic"), Dense(3, "softmax")]
    plan = [AutoencoderPretraining(epochs=2)]
    bytes_ = (255 * X).astype(np.float32)
    found = pretrained(plan, bytes_, Network((Rescale(), *above)))[0]
    wanted = pretrained(plan, bytes_ / np.float32(255), Network((Dropout(0.5), *above)))
    np.testing.assert_allclose(found[1]["weight"], wanted[0][1]["weight"], atol=1e-5)


@pytest.mark.slow
def test_logistic_outputs_that_are_rescaled_are_no_probabilities():
    hidden = [Dense(5, "logistic"), Rescale(0.5, 9.0), Dense(4)]
    plan = [None, AutoencoderPretraining(epochs=1, solver=SGD(0.1))]
    found = pretrained(plan, net=Network((*hidden, Dense(3, "softmax"))))[1][1]
    assert 0 < found.history["loss"][0] < np.inf
    below = Network(tuple(hidden[:2]))
    v = np.asarray(below(begun(below), X))
    objective = Objective(Network((Dense(4), Dense(5, "identity"))), "squared_error")
    wanted = alone(objective, SGD(0.1), v, v, 2, 1, 20)
    assert found.history["loss"] == pytest.approx(wanted.history["loss"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [RBMPretraining(2), AutoencoderPretraining(2), SupervisedPretraining(2)]
)
def test_rows_held_out_are_never_seen(how):
    rows = np.arange(0, N, 2)
    other, labels = X.copy(), Y.copy()
    other[1::2], labels[1::2] = 0.5, 0
    found = [
        pretrained([how, how], x, rows=rows, y=y)[0]
        for x, y in ((X, Y), (other, labels))
    ]
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a["weight"], b["weight"])


@pytest.mark.slow
@pytest.mark.parametrize("how", [RBMPretraining(2), AutoencoderPretraining(2)])
def test_rows_without_a_target_are_learnt_from_too(how):
    more = np.concatenate([X, X[::-1], X[5:9]])
    whole, _ = pretrained([how, how], more, y=np.resize(Y, len(more)))
    found, _ = pretrained([how, how], x=X, y=Y)
    joined = pretrain(
        Objective(network(), "cross_entropy"),
        begun(network()),
        [how, how],
        Loader(Dataset(X, Y), batch_size=20),
        key=KEY,
        x=more,
    )[0]
    for layer, wanted, other in zip(joined, whole, found, strict=True):
        np.testing.assert_array_equal(layer["weight"], wanted["weight"])
        assert layer is joined[-1] or not np.allclose(layer["weight"], other["weight"])


@pytest.mark.slow
def test_rows_without_a_target_do_not_reach_a_supervised_layer():
    how = SupervisedPretraining(2)
    objective, net = Objective(network(), "cross_entropy"), network()
    loader = Loader(Dataset(X, Y), batch_size=20)
    way = objective, begun(net), [how, how], loader
    few, _ = pretrain(*way, key=KEY)
    more, _ = pretrain(*way, key=KEY, x=np.concatenate([X, X]))
    for a, b in pairwise([few, more]):
        np.testing.assert_array_equal(a[0]["weight"], b[0]["weight"])


@pytest.mark.slow
def test_rows_of_weight_0_teach_nothing():
    weight = np.ones(N, np.float32)
    weight[::3] = 0
    other = WIDE.copy()
    other[::3] = 1e3
    probabilities = np.where(weight[:, None] > 0, X, other)
    rbm, auto = RBMPretraining(2), AutoencoderPretraining(2, SGD(0.01))
    pairs = [(WIDE, other), (X, probabilities)]
    for how, pair in product((rbm, auto), pairs):
        found = [pretrained([how, None], x, weight=weight)[0] for x in pair]
        np.testing.assert_allclose(
            found[0][0]["weight"], found[1][0]["weight"], rtol=1e-4, atol=1e-6
        )


@pytest.mark.slow
@pytest.mark.parametrize("how", [RBMPretraining(2), AutoencoderPretraining(2)])
def test_sparse_rows_are_learnt_as_dense_ones_are(how):
    x = np.where(X > 0.6, X, 0)
    dense, _ = pretrained([how, how], x)
    thin, _ = pretrained([how, how], scipy.sparse.csr_array(x))
    for a, b in zip(dense, thin, strict=True):
        np.testing.assert_allclose(a["weight"], b["weight"], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_constant_columns_do_no_harm():
    x = WIDE.copy()
    x[:, 2] = 0.1  # whose mean is not quite 0.1
    for how in (RBMPretraining(2), AutoencoderPretraining(2)):
        params, _ = pretrained([how, how], x)
        assert all(np.abs(p["weight"]).max() < 10 for p in params)


@pytest.mark.slow
def test_epochs_of_all_layers_are_counted_together():
    told = []
    pretrained(
        [RBMPretraining(2), SupervisedPretraining(3)],
        callbacks=[lambda progress: told.append((progress.epoch, progress.epochs))],
    )
    assert told == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


# ---- what cannot be -----------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_machine_has_logistic_units(activation):
    with pytest.raises(ValueError, match=r"activation='logistic', got '(relu|tanh)'"):
        pretrained([RBMPretraining(1)] * 2, net=network(activation))


def test_a_share_of_active_units_needs_logistic_ones():
    how = AutoencoderPretraining(1, sparsity=KLSparsity())
    with pytest.raises(ValueError, match="activation='logistic', got 'relu'"):
        pretrained([how, None], net=network("relu"))


def test_sparse_rows_that_are_no_probabilities_are_refused():
    with pytest.raises(ValueError, match="sparse inputs in .0, 1."):
        pretrained([RBMPretraining(1), None], scipy.sparse.csr_array(3 * X))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: RBMPretraining(0), "epochs must be a whole number"),
        (lambda: RBMPretraining(solver=Adam()), "ContrastiveDivergence"),
        (lambda: RBMPretraining(alpha=-1.0), "alpha must be ≥ 0"),
        (lambda: AutoencoderPretraining(batch_size=0), "batch_size"),
        (lambda: AutoencoderPretraining(corruption=Dropout(0.1)), "corruption must be"),
        (lambda: AutoencoderPretraining(sparsity=0.1), "sparsity must be"),
        (lambda: AutoencoderPretraining(solver=LevenbergMarquardt()), "first order"),
        (lambda: SupervisedPretraining(solver="adam"), "first order"),
    ],
)
def test_impossible_fields_are_refused(made, message):
    with pytest.raises(ValueError, match=message):
        made()
