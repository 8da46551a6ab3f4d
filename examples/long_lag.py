"""How long RNN and LSTM layers remember.

The first of many symbols determines the class, all others are noise. Its information
has to be carried to the last step, and δ back to the first (Hochreiter & Schmidhuber
1997). Run it with

    python examples/long_lag.py [FILE.png [SEEDS]]

It prints the test accuracy for each lag, and plots it if a file is given. With one seed
it uses three lags, with several all six, which takes some minutes.
"""

import sys

import numpy as np

from lamina import LSTM, RNN, RecurrentClassifier, data

LAGS = [10, 20, 50, 100, 200, 500]
LAYERS = {
    "RNN": RNN(16),
    "LSTM with forget gate": LSTM(16),
    "LSTM of 1997": LSTM(16, variant="1997"),
}


def score(layer: RNN | LSTM, lag: int, seed: int) -> float:
    """Train on 400 sequences; return the accuracy on 400 others."""
    known, new = (data.load("long_lag", n=400, lag=lag, seed=s) for s in (0, 1))
    how = {"pooling": "last", "standardize": False, "max_iter": 40}
    model = RecurrentClassifier([layer], random_state=seed, **how)
    return model.fit(known.X, known.y).score(new.X, new.y)


def draw(lags: list[int], found: dict[str, np.ndarray]):
    """Return a figure of accuracy over lag: one mark per seed, lines are medians."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    looks = [("#D55E00", "s--", 0.95), ("#000000", "^:", 1.0), ("#0072B2", "o-", 1.05)]
    for (name, shares), (colour, style, aside) in zip(
        found.items(), looks, strict=True
    ):
        at = np.array(lags) * aside
        axes.plot(at, 100 * np.median(shares, axis=1), style[1:], color=colour, lw=2)
        for each in shares.T:
            mark = {"color": colour, "ms": 9, "alpha": 0.75, "mew": 0}
            axes.plot(at, 100 * each, style[0], **mark)
        axes.plot([], style, color=colour, ms=9, lw=2, label=name)
    axes.axhline(50, color="0.6", lw=1)
    axes.text(lags[0], 51, "chance", color="0.35", fontsize=12)
    axes.set(xscale="log", xticks=lags, xticklabels=lags, ylim=(40, 103))
    axes.minorticks_off()
    axes.set_xlabel("lag (steps from the first symbol to the output)", fontsize=13)
    axes.set_ylabel("test accuracy (%)", fontsize=13)
    axes.set_title("How long does a recurrent network remember?", fontsize=14)
    axes.legend(fontsize=12, frameon=False, loc="lower left", bbox_to_anchor=(0, 0.22))
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Print the scores, and plot them if a file is given."""
    seeds = range(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    lags = LAGS if len(seeds) > 1 else LAGS[::2]
    found = {}
    for name, layer in LAYERS.items():
        shares = [[score(layer, lag, seed) for seed in seeds] for lag in lags]
        found[name] = np.array(shares)
        each = zip(lags, np.median(shares, axis=1), strict=True)
        print(f"{name:22}", ", ".join(f"lag {lag}: {share:.0%}" for lag, share in each))
    if len(sys.argv) > 1:
        draw(lags, found).savefig(sys.argv[1], dpi=120)


if __name__ == "__main__":
    main()
