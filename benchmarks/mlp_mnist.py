"""A net of 784-256-128-10 units on 12,800 rows: where arithmetic decides."""

from benchmarks.arena import race
from benchmarks.fitting import Workload, contenders
from benchmarks.options import Options
from benchmarks.report import Report, race_table

ROWS = 12_800
# Batch size and the ratio to the fastest rival that lamina promises.
PROMISES = {128: 1.2, ROWS: 1.2}


def run(options: Options) -> Report:
    """Whole fits of five epochs, with mini-batches of 128 and with the full batch."""
    tables = []
    for batch_size, bound in PROMISES.items():
        workload = Workload(ROWS, 784, (256, 128), 10, batch_size, epochs=5)
        laps = race(contenders(workload), options.rounds, options.budget)
        batch = "full batch" if batch_size == ROWS else f"batch {batch_size}"
        title = f"784-256-128-10, {batch}, fit of 5 epochs over 12,800 rows"
        tables.append(race_table(title, "samples/s", laps, bound))
    title = "MNIST-sized multi-layer perceptron: whole fits"
    return Report("mlp_mnist", title, tables)
