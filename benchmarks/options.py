"""What the command line of the benchmarks can change."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """Settings that every workload gets.

    Parameters
    ----------
    rounds : int
        Rounds of each contender, or repetitions of each measurement.
    budget : float
        Seconds after which a race begins no further round.
    data : Path
        Folder with the four MNIST files (``*-ubyte.gz``).
    """

    rounds: int = 7
    budget: float = 120.0
    data: Path = Path("../shared/data/mnist")
