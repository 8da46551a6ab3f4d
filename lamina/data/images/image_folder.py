"""A folder of images, with one subfolder per class."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.images.decoding import FOREIGN, is_image_name
from lamina.data.images.image_files import (
    Reading,
    frequencies,
    read_files,
    skipped_note,
)
from lamina.data.images.image_set import ImageSet, counted, listed
from lamina.data.images.images import ImageError

_IDX = "-idx3-ubyte"
#: A listed folder may have vanished when it is opened, as often in /proc.
_VANISHED = (FileNotFoundError, NotADirectoryError, ProcessLookupError)
#: Files that file managers leave behind.
_LITTER = ("thumbs.db", "desktop.ini", "__macosx")


def read_image_folder(
    path: str | os.PathLike[Any], *, labels: bool | None = None, **options: Any
) -> ImageSet:
    """Read the images of a folder.

    Either with one subfolder per class, in which images may be nested deeper, or
    without labels.

    Parameters
    ----------
    path : path
        Hidden files and files without an image extension are skipped and counted.
        Symbolic links are followed, also out of the folder, as selections are often
        made of links; no folder is read twice within a class, so cycles of links end.
    labels : bool, optional
        Whether the names of the subfolders are labels; by default if there are images
        in subfolders. False reads all images, wherever they are.
    size : int or (height, width), optional
        By default the size of the images if it is the same for all and at most 128,
        otherwise their median height and width, at most 128, in multiples of 8.
    channels : {1, 3}, optional
        Grey or colour; by default grey if all files are grey by their format.
    resize : {"letterbox", "stretch", "crop"}, default="letterbox"
        How to treat other aspect ratios: see `ImageSchema`.
    errors : {"raise", "skip"}, default="raise"
        Whether files that cannot be read raise an error, or are skipped and listed.
    progress : callable, optional
        ``progress(done, total)``, called a few times per second while decoding.
    threads : int, optional
        By default the number of processors.

    Returns
    -------
    ImageSet
        In the order of the paths; `y` holds the names of the subfolders.

    Raises
    ------
    ImageError
        Not a folder, no images, files that cannot be read, class names that differ only
        in case, or a class without readable files.

    Notes
    -----
    PNG, JPEG, BMP, GIF, WebP, TIFF and PPM are supported; of several images in a file
    the first is read. The camera's orientation is applied, transparency becomes white,
    palettes and CMYK become RGB, and of 16-bit values the upper 8 bits are kept.
    """
    reading = Reading(**options)
    found = _Found(Path(path))
    if labels is None:
        labels = any(files for name, files in found.classes.items() if name)
    files = found.files(labels)
    if not files:
        raise ImageError(_nothing(found, labels))
    paths = [file for _, file in files]
    names = [_inside(file, found.folder) for file in paths]
    read = read_files(paths, names, str(path), reading)
    y = np.array([files[row][0] for row in read.rows], dtype=object)
    if labels:
        _check_each_class(found, y, str(path))
    return ImageSet(
        read.X,
        y if labels else None,
        [names[row] for row in read.rows],
        read.schema,
        str(path),
        task="classification" if labels else None,
        notes=read.notes + found.notes(labels) + skipped_note(read.skipped),
        skipped=read.skipped,
    )


@dataclass
class _Found:
    """Contents of a folder: images by first-level subfolder ("" for the folder itself),
    and what is skipped."""

    folder: Path
    classes: dict[str, list[Path]] = field(default_factory=dict)
    hidden: int = 0
    others: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    outside: int = 0

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            what = "is not a folder" if self.folder.exists() else "no such folder"
            raise ImageError(f"{self.folder}: {what}")
        self._root = os.path.realpath(self.folder)
        images = defaultdict(list)
        images[""] = []
        for entry in self._entries(self.folder):
            if _is_folder(entry):
                images[as_text(entry.name)] = sorted(self._inside(Path(entry.path)))
            elif self._is_image(entry):
                images[""].append(Path(entry.path))
        self.classes = dict(images)

    def _entries(self, folder: Path) -> Iterator[os.DirEntry]:
        """Yield entries that are not hidden, ordered by name."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except _VANISHED:
            return
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _LITTER:
                self.hidden += 1
                continue
            if entry.is_symlink():
                real = os.path.realpath(entry.path)
                self.outside += not real.startswith(self._root + os.sep)
            yield entry

    def _inside(self, top: Path) -> Iterator[Path]:
        """Yield all images below a folder; each folder is read once, the root never."""
        seen, folders = {_identity(self.folder)}, [top]
        while folders:
            folder = folders.pop()
            identity = _identity(folder)
            if identity is None or identity in seen:
                continue
            seen.add(identity)
            for entry in self._entries(folder):
                if _is_folder(entry):
                    folders.append(Path(entry.path))
                elif self._is_image(entry):
                    yield Path(entry.path)

    def _is_image(self, entry: os.DirEntry) -> bool:
        if is_image_name(entry.name):
            return True  # also a broken link: its name promises an image
        suffix = Path(entry.name).suffix.lower()
        if suffix in FOREIGN:
            self.foreign.append(suffix)
        else:
            self.others.append(suffix or "without extension")
        return False

    def files(self, labels: bool) -> list[tuple[str, Path]]:
        """Return (first-level subfolder, file), in the order of the paths."""
        taken = {k: v for k, v in self.classes.items() if k or not labels}
        if labels:
            _refuse_twins([name for name, files in taken.items() if files])
        pairs = [(name, file) for name, files in taken.items() for file in files]
        return sorted(pairs, key=lambda pair: pair[1].parts)

    def notes(self, labels: bool) -> list[str]:
        """Return notes on skipped files and followed links."""
        notes = []
        beside = [file.name for file in self.classes[""]]
        if labels and beside:
            notes.append(
                f"{counted(len(beside), 'image', 'is', 'are')} outside the class "
                f"folders, without a label, and skipped: {listed(beside)}"
            )
        empty = [name for name, files in self.classes.items() if name and not files]
        if labels and empty:
            notes.append(f"folders without images are not classes: {listed(empty)}")
        if labels and sum(map(bool, self.classes.values())) - bool(beside) == 1:
            notes.append("there is only one class")
        if self.foreign:
            foreign = counted(len(self.foreign), "image")
            notes.append(
                f"{foreign} of an unsupported format and skipped: "
                f"{frequencies(self.foreign)}; save them as JPEG or PNG"
            )
        if self.others:
            notes.append(
                f"{counted(len(self.others), 'file')} not of an image format and "
                f"skipped: {frequencies(self.others)}"
            )
        if self.outside:
            links = counted(self.outside, "link", "points", "point")
            notes.append(f"{links} out of the folder; they are followed")
        return notes


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return the identity of a folder; None if it has vanished since it was listed."""
    try:
        status = folder.stat()
    except _VANISHED:
        return None
    return status.st_dev, status.st_ino


def _refuse_twins(names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(name.casefold(), name)
        if twin != name:
            raise ImageError(
                f"the classes {twin!r} and {name!r} differ only in case; merge the "
                "folders, or rename one"
            )


def _check_each_class(found: _Found, y: np.ndarray, source: str) -> None:
    left = set(y.tolist())
    for name, files in found.classes.items():
        if name and files and name not in left:
            raise ImageError(
                f"{source}: none of the {len(files)} images of the class {name!r} "
                "can be read; repair them or remove the folder"
            )


def _nothing(found: _Found, labels: bool) -> str:
    if labels and found.classes[""]:
        return (
            f"{found.folder}: its images are not in subfolders, so they have no "
            "labels; one subfolder per class is expected"
        )
    idx = [n for n in os.listdir(found.folder) if _IDX in n.replace(".idx3", "-idx3")]
    if idx:
        first = os.path.join(found.folder, sorted(idx)[-1])
        return f"{found.folder}: has MNIST files; pass one of them: {first}"
    left_out = frequencies(found.others + found.foreign) or "it is empty"
    return f"{found.folder}: has no images of a supported format ({left_out})"


def _inside(file: Path, folder: Path) -> str:
    return as_text(file.relative_to(folder).as_posix())


def as_text(name: str) -> str:
    """Return a file name as printable text; file names may be any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")
