"""A folder of images, one sub-folder a class."""

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
#: A folder that was listed may be gone when it is opened, as those of /proc often are.
_VANISHED = (FileNotFoundError, NotADirectoryError, ProcessLookupError)
#: What file managers leave behind.
_LITTER = ("thumbs.db", "desktop.ini", "__macosx")


def read_image_folder(
    path: str | os.PathLike[Any], *, labels: bool | None = None, **options: Any
) -> ImageSet:
    """Read the images of a folder.

    With one sub-folder for each class, however deep the images lie in it; or without
    labels.

    Parameters
    ----------
    path : path
        Hidden files and files that are no images by their names are left out and
        counted. Links are followed, out of the folder too, since a selection is often
        made of links; no folder is read twice in a class, so loops of links end.
    labels : bool, optional
        Whether the names of the sub-folders are labels; by default if there are
        images in sub-folders. False takes all images, wherever they lie.
    size : int or (height, width), optional
        By default that of the images where all have one of at most 128 pixels, or
        else their median height and width, at most 128, in multiples of 8.
    channels : {1, 3}, optional
        Grey or colour; by default grey if all files are grey by their format.
    resize : {"letterbox", "stretch", "crop"}, default="letterbox"
        What happens to other proportions: see `ImageSchema`.
    errors : {"raise", "skip"}, default="raise"
        Whether files that cannot be read are refused, or left out and listed.
    progress : callable, optional
        ``progress(done, total)``, called a few times a second while decoding.
    threads : int, optional
        As many as there are processors by default.

    Returns
    -------
    ImageSet
        In the order of the paths; `y` are the names of the sub-folders.

    Raises
    ------
    ImageError
        No folder, no images, files that cannot be read, classes whose names differ
        only in case, or a class of which no file can be read.

    Notes
    -----
    PNG, JPEG, BMP, GIF, WebP, TIFF and PPM are read, of several images in a file the
    first. The orientation that a camera noted is applied, transparency is laid on
    white, palettes and CMYK become colour, of 16 bits a value the upper 8 are kept.
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
    """What lies in a folder: images by first-level folder ("" for the folder itself),
    and what is left out."""

    folder: Path
    classes: dict[str, list[Path]] = field(default_factory=dict)
    hidden: int = 0
    others: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    outside: int = 0

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            what = "is no folder" if self.folder.exists() else "no such folder"
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
        """What is neither hidden nor a broken link, in the order of the names."""
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
        """All images below a folder; each real folder is read once, and that above
        the classes not at all."""
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
            return True  # a broken link too: its name promises an image
        suffix = Path(entry.name).suffix.lower()
        if suffix in FOREIGN:
            self.foreign.append(suffix)
        else:
            self.others.append(suffix or "without an ending")
        return False

    def files(self, labels: bool) -> list[tuple[str, Path]]:
        """(first-level folder, file), in the order of the paths."""
        taken = {k: v for k, v in self.classes.items() if k or not labels}
        if labels:
            _refuse_twins([name for name, files in taken.items() if files])
        pairs = [(name, file) for name, files in taken.items() for file in files]
        return sorted(pairs, key=lambda pair: pair[1].parts)

    def notes(self, labels: bool) -> list[str]:
        """What was left out, and links that were followed."""
        notes = []
        beside = [file.name for file in self.classes[""]]
        if labels and beside:
            notes.append(
                f"{counted(len(beside), 'image', 'lies', 'lie')} beside the class "
                f"folders, without a label, and left out: {listed(beside)}"
            )
        empty = [name for name, files in self.classes.items() if name and not files]
        if labels and empty:
            notes.append(f"folders without an image are no classes: {listed(empty)}")
        if labels and sum(map(bool, self.classes.values())) - bool(beside) == 1:
            notes.append("there is one class only")
        if self.foreign:
            foreign = counted(len(self.foreign), "image")
            notes.append(
                f"{foreign} of a format that is not read, and left out: "
                f"{frequencies(self.foreign)}; save them as JPEG or PNG"
            )
        if self.others:
            notes.append(
                f"{counted(len(self.others), 'file')} no image and left out: "
                f"{frequencies(self.others)}"
            )
        if self.outside:
            links = counted(self.outside, "link", "leads", "lead")
            notes.append(f"{links} out of the folder; links are followed")
        return notes


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _identity(folder: Path) -> tuple[int, int] | None:
    """Which folder it is; None if it has vanished since it was listed."""
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
                f"the classes {twin!r} and {name!r} differ only in upper and lower "
                "case; merge the folders, or rename one"
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
            f"{found.folder}: its images lie in no sub-folders, so they have no "
            "labels; one sub-folder for each class is expected"
        )
    idx = [n for n in os.listdir(found.folder) if _IDX in n.replace(".idx3", "-idx3")]
    if idx:
        first = os.path.join(found.folder, sorted(idx)[-1])
        return f"{found.folder}: holds MNIST files; give one of them: {first}"
    left_out = frequencies(found.others + found.foreign) or "it is empty"
    return f"{found.folder}: holds no images that are read ({left_out})"


def _inside(file: Path, folder: Path) -> str:
    return as_text(file.relative_to(folder).as_posix())


def as_text(name: str) -> str:
    """A name as text that can be written; file systems allow any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")
