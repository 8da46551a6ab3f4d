"""Contenders side by side, so that a ratio means something on a shared machine.

Every contender lives in a warm process of its own; rounds alternate between them; a
round during which other programs took processor time is repeated; medians are kept.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ATTEMPTS = 6  # how often one disturbed round is repeated
PATIENCE = 20.0  # seconds to wait for other programs to fall silent
FOREIGN_SHARE = 0.10  # cores that other programs may take during a round
CLOCK_NOISE = 0.03  # seconds that the kernel's tick counters may be off


@dataclass(frozen=True)
class Contender:
    """A way to do the work: who, the factory that prepares it, and its settings."""

    name: str
    factory: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Lap:
    """What was measured of one contender."""

    name: str
    units: float = 0.0
    seconds: list[float] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)
    disturbed: int = 0
    failure: str = ""

    @property
    def rate(self) -> float:
        """Units of work per second in the median round; 0 for a failure."""
        return self.units / statistics.median(self.seconds) if self.seconds else 0.0

    @property
    def spread(self) -> tuple[float, float]:
        """Rates of the slowest and of the fastest round."""
        if not self.seconds:
            return 0.0, 0.0
        return self.units / max(self.seconds), self.units / min(self.seconds)


def race(contenders: Sequence[Contender], rounds: int, budget: float) -> list[Lap]:
    """Run alternating rounds of all contenders.

    Parameters
    ----------
    contenders : sequence of Contender
        Who takes part. One that cannot start is reported as a failure, not dropped.
    rounds : int
        Rounds for each contender.
    budget : float
        Seconds after which no further round is begun; every contender has at least
        one.

    Returns
    -------
    list of Lap
        In the order of the contenders.
    """
    laps = [Lap(contender.name) for contender in contenders]
    with contextlib.ExitStack() as stack:
        racers = [stack.enter_context(Racer(one)) for one in contenders]
        for racer, lap in zip(racers, laps, strict=True):
            racer.wait_until_ready(lap)
        deadline = time.monotonic() + budget
        for number in range(rounds):
            if number and time.monotonic() > deadline:
                break
            for racer, lap in zip(racers, laps, strict=True):
                if not lap.failure:
                    run_round(racer, lap, deadline)
    return laps


def run_round(racer: "Racer", lap: Lap, deadline: float) -> None:
    """Run one round; again, while others disturbed it and there is time."""
    for attempt in range(ATTEMPTS):
        wait_for_silence()
        before, start = busy_seconds(), time.perf_counter()
        result = racer.call()
        if "seconds" not in result:
            lap.failure = result["failed"]
            return
        wall = time.perf_counter() - start
        foreign = (busy_seconds() - before - result["busy"]) / wall
        quiet = foreign < FOREIGN_SHARE + CLOCK_NOISE / wall
        if quiet or attempt == ATTEMPTS - 1 or time.monotonic() > deadline:
            lap.disturbed += not quiet
            break
    lap.seconds.append(result["seconds"])
    lap.cores.append(result["busy"] / result["seconds"])


class Racer:
    """The process of one contender."""

    def __init__(self, contender: Contender):
        self.contender = contender
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        arguments = json.dumps(dict(contender.arguments))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", contender.factory, arguments],
            cwd=ROOT,
            env={**os.environ, **contender.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def __enter__(self) -> "Racer":
        return self

    def __exit__(self, *exception) -> None:
        with contextlib.suppress(BrokenPipeError):  # it may have died
            self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def wait_until_ready(self, lap: Lap) -> None:
        """Wait for the end of the warm-up; note the units of work, or the failure."""
        message = self.receive()
        lap.units = message.get("units", 0.0)
        lap.failure = message.get("failed", "")

    def call(self) -> dict:
        """Let the contender run its task once."""
        try:
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"failed": self.last_words()}
        return self.receive()

    def receive(self) -> dict:
        """Read one answer; a process that died answers with what it said last."""
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"failed": self.last_words()}

    def last_words(self) -> str:
        """Last line that the process wrote to standard error."""
        self.log.seek(0)
        lines = self.log.read().strip().splitlines()
        return lines[-1] if lines else "ended without a word"


def busy_seconds() -> float:
    """Processor seconds that all programs together have used since the start.

    Only Linux tells; elsewhere 0, and no round counts as disturbed.
    """
    try:
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(field) for field in file.readline().split()[1:9]]
    except OSError:
        return 0.0
    idle, waiting = ticks[3], ticks[4]
    return (sum(ticks) - idle - waiting) / os.sysconf("SC_CLK_TCK")


def wait_for_silence(patience: float = PATIENCE, window: float = 0.12) -> None:
    """Return when nothing else runs, or when patience is at its end."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = busy_seconds()
        time.sleep(window)
        if busy_seconds() - before <= 0.02:
            return
