"""The ready-made tables of Kachuee et al. (2018): a beat of 187 values and its label in each row, no header.

`mitbih_train.csv` (87,554 rows) and `mitbih_test.csv` (21,892) have labels 0..4 for N, S, V, F, Q; `ptbdb_normal.csv`
(4,046) and `ptbdb_abnormal.csv` (10,506) have 0 and 1.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_modules.heartbeats import mitbih, ptb
from data_modules.heartbeats.source import RANDOM_BEATS, RecordBeats
from painlit.errors import PainlitError
from painlit.signals.ecg.heartbeats import SAMPLES

FILES = {
    "mitbih_csv": {"mitbih_train.csv": 0, "mitbih_test.csv": 1},
    "ptb_csv": {"ptbdb_normal.csv": 0, "ptbdb_abnormal.csv": 0},
}
"""Collection -> its files, and whether one is for training (0) or validation (1)."""
ROWS = {"mitbih_train.csv": 87_554, "mitbih_test.csv": 21_892, "ptbdb_normal.csv": 4_046, "ptbdb_abnormal.csv": 10_506}
"""Rows of the published files."""
BAD_ALLOWED = 0.01
"""Share of bad rows beyond which a table is taken for damaged."""


class HeartbeatTables:
    """Heartbeats from the tables; MIT-BIH's have a published split, PTB's are divided at random.

    Args:
        root: Folder of the files.
        name: mitbih_csv or ptb_csv.
    """

    def __init__(self, root: Path | str, name: str):
        self.root, self.name = Path(root), name
        self.classes: tuple[str, ...] = mitbih.CLASSES if name == "mitbih_csv" else ptb.CLASSES
        self.settings: dict[str, str] = {}

    def records(self) -> list[str]:
        """The two files."""
        missing = [file for file in FILES[self.name] if not (self.root / file).is_file()]
        if missing:
            raise PainlitError(f"{self.root} lacks {' and '.join(missing)}", "both tables are needed: fetch them")
        return list(FILES[self.name])

    def left_out(self) -> dict[str, list[str]]:
        """None."""
        return {}

    def files(self, record: str) -> list[Path]:
        """The table."""
        return [self.root / record]

    def read(self, record: str) -> RecordBeats:
        """Rows of a table; bad ones are skipped, named by line, and so are those that the published table has more."""
        beats: list[list[float]] = []
        labels: list[int] = []
        skipped: defaultdict[str, list[str]] = defaultdict(list)
        line = 0
        with (self.root / record).open(encoding="utf-8-sig", errors="replace") as handle:
            for line, text in enumerate(handle, start=1):
                if not text.strip():
                    continue
                row = text.split(",")
                wrong = _wrong(row, len(self.classes))
                if wrong:
                    skipped[wrong].append(f"line {line}")
                    continue
                values = [float(value) for value in row]
                beats.append(values[:SAMPLES])
                labels.append(int(values[SAMPLES]))
        bad = sum(map(len, skipped.values()))
        if not beats or bad > BAD_ALLOWED * (bad + len(beats)):
            why, where = max(skipped.items(), key=lambda item: len(item[1]), default=("empty", ["line 1"]))
            raise PainlitError(
                f"{self.root / record}: {bad} of {bad + len(beats)} rows are bad, such as {where[0]}: {why}",
                "at most 1 % may be; fetch the table again",
            )
        if bad + len(beats) < ROWS[record]:
            skipped[f"missing: the published table has {ROWS[record]:,} rows"].append(f"after line {line}")
        return RecordBeats(np.array(beats, np.float32), np.array(labels, np.int64), dict(skipped))

    def division(self, records: Sequence[str], split: str, share: float, seed: int) -> NDArray[np.int8] | None:
        """The published one; PTB's tables have none."""
        if split != RANDOM_BEATS:
            raise PainlitError(
                f"{self.name}: the tables do not say whose beats they hold, so ecg.split={split} cannot be made",
                "take the WFDB records (mitbih, ptb), or ecg.split=random_beats",
            )
        part = np.array([FILES[self.name][record] for record in records], np.int8)
        return part if part.any() else None


def _wrong(row: list[str], classes: int) -> str:
    """What is wrong with a row, or nothing."""
    if "\0" in row[-1]:
        return "NUL bytes"
    if len(row) != SAMPLES + 1:
        return f"{len(row)} values, not {SAMPLES + 1}"
    try:
        values = [float(value) for value in row]
    except ValueError:
        return "not all values are numbers"
    if not all(map(math.isfinite, values)):
        return "NaN or infinite values"
    if not -1e-6 <= min(values[:SAMPLES]) <= max(values[:SAMPLES]) <= 1 + 1e-6:
        return "values outside 0 to 1"
    if values[SAMPLES] not in range(classes):
        return f"label {row[SAMPLES].strip()} is none of 0 to {classes - 1}"
    return ""
