"""A half of the proxy: people in BioVid's layout, made by several processes and resumed where it was stopped.

All that is random follows from a person's number and the seed, so a clip does not depend on other people. Pixels may
differ by about a grey level between kinds of processors, as OpenCV's alignment and optical flow do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from data_modules.proxy.clips import Subject, make_subject
from data_modules.proxy.people import read_people
from data_modules.recordings.biovid import CLASS_TOKENS, SAMPLE_COLUMNS, SAMPLES
from painlit.config import ClipConfig, Config
from painlit.errors import PainlitError
from painlit.runs.artefact import read_artefact, refuse_changes, write_artefact
from painlit.system.csv_files import write_csv
from painlit.system.files import waiting_lock, write_json, write_text
from painlit.system.processes import cores, unordered

TRUTH = "truth.json"
"""Clip -> heart_rate_bpm, face_id and mitdb_record."""
_MADE_FROM = "made_from.json"
_ABOUT = "README.txt"
ATTRIBUTION = """\
Stand-in for BioVid Part A, made by `painlit proxy-data`. It is no pain data: nobody in it was in pain, its classes are
called NP to P4 only so that it can be read as BioVid is, and no figure measured on it says anything about pain.

Faces: Face Research Lab London Set, Lisa DeBruine and Benedict Jones 2017, https://doi.org/10.6084/m9.figshare.5047666,
licensed under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Changed: reduced to 512 px; each video morphs a
person's neutral photograph towards the smiling one, with made-up motion and light.

ECG: MIT-BIH Arrhythmia Database 1.0.0, George Moody and Roger Mark 2001, PhysioNet,
https://doi.org/10.13026/C2F305, licensed under ODC-By 1.0 (https://opendatacommons.org/licenses/by/1-0/). Changed: the
first lead, resampled to 512 Hz and cut into stretches. gsr and emg are noise.

Whoever passes this on passes on these credits.
"""


def folder_of(config: Config, half: str) -> Path:
    """Where a half is, or will be, in BioVid's layout."""
    return Path(config.proxy.out) / half


def subjects_of(config: Config, half: str, clip: ClipConfig) -> list[Subject]:
    """The people of a half.

    Raises:
        PainlitError: As `read_people`.
    """
    proxy, root = config.proxy, folder_of(config, half)
    faces, ecg = Path(proxy.faces), Path(config.ecg.roots.mitbih)
    people = read_people(faces, ecg, proxy.first_of(half), proxy.subjects)
    return [Subject(person, root, clip, proxy.clips_per_class, config.seed) for person in people]


def make_half(
    config: Config, half: str, advance: Callable[[int], None] = lambda _: None, clip: ClipConfig | None = None
) -> Path:
    """Write a half below `proxy.out`; files that are there are left as they are.

    Args:
        config: Whose photographs and records, how many clips, and the seed.
        half: A or B.
        advance: Called after each person, with the number of clips.
        clip: Length and rates; BioVid's by default.

    Raises:
        PainlitError: People, photographs or records are missing or too few, the folder holds something else or a half
            that was made differently, or the disk is full.
    """
    subjects = subjects_of(config, half, clip or ClipConfig())
    root, each = folder_of(config, half), len(CLASS_TOKENS) * config.proxy.clips_per_class
    _claim(root, _made_from(config, half, subjects))
    with waiting_lock(root):
        tables = (root / TRUTH).is_file() and (root / SAMPLES).is_file()
        if tables and all(subject.is_finished() for subject in subjects):
            advance(each * len(subjects))
            return root
        truth: dict[str, Any] = {}
        for entries in unordered(make_subject, subjects, config.proxy.workers or cores(), "clips"):
            truth |= entries
            advance(each)
        samples = [(k, s, *sample) for k, s in enumerate(subjects, 1) for sample in s.samples(s.generator())]
        write_json(root / TRUTH, {name: truth[name] for *_, name in samples})
        rows = [
            [number, subject.person.subject, label, CLASS_TOKENS[label], row, name]
            for row, (number, subject, label, name) in enumerate(samples, 1)
        ]
        write_csv(root / SAMPLES, [SAMPLE_COLUMNS, *rows], delimiter="\t")  # last: it marks the half as complete
        for left in root.rglob(".*.part"):  # of a run that was killed
            left.unlink()
    return root


def _made_from(config: Config, half: str, subjects: list[Subject]) -> dict[str, Any]:
    """What the files of a half depend on."""
    proxy = config.proxy
    settings = {"seed": config.seed, "proxy.subjects": proxy.subjects, "proxy.clips_per_class": proxy.clips_per_class}
    settings["first person"] = proxy.first_of(half) + 1
    files = {key: value for subject in subjects for key, value in subject.person.digests().items()}
    return {**settings, **files}


def _claim(root: Path, now: dict[str, Any]) -> None:
    """Refuse a folder that holds something else; note in a new one what it is made from."""
    path = root / _MADE_FROM
    remedy = f"choose another folder, proxy.out=, or delete {root}"
    if path.is_file():
        refuse_changes(root, read_artefact(path, remedy), now, remedy)
    elif root.exists() and (not root.is_dir() or any(not inside.name.startswith(".") for inside in root.iterdir())):
        raise PainlitError(f"{root} holds something that `proxy-data` did not make", remedy)
    else:
        write_artefact(path, now)
    if not (root / _ABOUT).is_file():
        write_text(root / _ABOUT, ATTRIBUTION)
