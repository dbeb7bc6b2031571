"""The photographs and the ECG record that a subject of the proxy is made of.

Faces are the Face Research Lab London Set (DeBruine & Jones 2017, https://doi.org/10.6084/m9.figshare.5047666, CC BY
4.0), either as published or with shorter names:

    london_faces_info.csv   neutral_front/001_03.jpg …   smiling_front/001_08.jpg …
    info.csv                neutral/001.jpg …            smiling/001.jpg …
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from data_modules.heartbeats.wfdb_records import record_files
from painlit.errors import PainlitError
from painlit.system.csv_files import read_csv
from painlit.system.digests import digest, file_digest

RECORDS = (
    100, 101, 103, 105, 106, 109, 111, 112, 113, 115, 116, 117, 118, 119, 121, 122, 123, 124, 205, 208, 209, 212, 213,
    214, 215, 219, 220, 221, 223, 228, 230, 231, 233, 234,
)  # fmt: skip
"""MIT-BIH's records whose first lead is MLII and whose rhythm has a heart rate."""
TABLES = {"london_faces_info.csv": "{}_front/{}_*.jpg", "info.csv": "{}/{}.jpg"}
"""Table of a layout -> where it has the photograph of an expression and a person."""
EXPRESSIONS = ("neutral", "smiling")
_COLUMNS = ("face_id", "face_age", "face_gender")
_SEXES = {"female": "w", "male": "m"}
_UNKNOWN_AGE = 30
_FETCH = "fetch the set again: https://doi.org/10.6084/m9.figshare.5047666"


@dataclass(frozen=True)
class Person:
    """A subject of the proxy."""

    number: int
    """In the face set, from 1."""
    subject: str
    """Name as BioVid gives them, such as 010814_w_24."""
    face_id: str
    neutral: Path
    smiling: Path
    record: Path
    """Of MIT-BIH, without suffix."""

    def digests(self) -> dict[str, str]:
        """What the photographs and the record are now.

        Raises:
            PainlitError: A file of the record is missing.
        """
        files = [*record_files(self.record), self.record.with_name(f"{self.record.name}.atr")]
        if missing := next((file for file in files if not file.is_file()), None):
            raise PainlitError(
                f"{missing} is missing: {self.subject} gets the heart of record {self.record.name}",
                'fetch the database: wfdb.dl_database("mitdb", folder), and say where: ecg.roots.mitbih=',
            )
        return {
            f"photographs of {self.face_id}": digest([file_digest(self.neutral), file_digest(self.smiling)]),
            f"record {self.record.name}": digest([file_digest(file) for file in files]),
        }


def read_people(faces: Path, ecg: Path, first: int, count: int) -> list[Person]:
    """People of the face set in the order of its table, each with a record of MIT-BIH.

    Args:
        faces: Folder of the face set.
        ecg: Folder of MIT-BIH's records.
        first: How many people to skip.
        count: How many to take.

    Raises:
        PainlitError: A folder, the table or a photograph is not there, a row cannot be used, or people are too few.
    """
    _refuse_absent(faces, "proxy.faces")
    _refuse_absent(ecg, "ecg.roots.mitbih")
    table, lines = _table(faces)
    if len(lines) < first + count:
        raise PainlitError(
            f"{table} lists {len(lines)} people: of {count} from number {first + 1} on, "
            f"{max(0, len(lines) - first)} are left",
            "set proxy.subjects or proxy.first_subject lower",
        )
    return [_person(lines[k], k + 1, table, ecg) for k in range(first, first + count)]


def read_photographs(faces: Path, first: int, count: int) -> dict[str, list[tuple[str, Path]]]:
    """Photographs of everybody else: expression -> number of a person and their photograph.

    Args:
        faces: Folder of the face set.
        first: How many people come before those to leave out.
        count: How many to leave out.

    Raises:
        PainlitError: As `read_people`.
    """
    table, lines = _table(faces)
    others = [k for k in range(len(lines)) if not first <= k < first + count]
    people = [_person(lines[k], k + 1, table, Path()) for k in others]
    return {
        expression: [(f"{person.number:03d}", getattr(person, expression)) for person in people]
        for expression in EXPRESSIONS
    }


def _refuse_absent(folder: Path, key: str) -> None:
    if not folder.is_dir():
        raise PainlitError(f"{folder}: no such folder", f"say where it is: {key}=FOLDER")


def _table(faces: Path) -> tuple[Path, list[dict[str, str]]]:
    """The table of a face set, and its rows."""
    _refuse_absent(faces, "proxy.faces")
    table = next((faces / name for name in TABLES if (faces / name).is_file()), None)
    if table is None:
        raise PainlitError(f"{faces} has no {' or '.join(TABLES)}, the table of its people", _FETCH)
    header, *lines = [cells for cells in read_csv(table) if cells] or [[]]
    if absent := [column for column in _COLUMNS if column not in header]:
        raise PainlitError(f"{table}: column {', '.join(absent)} is missing", _FETCH)
    return table, [dict(zip_longest(header, cells[: len(header)], fillvalue="")) for cells in lines]


def _person(row: dict[str, str], number: int, table: Path, ecg: Path) -> Person:
    face_id = row["face_id"].strip().removeprefix("X")  # as the published tables have it
    if row["face_gender"] not in _SEXES or not face_id.isalnum():
        raise PainlitError(
            f"{table}, person {number}: face_id {row['face_id']!r}, face_gender {row['face_gender']!r}",
            f"a face_id has letters and digits, and face_gender is one of {', '.join(_SEXES)}",
        )
    place = TABLES[table.name]
    photographs = []
    for expression in EXPRESSIONS:
        pattern = place.format(expression, face_id)
        found = sorted(table.parent.glob(pattern))
        if len(found) != 1:
            there = f"there are {len(found)}" if found else "it is missing"
            raise PainlitError(
                f"{table.parent / pattern}: the {expression} photograph of person {number}, {face_id}; {there}", _FETCH
            )
        photographs.append(found[0])
    try:
        age = int(float(row["face_age"]))
    except ValueError:  # NA
        age = _UNKNOWN_AGE
    subject = f"{number:02d}{number * 7 % 28 + 1:02d}14_{_SEXES[row['face_gender']]}_{age}"
    neutral, smiling = photographs
    return Person(number, subject, face_id, neutral, smiling, ecg / str(RECORDS[number % len(RECORDS)]))
