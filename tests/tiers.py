"""The two tiers of the tests, and the time that a test of the fast one may take.

Unmarked tests are the fast tier, which ``make test`` runs: a tenth of a second each, so
that somebody waits for all of them. What is marked ``slow`` trains until it has learnt
something, starts processes, or asks of every case what the fast tier asks of one of
each kind.

A test of the fast tier that computes for longer than ``SECONDS`` fails. What counts is
processor time, that of finished child processes included: another program on the
machine must not fail a test. Setting up and running are held to the limit each for
itself, for the first of several tests sets up what they share.
"""

import os
from collections.abc import Callable, Collection, Iterable
from typing import Any

import pytest

SECONDS = float(os.environ.get("LAMINA_TEST_SECONDS", "5"))


def in_tiers(
    cases: Iterable, fast: Collection[str], name: Callable[[Any], str] = str
) -> list:
    """Return cases as parameters by their names; those not named ``fast`` are slow."""
    return [
        pytest.param(
            case, id=name(case), marks=[pytest.mark.slow] * (name(case) not in fast)
        )
        for case in cases
    ]


def processor_seconds() -> float:
    """Return what this process and its finished children have computed so far."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


class Stopwatch:
    """Fails what computes for longer than ``seconds`` and is not marked slow."""

    def __init__(self, seconds: float = SECONDS):
        self.seconds, self.since = seconds, 0.0

    def pytest_runtest_logstart(self):
        self.since = processor_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item):
        spent = processor_seconds() - self.since
        report = yield
        late = spent > self.seconds and not item.get_closest_marker("slow")
        if late and report.passed and report.when != "teardown":
            report.outcome = "failed"
            report.longrepr = (
                f"{item.nodeid}: {report.when} took {spent:.1f} s of processor time, "
                f"and a test that is not marked slow may take {self.seconds:g} s: let "
                "it do less, or mark it"
            )
        self.since = processor_seconds()
        return report
