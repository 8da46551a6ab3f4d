"""Images: memory of reading and learning from 50,000 files, and speed of decoding.

The files are JPEGs of 96 × 96 made here, in a temporary folder: ten classes, told by
their colour. Memory is that of a whole process, Python and JAX included, which is why
this module is also a program: ``python -m benchmarks.images fit FOLDER`` prints one
line of JSON. Decoding is raced on the first 5,000 files, brought to 64 × 64 by all.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.arena import ROOT, Contender, race
from benchmarks.fitting import Task
from benchmarks.machine import thread_counts
from benchmarks.memory import MB, resident
from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table, race_table

FILES, CLASSES, SIDE = 50_000, 10, 96
RACED, SMALL = 5_000, 64
MOST_MB = 1.5 * 2**30 / MB
LEAST_RATIO = 1.0
BATCH = 128


def run(options: Options) -> Report:
    """Write the files, measure memory, race the readers."""
    with tempfile.TemporaryDirectory(prefix="lamina-images-") as folder:
        large, small = Path(folder) / "large", Path(folder) / "small"
        write_files(large, FILES)
        write_files(small, RACED)
        memory = memory_table(large)
        laps = race(contenders(small), options.rounds, options.budget)
    title = f"{RACED:,} JPEGs of {SIDE} × {SIDE}, decoded and brought to {SMALL}"
    speed = race_table(title, "images/s", laps, LEAST_RATIO)
    return Report("images", "Images from files", [memory, speed])


def write_files(folder: Path, n: int) -> None:
    """Write n images, one sub-folder a class: soft blotches around a class's hue."""
    from PIL import Image

    for k in range(CLASSES):
        (folder / f"class{k}").mkdir(parents=True)
    hues = np.random.default_rng(0).integers(60, 196, (CLASSES, 3))

    def write(number: int) -> None:
        blotches = np.random.default_rng(number).normal(0, 40, (12, 12, 3))
        values = np.clip(blotches + hues[number % CLASSES], 0, 255).astype(np.uint8)
        image = Image.fromarray(values).resize((SIDE, SIDE))
        place = folder / f"class{number % CLASSES}" / f"{number:06}.jpg"
        image.save(place, quality=85)

    with ThreadPoolExecutor() as pool:
        for start in range(0, n, 1000):
            list(pool.map(write, range(start, min(start + 1000, n))))


# ---- memory -------------------------------------------------------------------------


def memory_table(folder: Path) -> Table:
    """Peak of a process that reads all files, and of one that learns from them too."""
    rows, claims = [], []
    for what, title in (("read", "reading"), ("fit", "reading and one epoch")):
        found = measure(what, folder)
        note = f"{found['seconds']:.0f} s, images {found['bytes'] / MB:.0f} MB"
        rows.append(Row(title, found["peak"], note=note))
        text = f"peak of {title} in MB"
        claims.append(Claim(text, found["peak"], MOST_MB, at_least=False))
    title = f"{FILES:,} JPEGs of {SIDE} × {SIDE}: peak of the whole process"
    return Table(title, "MB", rows, claims)


def measure(what: str, folder: Path) -> dict[str, float]:
    """Run one measurement in a new process."""
    command = [sys.executable, "-m", "benchmarks.images", what, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{what} failed: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def read(folder: str) -> dict[str, float]:
    """Read the files, and then all images in random order, a batch at a time."""
    from lamina.data import read_image_folder

    images = read_image_folder(folder)
    order = np.random.default_rng(0).permutation(len(images))
    for start in range(0, len(order), BATCH):
        images.X[order[start : start + BATCH]]
    return {"bytes": float(images.X.nbytes)}


def fit(folder: str) -> dict[str, float]:
    """Read the files and train a convolutional network on them, for one epoch."""
    from lamina import AveragePool, Conv, ConvNetClassifier
    from lamina.data import read_image_folder

    images = read_image_folder(folder)
    layers = [Conv(8, 5, stride=4), AveragePool(4)]  # memory is asked for, not skill
    model = ConvNetClassifier(layers, batch_size=BATCH, max_iter=1, random_state=0)
    model.fit(images.X, images.y)
    return {"bytes": float(images.X.nbytes)}


# ---- speed --------------------------------------------------------------------------


@dataclass(frozen=True)
class Files:
    """The images of a folder in the order of their names."""

    paths: list[str]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> np.ndarray:
        return decoded(self.paths[number])


def decoded(path: str) -> np.ndarray:
    """One image as one reads it with Pillow, as torchvision does too."""
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB").resize((SMALL, SMALL), Image.Resampling.BILINEAR)
    return np.asarray(small)


def files_of(folder: str) -> Files:
    """All files below a folder."""
    return Files(sorted(str(path) for path in Path(folder).rglob("*.jpg")))


def contenders(folder: Path) -> list[Contender]:
    """Lamina, a loop over Pillow, threads over it, and PyTorch's loader."""
    where = {"folder": str(folder)}
    entrants = [
        Contender("lamina", f"{__name__}:lamina_read", where),
        Contender("Pillow, a loop", f"{__name__}:pillow_loop", where),
        Contender("Pillow, a pool of threads", f"{__name__}:pillow_pool", where),
    ]
    for workers in thread_counts():
        plural = "es" if workers > 1 else ""
        name = f"PyTorch's DataLoader, {workers} process{plural}"
        settings = {**where, "workers": workers}
        entrants.append(Contender(name, f"{__name__}:torch_loader", settings))
    return entrants


def lamina_read(folder: str) -> tuple[Task, int]:
    """``read_image_folder``; the size is told, the colours are looked for."""
    from lamina.data import read_image_folder

    return lambda: read_image_folder(folder, size=SMALL, resize="stretch"), RACED


def pillow_loop(folder: str) -> tuple[Task, int]:
    """One image after the other."""
    files = files_of(folder)
    return lambda: np.stack([decoded(path) for path in files.paths]), RACED


def pillow_pool(folder: str) -> tuple[Task, int]:
    """The same in as many threads as there are processors."""
    files, pool = files_of(folder), ThreadPoolExecutor(os.cpu_count())
    return lambda: np.stack(list(pool.map(decoded, files.paths))), RACED


def torch_loader(folder: str, workers: int) -> tuple[Task, int]:
    """Batches from worker processes, which are kept between the rounds."""
    import torch
    from torch.utils.data import DataLoader

    loader = DataLoader(
        files_of(folder),  # type: ignore[arg-type]
        batch_size=BATCH,
        num_workers=workers,
        persistent_workers=True,
        collate_fn=lambda images: torch.from_numpy(np.stack(images)),
    )
    return lambda: torch.cat(list(loader)), RACED


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    found = {"read": read, "fit": fit}[sys.argv[1]](sys.argv[2])
    found["seconds"] = time.perf_counter() - start
    found["peak"] = resident("VmHWM") / MB
    print(json.dumps(found))
