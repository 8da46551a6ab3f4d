"""Beyond scikit-learn's classifier: dropout, custom layers, a search over solvers.

Run it with ``python examples/classifier.py``.
"""

import numpy as np
from sklearn.model_selection import GridSearchCV

from lamina import SGD, Adam, Dense, Dropout, MLPClassifier, data


def halves(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """Split into training and test set: every other example."""
    return X[::2], y[::2], X[1::2], y[1::2]


def drop_out() -> None:
    """Train on half of the digits with dropout and early stopping."""
    digits = data.load("digits")
    X, y, X_test, y_test = halves(digits.X / 16, digits.y)
    model = MLPClassifier(
        layers=[Dense(128), Dropout(0.3), Dense(64, "tanh")],
        solver=SGD(0.1, momentum=0.9),
        batch_size=32,
        early_stopping=True,
        random_state=0,
    )
    model.fit(X, y)
    print(model.summary())
    print(f"digits: test accuracy {model.score(X_test, y_test):.1%}")
    print(f"        {model.n_iter_} epochs, {model.n_compiles_} programs compiled")


def search() -> None:
    """Choose the solver by cross-validation; new rates need no new compilation."""
    iris = data.load("iris")
    X = (iris.X - iris.X.mean(axis=0)) / iris.X.std(axis=0)
    rules = [Adam(0.01), Adam(0.1), SGD(0.1, momentum=0.9), SGD(0.01)]
    model = MLPClassifier((16,), max_iter=30, tol=0, random_state=0)
    search = GridSearchCV(model, {"solver": rules}, cv=3).fit(X, iris.y)
    print(f"iris:   best solver {search.best_params_['solver']}")
    print(f"        cross-validated accuracy {search.best_score_:.1%}")


if __name__ == "__main__":
    import warnings

    warnings.filterwarnings("ignore", message="max_iter")
    drop_out()
    search()
