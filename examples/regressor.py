"""Regression: a curve from noisy points, and counts by Poisson regression.

Run it with ``python examples/regressor.py``.
"""

import numpy as np

from lamina import MLPRegressor, data


def curve() -> None:
    """Fit sin(3πx) to noisy points with L-BFGS and plot it as text."""
    points = data.load("sine", n=200, noise=0.1, seed=0)
    model = MLPRegressor(
        hidden_layer_sizes=(20,),
        activation="tanh",
        solver="lbfgs",
        init="nguyen_widrow",
        max_iter=500,
        random_state=0,
    )
    model.fit(points.X, points.y)
    x = np.linspace(-1, 1, 61)
    learnt, truth = model.predict(x[:, None]), np.sin(3 * np.pi * x)
    for level in np.linspace(1, -1, 9):
        print("".join("•" if abs(v - level) < 0.125 else " " for v in learnt))
    error = np.sqrt(np.mean((learnt - truth) ** 2))
    print(f"root mean squared error against the true curve: {error:.3f}")


def counts() -> None:
    """Recover the rates of counts: log rate = 0.5 + x₁ − ½ x₂."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (2000, 2))
    y = rng.poisson(np.exp(0.5 + X @ [1.0, -0.5]))
    model = MLPRegressor("poisson", (), solver="lbfgs", alpha=0).fit(X, y)
    weights = np.append(model.intercepts_[0], model.coefs_[0])
    print(f"weights of the log rate: {weights.round(2)}, true: [0.5, 1, −0.5]")


if __name__ == "__main__":
    curve()
    counts()
