"""Sequences: how good defaults are at telling, forecasting, and naming each step.

Nine speakers are told apart by their vowels (JapaneseVowels: 270 sequences to learn
from, 370 for the test, 7 to 29 steps of 12 numbers). A year of airline passengers is
forecast from what came before, at several ends, beside naive forecasts. States of a
hidden Markov chain are read off noisy points: by a network alone, by the network and
Viterbi's path, and by a recurrent tagger, beside the best that anyone could do who knew
the chain and the noise. All run with lamina's defaults but where the name says
otherwise, from several seeds or on several test sets.

Figures that others published for JapaneseVowels come from tables in the repositories
of the authors:

- Ismail Fawaz, Forestier, Weber, Idoumghar & Muller (2019), Deep learning for time
  series classification: a review, Data Mining and Knowledge Discovery 33, means of
  several runs (``results/results-mts-avg-std.csv`` of dl-4-tsc; MCNN and t-LeNet, which
  learnt nothing, are left out);
- Toth, Oberhauser & Szabo (2023), Random Fourier signature features, arXiv:2311.12214
  (README of ksig).
"""

from typing import Any

import numpy as np

from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table

SEEDS = (0, 1, 2, 3, 4)
ACCURACY = 0.97
ENDS = (("3 ends, a year apart", 3, 12), ("9 ends, half a year apart", 9, 6))
"""A name, how often the series is cut, and how many months lie between."""

KINDS = ("recurrent", "mlp")
NOISE, CONTEXTS = 1.0, (0, 2)
TESTS = (1, 2, 3, 4, 5)
"""Seeds of the chains that nothing was learnt from; that one has seed 0."""

FAWAZ, TOTH = "Ismail Fawaz and others (2019)", "Toth and others (2023)"
PUBLISHED = (
    ("fully convolutional network", 0.993, FAWAZ),
    ("residual network", 0.992, FAWAZ),
    ("encoder", 0.976, FAWAZ),
    ("multi-layer perceptron", 0.976, FAWAZ),
    ("echo state network (TWIESN)", 0.965, FAWAZ),
    ("Time-CNN", 0.956, FAWAZ),
    ("MCDCNN", 0.944, FAWAZ),
    ("signature kernel", 0.986, TOTH),
    ("global alignment kernel", 0.981, TOTH),
)
"""Test accuracies on JapaneseVowels."""


def run(options: Options) -> Report:
    """Speakers, passengers, states."""
    tables = [speakers(), *(passengers(*ends) for ends in ENDS), states()]
    return Report("sequences", "Sequences with lamina's defaults", tables)


def spread(name: str, values: Any, note: str = "") -> Row:
    """Median, lowest and highest of several values."""
    low, middle, high = (float(f(values)) for f in (np.min, np.median, np.max))
    return Row(name, middle, low, high, note)


def speakers() -> Table:
    """JapaneseVowels from several seeds, and what was published."""
    from lamina import RecurrentClassifier, data

    vowels: Any = data.load("japanese_vowels")
    found = [
        RecurrentClassifier(random_state=seed)
        .fit(vowels.X, vowels.y)
        .score(vowels.X_test, vowels.y_test)
        for seed in SEEDS
    ]
    rows = [spread("RecurrentClassifier()", found, f"{len(SEEDS)} seeds")]
    rows += [
        Row(f"published: {name}", value, note=note) for name, value, note in PUBLISHED
    ]
    claim = Claim("median accuracy", rows[0].value, ACCURACY)
    return Table("JapaneseVowels", "test accuracy", rows, [claim])


def passengers(name: str, folds: int, step: int) -> Table:
    """Mean absolute scaled errors of forecasts of twelve months."""
    from lamina import Forecaster, data

    airline: Any = data.load("airline")
    rows, scores = [], {}
    for kind in KINDS:
        errors, inside = [], []
        for seed in SEEDS:
            model = Forecaster(
                12, seasonal_period=12, estimator=kind, random_state=seed
            )
            found = model.backtest(airline.y, folds=folds, step=step)
            scores = found["scores"]
            errors.append(scores["model"]["mase"])
            inside.append(found["coverage"])
        note = f"{len(SEEDS)} seeds; intervals of 80 % held {np.median(inside):.0%}"
        rows.append(spread(f"Forecaster, {kind}", errors, note))
    seasonal = scores["seasonal_naive"]["mase"]
    claims = [
        Claim(
            f"{row.name}: median MASE ÷ seasonal naive's",
            row.value / seasonal,
            1.0,
            False,
        )
        for row in rows
    ]
    rows += [
        Row("the same as a year before", seasonal),
        Row("the same as in the last month", scores["naive"]["mase"]),
    ]
    return Table(f"airline passengers, 12 months, {name}", "MASE", rows, claims)


def states() -> Table:
    """Share of steps whose state is right, on several test sets."""
    from lamina import HybridHMM, RecurrentTagger

    chain, tests = markov(0), [markov(seed) for seed in TESTS]
    rows, claims = [], []
    for context in CONTEXTS:
        model = HybridHMM(context=context, random_state=0).fit(chain.X, chain.y)
        alone = [right(model.predict_frames(test.X), test.y) for test in tests]
        paths = [model.score(test.X, test.y) for test in tests]
        seen = f"{2 * context + 1} step{'s' if context else ''} seen"
        gains = np.subtract(paths, alone)
        rows += [
            spread(f"network alone, {seen}", alone),
            spread(f"HybridHMM, {seen}: Viterbi's path", paths),
            spread("gained by the path", gains),
        ]
        mean = float(np.mean(gains))
        claims.append(Claim(f"gained by the path on average, {seen}", mean, 0.0))
    for early in (False, True):
        tagger = RecurrentTagger(random_state=0, early_stopping=early)
        tagger.fit(chain.X, chain.y)
        name = f"RecurrentTagger({'early_stopping=True' if early else ''})"
        rows.append(spread(name, [tagger.score(test.X, test.y) for test in tests]))
    best = [right(known(test.X), test.y) for test in tests]
    rows.append(spread("most likely state, chain and noise known", best))
    title = f"hidden Markov chain, noise {NOISE:g}, {len(TESTS)} test sets"
    return Table(title, "share of steps", rows, claims)


def markov(seed: int) -> Any:
    """Sequences of the chain."""
    from lamina import data

    return data.load("hidden_markov", noise=NOISE, seed=seed)


def right(found: Any, y: Any) -> float:
    """Share of all steps that are right."""
    return float(np.mean(np.concatenate(found) == np.concatenate(y)))


def known(X: Any) -> list[np.ndarray]:
    """The most likely state of each step for one who knows what the data follow."""
    from lamina.data.datasets.sequence_generators import markov_chain
    from lamina.networks.energy.hidden_markov import Chain, posteriors

    chain = markov_chain()
    told = Chain(np.log(chain.start), np.log(chain.transition))
    found = []
    for x in X:
        squares = ((np.asarray(x)[:, None] - chain.means) ** 2).sum(axis=2)
        found.append(posteriors(told, -squares / (2 * NOISE**2)).argmax(axis=1))
    return found
