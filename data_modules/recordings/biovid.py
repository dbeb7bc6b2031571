"""BioVid Part A as it is distributed: samples.csv, MP4 videos, biosignal tables.

Layout (`root` is the PartA folder):

    starting_point/samples.csv
    video/<subject_name>/<sample_name>.mp4
    biosignals_filtered/<subject_name>/<sample_name>_bio.csv     (and biosignals_raw/)
"""

from __future__ import annotations

import math
from itertools import zip_longest
from pathlib import Path

import numpy as np

from painlit.clips.clip import Clip, biovid_person
from painlit.config import CLASS_NAMES
from painlit.errors import ClipError, PainlitError
from painlit.system.csv_files import read_csv
from painlit.system.names import check_name

CLASS_TOKENS = ("BL1", "PA1", "PA2", "PA3", "PA4")
"""Class tokens in label order; the paper calls them NP, P1, …, P4."""
SAMPLE_COLUMNS = ("subject_id", "subject_name", "class_id", "class_name", "sample_id", "sample_name")


def read_samples(root: Path | str, signals: str = "biosignals_filtered") -> list[Clip]:
    """The clips that samples.csv lists, in its order. Their files are not opened.

    Raises:
        PainlitError: No samples.csv, or not in UTF-8; a column missing or misspelt, a name that could not be a file's,
            one subject_id with two names, an unknown class, a label that contradicts its class or sample name, or a
            sample name that occurs twice; the row is named.
    """
    root = Path(root)
    path = root / "starting_point" / "samples.csv"
    if not path.is_file():
        raise PainlitError(f"{path} does not exist", "data.root must be BioVid's PartA folder")
    rows = read_csv(path, delimiter="\t")
    header = next(rows, [])
    if missing := [c for c in SAMPLE_COLUMNS if c not in header]:
        raise PainlitError(
            f"{path}: column {', '.join(missing)} is missing; the header is {str(header)[:300]}",
            f"the tab-separated header must be: {' '.join(SAMPLE_COLUMNS)}",
        )
    clips: dict[str, Clip] = {}
    people = _People()
    for number, cells in enumerate(rows, start=2):
        if not cells:
            continue
        where = f"{path}, row {number}"
        row = dict(zip_longest(header, cells[: len(header)], fillvalue=""))
        clip = _clip(row, root, signals, where)
        people.add(row["subject_id"], clip.subject, number, where)
        if clip.name in clips:
            raise PainlitError(f"{where}: sample_name {clip.name} occurs twice", "remove one of the two rows")
        clips[clip.name] = clip
    if not clips:
        raise PainlitError(f"{path} lists no clips", "restore the file from the distribution")
    return list(clips.values())


class _People:
    """Who is who: a subject_id has one name and a name one subject_id, so that no fold parts a person from himself."""

    def __init__(self):
        self._seen: dict[tuple[str, str], tuple[str, str, int]] = {}

    def add(self, number: str, name: str, row: int, where: str) -> None:
        """Take note of a row; names that differ in case or blanks alone are one."""
        for key in (("id", number.strip()), ("name", "".join(name.split()).casefold())):
            if not key[1]:
                raise PainlitError(f"{where}: subject_id is empty", "restore the file from the distribution")
            other_number, other_name, first = self._seen.setdefault(key, (number.strip(), name, row))
            if (other_number, other_name) != (number.strip(), name):
                raise PainlitError(
                    f"{where}: subject_id {number} is {name!r}, but row {first} has {other_number} and {other_name!r}",
                    "give each person one subject_id and one subject_name",
                )


def _clip(row: dict[str, str], root: Path, signals: str, where: str) -> Clip:
    subject, sample, token = row["subject_name"], row["sample_name"], row["class_name"]
    for column in ("subject_name", "sample_name"):
        check_name(f"{where}: {column}", row[column])
    if token not in CLASS_TOKENS:
        raise PainlitError(f"{where}: class_name {token!r} is unknown", f"it must be one of {', '.join(CLASS_TOKENS)}")
    label = CLASS_TOKENS.index(token)
    if row["class_id"] != str(label):
        raise PainlitError(f"{where}: class_id {row['class_id']} contradicts class_name {token}", "mend the row")
    if not sample.startswith(f"{subject}-{token}-"):
        raise PainlitError(
            f"{where}: sample_name {sample} contradicts subject {subject} and class {token}", "mend the row"
        )
    return Clip(
        name=sample,
        subject=subject,
        label=CLASS_NAMES[label],
        video=root / "video" / subject / f"{sample}.mp4",
        ecg=root / signals / subject / f"{sample}_bio.csv",
        person=biovid_person(subject),
    )


def read_ecg(path: Path | str, samples: int) -> np.ndarray:
    """The ECG of one biosignal table, (samples,) float64 in the table's units.

    Columns are read by name, since Part A may lack the facial EMG ones. BioVid's tables are sometimes one row more or
    less than 2,816: a row too many is dropped, up to two missing ones are filled with the last value.

    Args:
        path: Tab-separated table with at least the columns `time` and `ecg`.
        samples: Rows a whole clip has.

    Raises:
        ClipError: Missing file or column, a value that is no number, or a wrong number of rows.
    """
    path = Path(path)
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:
            header = handle.readline().rstrip("\r\n").split("\t")
            missing = [c for c in ("time", "ecg") if c not in header]
            if missing:
                raise ClipError(
                    f"{path}: column {', '.join(missing)} is missing; the header is {header}",
                    "the file must be tab-separated with the columns time and ecg",
                )
            column = header.index("ecg")
            values = [_number(line, column, path, row) for row, line in enumerate(handle, start=2)]
    except FileNotFoundError as error:
        raise ClipError(f"{path} does not exist", "copy it from the distribution") from error
    except OSError as error:
        raise ClipError(f"{path}: {error.strerror}", "copy it again, or mend its permissions") from error
    except UnicodeDecodeError as error:
        raise ClipError(f"{path} is not a text file: {error}", "copy it again from the distribution") from error
    if not samples - 2 <= len(values) <= samples + 2:
        raise ClipError(
            f"{path} has {len(values)} rows instead of {samples}", "copy it again, or set clip.seconds and clip.ecg_hz"
        )
    ecg = np.array(values[:samples])
    return np.pad(ecg, (0, samples - len(ecg)), mode="edge")


def _number(line: str, column: int, path: Path, row: int) -> float:
    try:
        value = float(line.split("\t")[column])
    except (IndexError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ClipError(f"{path}, row {row}: no number in column ecg ({line.strip()[:60]!r})", "copy the file again")
    return value
