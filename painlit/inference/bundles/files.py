"""The files of a bundle, in a folder or in a zip: each is read whole, as bytes, and nothing is ever extracted.

Opening refuses whatever a bundle cannot hold: names that lead out of it, links, files of other kinds. Files that
operating systems add (.DS_Store, Thumbs.db, …), and that the Hugging Face Hub keeps beside a model (README.md,
config.json, …), are skipped and never read. Links are followed in one place: from a snapshot in the hub's cache to the
blobs beside it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from painlit.errors import PainlitError

ABOUT = "bundle.json"
SUFFIXES = (".safetensors", ".json", ".md")
LARGEST_ABOUT = 64 * 2**20
"""Bytes that bundle.json may have: it is read before its length is known."""
AGAIN = "copy the bundle again, or make it anew with `make bundle`"
_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX")
HUB_FILES = ("README.md", "config.json", ".gitattributes", ".cache", ".git")
"""Beside a bundle on the Hub, for the Hub alone."""
_RATIO = 100
"""By which a file of more than 1 MiB may have been compressed; weights hardly get shorter."""


class FolderFiles:
    """A folder's files by their names in the bundle, with `/` between folders.

    Args:
        path: Of the folder.

    Attributes:
        sizes: File -> bytes.

    Raises:
        PainlitError: It holds a link, something that is neither file nor folder, or a file that no bundle holds.
    """

    def __init__(self, path: Path):
        self.path = path
        whole = path.resolve()
        self._blobs = whole.parent.parent / "blobs" if whole.parent.name == "snapshots" else None
        self.sizes: Mapping[str, int] = dict(self._listed(""))

    def _listed(self, folder: str) -> Iterator[tuple[str, int]]:
        for entry in sorted(os.scandir(self.path / folder), key=lambda entry: entry.name):
            name = f"{folder}{entry.name}"
            if _is_litter(entry.name) or name in HUB_FILES:
                continue
            if entry.is_symlink() and not self._is_of_snapshot(entry):
                raise _refused(self.path, name, "a link, which may lead out of the bundle")
            if entry.is_dir():
                yield from self._listed(f"{name}/")
                continue
            if not stat.S_ISREG(entry.stat().st_mode):
                raise _refused(self.path, name, "no regular file")
            check_name(self.path, name)
            yield name, entry.stat().st_size

    def _is_of_snapshot(self, entry: os.DirEntry[str]) -> bool:
        """Whether a link leads from a snapshot in the hub's cache to a file among the blobs beside it."""
        return self._blobs is not None and entry.is_file() and Path(entry.path).resolve().parent == self._blobs

    def open(self, name: str) -> IO[bytes]:
        """A file's content."""
        return open(self.path / name, "rb")


class ZipFiles:
    """A zip's, whose root may be a single folder; used as `FolderFiles`.

    Args:
        path: Of the zip.

    Raises:
        PainlitError: It is no zip, cut short, encrypted, or holds what no bundle holds.
    """

    def __init__(self, path: Path):
        self.path = path
        with self._archive() as archive:
            entries = [entry for entry in archive.infolist() if not _is_litter(*entry.filename.split("/"))]
        for entry in entries:
            self._check(entry)
        entries = [entry for entry in entries if not entry.is_dir()]
        roots = [PurePosixPath(entry.filename).parent for entry in entries if entry.filename.endswith(f"/{ABOUT}")]
        listed = {entry.filename for entry in entries}
        root = "" if ABOUT in listed or len(roots) != 1 else f"{roots[0]}/"
        entries = [entry for entry in entries if entry.filename.removeprefix(root).split("/")[0] not in HUB_FILES]
        self._entries = {entry.filename.removeprefix(root): entry for entry in entries}
        for name, entry in self._entries.items():
            check_name(path, name)
            if entry.file_size > _RATIO * entry.compress_size + 2**20:
                raise _refused(path, name, f"compressed more than {_RATIO} times, as weights never are")
        if len(self._entries) < len(entries):
            raise PainlitError(f"{path} holds two files of one name", AGAIN)
        self.sizes: Mapping[str, int] = {name: entry.file_size for name, entry in self._entries.items()}

    def _check(self, entry: zipfile.ZipInfo) -> None:
        if entry.flag_bits & 1:
            raise PainlitError(
                f"{self.path}: {entry.filename} is encrypted", "give it unencrypted, or unpack it and give the folder"
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _refused(self.path, entry.filename, "a link, which may lead out of the bundle")
        check_path(self.path, entry.filename.removesuffix("/"))

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        with named_zip_errors(self.path), zipfile.ZipFile(self.path) as archive:
            yield archive

    def open(self, name: str) -> IO[bytes]:
        """A file's content."""
        return zipfile.ZipFile(self.path).open(self._entries[name])


BundleFiles = FolderFiles | ZipFiles


@contextmanager
def named_zip_errors(path: Path) -> Iterator[None]:
    """Turns zipfile's errors on a damaged file into one that names the file."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise PainlitError(f"{path} is no zip that can be read: {error}", AGAIN) from error


def open_files(path: Path) -> BundleFiles:
    """The files of a bundle.

    Raises:
        PainlitError: There is nothing, or no bundle; see `FolderFiles` and `ZipFiles`.
    """
    if path.is_dir():
        files: BundleFiles = FolderFiles(path)
    elif path.is_file():
        files = ZipFiles(path)
    else:
        raise PainlitError(f"there is no bundle {path}", "give the folder or the zip that `make bundle` left")
    if ABOUT not in files.sizes:
        raise PainlitError(
            f"{path} holds no {ABOUT}: it is no bundle, or one that was never finished",
            "give the folder or the zip that `make bundle` or `make finetune` left",
        )
    return files


def read_bytes(path: Path, files: BundleFiles, name: str, size: int) -> bytes:
    """The content of a file of at most `size` bytes.

    Raises:
        PainlitError: It is longer, or cannot be read.
    """
    if files.sizes[name] > size:
        raise PainlitError(f"{path}: {name} has {files.sizes[name]:,} bytes, expected at most {size:,}", AGAIN)
    with named_zip_errors(path), files.open(name) as handle:
        return handle.read(size)


def sha256_of(path: Path, files: BundleFiles, name: str) -> str:
    """Digest of a file's bytes, a part at a time."""
    with named_zip_errors(path), files.open(name) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()  # type: ignore[arg-type]


def check_name(bundle: Path, name: str) -> None:
    """Refuse a file that no bundle holds.

    Raises:
        PainlitError: Its name leads out of the bundle, or it is of another kind than .safetensors, .json and .md.
    """
    check_path(bundle, name)
    if not name.endswith(SUFFIXES):
        raise _refused(bundle, name, f"none of {', '.join(SUFFIXES)}: a bundle holds no pickled files and no code")


def check_path(bundle: Path, name: str) -> None:
    """Refuse a name that leads out of the bundle, on any system.

    Raises:
        PainlitError: It does.
    """
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or ":" in name or any(part in ("", ".", "..") for part in parts):
        raise _refused(bundle, name, "a path that leads out of the bundle, or none that every system knows")


def _is_litter(*parts: str) -> bool:
    return any(part in _LITTER or part.startswith("._") for part in parts)


def _refused(bundle: Path, name: str, why: str) -> PainlitError:
    return PainlitError(f"{bundle}: {name!r} is {why}", "use a bundle that you trust, as `make bundle` wrote it")
