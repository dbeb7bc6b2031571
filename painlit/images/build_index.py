"""Building an index: list the images, then read those whose face boxes or digests are wanted."""

from __future__ import annotations

import hashlib
import json
from array import array
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from painlit.config import FaceConfig
from painlit.errors import PainlitError, some
from painlit.images.duplicates import look_of
from painlit.images.index import FIELDS, LOOK, VERSION, ImageIndex, write_index, write_problems
from painlit.images.journal import Examined, Journal
from painlit.images.places import Place, PlaceReader, place_at
from painlit.images.reading import UnreadableImageError, decode
from painlit.images.source import ImageSource, Note, Skipped
from painlit.signals.video.clip_faces import face_detector, smallest_face
from painlit.system.files import waiting_lock
from painlit.system.processes import cores, unordered
from painlit.system.progress import progress_bar

UNREADABLE_ALLOWED = 0.01
"""Share of unreadable images beyond which a data set is taken for damaged."""

_CHUNK = 16  # images a process reads between two reports


class Listing:
    """All images of a set.

    Attributes:
        columns: As `painlit.images.index.FIELDS` names them; compact, as there may be millions of rows.
        files: Larger file and form of its images -> number.
        names: Person -> number.
        problems: Images that are left out, and why.
        notes: For the user.
    """

    def __init__(self) -> None:
        self.columns: dict[str, array] = {name: array(np.dtype(kind).char) for name, kind in FIELDS.items()}
        self.files: dict[tuple[str, str], int] = {}
        self.names: dict[str, int] = {}
        self.problems: list[tuple[str, str]] = []
        self.notes: list[str] = []

    def arrays(self) -> dict[str, np.ndarray]:
        """The columns as NumPy arrays; digests and looks (thumbnails) are of images that are still to be read."""
        widths = {"boxes": 4, "places": 3, "pages": 3, "looks": LOOK * LOOK}
        arrays = {name: np.array(column, FIELDS[name]) for name, column in self.columns.items()}
        arrays["digests"] = np.zeros(len(arrays["labels"]), np.uint64)
        if not arrays["pages"].any():
            arrays["pages"] = arrays["pages"][:0]
        return arrays | {name: arrays[name].reshape(-1, width) for name, width in widths.items()}


def open_index(
    source: ImageSource, folder: Path, faces: str, face: FaceConfig, *, digests: bool = False, device: str = "cpu"
) -> ImageIndex:
    """The index of a data set, built if it is not there or the data set has changed since.

    Building can be stopped: the same call goes on where it was. Processes that want the same index wait for the first.

    Args:
        source: The data set.
        folder: Where its indices lie; each combination of root and settings has one of its own below.
        faces: auto (the set's boxes, else detection), detect, or whole.
        face: How small a face is looked for.
        digests: Read every image for a digest of its content and a thumbnail, to find the same in two places.
        device: Of the face detector.

    Raises:
        PainlitError: As of the source; more than 1 % of the images unreadable; a class without training images.
    """
    detects = faces == "detect" or (faces == "auto" and not source.has_boxes)
    settings: dict[str, Any] = {
        "version": VERSION,
        "root": str(Path(source.root).resolve()),
        "faces": "detect" if detects else "whole" if faces == "whole" or not source.has_boxes else "boxes",
        "min_face": face.min_face if detects else None,
        "digests": digests,
    }
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    folder = Path(folder) / f"{source.name}-{key}"
    settings["stamp"] = json.loads(json.dumps(source.stamp()))
    with waiting_lock(folder):
        if (folder / "index.json").is_file() and (index := ImageIndex(folder)).about["settings"] == settings:
            return index
        _build(source, folder, settings, device)
        return ImageIndex(folder)


def _build(source: ImageSource, folder: Path, settings: dict[str, Any], device: str) -> None:
    with progress_bar(f"list {source.name}", total=source.steps()) as advance:
        listing = list_images(source, advance)
    columns = listing.arrays()
    if settings["faces"] == "whole":
        columns["boxes"][:] = np.nan
    for note in listing.notes:
        print(f"{source.name}: {note}")
    count, unreadable = len(columns["labels"]), 0
    if settings["faces"] == "detect" or settings["digests"]:
        unreadable = _examine(source, folder, settings, columns, listing, device)
    write_problems(folder, listing.problems)
    if unreadable > UNREADABLE_ALLOWED * count:
        first = [f"{image}: {problem}" for image, problem in listing.problems[:3]]
        raise PainlitError(
            f"at least {unreadable} of {count} images of {source.name} cannot be read, such as {'; '.join(first)}",
            f"get them again (those found so far are in {folder / 'problems.csv'}); up to 1 % would be skipped",
        )
    _refuse_empty_classes(source, columns)
    about = {
        "name": source.name,
        "root": settings["root"],
        "classes": list(source.classes),
        "persons": list(listing.names),
        "files": [list(file) for file in listing.files],
        "has_split": source.has_split,
        "left_out": len(listing.problems),
        "notes": listing.notes,
        "settings": settings,
    }
    write_index(folder, about, columns)
    Journal(folder).delete()
    left_out = f"; {len(listing.problems)} left out, see {folder / 'problems.csv'}" if listing.problems else ""
    print(f"{source.name}: {len(columns['labels'])} images of {len(source.classes)} classes{left_out}")


def list_images(source: ImageSource, advance: Any = lambda: None) -> Listing:
    """Go through a source's records; 3 million take seconds and some 200 MB."""
    listing = Listing()
    columns, names, nothing = listing.columns, listing.names, (float("nan"),) * 4
    for record in source.records(advance):
        if isinstance(record, Skipped):
            listing.problems.append((record.path, record.reason))
            continue
        if isinstance(record, Note):
            listing.notes.append(record.text)
            continue
        path, label, person, part, box, line, place = record
        try:
            columns["paths"].frombytes(path.encode())
        except UnicodeEncodeError:
            listing.problems.append((ascii(path), "its name is no UTF-8"))
            continue
        columns["ends"].append(len(columns["paths"]))
        columns["labels"].append(label)
        columns["persons"].append(names.setdefault(person, len(names)) if person else -1)
        columns["parts"].append(part)
        columns["boxes"].extend(nothing if box is None else box)
        columns["lines"].append(line)
        if place is not None:
            file = listing.files.setdefault((place.file, place.form), len(listing.files))
            columns["places"].extend((file, place.start, place.size))
            columns["pages"].extend((place.unpacked, place.inner, place.length))
    return listing


def _examine(
    source: ImageSource,
    folder: Path,
    settings: dict[str, Any],
    columns: dict[str, np.ndarray],
    listing: Listing,
    device: str,
) -> int:
    """Fill in boxes, digests and thumbnails, drop the rows without a usable image, and return how many are unreadable.

    It ends as soon as too many are.
    """
    paths = _relative_paths(columns)
    journal = Journal(folder)
    listed = hashlib.sha256(columns["paths"].tobytes() + columns["ends"].tobytes()).hexdigest()
    done = journal.open(f"{listed} {json.dumps(settings, sort_keys=True)}")
    if settings["digests"]:
        columns["looks"] = np.zeros((len(paths), LOOK * LOOK), np.uint8)
    for row, result in done.items():
        _fill_in(columns, row, result)
    missing = [row for row in range(len(paths)) if row not in done]
    files, root = list(listing.files), str(source.root)
    wanted = [(row, (paths[row], place_at(row, files, columns["places"], columns["pages"]))) for row in missing]
    face = FaceConfig(min_face=settings["min_face"]) if settings["faces"] == "detect" else None
    starts = range(0, len(wanted), _CHUNK)
    chunks = [Chunk(wanted[i : i + _CHUNK], root, settings["digests"], face, device) for i in starts]
    keep = np.ones(len(paths), bool)
    unreadable = 0
    title = f"find faces in {source.name}" if settings["faces"] == "detect" else f"read {source.name}"
    with (
        progress_bar(title, total=len(paths), done=len(done)) as advance,
        closing(unordered(examine_images, chunks, workers=cores(), what="an index")) as found,
    ):
        for results in found:
            journal.add(results)
            for row, result in results.items():
                if result.problem:
                    keep[row] = False
                    unreadable += result.unreadable
                    listing.problems.append((paths[row], result.problem))
                _fill_in(columns, row, result)
                advance()
            if unreadable > UNREADABLE_ALLOWED * len(paths):
                break
    listing.problems.sort()
    _keep_rows(columns, paths, keep)
    return unreadable


class Chunk(NamedTuple):
    """Images that a process reads."""

    images: list[tuple[int, tuple[str, Place | None]]]
    """Row, path relative to the root, and place of each."""
    root: str
    looks: bool
    """Whether to make thumbnails."""
    face: FaceConfig | None
    """How small a face is looked for; None looks for none."""
    device: str
    """Of the face detector."""


def examine_images(chunk: Chunk) -> dict[int, Examined]:
    """Read some images, and find the largest face in each if one is looked for."""
    reader = PlaceReader(Path(chunk.root))
    return {row: _examine_image(reader, path, place, chunk) for row, (path, place) in chunk.images}


def _examine_image(reader: PlaceReader, path: str, place: Place | None, chunk: Chunk) -> Examined:
    try:
        data = reader.read(path, place)
        digest = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
        image = decode(data, reader.root / path, upright=True)
    except UnreadableImageError as error:
        return Examined(problem=str(error), unreadable=True)
    look = look_of(image).tobytes() if chunk.looks else b""
    if chunk.face is None:
        return Examined(digest, look=look)
    boxes = face_detector(image.shape, chunk.face, chunk.device).detect(image[None])[0]  # (n, 5)
    if not len(boxes):
        smallest = smallest_face(image.shape, chunk.face)
        return Examined(digest, look=look, problem=f"{reader.root / path}: no face found of {smallest} px or more")
    largest = boxes[np.argmax((boxes[:, 2] - boxes[:, 0]) * boxes[:, 4])]
    x1, y1, x2, y2 = largest[:4].tolist()
    return Examined(digest, (x1, y1, x2, y2), look=look)


def _fill_in(columns: dict[str, np.ndarray], row: int, result: Examined) -> None:
    columns["digests"][row] = result.digest
    if result.box is not None:
        columns["boxes"][row] = result.box
    if result.look:
        columns["looks"][row] = np.frombuffer(result.look, np.uint8)


def _relative_paths(columns: dict[str, np.ndarray]) -> list[str]:
    text, ends = columns["paths"].tobytes(), [0, *columns["ends"].tolist()]
    return [text[start:end].decode() for start, end in pairwise(ends)]


def _keep_rows(columns: dict[str, np.ndarray], paths: list[str], keep: np.ndarray) -> None:
    if keep.all():
        return
    kept = [paths[row].encode() for row in np.flatnonzero(keep)]
    for name in FIELDS.keys() - {"paths", "ends"}:
        if len(columns[name]):
            columns[name] = columns[name][keep]
    columns["paths"] = np.frombuffer(b"".join(kept), np.uint8)
    columns["ends"] = np.cumsum([len(path) for path in kept], dtype=np.int64)


def _refuse_empty_classes(source: ImageSource, columns: dict[str, np.ndarray]) -> None:
    counts = np.bincount(columns["labels"][columns["parts"] == 0], minlength=len(source.classes))
    empty = [source.classes[label] for label in np.flatnonzero(counts == 0)]
    if empty:
        raise PainlitError(
            f"{source.name} in {source.root} has no usable training image of class {some(empty)}",
            "a class cannot be learnt from nothing: restore its images, or see problems.csv for why they are left out",
        )
