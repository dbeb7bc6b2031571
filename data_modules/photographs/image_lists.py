"""What the readers of photographs share: which files are images, listings of folders, lists read line by line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from painlit.errors import PainlitError
from painlit.images.reading import HEIC_PACKAGE, heif_is_readable
from painlit.images.source import Note, Skipped

IMAGE_ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"),
    *(".pgm", ".ppm", ".pbm"),
)
"""Of files that count as images, in capitals too."""
HEIC_ENDINGS = (".heic", ".heif", ".hif")
"""Of images too, where the package that reads them is installed."""
UNREADABLE_ENDINGS = (
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".jxl", ".psd", ".svg", ".eps"),
)
"""Of images that nothing here reads; they are left out by name."""
SYSTEM_NAMES = ("__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN", "@eaDir", "lost+found")
"""What operating systems leave in folders, besides hidden files such as macOS's `._x.jpg` and `.DS_Store`."""


def is_of_system(name: str) -> bool:
    """Whether a file or folder is hidden, or an operating system's."""
    return name.startswith(".") or name in SYSTEM_NAMES


class ImageFolders:
    """The images of folders, with an account of what else is in them.

    Args:
        root: What folders are relative to.
    """

    def __init__(self, root: Path):
        self._root = root
        self._heic = heif_is_readable()
        self._left_out: list[Skipped] = []
        self._of_system: list[str] = []
        self._others: list[str] = []

    def images(self, folder: str, may_be_empty: bool = False, besides: Collection[str] = ()) -> list[str]:
        """Names of the images in a folder, sorted; `besides` are names in it that are known to be no images.

        Raises:
            PainlitError: The folder does not exist, cannot be read, or has no images and may not be empty.
        """
        images, left_out = [], len(self._left_out)
        for name in sorted({*_entries(self._root / folder)} - {*besides}):
            path, ending = f"{folder}/{name}", os.path.splitext(name)[1].lower()
            if is_of_system(name):
                self._of_system.append(path)
            elif ending in IMAGE_ENDINGS or (ending in HEIC_ENDINGS and self._heic):
                images.append(name)
            elif ending in HEIC_ENDINGS:
                self._left_out.append(Skipped(path, f"HEIC is read with the package {HEIC_PACKAGE}"))
            elif ending in UNREADABLE_ENDINGS:
                self._left_out.append(Skipped(path, f"{ending} is not read: export it as JPEG or PNG"))
            else:
                self._others.append(path)
        if not images and not may_be_empty:
            unread = self._left_out[left_out:]
            what = f" that are read: {unread[0].path}: {unread[0].reason}" if unread else ""
            raise PainlitError(f"{self._root / folder} has no images{what}", "delete or restore it")
        return images

    def rest(self) -> Iterator[Skipped | Note]:
        """What is left out of the folders listed so far, and what is left alone."""
        yield from self._left_out
        for what, paths in (
            ("files of operating systems", self._of_system),
            ("files that are no images", self._others),
        ):
            if paths:
                yield Note(f"left alone: {len(paths)} {what}, such as {paths[0]!a}")


def file_names(folder: Path | str, endings: str | tuple[str, ...]) -> list[str]:
    """Names in a folder with one of the endings, given in lower case, sorted.

    Those of operating systems are left out, as macOS writes `._x.jpg` beside x.jpg.

    Raises:
        PainlitError: The folder does not exist or cannot be read.
    """
    return sorted(name for name in _entries(folder) if not is_of_system(name) and name.lower().endswith(endings))


def folder_names(folder: Path | str) -> list[str]:
    """Names of the folders in a folder, sorted, those of operating systems left out.

    Raises:
        PainlitError: The folder does not exist or cannot be read.
    """
    return sorted(n for n in _entries(folder) if not is_of_system(n) and os.path.isdir(os.path.join(folder, n)))


def _entries(folder: Path | str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError as error:
        raise PainlitError(
            f"{folder} does not exist", "name the folder of the data set as it is distributed"
        ) from error
    except OSError as error:
        raise PainlitError(f"{folder}: {error.strerror}", "mend the folder or its permissions") from error


class Listing:
    """Which files exist below a folder; each of its folders is listed once, at the first query.

    One query per file takes minutes for a long list on a network disk.
    """

    def __init__(self, root: Path):
        self.root = root
        self._names: dict[str, frozenset[str]] = {}

    def __contains__(self, path: str) -> bool:
        """Whether the file exists; `path` is relative to the root, with forward slashes."""
        folder, _, name = path.rpartition("/")
        if folder not in self._names:
            whole = self.root / folder
            self._names[folder] = frozenset(_entries(whole) if whole.is_dir() else ())
        return name in self._names[folder]


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a text file that are not blank, each with its number from 1 and without its end.

    Raises:
        PainlitError: The file does not exist or is not UTF-8 text.
    """
    try:
        with open(path, encoding="utf-8-sig") as handle:
            for number, line in enumerate(handle, start=1):
                if line.strip():
                    yield number, line.rstrip("\n")
    except FileNotFoundError as error:
        raise PainlitError(f"{path} does not exist", "restore it from the distribution") from error
    except UnicodeDecodeError as error:
        raise PainlitError(f"{path} is not a text file: {error}", "restore it from the distribution") from error


def stamp_of(root: Path, lists: Iterable[str], folders: Iterable[str]) -> dict[str, object]:
    """Size and time of each list, and one digest of every file in the folders, by name, size and time.

    Paths are relative to `root`. A file overwritten in place changes its own time, but not that of its folder.
    """
    stamp: dict[str, object] = {}
    for path in lists:
        status = os.stat(root / path)
        stamp[path] = [status.st_size, status.st_mtime_ns]
    sha = hashlib.sha256()
    for path in folders:
        with os.scandir(root / path) as entries:
            held = sorted((entry.name, entry.stat()) for entry in entries if entry.is_file())
        lines = [f"{name}\t{status.st_size}\t{status.st_mtime_ns}\n" for name, status in held]
        sha.update(f"{path}\n{''.join(lines)}".encode(errors="surrogateescape"))
    return stamp | {"files": sha.hexdigest()}
