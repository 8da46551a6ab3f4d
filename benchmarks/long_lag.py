"""The long-lag experiment of lecture deck 004: remember the first symbol of many.

The class of a sequence is its first symbol, one of two; then come as many distractors
as the lag is long, each one of eight. Every network has one recurrent layer, whose last
output a logistic one reads, and sees new sequences until it is right about 99 % of 256
others or has seen :data:`BUDGET` of them. It succeeds if it is then right about 95 % of
1,000 sequences that it never saw. With what no seed solves at two lags running, longer
ones are not tried.

All have the same settings at all lags: Adam at a rate of 0.003, batches of 64,
gradients clipped to a length of 1, no penalty. All start as lamina starts them: U
orthogonal, which helps the simple network, biases 0, those of forget gates 1, as
Jozefowicz, Zaremba and Sutskever (2015, An empirical exploration of recurrent network
architectures, ICML) advise.

What is called "lasting" starts otherwise, again at all lags. A forget gate's bias of 7,
or an update gate's of −7, keeps a state for about 1,000 steps, 1 + exp(7), before
anything is learnt; an input gate's of −3 keeps distractors from adding up to more than
the symbol did. This follows Tallec and Ollivier (2018, Can recurrent neural networks
warp time?, ICLR), who derive biases of ± the logarithm of the lag; they draw them from
a range, here all units have the same. Only the forget gate's bias is a field of the
layers; the others are put into ``params_`` after one batch at a rate of next to 0.
"""

import multiprocessing
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from benchmarks.machine import cores
from benchmarks.options import Options
from benchmarks.report import RESULTS, Claim, Report, Row, Table

LAGS = (10, 20, 50, 100, 200, 500, 1000)
SEEDS = (0, 1, 2)
BUDGET, PORTION = 40_960, 1024
SOLVED, SUCCESS = 0.99, 0.95
RATE, BATCH = 0.003, 64

PERIODS = (1, 4, 16, 64, 256, 1024)

LASTING = (
    "LSTM, lasting",
    "LSTM 1997, lasting",
    "LSTM peephole, lasting",
    "LSTM coupled, lasting",
)
"""What is to learn a lag of 1,000 from every seed."""

COLOURS = {
    "RNN": "#999999",
    "LSTM": "#0072B2",
    "GRU": "#D55E00",
    "ClockworkRNN": "#009E73",
}
"""Of Okabe and Ito's palette, which colour-blind people can tell apart."""


class Start(NamedTuple):
    """A layer, and biases that start otherwise: block of the layer → value."""

    layer: Any
    biases: dict[str, float]
    blocks: str = ""


def starts() -> dict[str, Start]:
    """The layers by their names; 16 units each, or 18 of the clocks' six modules."""
    from lamina import GRU, LSTM, RNN, ClockworkRNN

    def lstm(variant: str, forget: int = 1, **biases: float) -> Start:
        layer = LSTM(16, variant, forget)
        return Start(layer, biases, layer.blocks)

    def gru(reset: str, **biases: float) -> Start:
        return Start(GRU(16, reset), biases, "rzh")

    return {
        "RNN": Start(RNN(16), {}),
        "ClockworkRNN": Start(ClockworkRNN(18), {}),
        "ClockworkRNN, to 1,024": Start(ClockworkRNN(18, PERIODS), {}),
        "GRU": gru("after"),
        "GRU, lasting": gru("after", z=-7),
        "GRU before": gru("before"),
        "GRU before, lasting": gru("before", z=-7),
        "LSTM": lstm("forget"),
        "LSTM, forget_bias=7": lstm("forget", 7),
        "LSTM, lasting": lstm("forget", 7, i=-3),
        "LSTM 1997": lstm("1997"),
        "LSTM 1997, lasting": lstm("1997", i=-3),
        "LSTM peephole": lstm("peephole"),
        "LSTM peephole, lasting": lstm("peephole", 7, i=-3),
        "LSTM coupled": lstm("coupled"),
        "LSTM coupled, lasting": lstm("coupled", 7),
    }


class Trial(NamedTuple):
    """One network, one lag, one seed; afterwards its accuracy and what it took."""

    layer: str
    lag: int
    seed: int
    accuracy: float = 0.0
    seen: int = 0


def run(options: Options) -> Report:
    """Try every network at every lag, from each seed; draw how often they succeed."""
    names = list(starts())
    with ProcessPoolExecutor(cores(), multiprocessing.get_context("spawn")) as pool:
        each = list(pool.map(explored, reversed(names)))  # the longest ones first
    trials = [trial for found in reversed(each) for trial in found]
    draw(trials)
    return Report("long_lag", "The long-lag experiment", tables(trials))


def explored(layer: str) -> list[Trial]:
    """Try a layer at longer and longer lags, until it fails at two of them."""
    trials, failed = [], 0
    for lag in LAGS:
        trials += [tried(Trial(layer, lag, seed)) for seed in SEEDS]
        failed = 0 if rate_of(trials, layer, lag) else failed + 1
        if failed == 2:
            break
    return trials


def tried(trial: Trial) -> Trial:
    """Learn until it is solved or the budget is used up; return what came of it."""
    from lamina import RecurrentClassifier, data

    warnings.simplefilter("ignore")  # of each portion, that more would help

    def sequences(n: int, part: int) -> tuple[Any, np.ndarray]:
        made = data.load("long_lag", n=n, lag=trial.lag, seed=1000 * trial.seed + part)
        return made.X, made.y

    start = starts()[trial.layer]
    model = RecurrentClassifier(
        [start.layer],
        pooling="last",
        standardize=False,
        alpha=0.0,
        batch_size=BATCH,
        learning_rate_init=1e-12,
        schedule=None,
        clip_norm=1.0,
        random_state=trial.seed,
    )
    model.partial_fit(*sequences(BATCH, 997)).set_params(learning_rate_init=RATE)
    set_biases(model.params_[0]["bias"], start)
    validation, seen = sequences(256, 999), 0
    while seen < BUDGET:
        model.partial_fit(*sequences(PORTION, seen // PORTION))
        seen += PORTION
        if model.score(*validation) >= SOLVED:
            break
    accuracy = float(model.score(*sequences(1000, 998)))
    print(*trial[:3], f"{accuracy:.3f} after {seen}", flush=True)
    return trial._replace(accuracy=accuracy, seen=seen)


def set_biases(bias: np.ndarray, start: Start) -> None:
    """Put the biases in that start otherwise; blocks lie side by side."""
    units = start.layer.units
    for block, value in start.biases.items():
        at = start.blocks.index(block) * units
        bias[at : at + units] = value


def rate_of(trials: Sequence[Trial], layer: str, lag: int) -> float:
    """Share of the seeds with which a layer succeeds at a lag; 0 if it is not tried."""
    found = [t.accuracy for t in trials if (t.layer, t.lag) == (layer, lag)]
    return sum(accuracy >= SUCCESS for accuracy in found) / max(1, len(found))


def farthest(trials: Sequence[Trial], layer: str) -> int:
    """The longest lag up to which a layer succeeds at every one with every seed."""
    reached = 0
    for lag in LAGS:
        if rate_of(trials, layer, lag) < 1:
            break
        reached = lag
    return reached


def tables(trials: Sequence[Trial]) -> list[Table]:
    """How far each layer reaches, and a table a layer."""
    names = list(dict.fromkeys(trial.layer for trial in trials))
    reached = {name: farthest(trials, name) for name in names}
    claims = [
        Claim("RNN: longest lag that is always learnt", reached["RNN"], 10),
        Claim("RNN: longest lag that is always learnt", reached["RNN"], 50, False),
    ]
    claims += [
        Claim(f"{name}: success at a lag of 1,000", rate_of(trials, name, 1000), 1)
        for name in LASTING
    ]
    title = f"longest lag up to which all {len(SEEDS)} seeds succeed"
    rows = [Row(name, reach) for name, reach in reached.items()]
    first = Table(title, "steps", rows, claims)
    return [first, *(table_of(trials, name) for name in names)]


def table_of(trials: Sequence[Trial], name: str) -> Table:
    """One layer at all lags: successes, accuracies, and what they took."""
    rows = []
    for lag in LAGS:
        found = [t for t in trials if (t.layer, t.lag) == (name, lag)]
        solved = [t.seen for t in found if t.accuracy >= SUCCESS]
        note = "accuracies " + ", ".join(f"{t.accuracy:.2f}" for t in found)
        if solved:
            note += f"; after {int(np.median(solved)):,} sequences"
        rate = rate_of(trials, name, lag) if found else None
        rows.append(Row(f"lag {lag:,}", rate, note=note if found else "not tried"))
    return Table(name, "share of seeds", rows)


def draw(trials: Sequence[Trial]) -> None:
    """Success by lag, a line a layer, one above the other, into results/."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(trial.layer for trial in trials))
    figure, axes = pyplot.subplots(figsize=(8, 7.5), layout="constrained")
    for place, name in enumerate(reversed(names)):
        lags = sorted({trial.lag for trial in trials if trial.layer == name})
        rates = np.array([rate_of(trials, name, lag) for lag in lags])
        colour = COLOURS[name.split()[0].strip(",")]
        line = place + 0.75 * rates
        axes.fill_between(lags, place, line, color=colour, alpha=0.25, linewidth=0)
        axes.plot(lags, line, "o-", color=colour, markersize=4)
    axes.set_yticks(np.arange(len(names)), reversed(names))
    axes.tick_params(axis="y", length=0)
    axes.set_xscale("log")
    axes.set_xticks(LAGS, [f"{lag:,}" for lag in LAGS])
    axes.minorticks_off()
    axes.grid(axis="y", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel("steps between the first symbol and the question")
    axes.set_title(
        f"Share of {len(SEEDS)} seeds that learn it within {BUDGET:,} sequences\n"
        "(from the line below, none, up to all)",
        loc="left",
    )
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / "long_lag.png", dpi=130)
    pyplot.close(figure)
