"""Figures of the layers by hand, the probe, and when records are taken."""

import math

import jax
import numpy as np
import pytest
import scipy.sparse

from lamina.learning import L2, SGD, Batch, Dataset, Loader, Objective
from lamina.learning.diagnostics import recorder as module
from lamina.learning.diagnostics.recorder import (
    FIGURES,
    Recorder,
    compiled_pass,
    contrast,
    layer_figures,
    records_of,
    relative_update,
    scales,
    table,
    take_probe,
)
from lamina.learning.parallel.compilation import compile_count
from lamina.networks import Dense, Dropout, Key, Network
from tests.learning.fits import fit

N = 23
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 4)).astype(np.float32)
CLASSES = RNG.integers(0, 3, N)
NETWORK = Network((Dense(5, "tanh"), Dropout(0.2), Dense(3, "softmax")))
OBJECTIVE = Objective(NETWORK, "cross_entropy", (L2(0.1),))
START, _ = NETWORK.init(Key(0), (4,))


def loader(n=N, batch_size=5, weight=None, rows=None):
    examples = Dataset(X[:n], CLASSES[:n], weight)
    return Loader(examples, rows, batch_size=batch_size)


def recorder(**how):
    return Recorder.of(OBJECTIVE, loader(**how), START)


def trained(recorder=None, epochs=10, rate=0.1, **how):
    algorithm = SGD(rate)
    return fit(
        OBJECTIVE,
        algorithm,
        loader(**how),
        START,
        key=Key(1),
        epochs=epochs,
        recorder=recorder,
    )


# ---- figures ------------------------------------------------------------------------


def test_figures_by_hand():
    """Two units, four examples: each figure worked from its definition."""
    a = np.array([[0.0, 1.0], [0.0, 3.0], [0.0, 1.0], [0.0, 3.0]])
    delta = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0], [0.0, 5.0]])
    found = layer_figures("relu", a, delta)
    assert found["variance"] == 0.5  # of the units 0 and 1
    assert found["delta"] == pytest.approx(math.sqrt((25 + 25) / 4))
    assert found["dead"] == 0.5
    assert math.isnan(found["saturated"])


def test_a_logistic_unit_is_saturated_where_its_slope_is_nearly_zero():
    """4 a (1 − a) < 0.05 from a = 0.98734 on, and below 0.01266."""
    high, low = 0.98735, 0.01265
    assert 4 * 0.9873 * 0.0127 > 0.05 > 4 * high * (1 - high)
    many = np.column_stack(
        [np.full(20, high), np.full(20, low), np.full(20, 0.98), np.full(20, 0.98)]
    )
    many[0, 0] = 0.5  # nearly all examples: 19 of 20 will do
    assert layer_figures("logistic", many, many)["saturated"] == 0.5
    many[1, 0] = 0.5  # 18 will not
    assert layer_figures("logistic", many, many)["saturated"] == 0.25


def test_a_tanh_unit_is_saturated_at_both_ends():
    """1 − a² < 0.05 from |a| = 0.97468 on."""
    a = np.array([[0.975, -0.975, 0.974], [-0.975, -0.975, 0.0]])
    assert layer_figures("tanh", a, a)["saturated"] == pytest.approx(2 / 3)
    assert math.isnan(layer_figures("tanh", a, a)["dead"])


def test_units_of_a_layer_may_have_any_shape():
    a = RNG.standard_normal((6, 2, 3))
    flat = layer_figures("relu", a.reshape(6, 6), a.reshape(6, 6))
    np.testing.assert_equal(layer_figures("relu", a, a), flat)


def test_update_by_hand():
    """‖Δθ‖ = 5 over 2 epochs, ‖θ‖ = 13 over weights and biases together."""
    new = {"weight": np.array([[3.0, 4.0]]), "bias": np.array([12.0])}
    old = {"weight": np.array([[0.0, 4.0]]), "bias": np.array([8.0])}
    assert relative_update(new, old, 2) == pytest.approx(5 / 13 / 2)
    assert relative_update({}, {}, 1) == 0  # a layer without parameters


def test_contrast_by_hand():
    """Outputs that vary half as much as targets, whose variance is ¼ each."""
    y = np.array([[0.0, 1.0], [1.0, 0.0]])
    a = 0.5 + (y - 0.5) * math.sqrt(0.5)
    assert contrast(a, y) == pytest.approx(0.5)
    assert contrast(a, np.array([1, 0])) == pytest.approx(0.5)  # class numbers
    assert contrast(np.full((2, 2), 0.5), y) == 0
    masked = np.array([[0.0, np.nan], [1.0, np.nan]])  # nothing measured in column 1
    assert contrast(a, masked) == pytest.approx(0.5)
    assert math.isnan(contrast(a, np.ones((2, 2))))
    assert math.isnan(contrast(a, np.ones((2, 3))))


W1, B1 = np.array([[0.5, -0.3], [0.2, 0.8]]), np.array([0.1, -0.2])
W2, B2 = np.array([[1.0], [-2.0]]), np.array([0.3])


@pytest.mark.usefixtures("x64")
def test_loss_activations_and_deltas_by_hand():
    """δ² = a² − y and δ¹ = (1 − tanh² h¹) ∘ W² δ², example by example."""
    x, y = np.array([[1.0, -1.0], [0.5, 2.0]]), np.array([[1.0], [0.0]])
    a1 = [
        [math.tanh(0.5 - 0.2 + 0.1), math.tanh(-0.3 - 0.8 - 0.2)],
        [math.tanh(0.25 + 0.4 + 0.1), math.tanh(-0.15 + 1.6 - 0.2)],
    ]
    a2 = [1 / (1 + math.exp(-(a[0] - 2 * a[1] + 0.3))) for a in a1]
    d2 = [a2[0] - 1, a2[1]]
    d1 = [
        [(1 - a[0] ** 2) * d, (1 - a[1] ** 2) * -2 * d]
        for a, d in zip(a1, d2, strict=True)
    ]
    network = Network((Dense(2, "tanh"), Dropout(0.5), Dense(1, "logistic")))
    params = ({"weight": W1, "bias": B1}, {}, {"weight": W2, "bias": B2})
    objective = Objective(network, "binary_cross_entropy", (L2(9.0),))
    batch = Batch(x, y, np.ones(2))
    loss, layers = compiled_pass(objective, params, batch)
    # The penalty is no part of it, and dropout is off.
    assert float(loss) == pytest.approx(-(math.log(a2[0]) + math.log(1 - a2[1])) / 2)
    assert len(layers) == 2
    np.testing.assert_allclose(layers[0][0], a1, rtol=1e-12)
    np.testing.assert_allclose(layers[0][1], d1, rtol=1e-12)
    np.testing.assert_allclose(layers[1][0], np.array(a2)[:, None], rtol=1e-12)
    np.testing.assert_allclose(layers[1][1], np.array(d2)[:, None], rtol=1e-12)


def figures_of(network, x, y, params, loss="squared_error"):
    """Return the only record's figures, (layers, 5), with this probe."""
    objective = Objective(network, loss)
    health = Recorder.of(objective, Loader(Dataset(x, y), batch_size=4), params)
    health.keep(0, params)
    return health.plain()["figures"][0]


def test_ten_logistic_layers_shrink_delta_by_at_least_four_each():
    """Golden G14: with unit weights at most ¼ is left a layer, 4⁻¹⁰ of all ten."""
    chain = Network(tuple(Dense(1, "logistic") for _ in range(11)))
    params = tuple({"weight": np.ones((1, 1)), "bias": np.zeros(1)} for _ in range(11))
    x = np.linspace(-3, 3, 40)[:, None]
    delta = figures_of(chain, x, np.zeros((40, 1)), params)[:, 1]
    assert np.all(delta > 0)
    assert np.all(delta[:-1] <= delta[1:] / 4)
    assert delta[0] / delta[-1] <= 9.54e-7


@pytest.mark.parametrize(
    ("init", "low", "high"),
    [("glorot_uniform", 0.6, 1.4), ("normal", 3e9, 3e10), ("lecture", 1e-8, 6e-8)],
)
def test_variance_over_five_linear_layers(init, low, high):
    """Golden G12: Glorot keeps ≈ 0.96, N(0, 1) gives ≈ 1e10, U±6/200 2.5e−8."""
    start = "glorot_uniform" if init == "lecture" else init
    layers = tuple(Dense(100, "identity", start, use_bias=False) for _ in range(5))
    network = Network(layers)
    params, _ = network.init(Key(3), (100,))
    if init == "lecture":  # the slip of the lecture: the bound 6/200 without its root
        shrunk = (0.03 / math.sqrt(0.03)) * np.ones((), np.float32)
        params = jax.tree.map(lambda w: w * shrunk, params)
    x = np.random.default_rng(1).standard_normal((64, 100)).astype(np.float32)
    variance = figures_of(network, x, np.zeros((64, 100), np.float32), params)[:, 0]
    assert low < variance[-1] < high


# ---- the probe ----------------------------------------------------------------------


def test_the_probe_is_rows_at_equal_distances_of_what_is_learnt():
    x = np.arange(200.0)[:, None]
    weight = np.ones(200)
    weight[:60] = 0  # teach nothing
    rows = np.arange(0, 200, 2)
    probe = take_probe(Loader(Dataset(x, x, weight), rows, batch_size=7))
    assert probe.x.shape == (64, 1)
    assert probe.x[0, 0] == 60
    assert probe.x[-1, 0] == 198
    steps = np.diff(probe.x[:, 0])
    assert set(steps) <= {2.0, 4.0}
    np.testing.assert_array_equal(probe.x, probe.y)
    assert probe.weight.tolist() == [1.0] * 64


def test_few_rows_are_padded_with_rows_of_weight_zero():
    probe = take_probe(loader())
    assert probe.x.shape == (64, 4)
    np.testing.assert_array_equal(probe.x[:N], X)
    np.testing.assert_array_equal(probe.y[:N], CLASSES)
    assert probe.y.dtype == np.int32
    assert probe.weight.sum() == N == recorder().rows


def test_padding_changes_no_figure(monkeypatch):
    padded, exact = recorder(), None
    monkeypatch.setattr(module, "PROBE_ROWS", N)
    exact = recorder()
    assert exact.probe.x.shape == X.shape
    for health in (padded, exact):
        health.keep(0, START)
    one, other = padded.plain(), exact.plain()
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-6)


def test_the_probe_of_sparse_rows_is_the_same():
    dense = take_probe(loader())
    sparse = take_probe(
        Loader(Dataset(scipy.sparse.csr_array(X), CLASSES), batch_size=5)
    )
    np.testing.assert_array_equal(sparse.x, dense.x)


def test_very_wide_examples_make_a_smaller_probe(monkeypatch):
    monkeypatch.setattr(module, "PROBE_NUMBERS", 40)
    assert take_probe(loader()).x.shape == (10, 4)
    monkeypatch.setattr(module, "PROBE_NUMBERS", 1)
    assert take_probe(loader()).x.shape == (1, 4)


def test_scales_are_root_mean_squares_of_the_real_rows():
    x = np.array([[3.0, 0.0], [4.0, 0.0], [9.0, 9.0]])
    probe = Batch(x, x, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(scales(probe), [math.sqrt(12.5), 0])
    images = Batch(np.full((2, 3, 3, 1), 2.0), x, np.ones(2))
    assert scales(images).tolist() == [2.0]


# ---- when records are taken ---------------------------------------------------------


def test_first_last_and_every_due_epoch_are_recorded():
    health = recorder()
    health.every = 4
    trained(health, epochs=10)
    plain = health.plain()
    assert plain["epoch"].tolist() == [0, 4, 8, 10]
    # The first record has nothing to compare with, the others have all figures.
    assert np.isnan(plain["figures"][0, :, 2]).all()
    assert (plain["figures"][1:, :, 2] > 0).all()
    assert plain["figures"].shape == (4, 2, len(FIGURES))
    assert plain["loss"][-1] < plain["loss"][0]


def test_figures_are_those_of_the_weights_of_their_epoch():
    """Weights after 4 and 8 epochs come from runs that ended there."""
    health = recorder()
    health.every = 4
    trained(health, epochs=10)
    found = {r.epoch: r for r in records_of(health.plain())}
    after = {n: trained(epochs=n).params for n in (4, 8)}
    for epoch, params in after.items():
        alone = recorder()
        alone.keep(epoch, params)
        expected = records_of(alone.plain())[0]
        assert found[epoch].loss == expected.loss
        known = [i for i, name in enumerate(FIGURES) if name != "update"]
        np.testing.assert_array_equal(
            found[epoch].figures[:, known], expected.figures[:, known]
        )
    moved = [relative_update(after[8][i], after[4][i], 4) for i in (0, 2)]
    np.testing.assert_allclose(found[8].figures[:, 2], moved, rtol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 5, N])
def test_a_recorder_does_not_change_learning(batch_size):
    health = recorder(batch_size=batch_size)
    health.every = 3
    watched = trained(health, batch_size=batch_size)
    plain = trained(batch_size=batch_size)
    for one, other in zip(
        jax.tree.leaves(watched.params), jax.tree.leaves(plain.params), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert watched.history == plain.history


def test_the_spacing_follows_from_the_sizes_alone():
    """10 ms of training by the estimate: here 2 µs a step and 6 flops a number."""
    health = recorder()
    numbers = 4 * 5 + 5 + 5 * 3 + 3
    seconds = 5 * 2e-6 + 6 * numbers * N / 1e11
    assert health.seconds == pytest.approx(seconds)
    assert math.ceil(0.01 / seconds) == 995
    assert health.every == 1024  # 32 · 32, at the end of a call of 32 epochs
    # A network so large that the probe costs as much as an epoch: every 30th.
    large = Network((Dense(3000), Dense(3)))
    params, _ = large.init(Key(0), (4000,))
    x = np.zeros((64, 4000), np.float32)
    long = Loader(Dataset(x, np.zeros(64, int)), batch_size=64)
    assert (
        29 <= Recorder.of(Objective(large, "cross_entropy"), long, params).every <= 30
    )


def test_too_many_records_are_thinned_out_and_the_ends_stay():
    health = recorder()
    health.every, health.most_kept = 1, 4
    health.begin(0, START)
    for epoch in range(1, 30):
        health.note(epoch, START)
        assert len(health.kept) <= 4
    health.end(29, START)
    epochs = [epoch for epoch, _ in health.kept]
    assert epochs[0] == 0
    assert epochs[-1] == 29
    assert health.every == 16
    assert epochs == [0, 16, 29]


def test_many_short_runs_keep_few_records():
    """As ``partial_fit`` does: every call ends with a record."""
    health = recorder()
    for epoch in range(200):
        health.begin(epoch, START)
        health.end(epoch + 1, START)
    assert len(health.kept) <= module.MOST_KEPT
    assert health.kept[0][0] == 0
    assert health.kept[-1][0] == 200


def test_a_long_run_computes_figures_as_it_goes():
    health = recorder()
    health.every, health.seconds = 2, 0.25
    health.begin(0, START)
    for epoch in range(1, 8):
        health.note(epoch, START)
    assert [r.epoch for r in health.records] == [0, 2, 4, 6]  # from 4 · 0.25 s on
    assert health.kept == []


def test_large_weights_are_not_kept(monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES", 0)
    health = recorder()
    assert health.most_kept == 2
    trained(health, epochs=3)
    assert health.kept == []
    assert health.before is None
    assert [r.epoch for r in health.records] == [0, 3]


def test_what_was_undone_is_forgotten():
    health = recorder()
    health.every, health.seconds = 1, 0.3
    health.begin(0, START)
    for epoch in range(1, 7):
        health.note(epoch, START)
    assert [r.epoch for r in health.records] == [0, 1, 2, 3, 4, 5, 6]
    health.forget(5)
    health.seconds = 0
    health.keep(7, START)
    health.begin(6, START)  # a run that goes on from there
    assert [epoch for epoch, _ in health.kept] == [6]
    assert [r.epoch for r in health.records] == [0, 1, 2, 3, 4, 5]


def test_a_diverged_run_has_records_of_its_good_weights_only():
    health = recorder(batch_size=N)
    health.every = 1
    result = trained(health, epochs=50, rate=1e30, batch_size=N)
    assert result.reason == "diverged"
    assert health.plain()["epoch"].max() == result.epochs


def test_a_run_that_goes_on_continues_the_records():
    first = recorder()
    trained(first, epochs=3)
    plain = first.plain()
    second = recorder()
    second.records = records_of(plain)
    params = trained(epochs=3).params
    fit(
        OBJECTIVE,
        SGD(0.1),
        loader(),
        params,
        key=Key(1),
        epochs=2,
        first_epoch=3,
        recorder=second,
    )
    joined = second.plain()
    assert joined["epoch"].tolist() == [0, 3, 5]
    np.testing.assert_array_equal(joined["figures"][:2], plain["figures"])
    assert (joined["figures"][2, :, 2] > 0).all()


def test_fits_of_a_structure_share_the_program():
    first = recorder()
    first.keep(0, START)
    first.settle()
    before = compile_count()
    second = recorder(n=17)
    second.objective = Objective(NETWORK, "cross_entropy", (L2(0.5),))
    second.keep(0, START)
    second.settle()
    assert compile_count() == before


# ---- the table ----------------------------------------------------------------------


def test_table_has_a_row_for_each_record_and_layer():
    health = recorder()
    health.every = 4
    trained(health, epochs=6)
    plain = health.plain()
    columns = table(plain)
    assert list(columns) == ["epoch", "layer", *FIGURES]
    assert columns["epoch"] == [0, 0, 4, 4, 6, 6]
    assert columns["layer"] == [1, 2, 1, 2, 1, 2]
    assert columns["delta"] == plain["figures"][:, :, 1].ravel().tolist()
    assert all(type(value) is float for value in columns["variance"])


# ---- missing labels, and records from a file ----------------------------------------


def test_what_is_not_measured_counts_neither_in_loss_nor_delta_nor_contrast():
    """The probe is all rows: its loss is that of the objective, in application mode."""
    rng = np.random.default_rng(3)
    y = rng.standard_normal((N, 2))
    y[::2, 0] = np.nan
    network = Network((Dense(2, "identity"),))
    objective = Objective(network, "squared_error")
    params, _ = network.init(Key(0), (4,))
    health = Recorder.of(objective, Loader(Dataset(X, y), batch_size=5), params)
    health.keep(0, params)
    (record,) = records_of(health.plain())
    h = X @ params[0]["weight"] + params[0]["bias"]
    known, share = ~np.isnan(y), np.array([N / (N - 12), 1.0])  # rows 0, 2, …, 22 lack
    delta = share * known * (h - np.nan_to_num(y))
    loss = np.sum(share * known * (h - np.nan_to_num(y)) ** 2) / 2 / N
    assert record.loss == pytest.approx(loss, rel=1e-5)
    root = np.sqrt(np.sum(delta**2) / N)
    assert record.figures[0, FIGURES.index("delta")] == pytest.approx(root, rel=1e-5)
    spread = np.var(h, axis=0).sum() / np.nanvar(y, axis=0).sum()
    assert record.contrast == pytest.approx(spread, rel=1e-5)


def test_records_go_on_from_what_was_kept():
    health = recorder()
    trained(health, epochs=3)
    again = recorder()
    again.begin(0, START)
    again.set_state(health.get_state())
    np.testing.assert_array_equal(again.plain()["loss"], health.plain()["loss"])


GOOD = (0, 1.0, 0.5, np.zeros((2, len(FIGURES))))


@pytest.mark.parametrize(
    "change",
    [
        {"every": 0},
        {"every": "1"},
        {"records": [(*GOOD[:3], np.zeros((1, 5)))]},
        {"records": [(*GOOD[:3], "figures")]},
        {"records": [("0", *GOOD[1:])]},
        {"records": [(0, None, *GOOD[2:])]},
        {"kept": [(0, START[:1])]},
        {"kept": [("0", START)]},
        {"kept": [(0, jax.tree.map(lambda a: a[:1], START))]},
        {"before": (0, ("x",))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_records_that_are_nonsense_are_refused(change):
    health = recorder()
    health.begin(0, START)
    state = {"every": 1, "records": [GOOD], "kept": [(0, START)], "before": None}
    health.set_state(state)
    with pytest.raises(ValueError, match="diagnostic records are corrupt"):
        health.set_state(state | change)
