"""A run that was broken off anywhere goes on to the same bits.

The checkpoint here lies in memory and keeps every snapshot as plain copies, so that a
run can be taken up from each of them. Files are the business of ``tests/storage``.
"""

import copy
import hashlib
import json
import math
import time

import jax
import numpy as np
import pytest
import scipy.sparse

from lamina.learning import (
    L2,
    LBFGS,
    SGD,
    Adam,
    Adaptive,
    Dataset,
    InverseScaling,
    Loader,
    MaxEvaluations,
    NoImprovement,
    Objective,
    SelectiveDelta,
    Validation,
)
from lamina.learning.data import inputs
from lamina.learning.loop import plan as module
from lamina.learning.loop import trainer
from lamina.learning.loop.snapshot import (
    is_plain,
)
from lamina.learning.protocols import FirstOrder, Schedule
from lamina.networks import Dense, Dropout, Key, Network
from lamina.networks.core.description import description
from tests.learning.fits import fit

N, HELD = 23, np.array([3, 1, 8, 15, 4])
REST = np.setdiff1d(np.arange(N), HELD)
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 4)) * (RNG.random((N, 4)) < 0.7)
CLASSES = RNG.integers(0, 3, N)
NETWORK = Network((Dense(5, "tanh"), Dropout(0.2), Dense(3, "softmax")))
OBJECTIVE = Objective(NETWORK, "cross_entropy", (L2(0.01),))
START, _ = NETWORK.init(Key(0), (4,))


@pytest.fixture(scope="module", autouse=True)
def keep_all_programs():
    """Compile each structure once for all tests here, so that they are quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lamina.learning.parallel.compilation.MAX_PROGRAMS", math.inf)
        yield


class InMemory:
    """A checkpoint that is always due, and keeps all snapshots as a file would."""

    def __init__(self, snapshot=None, always=True, first=True):
        self.snapshot, self.always, self.saved = snapshot, always, []
        self.first = first

    def load(self):
        return copy.deepcopy(self.snapshot)

    def due(self):
        return self.always

    def save(self, snapshot):
        assert is_plain(snapshot)
        self.saved.append(copy.deepcopy(snapshot))


class Killed(BaseException):
    """What a process does not hear of: nothing is saved after it."""


class Watcher:
    """A callback with a memory, that counts, keeps weights, and may be killed."""

    def __init__(self, kill_at=None, error=Killed):
        self.seen, self.params, self.kill_at, self.error = [], None, kill_at, error

    def __call__(self, progress):
        self.seen.append((progress.epoch, progress.record["loss"]))
        self.params = progress.params
        if progress.epoch == self.kill_at:
            raise self.error

    def get_state(self):
        return {"seen": list(self.seen), "params": self.params}

    def set_state(self, state):
        self.seen, self.params = state["seen"], state["params"]


def sparse():
    return Dataset(scipy.sparse.csr_array(X), CLASSES, resident=False)


def streamed():
    return Dataset(X, CLASSES, resident=False)


def score(outputs):
    return float((outputs.argmax(axis=1) == CLASSES[HELD]).mean())


def validated(data):
    loader = Loader(data, HELD, batch_size=2, shuffle=False)
    return {
        "validation": Validation(loader, score),
        "keep_best": "score",
        "stopping": [NoImprovement("score", 1e-4, 4, maximize=True)],
    }


def plateaus(data):
    return {
        "schedule": Adaptive(minimum=1e-4),
        "stopping": [NoImprovement("loss", 0.5, 1), MaxEvaluations("loss", 1e9)],
    }


CASES = {
    "sgd, resident": (SGD(0.3, momentum=0.5), 5, {}),
    "adam, online": (Adam(0.05), 1, {}),
    "sgd, streaming": (SGD(0.3, momentum=0.5), 5, {"data": streamed}),
    "adam, streaming": (Adam(0.05), 5, {"data": sparse}),
    "sgd, whole": (SGD(0.3, momentum=0.5), N, {}),
    "adam, whole and sparse": (Adam(0.05), N, {"data": sparse}),
    "lbfgs": (
        LBFGS(),
        N,
        {"stopping": lambda data: {"stopping": [MaxEvaluations("loss", 9)]}},
    ),
    "early stopping": (SGD(0.3, momentum=0.5), 5, {"rows": REST, "more": validated}),
    "selective": (
        SGD(0.3),
        5,
        {"more": lambda data: {"selective": SelectiveDelta(0.5, 2)}},
    ),
    "adaptive": (SGD(0.3), 5, {"more": plateaus}),
    "inverse scaling": (
        SGD(0.3),
        5,
        {"more": lambda data: {"schedule": InverseScaling()}},
    ),
}


def run(case, checkpoint=None, epochs=9, callbacks=(), seed=1, **how):
    algorithm, batch_size, options = CASES[case]
    data = options.get("data", lambda: Dataset(X, CLASSES))()
    loader = Loader(data, options.get("rows"), batch_size=batch_size)
    more = options["more"](data) if "more" in options else {}
    return fit(
        how.pop("objective", OBJECTIVE),
        how.pop("by", algorithm),
        loader,
        how.pop("start", START),
        key=Key(seed),
        epochs=epochs,
        callbacks=callbacks,
        checkpoint=checkpoint,
        **(more | how),
    )


def digest(result, *watchers):
    """SHA-256 of all that a fit gives back: weights, state, history, counts, why."""
    found = hashlib.sha256()
    seen = [(w.seen, w.params) for w in watchers]
    for leaf in jax.tree.leaves((result.params, result.state, seen)):
        leaf = np.asarray(leaf)
        found.update(f"{leaf.dtype} {leaf.shape}".encode())
        found.update(leaf.tobytes())
    ends = [result.epochs, result.examples, result.reason, result.history]
    found.update(json.dumps(ends).encode())
    return found.hexdigest()


# ---- broken off anywhere ------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2**14, 2, 1], ids=["whole epochs", "2", "1"])
@pytest.mark.parametrize("case", CASES)
def test_a_run_goes_on_from_every_snapshot_to_the_same_bits(case, steps, monkeypatch):
    """A snapshot after every call of the program: amid epochs of several calls too."""
    monkeypatch.setattr(module, "STEPS_PER_SUM", steps)
    monkeypatch.setattr(module, "SECONDS_PER_CALL", 0)
    expected = digest(run(case))
    every = InMemory()
    assert digest(run(case, every)) == expected
    amid = [s for s in every.saved if s["within"] is not None]
    assert bool(amid) == (CASES[case][1] < N and steps < 5)
    for snapshot in every.saved[:: max(1, len(every.saved) // 6)]:
        assert digest(run(case, InMemory(snapshot))) == expected


@pytest.mark.parametrize("case", CASES)
def test_a_run_killed_in_every_third_epoch_ends_with_the_same_bits(case, monkeypatch):
    monkeypatch.setattr(module, "STEPS_PER_SUM", 3)
    watcher = Watcher()
    expected = digest(run(case, callbacks=[watcher]), watcher)
    snapshot = None
    for kill_at in (1, 4, 7, None):
        checkpoint, watcher = InMemory(snapshot), Watcher(kill_at)
        try:
            result = run(case, checkpoint, callbacks=[watcher])
        except Killed:
            snapshot = checkpoint.saved[-1]
    assert digest(result, watcher) == expected


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("case", ["sgd, resident", "early stopping", "lbfgs"])
def test_ctrl_c_and_errors_of_callbacks_leave_what_was_learnt(case, error):
    """Though no snapshot was due since the start, that of the epoch before is there."""
    expected = digest(run(case, callbacks=[Watcher()]))
    checkpoint = InMemory(always=False)
    broken = Watcher(4, error)
    if error is KeyboardInterrupt:
        assert run(case, checkpoint, callbacks=[broken]).reason == "interrupted"
    else:
        with pytest.raises(error):
            run(case, checkpoint, callbacks=[broken])
    assert [s["epochs"] for s in checkpoint.saved] == [0, 3]
    goes_on = InMemory(checkpoint.saved[-1])
    assert digest(run(case, goes_on, callbacks=[Watcher()])) == expected


def test_ctrl_c_amid_an_epoch_leaves_the_steps_taken(monkeypatch):
    monkeypatch.setattr(module, "STEPS_PER_SUM", 2)
    expected = digest(run("sgd, resident"))
    train, calls = trainer.compiled_train, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 8:  # three calls an epoch: the third epoch has its first done
            raise KeyboardInterrupt
        return train(*args)

    checkpoint = InMemory(always=False)
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "compiled_train", interrupted)
        assert run("sgd, resident", checkpoint).reason == "interrupted"
    last = checkpoint.saved[-1]
    assert (last["epochs"], last["within"]["step"]) == (2, 2)
    assert digest(run("sgd, resident", InMemory(last))) == expected


@pytest.mark.parametrize("case", ["sgd, resident", "sgd, streaming"])
def test_only_the_rest_of_an_epoch_is_taken(case, monkeypatch):
    """Blocks of two steps; a snapshot amid the third epoch spares its steps."""
    monkeypatch.setattr(module, "STEPS_PER_SUM", 2)
    monkeypatch.setattr(inputs, "STREAM_BYTES", 2 * 5 * 16)
    every = InMemory()
    run(case, every, epochs=3)
    snapshot = next(s for s in every.saved if s["epochs"] == 2 and s["within"])
    calls, train = [], trainer.compiled_train
    monkeypatch.setattr(
        trainer, "compiled_train", lambda *args: calls.append(args) or train(*args)
    )
    run(case, InMemory(snapshot), epochs=3)
    assert len(calls) == 2  # steps 2, 3 and 4 of 0 to 4


def test_checkpoints_change_nothing(monkeypatch):
    """Whether and when they are written, on a fast clock or a slow one."""
    results = set()
    for checkpoint in (None, InMemory(), InMemory(always=False)):
        for seconds in (0, 1e9):
            monkeypatch.setattr(module, "SECONDS_PER_CALL", seconds)
            results.add(digest(run("sgd, resident", checkpoint, epochs=40)))
    assert len(results) == 1


def test_where_an_epoch_is_broken_follows_from_sizes_alone(monkeypatch):
    """A step is taken to last 10 µs + 6 · 43 weights · 5 rows / FLOPS = 35.8 µs."""
    monkeypatch.setattr(module, "FLOPS", 6 * 43 * 5 / 25.8e-6)
    monkeypatch.setattr(module, "SECONDS_PER_SUM", 72e-6)
    steps = []
    train = trainer.compiled_train
    monkeypatch.setattr(
        trainer, "compiled_train", lambda *a: steps.append(a[5][2:4]) or train(*a)
    )
    monkeypatch.setattr(time, "perf_counter", iter(range(10**6)).__next__)
    run("sgd, resident", epochs=1)
    assert steps == [(0, 2), (2, 4), (4, 5)]


# ---- a run that has ended -----------------------------------------------------------


@pytest.mark.parametrize("case", ["early stopping", "sgd, whole", "adaptive"])
def test_a_finished_run_is_given_back_at_once(case, monkeypatch):
    every = InMemory()
    expected = digest(run(case, every, epochs=60))
    monkeypatch.setattr(trainer, "compiled_train", None)  # nothing is trained
    again = InMemory(every.saved[-1])
    assert digest(run(case, again, epochs=60)) == expected
    assert again.saved == []


@pytest.mark.parametrize("case", CASES)
def test_more_epochs_go_on_where_the_last_ended(case):
    first = InMemory()
    run(case, first, epochs=4)
    longer = run(case, InMemory(first.saved[-1]), epochs=9)
    assert digest(longer) == digest(run(case, epochs=9))


def test_a_run_that_was_stopped_stays_stopped_with_more_epochs():
    every = InMemory()
    stopped = run("early stopping", every, epochs=60)
    assert stopped.reason == "stopped"
    longer = run("early stopping", InMemory(every.saved[-1]), epochs=90)
    assert digest(longer) == digest(stopped)


SQUARED = Objective(
    Network((Dense(5, "tanh"), Dropout(0.0), Dense(3, "identity"))),
    lambda a, y: (a - y[:, None]).sum(axis=-1) ** 2,
)


@pytest.mark.parametrize("seconds", [0, 1e9], ids=["one", "many"])
@pytest.mark.parametrize("rate", [1.0, 1e25])
@pytest.mark.parametrize("case", ["sgd, resident", "sgd, whole"])
def test_divergence_after_a_snapshot_gives_back_the_same_weights(
    case, rate, seconds, monkeypatch
):
    """The weights before the bad ones may be older than the snapshot."""
    monkeypatch.setattr(module, "SECONDS_PER_CALL", seconds)
    how = {"objective": SQUARED, "by": SGD(rate), "epochs": 30}
    every = InMemory()
    result = run(case, every, **how)
    assert result.reason == "diverged"
    for snapshot in every.saved:
        assert digest(run(case, InMemory(snapshot), **how)) == digest(result)


@description
class Bursting(FirstOrder):
    """Weights that are not finite after a last step whose loss was."""

    learning_rate: float = 0.0

    def init(self, params):
        return {"t": np.zeros((), params[0]["weight"].dtype)}

    def update(self, objective, params, state, batch, key):
        t = state["t"] + 1
        burst = jax.numpy.where(t >= 10, math.inf, 1.0)
        params = jax.tree.map(lambda p: (p + 1) * burst, params)
        return params, {"t": t}, {"loss": t}


@pytest.mark.parametrize("epochs", [2, 3])
def test_weights_that_burst_in_the_last_step_are_taken_back(epochs):
    """Five steps an epoch: the tenth, the last of the second epoch, is the bad one."""
    every = InMemory()
    expected = run("sgd, resident", every, epochs=epochs, by=Bursting())
    assert expected.reason == ("diverged" if epochs == 2 else expected.reason)
    assert expected.epochs == (1 if epochs == 2 else expected.epochs)
    for snapshot in every.saved:
        again = run("sgd, resident", InMemory(snapshot), epochs=epochs, by=Bursting())
        assert digest(again) == digest(expected)


# ---- what does not fit --------------------------------------------------------------


@pytest.fixture(scope="module")
def snapshot():
    every = InMemory()
    run("sgd, resident", every, epochs=4)
    return every.saved[-1]


def test_another_seed_is_refused(snapshot):
    with pytest.raises(ValueError, match="another seed"):
        run("sgd, resident", InMemory(snapshot), seed=2)


def test_fewer_epochs_than_there_are_already_are_refused(snapshot):
    with pytest.raises(
        ValueError, match="already has 4 epochs, more than the requested 3"
    ):
        run("sgd, resident", InMemory(snapshot), epochs=3)


@description
class Planned(Schedule):
    """A schedule whose rates depend on how many epochs are planned."""

    def rate(self, initial, moment):
        return initial * (1 - moment.epoch / (moment.epochs + 1))


def test_a_schedule_that_depends_on_the_end_keeps_it():
    every = InMemory()
    run("sgd, resident", every, epochs=4, schedule=Planned())
    with pytest.raises(ValueError, match="max_iter is 9, but was 4"):
        run("sgd, resident", InMemory(every.saved[-1]), epochs=9, schedule=Planned())
    same = run("sgd, resident", InMemory(every.saved[2]), epochs=4, schedule=Planned())
    assert digest(same) == digest(run("sgd, resident", epochs=4, schedule=Planned()))


def test_an_algorithm_with_another_state_is_refused(snapshot):
    with pytest.raises(ValueError, match="do not fit the network"):
        run("sgd, resident", InMemory(snapshot), by=Adam(0.1))


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": -1},
        {"epochs": "4"},
        {"epochs": True},
        {"planned": 2**70},
        {"seeds": [1.0]},
        {"weights": []},
        {"weights": None},
        {"weights": [np.zeros(3)] * 8},
        {"weights": [1, 2, 3, 4]},
        {"anchor": {}},
        {"best_params": [None]},
        {"within": {"step": -1}},
        {"within": 3},
        {"shards": "x"},
        {"threads": -1},
        {"models": []},
        {"models": 3},
        {"elapsed": None},
        {"callbacks": 3},
        {"recorders": []},
        {"epochs of one": -1},
        {"epochs of one": "4"},
        {"epochs of one": True},
        {"epochs of one": 3},
        {"examples": 2**70},
        {"reason": "eval"},
        {"history": [1]},
        {"history": {"loss": ["x"]}},
        {"best": "x"},
        {"plateaus": None},
        {"least_epoch": 0.5},
        {"selected": np.array([10**6])},
        {"selected": np.array([0.5])},
        {"selected": "all"},
        {"rules": [{}]},
    ],
    ids=lambda change: json.dumps(change, default=str)[:40],
)
def test_a_snapshot_that_is_nonsense_is_refused_in_one_line(snapshot, change):
    """A file's digest shows damage, not intent."""
    ((name, value),) = change.items()
    wrong = copy.deepcopy(snapshot)
    of_one = name.removesuffix(" of one") in snapshot["models"][0] and name not in wrong
    place = wrong["models"][0] if of_one else wrong
    place[name.removesuffix(" of one")] = value
    with pytest.raises(ValueError, match="checkpoint"):
        run("sgd, resident", InMemory(wrong))


NEEDED = ["seeds", "epochs", "weights", "models", "within", "threads", "recorders"]


@pytest.mark.parametrize("name", NEEDED)
def test_a_snapshot_without_a_part_is_refused(snapshot, name):
    rest = {key: value for key, value in snapshot.items() if key != name}
    with pytest.raises(ValueError, match="corrupt"):
        run("sgd, resident", InMemory(rest))


@pytest.mark.parametrize("name", ["epochs", "reason", "rules", "least", "selected"])
def test_a_model_without_a_part_is_refused(snapshot, name):
    wrong = copy.deepcopy(snapshot)
    del wrong["models"][0][name]
    with pytest.raises(ValueError, match="corrupt"):
        run("sgd, resident", InMemory(wrong))


def test_a_snapshot_of_an_earlier_version_is_refused_in_one_line(snapshot):
    """One that was written when a run was always of one model."""
    old = {"seed": 1, "first_epoch": 0, "planned": 9, "epochs": 4, "params": []}
    with pytest.raises(ValueError, match="written by another version of lamina$"):
        run("sgd, resident", InMemory(old))


# ---- a disk that fails --------------------------------------------------------------


class Full(InMemory):
    def __init__(self, good, first=True):
        super().__init__(first=first)
        self.good = good

    def save(self, snapshot):
        if len(self.saved) >= self.good:
            raise OSError(28, "No space left on device")
        super().save(snapshot)


def test_a_checkpoint_that_cannot_be_written_at_the_start_is_an_error(monkeypatch):
    monkeypatch.setattr(trainer, "compiled_train", None)  # nothing is trained
    with pytest.raises(OSError, match="No space left"):
        run("sgd, resident", Full(0))


def test_a_second_part_that_cannot_be_written_is_a_warning():
    """What came before it took hours."""
    with pytest.warns(UserWarning, match="No space left on device; training continues"):
        result = run("sgd, resident", Full(0, first=False))
    assert digest(result) == digest(run("sgd, resident"))


def test_a_checkpoint_that_cannot_be_written_later_is_a_warning(monkeypatch):
    monkeypatch.setattr(module, "SECONDS_PER_CALL", 0)
    full = Full(3)
    with pytest.warns(UserWarning, match="No space left on device; training continues"):
        result = run("sgd, resident", full)
    assert digest(result) == digest(run("sgd, resident"))
    assert [s["epochs"] for s in full.saved] == [0, 1, 2]


# ---- the parts ----------------------------------------------------------------------


def test_the_clock_of_a_run_goes_on(snapshot):
    """Progress tells seconds and speed of the whole run."""
    told = []
    earlier = snapshot | {"elapsed": 1000.0}
    run("sgd, resident", InMemory(earlier), epochs=5, callbacks=[told.append])
    assert 1000 < told[0].seconds < 1100
    assert told[0].epoch == 5
