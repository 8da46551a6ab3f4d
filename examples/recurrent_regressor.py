"""A recurrent network learns to add the two marked numbers of a long sequence.

The adding problem of Hochreiter & Schmidhuber (1997): unmarked numbers have to be
forgotten, marked ones remembered until the end. Run it with
``python examples/recurrent_regressor.py``.
"""

import numpy as np

from lamina import GRU, RecurrentRegressor, data


def main() -> None:
    """Train on 30 to 40 steps; test on 40 and on 80."""
    known = data.load("adding_problem", n=2000, length=40, shortest=30, seed=0)
    model = RecurrentRegressor([GRU(32)], pooling="last", max_iter=30, random_state=0)
    model.fit(known.X, known.y)
    print(f"training: {known.X}, {model.n_iter_} epochs")
    print("root mean squared error")
    print(f"  baseline (mean): {known.y.std():.3f}")
    for steps in (40, 80):
        new = data.load("adding_problem", n=500, length=steps, seed=1)
        rest = model.predict(new.X) - new.y
        print(f"  of {steps} steps:     {np.sqrt(np.mean(rest**2)):.3f}")
    one = [[0.3, 1], [0.9, 0], [0.8, 0], [0.4, 1], [0.6, 0]]  # value, marker
    print(f"0.3 + 0.4 = {model.predict([one])[0]:.2f}")


if __name__ == "__main__":
    main()
