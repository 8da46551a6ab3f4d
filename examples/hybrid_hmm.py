"""A network classifies single steps; a hidden Markov model adds their order.

The hybrid of Bourlard and Morgan (1994): p(x | state) ∝ p(state | x) / p(state), then
the Viterbi path. The sequences are drawn from a known chain, which gives an upper
bound: the accuracy of Viterbi decoding with the true parameters. Run it with

    python examples/hybrid_hmm.py [FILE.png]

It prints the accuracy per step, and plots a sequence if a file is given.
"""

import sys
from typing import Any

import numpy as np

from lamina import HybridHMM, data
from lamina.data.datasets.sequence_generators import markov_chain
from lamina.networks.energy.hidden_markov import Chain, viterbi

NOISE = 1.0
COLOURS = ["#0072B2", "#E69F00", "#009E73"]
SHOWN = 6


def true_paths(X: data.RaggedArray) -> list[np.ndarray]:
    """Return the Viterbi paths with the true parameters."""
    start, transition, means = markov_chain()
    chain = Chain(np.log(start), np.log(transition))
    distances = [((x[:, None] - means) ** 2).sum(axis=2) for x in X]
    return [viterbi(chain, -d / (2 * NOISE**2)) for d in distances]


def draw(paths: dict[str, list[np.ndarray]], X: data.RaggedArray):
    """Return a figure: single steps, and the paths through one sequence."""
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.4), layout="constrained")
    parts: Any = figure.subfigures(1, 2, width_ratios=[1, 1.9])
    left, right = parts
    axes = left.subplots()
    states = np.concatenate(paths["truth"])[:1500]
    for state, colour in enumerate(COLOURS):
        x = X.values[:1500][states == state]
        axes.plot(*x.T, "o", color=colour, ms=4, alpha=0.5, mew=0)
        at = 2.9 * markov_chain().means[state]
        box = {"fc": "white", "ec": "none", "alpha": 0.85, "pad": 1.5}
        axes.text(*at, f"state {state}", fontsize=12, ha="center", bbox=box)
    axes.set(aspect="equal", xlim=(-3.8, 4.2), ylim=(-3.8, 3.8))
    axes.set_title("Single steps: states overlap", fontsize=14)
    axes.set_xlabel("x₁", fontsize=13)
    axes.set_ylabel("x₂", fontsize=13)
    axes.spines[["top", "right"]].set_visible(False)
    rows = right.subplots(len(paths), 1, sharex=True)
    truth = paths["truth"][SHOWN]
    for axis, (name, found) in zip(rows, paths.items(), strict=True):
        path = found[SHOWN]
        axis.imshow(path[None], cmap=ListedColormap(COLOURS), aspect="auto", vmax=2)
        wrong = np.flatnonzero(path != truth)
        axis.plot(wrong, np.full(len(wrong), 0.36), "|", color="k", ms=10, mew=2)
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=13)
        axis.set_yticks([])
        axis.spines[:].set_visible(False)
    for axis in rows[:-1]:
        axis.tick_params(bottom=False)
    rows[0].set_title("One sequence: the chain corrects single steps", fontsize=14)
    rows[-1].set_xlabel("step (black ticks: wrong)", fontsize=13)
    return figure


def main() -> None:
    """Print the accuracies, and plot a sequence if a file is given."""
    known = data.load("hidden_markov", n=200, noise=NOISE, seed=0)
    new = data.load("hidden_markov", n=200, noise=NOISE, seed=1)
    model = HybridHMM(context=0, random_state=0).fit(known.X, known.y)
    paths = {
        "truth": new.y,
        "network alone": model.predict_frames(new.X),
        "network + HMM": model.predict(new.X),
        "true parameters": true_paths(new.X),
    }
    truth = np.concatenate(new.y)
    for name, found in paths.items():
        if name != "truth":
            right = np.mean(np.concatenate(found) == truth)
            print(f"{name:15}: {right:.1%} of all states are correct")
    print("transition probabilities, estimated and true:")
    print(model.transition_.round(2), markov_chain().transition.round(2), sep="\n")
    if len(sys.argv) > 1:
        draw(paths, new.X).savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    main()
