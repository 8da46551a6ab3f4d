"""A net of 8-16-3 units on 1,000 rows: where overhead, not arithmetic, decides."""

from benchmarks.arena import race
from benchmarks.fitting import Workload, contenders
from benchmarks.options import Options
from benchmarks.report import Report, race_table

# Batch size and the ratio to the fastest rival that lamina promises.
PROMISES = {1: 60.0, 32: 10.0}


def run(options: Options) -> Report:
    """Whole fits of ten epochs, online and with mini-batches of 32."""
    tables = []
    for batch_size, bound in PROMISES.items():
        workload = Workload(1000, 8, (16,), 3, batch_size, epochs=10)
        laps = race(contenders(workload), options.rounds, options.budget)
        title = f"8-16-3, batch {batch_size}, fit of 10 epochs over 1,000 rows"
        tables.append(race_table(title, "samples/s", laps, bound))
    return Report("mlp_small", "Small multi-layer perceptron: whole fits", tables)
