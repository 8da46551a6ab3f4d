"""Label each step of a noisy signal with one of three tones.

A unidirectional layer recognises a new tone only after some steps; a bidirectional one
also uses the steps that follow. Run it with

    python examples/tagger.py [FILE.png]

It prints the accuracy per step on test signals, and plots one if a file is given.
"""

import sys

import numpy as np

from lamina import GRU, Bidirectional, RecurrentTagger

TONES = np.array(["low", "middle", "high"])
FREQUENCIES = np.array([0.05, 0.12, 0.25])  # cycles per step
LAYERS = {"unidirectional": [GRU(24)], "bidirectional": [Bidirectional(GRU(24))]}


def signals(n: int, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return sines of changing frequency in noise, and the tone of each step."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        lengths = rng.integers(15, 40, rng.integers(3, 7))
        tone = np.repeat(rng.integers(0, 3, len(lengths)), lengths)
        phase = 2 * np.pi * (rng.random() + np.cumsum(FREQUENCIES[tone]))
        X.append(np.sin(phase) + 0.5 * rng.standard_normal(len(tone)))
        y.append(TONES[tone])
    return X, y


def fitted(layers: list) -> RecurrentTagger:
    """Train on 150 signals of 45 to 234 steps."""
    how = {"learning_rate_init": 0.01, "max_iter": 20, "random_state": 0}
    return RecurrentTagger(layers, **how).fit(*signals(150, seed=0))


def draw(models: dict[str, RecurrentTagger]):
    """Return a figure of a signal, the truth, and the predictions."""
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    X, y = signals(100, seed=1)
    x, truth = X[17], y[17]
    rows = {"truth": truth} | {k: m.predict([x])[0] for k, m in models.items()}
    colours = ["#0072B2", "#E69F00", "#009E73"]
    figure = Figure(figsize=(10, 5), layout="constrained")
    ratios = {"height_ratios": [4, 1, 1, 1]}
    axes = figure.subplots(4, 1, sharex=True, gridspec_kw=ratios)
    axes[0].plot(x, color="0.25", lw=1.1)
    axes[0].set_ylabel("signal", rotation=0, ha="right", va="center", fontsize=13)
    axes[0].set_title("Which tone is at each step?", fontsize=14, loc="left")
    axes[0].spines[["top", "right", "bottom"]].set_visible(False)
    for axis, (name, tones) in zip(axes[1:], rows.items(), strict=True):
        codes = (tones[:, None] == TONES).argmax(axis=1)
        axis.imshow(codes[None], cmap=ListedColormap(colours), aspect="auto", vmax=2)
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=13)
        axis.set_yticks([])
        axis.spines[:].set_visible(False)
        wrong = np.flatnonzero(tones != truth)
        axis.plot(wrong, np.full(len(wrong), 0.42), "|", color="k", ms=12, mew=2)
    for axis in axes[:-1]:
        axis.tick_params(bottom=False)
    axes[-1].set_xlabel("step (black ticks: wrong)", fontsize=13)
    marks = [Patch(color=c, label=t) for c, t in zip(colours, TONES, strict=True)]
    place = {"loc": "lower right", "bbox_to_anchor": (1, 0.98), "ncols": 3}
    axes[0].legend(handles=marks, fontsize=12, frameon=False, **place)
    return figure


def main() -> None:
    """Print the accuracy of each network, and plot if a file is given."""
    models = {name: fitted(layers) for name, layers in LAYERS.items()}
    X, y = signals(100, seed=1)
    for name, model in models.items():
        print(f"{name:15}: {model.score(X, y):.1%} of all steps are correct")
    if len(sys.argv) > 1:
        draw(models).savefig(sys.argv[1], dpi=120)


if __name__ == "__main__":
    main()
