"""How large random initial weights may be, over five layers of 100 units.

Glorot's bound √(6/(n + n′)) preserves the variance of activations. N(0, 1) makes it
explode and saturates tanh units; smaller uniform weights, here with the bound
6/(n + n′) without the root, make it vanish. Run it with

    python examples/initial_weights.py [FILE.png]

It prints the variances, and plots them if a file is given.
"""

import sys

import numpy as np

from lamina import Dense, Network
from lamina.networks import Key

UNITS, DEPTH, EXAMPLES = 100, 5, 1000
STARTS = {
    "Glorot, U[−√(6/200), √(6/200)]": ("glorot_uniform", 1.0),
    "N(0, 1)": ("normal", 1.0),
    "small, U[−6/200, 6/200]": ("glorot_uniform", np.sqrt(6 / 200)),
}


def activations(activation: str, initializer: str, factor: float) -> list[np.ndarray]:
    """Return the inputs (examples, units) and each layer's activations."""
    layer = Dense(UNITS, activation, initializer, use_bias=False)
    network = Network((layer,) * DEPTH)
    params, _ = network.init(Key(0), (UNITS,), np.float64)
    params = tuple({"weight": factor * layer["weight"]} for layer in params)
    x = np.random.default_rng(0).standard_normal((EXAMPLES, UNITS))
    return [x, *(signal.a for signal in network.trace(params, x))]


def variances(layers: list[np.ndarray]) -> list[float]:
    """Return Var(a) over the examples, averaged over the units of each layer."""
    return [float(np.mean(np.var(a, axis=0))) for a in layers]


def power(value: float) -> str:
    """Return a number as text: 0.9, or 1.1 · 10¹⁰ in TeX."""
    if 0.01 <= value < 100:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"${mantissa}\\cdot 10^{{{int(exponent)}}}$"


def draw(linear: dict[str, list[np.ndarray]], tanh: dict[str, list[np.ndarray]]):
    """Return a figure: variances of linear layers, activations of the last tanh one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    looks = [("#0072B2", "o", "-"), ("#D55E00", "s", "--"), ("#000000", "^", ":")]
    edges = np.linspace(-1, 1, 42)  # a bin around 0, and one at each end
    for name, (colour, mark, dash) in zip(linear, looks, strict=True):
        values = variances(linear[name])
        left.plot(values, mark + dash, color=colour, lw=2, ms=8, label=name)
        left.annotate(
            power(values[-1]),
            (DEPTH, values[-1]),
            xytext=(9, -4),
            textcoords="offset points",
            color=colour,
            fontsize=12,
        )
        counts, _ = np.histogram(tanh[name][-1], edges)
        share = 100 * counts / counts.sum()
        right.stairs(share, edges, color=colour, lw=2, ls=dash)
    left.set(yscale="log", xticks=range(DEPTH + 1), xlim=(-0.2, DEPTH + 1.1))
    left.set_title("Five linear layers: does the signal keep its size?", fontsize=13)
    left.set_xlabel("layer (0 is the inputs)", fontsize=13)
    left.set_ylabel("variance of a unit over the examples", fontsize=13)
    left.legend(fontsize=11, frameon=False, loc="upper left")
    right.set_title("Five tanh layers: output distribution of layer 5", fontsize=13)
    right.set_xlabel("activation a of the fifth layer", fontsize=13)
    right.set_ylabel("share of activations (% per bin)", fontsize=13)
    right.text(0.05, 92, "small: all at 0,\nnothing arrives", fontsize=12, va="top")
    right.text(
        0.93,
        47,
        "N(0, 1): saturated,\nφ′ ≈ 0",
        fontsize=12,
        color="#D55E00",
        ha="right",
    )
    right.text(-0.5, 6, "Glorot: alive", fontsize=12, color="#0072B2", ha="center")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Print the variances, and plot them if a file is given."""
    linear = {name: activations("identity", *how) for name, how in STARTS.items()}
    tanh = {name: activations("tanh", *how) for name, how in STARTS.items()}
    for name, layers in linear.items():
        steps = " → ".join(f"{value:.2g}" for value in variances(layers))
        ends = np.mean(np.abs(tanh[name][-1]) > 0.95)
        print(f"{name:31}  Var {steps};  tanh units near ±1: {ends:.0%}")
    if len(sys.argv) > 1:
        draw(linear, tanh).savefig(sys.argv[1], dpi=120)


if __name__ == "__main__":
    main()
