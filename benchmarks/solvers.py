"""Solver by solver: seconds until the training loss has fallen to the same value.

Every fit starts from fresh Glorot-uniform weights of a tanh network with softmax cross
entropy, no penalty, and ends as soon as the loss of an epoch (mini-batches) or of an
iterate (whole batches) is at the target. A library that cannot stop there is told how
many epochs it needs, which a run before the race found out. Three seeds make a task.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.arena import Contender, race
from benchmarks.machine import thread_counts
from benchmarks.options import Options
from benchmarks.report import RESULTS, Report, Table, race_table

SEEDS = (0, 1, 2)
MAX_EPOCHS = 5000
PROMISE = 1.0

Task = Callable[[], object]


@dataclass(frozen=True)
class Course:
    """A data set, a network, a solver with its rate, and the loss to reach."""

    data: str
    hidden: int
    target: float
    solver: str
    rate: float = 0.0
    batch_size: int = 0  # 0: whole batches

    def load(self) -> tuple[np.ndarray, np.ndarray]:
        """Scaled inputs in float32 and class numbers."""
        from sklearn.datasets import load_digits, load_wine
        from sklearn.preprocessing import StandardScaler

        if self.data == "digits":
            X, y = load_digits(return_X_y=True)
            X = X / 16
        else:
            X, y = load_wine(return_X_y=True)
            X = StandardScaler().fit_transform(X)
        return X.astype(np.float32), y.astype(np.int64)


DIGITS = {"data": "digits", "hidden": 32, "target": 0.05}
WINE = {"data": "wine", "hidden": 10, "target": 1e-4}

# Each with the rate, of a grid of 1-3-10 steps, at which its fastest rival is fastest.
COURSES = {
    "sgd": (Course(**DIGITS, solver="sgd", rate=0.3, batch_size=100), "sklearn torch"),
    "adam": (
        Course(**DIGITS, solver="adam", rate=0.01, batch_size=100),
        "sklearn torch",
    ),
    "rmsprop": (
        Course(**DIGITS, solver="rmsprop", rate=0.003, batch_size=100),
        "torch",
    ),
    "rprop": (Course(**DIGITS, solver="rprop", rate=0.01), "torch"),
    "lbfgs": (Course(**DIGITS, solver="lbfgs"), "sklearn torch scipy"),
    "cg": (Course(**DIGITS, solver="cg"), "scipy"),
    "bfgs": (Course(**WINE, solver="bfgs"), "scipy"),
    "newton": (Course(**WINE, solver="newton"), "scipy"),
}
NAMES = {"sklearn": "scikit-learn", "torch": "PyTorch", "scipy": "SciPy"}
SCIPY = {"lbfgs": "L-BFGS-B", "cg": "CG", "bfgs": "BFGS", "newton": "trust-exact"}
"""Newton's method with the exact Hessian is "trust-exact"; "Newton-CG" forms none and
took 20 ms a task on this course."""


def run(options: Options) -> Report:
    """All courses, a table each, and a picture of them all."""
    tables = []
    for name, (course, rivals) in COURSES.items():
        laps = race(entrants(course, rivals), options.rounds, options.budget)
        kind = f"batch {course.batch_size}" if course.batch_size else "whole batches"
        title = (
            f"{name}, {kind}: {course.data} to a loss of {course.target:g}, "
            f"{len(SEEDS)} seeds"
        )
        tables.append(race_table(title, "times/s", laps, PROMISE))
    draw(tables)
    return Report("solvers", "Time to the same loss, solver by solver", tables)


def entrants(course: Course, rivals: str) -> list[Contender]:
    """Lamina, and every rival that has the solver, at every thread count."""
    found = [Contender("lamina", f"{__name__}:lamina_task", asdict(course))]
    for rival, threads in itertools.product(rivals.split(), thread_counts()):
        cap = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        label = f"{NAMES[rival]}, {threads} thread{'s' if threads > 1 else ''}"
        factory = f"{__name__}:{rival}_task"
        found.append(Contender(label, factory, asdict(course), cap))
    return found


def reached(loss: float, course: Course) -> None:
    """Refuse a run that did not get to the target."""
    if not loss <= course.target * (1 + 1e-6):
        raise RuntimeError(f"ended at a loss of {loss:.3g}, above {course.target:g}")


# ---- the contenders -----------------------------------------------------------------


def lamina_task(**settings) -> tuple[Task, int]:
    """Fits by lamina that end at the target."""
    from lamina import SGD, Adam, Below, MLPClassifier, RMSProp, Rprop

    course = Course(**settings)
    X, y = course.load()
    solvers = {"sgd": SGD, "adam": Adam, "rmsprop": RMSProp, "rprop": Rprop}
    by_rate = solvers.get(course.solver)
    model = MLPClassifier(
        (course.hidden,),
        "tanh",
        solver=by_rate(course.rate) if by_rate else course.solver,
        stopping=[Below("loss", course.target)],
        alpha=0.0,
        batch_size=course.batch_size or "full",
        max_iter=MAX_EPOCHS,
    )

    def task() -> None:
        for seed in SEEDS:
            reached(model.set_params(random_state=seed).fit(X, y).loss_, course)

    return task, 1


def sklearn_task(**settings) -> tuple[Task, int]:
    """Fits by scikit-learn of as many epochs as each seed needs."""
    from sklearn.neural_network import MLPClassifier

    course = Course(**settings)
    X, y = course.load()
    model = MLPClassifier(
        (course.hidden,),
        "tanh",
        solver=course.solver,
        learning_rate_init=course.rate or 0.001,
        momentum=0.0,
        alpha=0.0,
        batch_size=course.batch_size or len(X),
        tol=0.0,
        n_iter_no_change=MAX_EPOCHS,
        max_iter=MAX_EPOCHS,
        max_fun=10**6,
    )
    epochs = {seed: epochs_needed(model, seed, X, y, course) for seed in SEEDS}

    def task() -> None:
        for seed in SEEDS:
            model.set_params(random_state=seed, max_iter=epochs[seed]).fit(X, y)
            reached(model.loss_, course)

    return task, 1


def epochs_needed(model, seed: int, X, y, course: Course) -> int:
    """Fewest epochs after which scikit-learn's loss is at the target."""
    if course.solver != "lbfgs":
        for most in (50, 200, 800, MAX_EPOCHS):
            curve = model.set_params(random_state=seed, max_iter=most).fit(X, y)
            at = np.flatnonzero(np.array(curve.loss_curve_) <= course.target)
            if len(at):
                return int(at[0]) + 1
        return MAX_EPOCHS
    low, high = 0, 500  # no curve: by bisection, the loss falls in every step
    while high - low > 1:
        middle = (low + high) // 2
        loss = model.set_params(random_state=seed, max_iter=middle).fit(X, y).loss_
        low, high = (low, middle) if loss <= course.target else (middle, high)
    return high


def torch_task(**settings) -> tuple[Task, int]:
    """Plain PyTorch loops that end at the target."""
    import os

    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    course = Course(**settings)
    X, y = map(torch.from_numpy, course.load())
    fit = torch_whole if course.solver == "lbfgs" else torch_epochs

    def task() -> None:
        for seed in SEEDS:
            reached(fit(course, torch_network(course, X, y, seed), X, y), course)

    return task, 1


def torch_network(course: Course, X, y, seed: int):
    """A network with Glorot-uniform weights."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    inner = nn.Linear(X.shape[1], course.hidden)
    outer = nn.Linear(course.hidden, int(y.max()) + 1)
    for layer in (inner, outer):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(inner, nn.Tanh(), outer)


def torch_epochs(course: Course, model, X, y) -> float:
    """Epochs of a first-order solver; return the last one's mean loss."""
    import torch
    from torch.nn.functional import cross_entropy

    size = course.batch_size or len(X)
    optim, weights = torch.optim, model.parameters()
    solver = {
        "sgd": lambda: optim.SGD(weights, course.rate, fused=True),
        "adam": lambda: optim.Adam(weights, course.rate, fused=True),
        "rmsprop": lambda: optim.RMSprop(weights, course.rate, alpha=0.9),
        "rprop": lambda: optim.Rprop(weights, course.rate),
    }[course.solver]()
    mean = float("inf")
    for _ in range(MAX_EPOCHS):
        order = torch.randperm(len(X)) if course.batch_size else slice(None)
        total = 0.0
        batches = zip(X[order].split(size), y[order].split(size), strict=True)
        for inputs, targets in batches:
            solver.zero_grad()
            loss = cross_entropy(model(inputs), targets)
            loss.backward()
            solver.step()
            total += loss.detach() * len(targets)
        mean = float(total) / len(X)
        if mean <= course.target:
            break
    return mean


def torch_whole(course: Course, model, X, y) -> float:
    """Steps of L-BFGS, several a call as PyTorch does them; return the last loss."""
    import torch
    from torch.nn.functional import cross_entropy

    solver = torch.optim.LBFGS(
        model.parameters(), max_iter=5, history_size=10, line_search_fn="strong_wolfe"
    )
    last = float("inf")

    def closure():
        nonlocal last
        solver.zero_grad()
        loss = cross_entropy(model(X), y)
        loss.backward()
        last = float(loss)
        return loss

    for _ in range(MAX_EPOCHS):
        solver.step(closure)
        if last <= course.target:
            break
    return last


def scipy_task(**settings) -> tuple[Task, int]:
    """Minimisers of SciPy on a hand-written gradient, stopped by their callback."""
    from scipy.optimize import minimize

    course = Course(**settings)
    X, y = course.load()
    X = X.astype(float)
    classes = int(y.max()) + 1
    targets = np.eye(classes)[y]
    shapes = [(X.shape[1], course.hidden), (course.hidden,)]
    shapes += [(course.hidden, classes), (classes,)]
    ends = np.cumsum([np.prod(shape) for shape in shapes])

    def value_and_gradient(theta):
        parts = np.split(theta, ends[:-1])
        W, b, V, c = (p.reshape(s) for p, s in zip(parts, shapes, strict=True))
        a = np.tanh(X @ W + b)
        h = a @ V + c
        h -= h.max(axis=1, keepdims=True)
        e = np.exp(h)
        total = e.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - (targets * h).sum(axis=1))
        outer = (e / total - targets) / len(X)
        inner = (outer @ V.T) * (1 - a * a)
        g = [X.T @ inner, inner.sum(axis=0), a.T @ outer, outer.sum(axis=0)]
        return loss, np.concatenate([part.ravel() for part in g])

    def hessian(theta):
        step = 1e-6 * np.eye(len(theta))
        rise = [
            value_and_gradient(theta + e)[1] - value_and_gradient(theta - e)[1]
            for e in step
        ]
        H = np.array(rise) / 2e-6
        return (H + H.T) / 2

    def start(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        bounds = [(6 / sum(s)) ** 0.5 if len(s) == 2 else 0 for s in shapes]
        pairs = zip(shapes, bounds, strict=True)
        return np.concatenate([rng.uniform(-b, b, s).ravel() for s, b in pairs])

    def stop(intermediate_result) -> None:
        if intermediate_result.fun <= course.target:
            raise StopIteration

    def task() -> None:
        for seed in SEEDS:
            found = minimize(
                value_and_gradient,
                start(seed),
                method=SCIPY[course.solver],
                jac=True,
                hess=hessian if course.solver == "newton" else None,
                callback=stop,
                options={"maxiter": MAX_EPOCHS},
            )
            reached(found.fun, course)

    return task, 1


# ---- the picture --------------------------------------------------------------------

COLOURS = {
    "lamina": "#0072B2",
    "scikit-learn": "#E69F00",
    "PyTorch": "#D55E00",
    "SciPy": "#999999",
}
"""Of Okabe and Ito's palette, which colour-blind people can tell apart."""


def draw(tables: Sequence[Table]) -> None:
    """Milliseconds a fit on a logarithmic scale, libraries at their better threads."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 6.5), layout="constrained")
    place, ticks = 0.0, {}
    for table in tables:
        best = milliseconds(table)
        ticks[table.title.split(",")[0]] = place + (len(best) - 1) / 2
        for library, ms in best.items():
            axes.plot(ms, place, "o", markersize=10, color=COLOURS[library])
            axes.text(ms * 1.12, place, f"{ms:.3g} ms", va="center")
            place += 1
        axes.axhline(place - 0.1, color="#dddddd", linewidth=1)
        place += 0.8
    axes.set_yticks(list(ticks.values()), list(ticks))
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.set_xlabel("milliseconds to the same training loss (further left is faster)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title("Digits 64-32-10; bfgs and newton: wine 13-10-3", loc="left")
    for library, colour in COLOURS.items():
        axes.plot([], [], "o", color=colour, label=library)
    figure.legend(loc="outside lower center", ncols=len(COLOURS), frameon=False)
    figure.savefig(RESULTS / "solvers.png", dpi=130)
    pyplot.close(figure)


def milliseconds(table: Table) -> dict[str, float]:
    """Of each library at its faster number of threads, for one fit."""
    best: dict[str, float] = {}
    for row in table.rows:
        if row.value:
            library = row.name.split(",")[0]
            ms = 1e3 / row.value / len(SEEDS)
            best[library] = min(ms, best.get(library, ms))
    return best
