"""PTB Diagnostic ECG Database: 549 records of 290 people, 15 leads at 1,000 Hz (PhysioNet, ODC-By 1.0).

Layout: `patient001/s0010_re.{hea,dat}`. The diagnosis is in the header's comments. As Kachuee et al. (2018) have it,
healthy controls are normal (0) and infarctions abnormal (1); records with another diagnosis, or none, are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_modules.heartbeats.source import RANDOM_BEATS, RecordBeats, cut_record
from data_modules.heartbeats.wfdb_records import read_lead, record_files, record_names
from painlit.errors import ClipError, PainlitError
from painlit.signals.ecg.pan_tompkins import pan_tompkins
from painlit.signals.files.wfdb_records import read_header
from painlit.system.seeds import derive_seed

CLASSES = ("normal", "abnormal")
DIAGNOSES = {"healthy control": 0, "myocardial infarction": 1}
"""`Reason for admission` in the header -> label."""

_KEY = "reason for admission"


class PTB:
    """Heartbeats of the PTB Diagnostic ECG Database, at R peaks that `pan_tompkins` finds.

    Args:
        root: Folder of the patients' folders.
        lead: Position or name of the lead; II as in the published cut.
        leave_out: Records not to read, such as `patient001/s0010_re`.
    """

    name = "ptb"
    classes: tuple[str, ...] = CLASSES

    def __init__(self, root: Path | str, lead: int | str = "ii", leave_out: Sequence[str] = ()):
        self.root, self.lead, self.leave_out = Path(root), lead, set(leave_out)
        self.settings = {"lead": str(lead)}

    @cached_property
    def diagnoses(self) -> dict[str, str]:
        """Of each record, `Reason for admission` in lower case; empty where the header has none."""
        return {r: self._diagnosis(r) for r in record_names(self.root, "*/*") if r not in self.leave_out}

    def records(self) -> list[str]:
        """Names such as `patient001/s0010_re`, of healthy people and of those with an infarction."""
        names = [record for record, diagnosis in self.diagnoses.items() if diagnosis in DIAGNOSES]
        if not names:
            raise PainlitError(
                f"{self.root}: no record is of {' or '.join(DIAGNOSES)}", "fetch the headers, whose comments state it"
            )
        return names

    def left_out(self) -> dict[str, list[str]]:
        """Other diagnosis -> its records."""
        others: defaultdict[str, list[str]] = defaultdict(list)
        for record, diagnosis in self.diagnoses.items():
            if diagnosis not in DIAGNOSES:
                others[diagnosis or "no diagnosis"].append(record)
        return dict(others)

    def files(self, record: str) -> list[Path]:
        """Header and signal."""
        return record_files(self.root / record)

    def read(self, record: str) -> RecordBeats:
        """Beats at detected R peaks."""
        ecg, rate = read_lead(self.root / record, self.lead)
        try:
            peaks = pan_tompkins(ecg, rate)
        except ClipError as error:
            raise PainlitError(f"{self.root / record}: {error}", f"leave it out: ecg.leave_out=[{record}]") from error
        labels = np.full(len(peaks), DIAGNOSES[self.diagnoses[record]], np.int64)
        return cut_record(self.root, record, ecg, rate, peaks, labels, {})

    def division(self, records: Sequence[str], split: str, share: float, seed: int) -> NDArray[np.int8] | None:
        """A share of the patients of each class for validation."""
        if split == RANDOM_BEATS:
            return None
        patients: defaultdict[int, list[str]] = defaultdict(list)
        for record in records:
            label, patient = DIAGNOSES[self.diagnoses[record]], record.split("/")[0]
            if patient not in patients[label]:
                patients[label].append(patient)
        validated: set[str] = set()
        for label, names in patients.items():
            if len(names) < 2:
                raise PainlitError(
                    f"{self.root} has {len(names)} patient of class {CLASSES[label]}",
                    "the inter-patient split needs two of each; or use ecg.split=random_beats",
                )
            order = np.random.default_rng(derive_seed(seed, "ptb", label)).permutation(len(names))
            validated |= {names[k] for k in order[: max(1, round(share * len(names)))]}
        return np.array([int(record.split("/")[0] in validated) for record in records], np.int8)

    def _diagnosis(self, record: str) -> str:
        for comment in read_header(self.root / record).comments:
            key, _, value = comment.partition(":")
            if key.strip().lower() == _KEY:
                return value.strip().lower()
        return ""
