"""A perceptron learns logic gates step by step, fails at XOR, and classifies irises.

Run it with ``python examples/perceptron.py``.
"""

import numpy as np

from lamina import Perceptron, data

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {
    "AND": [0, 0, 0, 1],
    "OR": [0, 1, 1, 1],
    "NAND": [1, 1, 1, 0],
    "XOR": [0, 1, 1, 0],
}


def show_trace() -> None:
    """Print the weight vector after every update of a small example."""
    X, y = [[1.0, 2.0], [-1.0, 2.0], [0.0, -1.0]], [1, -1, -1]
    model = Perceptron(fit_intercept=False, shuffle=False, trace=True, tol=None)
    model.fit(X, y, coef_init=[1.0, -0.8])
    print("weights after each update, until an epoch without an error:")
    for step, (w1, w2) in enumerate(model.trace_):
        print(f"  {step}: ({w1:4.1f}, {w2:4.1f})")


def learn_gates() -> None:
    """Learn four gates: only XOR has no separating line."""
    for name, y in GATES.items():
        model = Perceptron(n_iter_no_change=50).fit(CORNERS, y)
        w1, w2, b = *model.coef_[0], model.intercept_[0]
        end = "converged" if model.converged_ else "never converges"
        print(
            f"{name:>5}: {model.score(CORNERS, y):4.0%} correct, {end}; "
            f"h = {w1:g} x1 + {w2:g} x2 + {b:g}"
        )


def learn_irises() -> None:
    """Three classes: one unit per class, or two units and binary codes.

    With codes, the second hyperplane must separate the middle class from both others,
    which is impossible.
    """
    iris = data.load("iris")
    X, y = (iris.X - iris.X.mean(axis=0)) / iris.X.std(axis=0), iris.y
    for multiclass in ("one_vs_rest", "codes"):
        model = Perceptron(multiclass=multiclass).fit(X, y)
        print(
            f"iris, {multiclass}: {len(model.coef_)} hyperplanes, "
            f"accuracy {model.score(X, y):.1%}"
        )


if __name__ == "__main__":
    show_trace()
    learn_gates()
    learn_irises()
