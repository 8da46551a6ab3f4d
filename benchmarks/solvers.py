"""Solver by solver: seconds until the training loss has fallen to the same value.

Every fit starts from fresh Glorot-uniform weights of a tanh network with softmax cross
entropy, no penalty, and ends as soon as the loss of an epoch (mini-batches) or of an
iterate (whole batches) is at the target. A library that cannot stop there is told how
many epochs it needs, which a run before the race found out. Three seeds make a task.
SciPy computes in double precision, all others in single.

Where there is a rate, each library has the one at which it needs the fewest epochs.
``python -m benchmarks.solvers --grid`` looks for it and writes ``solver_rates``: an
epoch takes as long at one rate as at another, so that nothing needs to be timed.
"""

import argparse
import itertools
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from benchmarks.arena import Contender, race
from benchmarks.machine import thread_counts
from benchmarks.options import Options
from benchmarks.report import (
    RESULTS,
    Claim,
    Report,
    Row,
    Table,
    print_report,
    race_table,
)

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

COURSES = {
    "sgd": (Course(**DIGITS, solver="sgd", batch_size=100), "sklearn torch"),
    "adam": (Course(**DIGITS, solver="adam", batch_size=100), "sklearn torch"),
    "rmsprop": (Course(**DIGITS, solver="rmsprop", batch_size=100), "torch"),
    "rprop": (Course(**DIGITS, solver="rprop"), "torch"),
    "lbfgs": (Course(**DIGITS, solver="lbfgs"), "sklearn torch scipy"),
    "cg": (Course(**DIGITS, solver="cg"), "scipy"),
    "bfgs": (Course(**WINE, solver="bfgs"), "scipy"),
    "newton": (Course(**WINE, solver="newton"), "scipy"),
}
NAMES = {
    "lamina": "lamina",
    "sklearn": "scikit-learn",
    "torch": "PyTorch",
    "scipy": "SciPy",
}
SCIPY = {
    "lbfgs": ("L-BFGS-B",),
    "cg": ("CG",),
    "bfgs": ("BFGS",),
    "newton": ("Newton-CG", "trust-exact"),
}
"""Newton's method is two in SciPy: "Newton-CG" takes products with the Hessian from
differences of gradients, "trust-exact" gets the matrix itself."""

GRID = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
GRID_EPOCHS = 300
RATES = {
    "sgd": {"lamina": 1.0, "sklearn": 1.0, "torch": 1.0},
    "adam": {"lamina": 0.1, "sklearn": 0.1, "torch": 0.1},
    "rmsprop": {"lamina": 0.03, "torch": 0.01},
    "rprop": {"lamina": 0.03, "torch": 0.03},
}
"""Each library's best of the grid; the grid's report checks that they are."""


def run(options: Options) -> Report:
    """All courses, a table each, and an image of them all."""
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
    own = asdict(at_its_rate(course, "lamina"))
    found = [Contender("lamina", f"{__name__}:lamina_task", own)]
    for rival in rivals.split():
        settings = asdict(at_its_rate(course, rival))
        methods = SCIPY[course.solver] if rival == "scipy" else ("",)
        for method, threads in itertools.product(methods, thread_counts()):
            cap = {
                "OMP_NUM_THREADS": str(threads),
                "OPENBLAS_NUM_THREADS": str(threads),
            }
            name = f"{NAMES[rival]} {method}" if len(methods) > 1 else NAMES[rival]
            label = f"{name}, {threads} thread{'s' if threads > 1 else ''}"
            own = settings | ({"method": method} if method else {})
            found.append(Contender(label, f"{__name__}:{rival}_task", own, cap))
    return found


def at_its_rate(course: Course, library: str) -> Course:
    """Return the course with the rate that is best for a library."""
    rates = RATES.get(course.solver)
    return replace(course, rate=rates[library]) if rates else course


# ---- the grid of rates --------------------------------------------------------------


def grid() -> Report:
    """Epochs that each library needs at each rate, all seeds together."""
    tables = []
    for name in RATES:
        course, rivals = COURSES[name]
        for library in ("lamina", *rivals.split()):
            tables.append(grid_table(course, library))
    return Report("solver_rates", "Rates: epochs to the same loss", tables)


def grid_table(course: Course, library: str) -> Table:
    """One library with one solver, at all rates."""
    needed = {rate: all_epochs(replace(course, rate=rate), library) for rate in GRID}
    rows = [
        Row(f"{rate:g}", None, note=f"not within {GRID_EPOCHS} epochs")
        if math.isinf(epochs)
        else Row(f"{rate:g}", epochs)
        for rate, epochs in needed.items()
    ]
    used = RATES[course.solver][library]
    title = f"{course.solver}, {NAMES[library]}"
    claim = Claim(
        f"{title}: epochs at {used:g} ÷ fewest",
        needed[used] / min(needed.values()),
        1.0,
        at_least=False,
    )
    print(title, *(f"{rate:g}: {n:g}" for rate, n in needed.items()), flush=True)
    return Table(title, f"epochs, {len(SEEDS)} seeds", rows, [claim])


def all_epochs(course: Course, library: str) -> float:
    """Return the epochs of all seeds, infinite if one does not get to the target."""
    total = 0.0
    for seed in SEEDS:
        total += EPOCHS[library](course, seed)
        if math.isinf(total):
            break
    return total


def lamina_epochs(course: Course, seed: int) -> float:
    """Epochs that lamina needs."""
    X, y = course.load()
    model = lamina_model(course, GRID_EPOCHS).set_params(random_state=seed).fit(X, y)
    return model.n_iter_ if model.loss_ <= course.target else math.inf


def sklearn_epochs(course: Course, seed: int) -> float:
    """Epochs that scikit-learn needs."""
    X, y = course.load()
    try:
        return epochs_needed(sklearn_model(course), seed, X, y, course, GRID_EPOCHS)
    except ValueError:  # its weights are not finite any more
        return math.inf


def torch_epochs(course: Course, seed: int) -> float:
    """Epochs that PyTorch needs."""
    import torch

    torch.set_num_threads(1)
    X, y = map(torch.from_numpy, course.load())
    model = torch_network(course, X, y, seed)
    epochs, loss = torch_first_order(course, model, X, y, GRID_EPOCHS)
    return epochs if loss <= course.target else math.inf


EPOCHS = {"lamina": lamina_epochs, "sklearn": sklearn_epochs, "torch": torch_epochs}


def reached(loss: float, course: Course) -> None:
    """Refuse a run that did not get to the target."""
    if not loss <= course.target * (1 + 1e-6):
        raise RuntimeError(f"ended at a loss of {loss:.3g}, above {course.target:g}")


# ---- the contenders -----------------------------------------------------------------


def lamina_model(course: Course, epochs: int = MAX_EPOCHS):
    """An estimator that ends at the target."""
    from lamina import SGD, Adam, LossBelow, MLPClassifier, RMSProp, Rprop

    solvers = {"sgd": SGD, "adam": Adam, "rmsprop": RMSProp, "rprop": Rprop}
    by_rate = solvers.get(course.solver)
    return MLPClassifier(
        (course.hidden,),
        "tanh",
        solver=by_rate(course.rate) if by_rate else course.solver,
        stopping=[LossBelow("loss", course.target)],
        alpha=0.0,
        batch_size=course.batch_size or "full",
        max_iter=epochs,
    )


def lamina_task(**settings) -> tuple[Task, int]:
    """Fits by lamina that end at the target."""
    course = Course(**settings)
    X, y = course.load()
    model = lamina_model(course)

    def task() -> None:
        for seed in SEEDS:
            reached(model.set_params(random_state=seed).fit(X, y).loss_, course)

    return task, 1


def sklearn_model(course: Course):
    """An estimator that stops at nothing but its epochs."""
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        (course.hidden,),
        "tanh",
        solver=course.solver,
        learning_rate_init=course.rate or 0.001,
        momentum=0.0,
        alpha=0.0,
        batch_size=course.batch_size or len(course.load()[0]),
        tol=0.0,
        n_iter_no_change=MAX_EPOCHS,
        max_iter=MAX_EPOCHS,
        max_fun=10**6,
    )


def sklearn_task(**settings) -> tuple[Task, int]:
    """Fits by scikit-learn of as many epochs as each seed needs."""
    course = Course(**settings)
    X, y = course.load()
    model = sklearn_model(course)
    needed = (epochs_needed(model, seed, X, y, course, MAX_EPOCHS) for seed in SEEDS)
    epochs = [min(number, MAX_EPOCHS) for number in needed]

    def task() -> None:
        for seed, most in zip(SEEDS, epochs, strict=True):
            model.set_params(random_state=seed, max_iter=most).fit(X, y)
            reached(model.loss_, course)

    return task, 1


def epochs_needed(model, seed: int, X, y, course: Course, limit: int) -> float:
    """Fewest epochs after which scikit-learn's loss is at the target."""
    if course.solver != "lbfgs":
        for most in sorted({min(most, limit) for most in (50, 200, 800, limit)}):
            curve = model.set_params(random_state=seed, max_iter=most).fit(X, y)
            at = np.flatnonzero(np.array(curve.loss_curve_) <= course.target)
            if len(at):
                return int(at[0]) + 1
        return math.inf
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
    fit = torch_whole if course.solver == "lbfgs" else torch_first_order

    def task() -> None:
        for seed in SEEDS:
            model = torch_network(course, X, y, seed)
            _, loss = fit(course, model, X, y, MAX_EPOCHS)
            reached(loss, course)

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


def torch_first_order(course: Course, model, X, y, limit: int) -> tuple[int, float]:
    """Epochs of a first-order solver; return how many, and the last one's mean loss."""
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
    mean, epochs = math.inf, 0
    for _ in range(limit):
        epochs += 1
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
        if mean <= course.target or math.isnan(mean):
            break
    return epochs, mean


def torch_whole(course: Course, model, X, y, limit: int) -> tuple[int, float]:
    """Calls of L-BFGS, of several steps each; return how many, and the last loss."""
    import torch
    from torch.nn.functional import cross_entropy

    solver = torch.optim.LBFGS(
        model.parameters(), max_iter=5, history_size=10, line_search_fn="strong_wolfe"
    )
    last, calls = math.inf, 0

    def closure():
        nonlocal last
        solver.zero_grad()
        loss = cross_entropy(model(X), y)
        loss.backward()
        last = float(loss)
        return loss

    for _ in range(limit):
        calls += 1
        solver.step(closure)
        if last <= course.target:
            break
    return calls, last


def scipy_task(method: str, **settings) -> tuple[Task, int]:
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
                method=method,
                jac=True,
                hess=hessian if method == "trust-exact" else None,
                callback=stop,
                options={"maxiter": MAX_EPOCHS},
            )
            reached(found.fun, course)

    return task, 1


# ---- the image --------------------------------------------------------------------

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
            library = row.name.split(",")[0].split()[0]
            ms = 1e3 / row.value / len(SEEDS)
            best[library] = min(ms, best.get(library, ms))
    return best


def main() -> int:
    """Run the grid; 1 if a rate in use is not the best."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.solvers",
        description="Look for each library's best rates. The race itself is "
        "python -m benchmarks solvers.",
    )
    parser.add_argument("--grid", action="store_true", required=True)
    parser.parse_args()
    warnings.simplefilter("ignore")  # of fits that do not get to the target
    report = grid()
    report.save()
    print_report(report)
    return int(not all(claim.kept for claim in report.claims))


if __name__ == "__main__":
    sys.exit(main())
