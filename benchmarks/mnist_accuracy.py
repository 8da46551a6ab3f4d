"""MNIST: the accuracy that lecture deck 002 gives for a network of two layers.

784 inputs, one hidden layer, ten outputs, dropout on inputs and hidden units. The four
files are read from the folder that ``--data`` names; this repository has none of them.
"""

import gzip
import struct
import time
from pathlib import Path

import numpy as np

from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table

ACCURACY = 0.982
HIDDEN, EPOCHS, BATCH, RATE = 800, 30, 128, 0.1
DROPOUT, INPUT_DROPOUT = 0.5, 0.2


def run(options: Options) -> Report:
    """Train once on the 60,000 images, score on the 10,000."""
    from lamina import SGD, MLPClassifier

    X, y = read_pair(options.mnist, "train")
    X_test, y_test = read_pair(options.mnist, "t10k")
    model = MLPClassifier(
        (HIDDEN,),
        solver=SGD(RATE, momentum=0.9),
        batch_size=BATCH,
        max_iter=EPOCHS,
        alpha=0.0,
        tol=0.0,
        n_iter_no_change=EPOCHS,
        dropout=DROPOUT,
        input_dropout=INPUT_DROPOUT,
        random_state=0,
    )
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    accuracy = float(np.mean(model.predict(X_test) == y_test))
    score = Table(
        f"784-{HIDDEN}-10, {EPOCHS} epochs of batches of {BATCH}",
        "",
        [
            Row("test accuracy", accuracy),
            Row("training time in s, compilation included", seconds),
            Row("training images/s", len(X) * EPOCHS / seconds),
        ],
        [Claim("test accuracy", accuracy, ACCURACY)],
    )
    return Report("mnist_accuracy", "MNIST with a network of two layers", [score])


def read_pair(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images as rows of numbers in [0, 1], and their digits."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    digits = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    return images.reshape(len(images), -1).astype(np.float32) / 255, digits


def read_idx(path: Path) -> np.ndarray:
    """Read one file of the IDX format: magic number, sizes, bytes.

    Raises
    ------
    FileNotFoundError
        If the file is missing; the message says how to name another folder.
    ValueError
        If the file holds anything but unsigned bytes of the announced number.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; name its folder with --data")
    content = gzip.decompress(path.read_bytes())
    kind, dimensions = struct.unpack_from(">xxBB", content)
    if kind != 0x08:
        raise ValueError(f"{path}: expected unsigned bytes (8), got type {kind}")
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions)
    if values.size != np.prod(shape):
        raise ValueError(f"{path}: announces {shape}, holds {values.size} bytes")
    return values.reshape(shape)
