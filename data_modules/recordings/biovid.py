"""BioVid Part A as it is distributed: samples.csv, MP4 videos, biosignal tables.

Layout (`root` is the PartA folder):

    starting_point/samples.csv
    video/<subject_name>/<sample_name>.mp4
    biosignals_filtered/<subject_name>/<sample_name>_bio.csv     (and biosignals_raw/)
"""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

from painlit.clips.clip import Clip, biovid_person
from painlit.config import CLASS_NAMES
from painlit.errors import PainlitError
from painlit.system.csv_files import read_csv
from painlit.system.names import check_name

CLASS_TOKENS = ("BL1", "PA1", "PA2", "PA3", "PA4")
"""Class tokens in label order; the paper calls them NP, P1, …, P4."""
SAMPLES = Path("starting_point") / "samples.csv"
SAMPLE_COLUMNS = ("subject_id", "subject_name", "class_id", "class_name", "sample_id", "sample_name")


def read_samples(root: Path | str, signals: str = "biosignals_filtered") -> list[Clip]:
    """The clips that samples.csv lists, in its order. Their files are not opened.

    Raises:
        PainlitError: No samples.csv, or not in UTF-8; a column missing or misspelt, a name that could not be a file's,
            one subject_id with two names, an unknown class, a label that contradicts its class or sample name, or a
            sample name that occurs twice; the row is named.
    """
    root = Path(root)
    path = root / SAMPLES
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
    """Identities: a subject_id has one name and a name one subject_id, so that no fold has a person on both sides."""

    def __init__(self):
        self._seen: dict[tuple[str, str], tuple[str, str, int]] = {}

    def add(self, number: str, name: str, row: int, where: str) -> None:
        """Record a row; names that differ in case or blanks alone are one."""
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
