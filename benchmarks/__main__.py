"""Run workloads and print what they found: ``python -m benchmarks [NAME ...]``."""

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks.options import Options
from benchmarks.report import Report, print_report

WORKLOADS = (
    "mlp_small",
    "mlp_mnist",
    "predict",
    "convolution",
    "recurrent",
    "rbm",
    "autoencoder",
    "pretraining",
    "mnist_samples",
    "cold_start",
    "memory",
    "sparse",
    "images",
    "mnist_accuracy",
    "mnist_convnet",
    "long_lag",
    "sequences",
    "agreement",
    "solvers",
    "levenberg_marquardt",
    "damping",
)


def main() -> int:
    """Run the workloads that were asked for; 1 if one failed or missed its promise."""
    names, options = parse()
    reports, failures = [], {}
    for name in names:
        print(f"Running {name} ...", flush=True)
        try:
            report = importlib.import_module(f"benchmarks.{name}").run(options)
        except Exception as error:
            failures[name] = f"{type(error).__name__}: {error}"
            print(f"  failed: {failures[name]}", flush=True)
            continue
        report.save()
        print_report(report)
        reports.append(report)
    print_summary(reports, failures)
    kept = all(claim.kept for report in reports for claim in report.claims)
    return int(bool(failures) or not kept)


def parse() -> tuple[list[str], Options]:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=Options.rounds)
    parser.add_argument("--budget", type=float, default=Options.budget, metavar="S")
    parser.add_argument("--data", type=Path, default=Options.data, metavar="FOLDER")
    given = parser.parse_args()
    for name in given.names:
        if name not in WORKLOADS:
            parser.error(f"no workload {name!r}; there are {', '.join(WORKLOADS)}")
    if given.rounds < 1:
        parser.error("--rounds must be at least 1")
    options = Options(given.rounds, given.budget, given.data)
    return given.names or list(WORKLOADS), options


def print_summary(reports: list[Report], failures: dict[str, str]) -> None:
    """All promises in one list."""
    print("Summary\n=======")
    for report in reports:
        for claim in report.claims:
            print(f"  {'✓' if claim.kept else '✗'} {report.workload}: {claim}")
    for name, reason in failures.items():
        print(f"  ✗ {name}: {reason}")


if __name__ == "__main__":
    sys.exit(main())
