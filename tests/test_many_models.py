"""Models side by side: each learns, stops, diverges and resumes as if it were alone.

Where a model is compared with a fit of its own, the last places of double precision may
differ: products of many small matrices are summed in another order than those of one.
"""

import copy
import math
from dataclasses import replace

import jax
import numpy as np
import pytest

from lamina.learning import (
    L2,
    LBFGS,
    SGD,
    Adam,
    Adaptive,
    BoldDriver,
    ClipNorm,
    Control,
    Dataset,
    InputNoise,
    InverseScaling,
    LevenbergMarquardt,
    Loader,
    LossBelow,
    NoImprovement,
    Objective,
    Problem,
    SelectiveDelta,
    Start,
    Validation,
    fit,
    fit_many,
)
from lamina.learning.data import inputs, loader
from lamina.learning.loop import beginning, plan, trainer
from lamina.learning.loop.snapshot import is_plain
from lamina.learning.parallel import memory
from lamina.learning.parallel.compilation import compile_count
from lamina.networks import Dense, Dropout, Key, Network
from lamina.storage import Checkpoint

pytestmark = pytest.mark.usefixtures("x64")

N, MODELS = 60, 8
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 4))
CLASSES = (X @ RNG.standard_normal((4, 3))).argmax(axis=1)
HELD = np.arange(0, N, 4)
REST = np.setdiff1d(np.arange(N), HELD)


@pytest.fixture(scope="module", autouse=True)
def keep_all_programs():
    """Compile each structure once for all tests here, so that they are quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lamina.learning.parallel.compilation.MAX_PROGRAMS", math.inf)
        yield


def score(outputs):
    return float((outputs.argmax(axis=1) == CLASSES[HELD]).mean())


def settings(
    *,
    models=MODELS,
    batch_size=8,
    resident=True,
    by=lambda i: Adam(0.01 * (i + 1)),
    seeds=lambda i: i,
    rows=REST,
    dropout=0.05,
):
    """Return problems and starts that differ in rate, decay, dropout and seed."""
    data = Dataset(X, CLASSES, dtype=np.float64, resident=resident)
    loader = Loader(data, rows, batch_size=batch_size)
    held = Validation(Loader(data, HELD, batch_size=8, shuffle=False), score)
    problems, starts = [], []
    for i in range(models):
        left_out = [] if dropout is None else [Dropout(dropout * i)]
        layers = Dense(5, "tanh"), *left_out, Dense(3, "softmax")
        network, key = Network(layers), Key(seeds(i))
        objective = Objective(network, "cross_entropy", (L2(10.0 ** (-1 - i % 4)),))
        params, _ = network.init(key.fold_in("init"), (4,), np.float64)
        problems.append(Problem(objective, by(i), loader, held))
        starts.append(Start(params, key))
    return problems, starts


def early_stopping(epochs=60, **how):
    rules = [NoImprovement("validation_loss", 1e-3, 3)]
    return Control(epochs, rules, keep_best="validation_loss", **how)


def alone(problems, starts, control):
    """Fit one model after the other, each with fresh rules."""
    pairs = zip(problems, starts, strict=True)
    return [fit(p, s, copy.deepcopy(control)) for p, s in pairs]


def without_validation(problems):
    return [replace(problem, validation=None) for problem in problems]


def leaves(result):
    return [np.asarray(a) for a in jax.tree.leaves((result.params, result.state))]


def ends(result):
    return result.reason, result.epochs, result.examples, list(result.history)


def assert_same(many, single, tolerance=1e-10):
    """Weights, states, histories, reasons and counts of each model."""
    assert [ends(one) for one in many] == [ends(one) for one in single]
    for one, other in zip(many, single, strict=True):
        for a, b in zip(leaves(one), leaves(other), strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
        for name, values in one.history.items():
            np.testing.assert_allclose(values, other.history[name], rtol=tolerance)


def assert_same_bits(many, others):
    assert [ends(one) for one in many] == [ends(one) for one in others]
    for one, other in zip(many, others, strict=True):
        assert one.history == other.history
        for a, b in zip(leaves(one), leaves(other), strict=True):
            np.testing.assert_array_equal(a, b)


# ---- as if it were alone ------------------------------------------------------------


@pytest.mark.slow
def test_eight_settings_stop_by_themselves_as_eight_fits_do():
    """Other rates, decays, dropout rates and seeds; early stopping on held-out rows."""
    problems, starts = settings()
    many = fit_many(problems, starts, early_stopping())
    assert len({one.epochs for one in many}) > 3
    assert "stopped" in {one.reason for one in many}
    assert_same(many, alone(problems, starts, early_stopping()))


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(lambda i: i, id="own"),
        pytest.param(lambda i: 3, id="common", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "resident",
    [
        pytest.param(True, id="resident"),
        pytest.param(False, id="streaming", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "batch_size",
    [
        pytest.param(1, id="1", marks=pytest.mark.slow),
        pytest.param(8, id="8"),
        pytest.param(len(REST), id="full", marks=pytest.mark.slow),
    ],
)
def test_gears_batches_and_orders(batch_size, resident, seeds, monkeypatch):
    """Blocks of nine rows; models of one key see their rows in one order."""
    monkeypatch.setattr(inputs, "STREAM_BYTES", 9 * 4 * 8)
    how = {"batch_size": batch_size, "resident": resident, "seeds": seeds, "models": 3}
    problems, starts = settings(**how)
    problems, control = without_validation(problems), Control(5)
    many = fit_many(problems, starts, control)
    assert_same(many, alone(problems, starts, control))


@pytest.mark.slow
def test_a_stop_amid_a_call_gives_the_weights_of_that_epoch(monkeypatch):
    """Thresholds that models of other rates reach in other epochs of one call."""
    monkeypatch.setattr(plan, "SECONDS_PER_CALL", 1e9)
    problems, starts = settings(models=4)
    problems = without_validation(problems)
    rules = [NoImprovement("loss", 0.02, 1), LossBelow("loss", 0.7)]
    many = fit_many(problems, starts, Control(40, rules))
    assert len({one.epochs for one in many}) > 1
    assert_same(many, alone(problems, starts, Control(40, rules)))


@pytest.mark.slow
@pytest.mark.parametrize("schedule", [InverseScaling(), Adaptive(minimum=1e-4)])
def test_schedules_give_each_model_its_own_rate(schedule):
    problems, starts = settings(models=4)
    problems = without_validation(problems)
    control = Control(25, [NoImprovement("loss", 0.1, 1)], schedule)
    many = fit_many(problems, starts, control)
    assert_same(many, alone(problems, starts, control))


@pytest.mark.slow
def test_steps_are_taken_back_model_by_model():
    """The bold driver on the full batch: some rates are far too large."""
    problems, starts = settings(
        models=4, batch_size=len(REST), by=lambda i: SGD(4.0**i, 0.5), dropout=0
    )
    problems = without_validation(problems)
    control = Control(12, schedule=BoldDriver(1.3, 0.5))
    many = fit_many(problems, starts, control)
    assert any(np.any(np.diff(one.history["loss"]) > 0) for one in many)
    assert_same(many, alone(problems, starts, control), 1e-8)


@pytest.mark.slow
def test_each_selects_its_own_rows():
    problems, starts = settings(models=3)
    control = early_stopping(epochs=9, selective=SelectiveDelta(0.5, 2))
    many = fit_many(problems, starts, control)
    assert_same(many, alone(problems, starts, control))


@pytest.mark.slow
@pytest.mark.parametrize("by", [LBFGS(), LevenbergMarquardt(0.01)], ids=["lbfgs", "lm"])
def test_methods_of_the_full_batch(by):
    """Their searches run until the slowest of the models is done."""
    problems, starts = settings(
        models=4, batch_size=len(REST), by=lambda i: by, dropout=None
    )
    problems, control = without_validation(problems), Control(12)
    many = fit_many(problems, starts, control)
    assert_same(many, alone(problems, starts, control), 1e-7)


@pytest.mark.slow
def test_terms_and_wrappers_have_numbers_of_their_own():
    problems, starts = settings(models=3, by=lambda i: ClipNorm(SGD(0.3), 0.1 * 10**i))
    for i, one in enumerate(problems):
        terms = (*one.objective.terms, InputNoise(0.1 * i))
        problems[i] = replace(one, objective=replace(one.objective, terms=terms))
    many = fit_many(problems, starts, early_stopping(6))
    assert_same(many, alone(problems, starts, early_stopping(6)))


def test_models_may_learn_from_other_rows_of_the_same_examples():
    """Three folds: as many rows, and each judged by those that it lacks."""
    problems, starts = settings(models=3)
    data = problems[0].loader.dataset
    for i, one in enumerate(problems):
        held = np.arange(i, N, 3)
        loader = Loader(data, np.setdiff1d(np.arange(N), held), batch_size=8)
        own = Loader(data, held, batch_size=8, shuffle=False)
        seen = Validation(
            own, lambda a, h=held: float((a.argmax(1) == CLASSES[h]).mean())
        )
        problems[i] = replace(one, loader=loader, validation=seen)
    many = fit_many(problems, starts, early_stopping(12))
    assert_same(many, alone(problems, starts, early_stopping(12)))


@pytest.mark.slow
def test_devices_share_the_batches_of_all(monkeypatch):
    monkeypatch.setattr(beginning, "shards_of", lambda *_: 2)
    problems, starts = settings(models=3)
    many = fit_many(problems, starts, early_stopping(6))
    assert_same(many, alone(problems, starts, early_stopping(6)))


@pytest.mark.slow
def test_single_precision_is_as_close_as_it_can_be():
    with jax.enable_x64(False):
        problems, starts = settings(models=3)
        data = Dataset(X, CLASSES)
        loader = Loader(data, REST, batch_size=8)
        problems = [replace(p, loader=loader, validation=None) for p in problems]
        starts = [replace(s, params=jax.tree.map(np.float32, s.params)) for s in starts]
        many = fit_many(problems, starts, Control(5))
        assert_same(many, alone(problems, starts, Control(5)), 1e-4)
    assert {leaf.dtype for leaf in leaves(many[0])} >= {np.dtype(np.float32)}


# ---- ends ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [8, len(REST)], ids=["8", "full"])
def test_divergence_of_one_does_not_touch_the_others(batch_size):
    """The third has an absurd rate."""
    rates = [0.1, 0.2, 1e30, 0.3, 0.05]
    problems, starts = settings(
        models=5, batch_size=batch_size, by=lambda i: SGD(rates[i])
    )
    problems = without_validation(problems)
    many = fit_many(problems, starts, Control(10))
    reasons = [one.reason for one in many]
    assert reasons == ["finished", "finished", "diverged", "finished", "finished"]
    others = [i for i in range(5) if i != 2]
    single = alone(problems, starts, Control(10))
    assert_same([many[i] for i in others], [single[i] for i in others])
    assert ends(many[2]) == ends(single[2])
    tame = [*problems[:2], problems[3], *problems[3:]]
    calm = fit_many(tame, starts, Control(10))
    assert_same_bits([many[i] for i in others], [calm[i] for i in others])


@pytest.mark.slow
def test_a_stopped_model_stays_as_it_was():
    """Its weights are those of a run that ended then for all."""
    problems, starts = settings(models=4)
    many = fit_many(problems, starts, Control(30, [LossBelow("validation_loss", 0.8)]))
    first = min(many, key=lambda one: one.epochs)
    assert first.epochs < max(one.epochs for one in many)
    short = fit_many(problems, starts, Control(first.epochs))
    i = [one.epochs for one in many].index(first.epochs)
    for a, b in zip(leaves(first), leaves(short[i]), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_rules_are_copied_and_given_back():
    rule = NoImprovement("loss", 1e-3, 3)
    many = fit_many(*settings(models=2), Control(4, [rule]))
    assert rule == NoImprovement("loss", 1e-3, 3)
    assert [one.rules[0].best for one in many] == [
        min(one.history["loss"]) for one in many
    ]


def test_ctrl_c_ends_all_after_the_same_epoch():
    def interrupt(progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt

    problems, starts = settings(models=3)
    many = fit_many(problems, starts, Control(9, callbacks=[interrupt]))
    assert [(one.reason, one.epochs) for one in many] == [("interrupted", 3)] * 3
    whole = fit_many(problems, starts, Control(3))
    for one, other in zip(many, whole, strict=True):
        assert one.history == other.history
        for a, b in zip(leaves(one), leaves(other), strict=True):
            np.testing.assert_array_equal(a, b)


def test_callbacks_are_told_of_every_model_and_stop_it_alone():
    told = []

    def stop(progress):
        told.append((progress.model, progress.epoch, progress.record["loss"]))
        return progress.model == 1 and progress.epoch == 2

    many = fit_many(*settings(models=3), Control(4, callbacks=[stop]))
    assert [(one.reason, one.epochs) for one in many] == [
        ("finished", 4),
        ("stopped", 2),
        ("finished", 4),
    ]
    for i, one in enumerate(many):
        assert [loss for m, _, loss in told if m == i] == one.history["loss"]


# ---- snapshots ----------------------------------------------------------------------


class InMemory:
    """A checkpoint that is always due, and keeps all snapshots as a file would."""

    first = True

    def __init__(self, snapshot=None):
        self.snapshot, self.saved = snapshot, []

    def load(self):
        return copy.deepcopy(self.snapshot)

    def due(self):
        return True

    def save(self, snapshot):
        assert is_plain(snapshot)
        self.saved.append(copy.deepcopy(snapshot))


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2**14, 2], ids=["whole epochs", "2 steps"])
def test_a_killed_run_of_eight_goes_on_to_the_same_bits(steps, monkeypatch):
    """From snapshots of when all learn, and of when some have stopped."""
    monkeypatch.setattr(plan, "STEPS_PER_SUM", steps)
    problems, starts = settings()
    every = InMemory()
    expected = fit_many(problems, starts, early_stopping())
    again = fit_many(problems, starts, early_stopping(checkpoint=every))
    assert_same_bits(again, expected)
    reasons = [{one["reason"] for one in s["models"]} for s in every.saved]
    assert {"finished"} in reasons
    assert {"finished", "stopped"} in reasons
    assert any(s["within"] for s in every.saved) == (steps == 2)
    for snapshot in every.saved[:: max(1, len(every.saved) // 6)]:
        control = early_stopping(checkpoint=InMemory(snapshot))
        assert_same_bits(fit_many(problems, starts, control), expected)


class Killed(BaseException):
    """What a process does not hear of: nothing is saved after it."""


@pytest.mark.slow
def test_a_run_of_eight_killed_again_and_again_goes_on_from_its_file(tmp_path):
    problems, starts = settings()
    expected = fit_many(problems, starts, early_stopping())
    for kill_at in (2, 5, 9, None):

        def killed(progress, kill_at=kill_at):
            if progress.epoch == kill_at:
                raise Killed

        with Checkpoint(tmp_path, 0) as checkpoint:
            checkpoint.belongs_to({}, {})
            part = checkpoint.part("run")
            control = early_stopping(checkpoint=part, callbacks=[killed])
            try:
                many = fit_many(problems, starts, control)
            except Killed:
                assert kill_at is not None
    assert_same_bits(many, expected)


@pytest.mark.slow
def test_a_diverged_one_is_resumed_to_the_same_bits():
    rates = [0.1, 1e30, 60.0]
    problems, starts = settings(models=3, by=lambda i: SGD(rates[i]))
    problems, every = without_validation(problems), InMemory()
    expected = fit_many(problems, starts, Control(8))
    fit_many(problems, starts, Control(8, checkpoint=every))
    for snapshot in every.saved:
        control = Control(8, checkpoint=InMemory(snapshot))
        assert_same_bits(fit_many(problems, starts, control), expected)


def test_the_snapshot_of_other_models_is_refused():
    problems, starts = settings(models=3)
    every = InMemory()
    fit_many(problems, starts, Control(2, checkpoint=every))
    control = Control(2, checkpoint=InMemory(every.saved[-1]))
    with pytest.raises(ValueError, match="another seed"):
        fit_many(problems[:2], starts[:2], control)


# ---- one program, and what is refused -----------------------------------------------


@pytest.mark.slow
def test_models_that_stop_compile_nothing():
    """One program trains and one evaluates, though the models end one by one."""
    fit_many(*settings(models=7), early_stopping(1))
    before = compile_count()
    many = fit_many(*settings(models=7), early_stopping())
    assert len({one.epochs for one in many}) > 3
    assert compile_count() == before


@pytest.mark.slow
def test_data_lie_on_the_device_once(monkeypatch):
    """All examples, and of a common order one, are arguments without an axis."""
    shapes, train = [], trainer.compiled_train

    def told(*args):
        shapes.append((args[4].x.shape, np.shape(args[5].order)))
        return train(*args)

    monkeypatch.setattr(trainer, "compiled_train", told)
    problems, starts = settings(models=3, seeds=lambda i: 0)
    fit_many(problems, starts, Control(1))
    size = loader.padded_size(N + 1)
    assert [(x, len(order)) for x, order in shapes] == [((size, 4), 3)]


def test_problems_that_do_not_go_together_are_refused():
    problems, starts = settings(models=2)
    other = settings(models=1)[0][0]
    with pytest.raises(ValueError, match="on the same examples"):
        fit_many([problems[0], other], starts, Control(1))
    data = problems[0].loader.dataset
    more = replace(problems[1], loader=Loader(data, batch_size=8))
    with pytest.raises(ValueError, match="the same number of steps per epoch"):
        fit_many([problems[0], more], starts, Control(1))
    decayed = replace(problems[1].objective, terms=())
    with pytest.raises(ValueError, match="the same structure"):
        fit_many(
            [problems[0], replace(problems[1], objective=decayed)], starts, Control(1)
        )


@pytest.mark.slow
def test_memory_is_that_of_all_models(monkeypatch):
    problems, starts = settings(
        models=3, batch_size=len(REST), by=lambda i: LevenbergMarquardt(), dropout=None
    )
    problems = without_validation(problems)
    needed = problems[0].algorithm.memory_bytes(43, N, 3, 8)
    monkeypatch.setattr(memory, "free_memory", lambda: 2.5 * needed / memory.SHARE)
    fit(problems[0], starts[0], Control(1))
    with pytest.raises(ValueError, match="bytes"):
        fit_many(problems, starts, Control(1))
