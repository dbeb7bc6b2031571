"""A table of clips: a CSV or TSV file with a row for each clip, as anyone can write it in a spreadsheet.

    clip,subject,label,video,heart_rate,start,end,age
    anna-1,anna,rest,anna.mp4,anna_polar.csv,12.0,17.5,34
    anna-2,anna,pain,anna.mp4,anna_polar.csv,60.5,66.0,34

docs/recordings.md describes the columns and the rules.
"""

from __future__ import annotations

import csv
import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import combinations, zip_longest
from pathlib import Path

from data_modules.recordings.cells import finite, number_in, recording_in, stretch_in
from painlit.clips.clip import Clip, Person, Stretch
from painlit.config.task import check_classes
from painlit.errors import PainlitError
from painlit.loso.protocols import SPLITS
from painlit.signals.files.text_layout import decode
from painlit.system.names import check_name

NEEDED = ("clip", "subject", "label")
RECORDINGS = ("video", "ecg", "heart_rate")
COLUMNS = (*NEEDED, *RECORDINGS, "start", "end", "offset", "rest", "sex", "age", "group", "split")
"""Columns that a table of clips may have, in any order."""
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0", "")
_WOMEN, _MEN = ("f", "w", "female", "woman", "women"), ("m", "male", "man", "men")


def read_table(path: Path | str, classes: Sequence[str] = ()) -> tuple[list[Clip], tuple[str, ...]]:
    """The clips of a table, in its order, and their classes; the recordings are not opened.

    Args:
        path: Of the table; the paths in it are relative to its folder.
        classes: All labels, in order; empty takes them from the table: numbers ascending, names as they first come.
            Clips at rest have none.

    Raises:
        PainlitError: No such file, or not a table of clips: a column is missing or misspelt, a clip listed twice, a
            cell is not what its column needs, one subject is described in two ways, or one recording at one time
            belongs to two subjects. The row is named.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise PainlitError(f"{path} {what}", "data.table is the table of clips, a CSV or TSV file")
    rows = rows_of(path, COLUMNS, NEEDED)
    classes = [unicodedata.normalize("NFC", name) for name in classes]
    clips: dict[str, Clip] = {}
    where: dict[str, int] = {}
    for number, row in rows:
        clip = _clip(row, path.parent, f"{path}, row {number}")
        if clip.name in clips:
            raise PainlitError(f"{path}, row {number}: clip {clip.name} is in row {where[clip.name]} too", "rename one")
        clips[clip.name], where[clip.name] = clip, number
    if not clips:
        raise PainlitError(
            f"{path} lists no clips", f"its first row names the columns, such as {','.join(COLUMNS[:4])}"
        )
    if all(clip.rest for clip in clips.values()):
        raise PainlitError(f"{path} lists recordings at rest alone", "list clips with a label too")
    _check_subjects(clips.values(), where, path)
    return list(clips.values()), _classes(clips.values(), classes, where, path)


def clip_rows(path: Path | str) -> dict[str, int]:
    """Clip -> the row of a table that lists it."""
    rows = rows_of(Path(path), COLUMNS, NEEDED)
    return {unicodedata.normalize("NFC", row["clip"]): number for number, row in rows}


def unread_columns(path: Path | str) -> list[str]:
    """Columns of a table that nothing reads."""
    _, header = next(_cells(Path(path)), (1, []))
    return [name for name in header if name.strip() and _normal(name) not in COLUMNS]


def _cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows from the header on, each with the line that it begins on; before it are blank lines and Excel's `sep=;`."""
    text, _ = decode(path.read_bytes(), str(path))
    lines = text.split("\n")
    first, stated = 0, ""
    while first < len(lines) - 1 and (not lines[first].strip() or _stated_delimiter(lines[first])):
        stated = stated or _stated_delimiter(lines[first])
        first += 1
    delimiter = stated or max(",;\t", key=lines[first].count)
    rows = csv.reader(StringIO("\n".join(lines[first:])), delimiter=delimiter, strict=True)
    begins = first + 1
    try:
        for row in rows:
            yield begins, row
            begins = first + rows.line_num + 1
    except csv.Error as error:
        raise PainlitError(f"{path}, row {begins}: {error}", "mend the row: a quote is never closed") from error


def _stated_delimiter(line: str) -> str:
    found = re.fullmatch(r'"?sep=([,;\t])"?[,;\s]*', line)
    return found[1] if found else ""


def _normal(name: str) -> str:
    return name.strip().casefold()


def rows_of(path: Path, columns: Sequence[str], needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table that are not empty: the line that each begins on, from 1, and cells by column.

    Args:
        path: Of a CSV or TSV file.
        columns: That are read; one of `RECORDINGS` must be there.
        needed: That must be there too.

    Raises:
        PainlitError: A column is missing, twice there or misspelt, or a row is longer than the header.
    """
    cells = _cells(path)
    header = [_normal(name) for name in next(cells, (1, []))[1]]
    _check_header(header, path, columns, needed)
    for number, row in cells:
        if any(cell.strip() for cell in row):
            if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
                raise PainlitError(
                    f"{path}, row {number} has {len(row)} cells, and there are {len(header)} columns",
                    "quote cells that hold the character between columns",
                )
            yield number, dict(zip_longest(header, (cell.strip() for cell in row[: len(header)]), fillvalue=""))


def _check_header(header: list[str], path: Path, columns: Sequence[str], needed: Sequence[str]) -> None:
    twice = [name for name in columns if header.count(name) > 1]
    missing = [name for name in needed if name not in header]
    if missing or twice or not set(RECORDINGS) & set(header):
        what = f"column {', '.join(missing or twice)} is {'missing' if missing else 'there twice'}"
        if not missing and not twice:
            what = f"there is no column {', '.join(RECORDINGS)}"
        raise PainlitError(
            f"{path}: {what}; the header is {str(header)[:300]}",
            f"it must have {''.join(f'{name}, ' for name in needed)}and one of {', '.join(RECORDINGS)}",
        )
    for name in header:
        absent = [column for column in columns if column not in header]
        if name not in columns and (meant := difflib.get_close_matches(name, absent, n=1, cutoff=0.8)):
            raise PainlitError(f"{path}: did you mean {meant[0]} by the column {name!r}?", "rename it or remove it")


def _clip(row: Mapping[str, str], folder: Path, where: str) -> Clip:
    row = {column: cell if column in RECORDINGS else unicodedata.normalize("NFC", cell) for column, cell in row.items()}
    for column in ("clip", "subject"):
        check_name(f"{where}: {column}", row[column])
    rest = _is_rest(row, where)
    if not row["label"] and not rest:
        raise PainlitError(
            f"{where}: label is empty", "say which class the clip is of, or mark it in a column rest, or remove the row"
        )
    files = {kind: recording_in(folder, row[kind]) for kind in RECORDINGS if row.get(kind)}
    if not files:
        raise PainlitError(f"{where}: no recording", f"give one of {', '.join(RECORDINGS)}")
    age, split = number_in(row, "age", where), row.get("split", "").casefold()
    if age is not None and not 0 <= age <= 130:
        raise PainlitError(f"{where}: age {age:g}", "give years, or leave it empty")
    if split and split not in SPLITS:
        raise PainlitError(f"{where}: split {split!r} is unknown", f"it must be one of {', '.join(SPLITS)}")
    return Clip(
        name=row["clip"],
        subject=row["subject"],
        label="" if rest else row["label"],
        **files,
        stretch=stretch_in(row, where),
        person=Person(_sex(row.get("sex", "")), age, row.get("group", "")),
        split=split,
        rest=rest,
    )


def _is_rest(row: Mapping[str, str], where: str) -> bool:
    word = row.get("rest", "").casefold()
    if word not in (*_YES, *_NO):
        raise PainlitError(f"{where}: rest is {row['rest']!r}", "it must be yes or no; empty is no")
    return word in _YES


def _sex(text: str) -> str:
    word = text.casefold()
    return "women" if word in _WOMEN else "men" if word in _MEN else text


def _check_subjects(clips: Iterable[Clip], where: Mapping[str, int], path: Path) -> None:
    """One spelling and one description of each subject, and one subject of each recording at a time."""
    first: dict[str, Clip] = {}
    seen: dict[Path, list[Clip]] = {}
    for clip in clips:
        row = f"{path}, row {where[clip.name]}"
        other = first.setdefault("".join(clip.subject.split()).casefold(), clip)
        for what, mine, theirs in (
            ("subject", clip.subject, other.subject),
            *(zip(("sex", "age", "group"), clip.person, other.person, strict=True)),
            ("split", clip.split, other.split),
        ):
            if mine != theirs:
                raise PainlitError(
                    f"{row}: {what} of {clip.subject} is {mine!r}, and {theirs!r} in row {where[other.name]}",
                    "give each person one spelling, sex, age, group and split",
                )
        for file in filter(None, (clip.video, clip.ecg, clip.heart_rate)):
            others = seen.setdefault(file.resolve(), [])  # v/a.mp4 is ./v/../v/a.mp4
            for other in others:
                if other.subject != clip.subject and _overlap(clip.stretch, other.stretch):
                    raise PainlitError(
                        f"{row}: {file.name} is of {clip.subject}, and of {other.subject} in row {where[other.name]}",
                        "a recording at one time is of one subject: mend subject, file, start or end",
                    )
            others.append(clip)


def _overlap(one: Stretch, other: Stretch) -> bool:
    ends = [math.inf if stretch.end is None else stretch.end for stretch in (one, other)]
    return one.start < ends[1] and other.start < ends[0]


def _classes(clips: Iterable[Clip], chosen: Sequence[str], where: Mapping[str, int], path: Path) -> tuple[str, ...]:
    labels = {clip.label: where[clip.name] for clip in reversed([*clips]) if not clip.rest}  # label -> its first row
    for label, row in labels.items():
        if chosen and label not in chosen:
            raise PainlitError(
                f"{path}, row {row}: label {label!r} is not in data.classes={[*chosen]}",
                "mend the row, or name it there",
            )
    numbers = {label: finite(label) for label in labels}
    for label, other in combinations(sorted(labels, key=lambda label: labels[label]), 2):
        if numbers[label] is not None and numbers[label] == numbers[other]:
            raise PainlitError(
                f"{path}: label {label!r} in row {labels[label]} and {other!r} in row {labels[other]} are one number",
                "write a class alike in all rows",
            )
    if chosen:
        return tuple(chosen)
    found = sorted(labels, key=lambda label: labels[label])
    check_classes(f"{path}: column label", found)
    in_order = [(value, label) for label in found if (value := numbers[label]) is not None]
    return tuple(label for _, label in sorted(in_order)) if len(in_order) == len(found) else tuple(found)
