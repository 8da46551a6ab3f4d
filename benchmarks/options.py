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
    data : Path, optional
        Folder with the four MNIST files (``*-ubyte.gz``).
    """

    rounds: int = 7
    budget: float = 120.0
    data: Path | None = None

    @property
    def mnist(self) -> Path:
        """Folder with the four MNIST files.

        Raises
        ------
        ValueError
            If it is not given, or is not there.
        """
        if self.data is None:
            raise ValueError(
                "--data FOLDER must say where the four MNIST files (*-ubyte.gz) are"
            )
        if not self.data.is_dir():
            raise ValueError(f"--data {self.data}: there is no such folder")
        return self.data
