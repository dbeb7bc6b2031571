"""Labels and places of the images in tar files: WebDataset's shards, or a tree of folders.

000.tar     key.jpg beside key.cls (a number), key.txt (a name) or key.json (with label, cls, class, or identity)
faces.tar   label/image.jpg, if no image has such a file
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from data_modules.photographs.image_lists import HEIC_ENDINGS, IMAGE_ENDINGS, is_of_system
from data_modules.photographs.packed_item import PackedImage
from painlit.errors import PainlitError
from painlit.images.places import PLAIN
from painlit.images.source import Note, Skipped

_LABELS = ("cls", "txt", "json")
_JSON_KEYS = ("label", "cls", "class", "identity")
_AGAIN = "get the file again: it is damaged or cut short"


def tar_images(path: Path) -> Iterator[PackedImage | Skipped | Note]:
    """Every image, in the file's order.

    A sample's files have one name up to the first dot, as WebDataset has it. Who is shown is the name of the key up to
    its first underscore.

    Raises:
        PainlitError: The file is compressed, damaged or cut short, or an image is there twice.
    """
    images: dict[str, tarfile.TarInfo] = {}
    labels: dict[str, int | str] = {}
    of_system = 0
    size = path.stat().st_size
    try:
        with tarfile.open(path, "r:") as archive, open(path, "rb") as handle:
            while (member := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # or it keeps them all
                key, kind = _split(member.name)
                if any(is_of_system(part) for part in Path(member.name).parts if part != "."):
                    of_system += 1
                elif not member.isreg() or member.sparse:
                    continue
                elif member.offset_data + member.size > size:
                    raise PainlitError(f"{path}: {member.name} reaches past the end of the file", _AGAIN)
                elif os.path.splitext(member.name)[1].lower() in (*IMAGE_ENDINGS, *HEIC_ENDINGS):
                    if key in images:
                        raise PainlitError(f"{path}: {images[key].name} and {member.name} are of one key", "rename one")
                    images[key] = member
                elif kind in _LABELS and key not in labels:
                    handle.seek(member.offset_data)
                    label = _label(handle.read(member.size), kind)
                    if label is not None:
                        labels[key] = label
    except tarfile.TarError as error:
        raise PainlitError(f"{path} is no tar file, or is damaged: {error}", "get the file again") from error
    if of_system:
        yield Note(f"left alone: {of_system} files of operating systems in {path.name}")
    for key, member in images.items():
        label = labels.get(key) if labels else os.path.basename(os.path.dirname(member.name))
        if label is None or label == "":
            yield Skipped(member.name, f"it has no label: no {', '.join(f'.{kind}' for kind in _LABELS)} and no folder")
        else:
            person = key.rpartition("/")[2].partition("_")[0]
            yield PackedImage(member.name, label, person, PLAIN, member.offset_data, member.size)


def _split(name: str) -> tuple[str, str]:
    """Key and kind: what is before and after the first dot of the file's own name."""
    folder, _, file = name.removeprefix("./").rpartition("/")
    key, _, kind = file.partition(".")
    return f"{folder}/{key}", kind.lower()


def _label(content: bytes, kind: str) -> int | str | None:
    """The label in a sample's label file; None where that is no label."""
    try:
        text = content.decode("utf-8-sig").strip()
        if kind == "cls":
            return int(text)
        if kind == "txt":
            return text or None
        values = json.loads(text)
        value = next((values[key] for key in _JSON_KEYS if key in values), None)
    except (ValueError, TypeError):
        return None
    return value if isinstance(value, int | str) else None
