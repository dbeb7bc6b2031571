"""MIT-BIH Arrhythmia Database: 48 records of two leads at 360 Hz, every beat annotated (PhysioNet, ODC-By 1.0).

Layout: `100.hea 100.dat 100.atr …` in one folder, as `wfdb.dl_database("mitdb", folder)` leaves it. Beats become the
five classes of AAMI EC57, in label order N 0, S 1, V 2, F 3, Q 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_modules.heartbeats.source import RANDOM_BEATS, RecordBeats, cut_record
from data_modules.heartbeats.wfdb_records import NON_BEATS, read_annotation, read_lead, record_files, record_names
from painlit.errors import PainlitError, some

CLASSES = ("N", "S", "V", "F", "Q")
SYMBOLS = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}
"""AAMI class -> the annotation symbols that are it."""
OTHER_BEATS = frozenset("Brn?")
"""Beats that the mapping has no class for (none in this database): they count as beats, and are not learnt."""
DS1 = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split()
"""Training records of the inter-patient split (de Chazal et al. 2004)."""
DS2 = "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split()
"""Its test records. One flaw is published with it: 201 and 202 are the same person."""
PACED = "102 104 107 217".split()
"""Left out of it."""

_CLASS = {symbol: label for label, name in enumerate(CLASSES) for symbol in SYMBOLS[name]}


class MITBIH:
    """Heartbeats of the MIT-BIH Arrhythmia Database, or of records annotated like it.

    Args:
        root: Folder of the records.
        lead: Position or name of the lead; the first is MLII in 45 of the 48 records.
        leave_out: Records not to read.
    """

    name = "mitbih"
    classes: tuple[str, ...] = CLASSES

    def __init__(self, root: Path | str, lead: int | str = 0, leave_out: Sequence[str] = ()):
        self.root, self.lead, self.leave_out = Path(root), lead, set(leave_out)
        self.settings = {"lead": str(lead)}

    def records(self) -> list[str]:
        """Names such as `100`."""
        return [name for name in record_names(self.root, "*") if name not in self.leave_out]

    def left_out(self) -> dict[str, list[str]]:
        """None but what the user named."""
        return {}

    def files(self, record: str) -> list[Path]:
        """Header, signal and annotation."""
        return [*record_files(self.root / record), self.root / f"{record}.atr"]

    def read(self, record: str) -> RecordBeats:
        """Beats at the annotated R peaks."""
        ecg, rate = read_lead(self.root / record, self.lead)
        at, symbols = read_annotation(self.root / record, rate)
        skipped: defaultdict[str, list[str]] = defaultdict(list)
        marks = [k for k, symbol in enumerate(symbols) if symbol in _CLASS or symbol in OTHER_BEATS]
        for k, symbol in enumerate(symbols):
            if symbol not in _CLASS and symbol not in NON_BEATS:
                what = "a beat without AAMI class" if symbol in OTHER_BEATS else "an unknown annotation"
                skipped[f"{what}, symbol {symbol!r}"].append(f"{at[k] / rate:.2f} s")
        if outside := [f"{at[k] / rate:.2f} s" for k in marks if not 0 <= at[k] < ecg.size]:
            skipped["outside the signal"] = outside
        marks = [k for k in marks if 0 <= at[k] < ecg.size]
        peaks = at[marks]
        if (np.diff(peaks) <= 0).any():
            k = int(np.flatnonzero(np.diff(peaks) <= 0)[0])
            raise PainlitError(
                f"{self.root / record}.atr has two beats at or before sample {peaks[k]}", "fetch the annotation again"
            )
        labels = np.array([_CLASS.get(symbols[k], -1) for k in marks], np.int64)
        return cut_record(self.root, record, ecg, rate, peaks, labels, skipped)

    def division(self, records: Sequence[str], split: str, share: float, seed: int) -> NDArray[np.int8] | None:
        """DS1 and DS2 of de Chazal et al. (2004), the paced records left out."""
        if split == RANDOM_BEATS:
            return None
        strangers = [record for record in records if record not in {*DS1, *DS2, *PACED}]
        if strangers:
            raise PainlitError(
                f"{self.root}: the inter-patient split does not know record {some(strangers)}",
                "leave them out (ecg.leave_out=), or use ecg.split=random_beats",
            )
        part = np.array([0 if r in DS1 else 1 if r in DS2 else -1 for r in records], np.int8)
        if not {0, 1} <= set(part.tolist()):
            raise PainlitError(f"{self.root} lacks all records of DS1 or of DS2", "fetch the whole database")
        return part
