"""Mutation testing: does a test fail when one line of the source is wrong?

    python tests/mutations/run.py [--workers 2] [learning networks/functional/losses.py
    …]

``<package>.toml`` lists the mutations of a package, by file: a line of the source, what
stands there instead, and the tests that should fail, where they are not those of the
whole file. A mutation is never written to disk. Each runs in a process of its own,
forked from one that has imported the libraries, but nothing of lamina; there the import
of one module finds the mutated source.

A mutation that no test notices has survived: mend the test. Only those under
``equivalent``, which change nothing that could be noticed, may survive, each with its
reason. The exit status is 1 if another one survives, and 2 if a list is stale.
"""

import argparse
import importlib
import importlib.util
import os
import resource
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
TESTS, ROOT = HERE.parent, HERE.parent.parent
PACKAGES = ("learning", "networks", "estimators", "models", "metrics", "data")
LIBRARIES = ("hypothesis", "jax.numpy", "pytest", "scipy.special", "sklearn.metrics")

PROCESSOR_SECONDS, SECONDS = 120, 900
"""A test that hangs has noticed the mutation."""

SURVIVED, INTERRUPTED = 0, 2
"""What pytest returns; it is interrupted where a module cannot be imported."""


class Mutation(NamedTuple):
    """One line of a file of lamina, what stands there instead, and what should fail."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    reason: str | None = None

    @property
    def path(self) -> Path:
        return ROOT / "lamina" / self.file

    @property
    def module(self) -> str:
        return "lamina." + self.file.removesuffix(".py").replace("/", ".")

    def lines(self) -> list[int]:
        """Return the numbers, from 0, of the lines that are ``old``."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return [i for i, line in enumerate(lines) if line.strip() == self.old]

    def source(self) -> str:
        """Return the source of the module with the mutation in it.

        Raises
        ------
        ValueError
            If ``old`` is not exactly one line of the file.
        """
        found = self.lines()
        if len(found) != 1:
            raise ValueError(
                f"mutation list is stale: lamina/{self.file} has {len(found)} lines "
                f"{self.old!r}, but must have one"
            )
        lines = self.path.read_text(encoding="utf-8").splitlines()
        lines[found[0]] = lines[found[0]].replace(self.old, self.new)
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        place = f"lamina/{self.file}:{self.lines()[0] + 1}"
        return f"{place}\n      {self.old}\n    → {self.new}"


def mutations(package: str) -> Iterator[Mutation]:
    """Yield the mutations of a package, in the order of its list."""
    with (HERE / f"{package}.toml").open("rb") as file:
        listed = tomllib.load(file)
    for file, entry in listed.items():
        for old, new, *tests in entry.get("mutations", ()):
            yield Mutation(file, old, new, tuple(tests or entry["tests"]))
        for old, new, reason in entry.get("equivalent", ()):
            yield Mutation(file, old, new, tuple(entry["tests"]), reason)


class Served(SourceFileLoader):
    """Finds one module, and loads another source in its place."""

    def __init__(self, mutation: Mutation):
        super().__init__(mutation.module, str(mutation.path))
        self.code = compile(mutation.source(), str(mutation.path), "exec")

    def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, fullname: str):
        return self.code


class Job:
    """A forked process in which pytest runs."""

    def __init__(self, mutation: Mutation | None, tests: tuple[str, ...]):
        self.mutation, self.started = mutation, time.monotonic()
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            self._run_tests(tests)

    def _run_tests(self, tests: tuple[str, ...]) -> None:
        import pytest

        status = 3
        try:
            os.setsid()
            for stream in (1, 2):
                os.dup2(self.log.fileno(), stream)
            if self.mutation is not None:
                sys.meta_path.insert(0, Served(self.mutation))
                limits = PROCESSOR_SECONDS, PROCESSOR_SECONDS
                resource.setrlimit(resource.RLIMIT_CPU, limits)
            ids = [str(TESTS / one) for one in tests]
            stop = [] if self.mutation is None else ["-x"]
            how = [
                "-q",
                "-m",
                "",
                "-p",
                "no:cacheprovider",
                "-o",
                "strict_config=false",
            ]
            status = int(pytest.main([*ids, *stop, *how, "-p", "no:xdist"]))
        finally:
            sys.stdout.flush()
            os._exit(status)

    def status(self) -> int | None:
        """Return how the process ended, below 0 by a signal; None if it still runs."""
        pid, ended = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(ended)
        if self.mutation and self.seconds() > SECONDS:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            return -signal.SIGKILL
        return None

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def output(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")


def run(jobs: list, workers: int) -> Iterator[tuple[Job, int]]:
    """Run (mutation, tests) side by side; yield each as it ends, with its status."""
    waiting, running = list(jobs), []
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(Job(*waiting.pop(0)))
            time.sleep(0.02)
            for job in tuple(running):
                if (status := job.status()) is not None:
                    running.remove(job)
                    yield job, status
    finally:
        for job in running:
            os.killpg(job.pid, signal.SIGKILL)


def prepare(workers: int) -> None:
    """Import the libraries once; no array is made, so no thread is started."""
    os.environ["LAMINA_TYPECHECK"] = "0"  # its import hook would come first
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.setdefault("PYTEST_XDIST_WORKER_COUNT", str(workers))
    sys.path[:0] = [str(ROOT), str(TESTS)]
    for name in ("conftest", *LIBRARIES):  # conftest first: it sets what JAX reads
        importlib.import_module(name)
    os.chdir(ROOT)


def pass_unmutated(chosen: list[Mutation], workers: int) -> bool:
    """Whether all the tests pass as long as nothing is mutated."""
    tests = sorted({test for mutation in chosen for test in mutation.tests})
    shares = [tuple(tests[i::workers]) for i in range(min(workers, len(tests)))]
    fine = True
    for job, status in run([(None, share) for share in shares], workers):
        if status:
            fine = False
            print(f"tests fail without any mutation:\n{job.output()[-8000:]}")
    return fine


def report(chosen: list[Mutation], workers: int, verbose: bool) -> int:
    """Run mutations, print those that survive, and return how many should not."""
    started = time.monotonic()
    survivors = []
    for job, status in run([(one, one.tests) for one in chosen], workers):
        if status > INTERRUPTED:
            raise RuntimeError(f"no tests were run for {job.mutation}\n{job.output()}")
        if status == SURVIVED:
            survivors.append(job.mutation)
        if verbose:
            word = "killed" if status > SURVIVED else "stopped"
            word = "SURVIVED" if status == SURVIVED else word
            print(f"{word:8} {job.seconds():6.1f} s  {job.mutation}", flush=True)
    unexplained = [one for one in survivors if one.reason is None]
    for one in survivors:
        why = "" if one.reason is None else f"\n      equivalent: {one.reason}"
        print(f"survived: {one}{why}")
    for one in (one for one in chosen if one.reason and one not in survivors):
        print(f"noticed, so it is not equivalent: {one}")
        unexplained.append(one)
    for package in PACKAGES:
        own, alive = (
            [one for one in several if one.file.startswith(f"{package}/")]
            for several in (chosen, survivors)
        )
        if own:
            print(
                f"{package:10} {len(own):4} mutations {len(own) - len(alive):4} killed "
                f"{sum(one.reason is None for one in alive):4} survived "
                f"{sum(one.reason is not None for one in alive):4} equivalent"
            )
    seconds, spent = time.monotonic() - started, os.times()
    processor = spent.children_user + spent.children_system
    print(
        f"{len(chosen)} mutations in {seconds:.0f} s, {workers} at a time; "
        f"{processor:.0f} s of processors, with the tests of the source as it is"
    )
    return len(unexplained)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("only", nargs="*", help="packages or files; all by default")
    parser.add_argument("--workers", type=int, default=2, help="processes [default: 2]")
    parser.add_argument("-v", "--verbose", action="store_true", help="name each one")
    given = parser.parse_args()
    every = [one for package in PACKAGES for one in mutations(package)]
    chosen = [one for one in every if one.file.startswith(tuple(given.only) or "")]
    try:
        for one in chosen:
            one.source()
    except ValueError as error:
        print(error)
        return 2
    prepare(given.workers)
    if not pass_unmutated(chosen, given.workers):
        return 2
    return int(report(chosen, given.workers, given.verbose) > 0)


if __name__ == "__main__":
    sys.exit(main())
