"""What the readers of photographs share: which files are images, listings of folders, lists read line by line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from painlit.errors import PainlitError

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".pgm", ".bmp", ".webp")
"""Of files that count as images, in capitals too."""


def image_names(folder: Path | str) -> list[str]:
    """Names of the images in a folder, sorted.

    Raises:
        PainlitError: The folder does not exist or cannot be read.
    """
    return file_names(folder, IMAGE_ENDINGS)


def file_names(folder: Path | str, endings: str | tuple[str, ...]) -> list[str]:
    """Names in a folder with one of the endings, given in lower case, sorted.

    Hidden files are left out, as macOS writes `._x.jpg` beside x.jpg.

    Raises:
        PainlitError: The folder does not exist or cannot be read.
    """
    return sorted(name for name in _entries(folder) if name[0] != "." and name.lower().endswith(endings))


def folder_names(folder: Path | str) -> list[str]:
    """Names of the folders in a folder, sorted, hidden ones left out.

    Raises:
        PainlitError: The folder does not exist or cannot be read.
    """
    return sorted(name for name in _entries(folder) if name[0] != "." and os.path.isdir(os.path.join(folder, name)))


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
    """Which files exist below a folder; each of its folders is listed once, when first asked about.

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
