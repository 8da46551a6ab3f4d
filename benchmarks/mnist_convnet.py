"""MNIST by convolutional networks: accuracy, and a claim of lecture deck 002.

Two 5 × 5 convolutions with 32 and 64 filters, a 2 × 2 pool after each, 128 units. The
deck says that rectified linear units beat tanh, and that the maximum is a better pool
than the mean: the same network is trained in all four ways. One run of each is enough
for the first; the pools differ by a few of 10,000 images, about which one run says
nothing, so that there is no verdict on them. The best is also trained against the fast
gradient sign, and both are attacked. The four files are read from the folder that
``--data`` names.
"""

import time

import numpy as np

from benchmarks.mnist_accuracy import read_pair
from benchmarks.options import Options
from benchmarks.report import RESULTS, Claim, Report, Row, Table

ACCURACY, EPOCHS, EPSILON = 0.992, 5, 0.1
WAYS = [("max", "relu"), ("average", "relu"), ("max", "tanh"), ("average", "tanh")]


def run(options: Options) -> Report:
    """Train each way once on the 60,000 images, score on the 10,000."""
    X, y = read_pair(options.mnist, "train")
    X_test, y_test = read_pair(options.mnist, "t10k")
    X, X_test = X.reshape(-1, 28, 28, 1), X_test.reshape(-1, 28, 28, 1)
    curves, rows, accuracies, models = {}, [], {}, []
    for way in WAYS:
        model, curve, seconds = trained(way, X, y, X_test, y_test)
        name = f"{way[0]} pools, {way[1]}"
        curves[name], accuracies[way] = curve, curve[-1]
        note = f"{len(X) * EPOCHS / seconds:.0f} images/s"
        rows.append(Row(name, curve[-1], note=note))
        models.append(model)
    draw(curves)
    ways = Table(
        f"test accuracy after {EPOCHS} epochs of batches of 64",
        "",
        rows,
        [
            Claim("accuracy, max pools and relu", accuracies["max", "relu"], ACCURACY),
            Claim(
                "relu against tanh, by max pools",
                accuracies["max", "relu"] - accuracies["max", "tanh"],
                0.0,
            ),
        ],
    )
    tables = [ways, robustness(models[0], X, y, X_test, y_test)]
    return Report("mnist_convnet", "MNIST with convolutional networks", tables)


def network(way: tuple[str, str]) -> list:
    """The layers before the output."""
    from lamina import AveragePool, Conv, Dense, Dropout, MaxPool

    pool = {"max": MaxPool, "average": AveragePool}[way[0]]
    return [
        Conv(32, 5, padding="same", activation=way[1]),
        pool(2),
        Conv(64, 5, padding="same", activation=way[1]),
        pool(2),
        Dense(128, way[1]),
        Dropout(0.5),
    ]


def trained(way, X, y, X_test, y_test, **how):
    """A fitted model, its test accuracy after every epoch, and the time of learning."""
    from lamina import ConvNetClassifier, Cosine

    model = ConvNetClassifier(
        network(way),
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        schedule=Cosine(),
        learning_rate_init=1e-3,
        alpha=0.0,
        tol=0.0,
        random_state=0,
        **how,
    )
    weights, curve = [], []
    model.set_params(callbacks=[lambda progress: weights.append(progress.params)])
    start = time.perf_counter()
    model.fit(X, y)
    spent = time.perf_counter() - start
    last = model.params_
    for params in weights:
        model.params_ = params
        curve.append(float(np.mean(model.predict(X_test) == y_test)))
    model.params_ = last
    return model, curve, spent


def robustness(plain, X, y, X_test, y_test) -> Table:
    """Accuracy under the fast gradient sign, without and with adversarial training."""
    from lamina import FGSM

    attack = FGSM(EPSILON, low=0.0, high=1.0)
    hardened, *_ = trained(WAYS[0], X, y, X_test, y_test, adversarial=attack)
    rows, under = [], []
    for name, model in (("plain", plain), ("adversarial", hardened)):
        moved = model.adversarial_examples(X_test, y_test, attack)
        under.append(float(np.mean(model.predict(moved) == y_test)))
        clean = float(np.mean(model.predict(X_test) == y_test))
        rows += [
            Row(f"{name} training, as they are", clean),
            Row(f"{name} training, attacked", under[-1]),
        ]
    title = f"accuracy under FGSM with ε = {EPSILON} of the range of a pixel"
    gained = Claim("accuracy under attack gained by training", under[1] - under[0], 0.1)
    return Table(title, "", rows, [gained])


def draw(curves: dict[str, list[float]]) -> None:
    """Test error by epoch, into results/."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for name, curve in curves.items():
        epochs = np.arange(1, len(curve) + 1)
        axes.plot(epochs, 100 * (1 - np.array(curve)), marker="o", label=name)
    axes.set(xlabel="epoch", ylabel="test error in %", xticks=epochs, yscale="log")
    axes.set_title("MNIST, two 5 × 5 convolutions: pools and units")
    axes.legend(frameon=False)
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / "mnist_convnet.png", dpi=120)
    pyplot.close(figure)
