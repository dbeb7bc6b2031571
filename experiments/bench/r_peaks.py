"""Score R-peak detectors on MIT-BIH, and heart rates on the proxy of BioVid: `python -m experiments.bench.r_peaks`.

Scoring follows AAMI EC57: detected and annotated beats are paired one to one within 150 ms; ventricular flutter, where
single beats are not annotated, is left out (2.4 min of record 207). Unlike EC57 the first five minutes count: a 5.5 s
clip has no time to learn. Every detector gets the same samples (first channel, mV) and the same rules.
"""

import argparse
import csv
import importlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import wfdb
from numpy.typing import ArrayLike, NDArray

from painlit.errors import ClipError, PainlitError
from painlit.signals.beat_matching import BeatMatch, match_beats
from painlit.signals.heart_rate import Rule, heart_rate
from painlit.signals.pan_tompkins import pan_tompkins

DATA = Path(__file__).parents[2] / "../shared/data"
BEAT_SYMBOLS = list("NLRBAaJSVrFejnE/fQ?")
TOLERANCE = 0.150  # s
CLIP = 5.5  # s, a clip of BioVid
EDGE = 0.050  # s
BIOVID_RATE = 512.0  # Hz

Detector = Callable[[NDArray[np.float64], float], ArrayLike]


class Record(NamedTuple):
    """One ECG with its annotation.

    Attributes:
        name: Of the record, such as "100".
        ecg: First channel in mV, (n,).
        rate: In Hz.
        beats: Sample indices of annotated beats, (k,).
        flutter: First and last sample of each episode that is not scored, (e, 2).
    """

    name: str
    ecg: NDArray[np.float64]
    rate: float
    beats: NDArray[np.int64]
    flutter: NDArray[np.int64]


def load_record(path: Path) -> Record:
    """Read a WFDB record and its `atr` annotation; `path` has no suffix."""
    data = wfdb.rdrecord(str(path), channels=[0])
    marks = wfdb.rdann(str(path), "atr")
    symbols = np.array(marks.symbol)
    flutter = np.stack([marks.sample[symbols == "["], marks.sample[symbols == "]"]], axis=1)
    return Record(path.name, data.p_signal[:, 0], float(data.fs), marks.sample[np.isin(symbols, BEAT_SYMBOLS)], flutter)


def load_records(folder: Path) -> list[Record]:
    """Read every record of a folder.

    Raises:
        PainlitError: If there is none.
    """
    headers = sorted(folder.glob("*.hea"))
    if not headers:
        raise PainlitError(f"{folder} has no WFDB records (*.hea)", f"wfdb.dl_database('mitdb', '{folder}')")
    return [load_record(header.with_suffix("")) for header in headers]


def score(detector: Detector, record: Record) -> BeatMatch:
    """Compare a detector with the annotation of a whole record."""
    peaks = np.sort(np.asarray(detector(record.ecg, record.rate)))
    for first, last in record.flutter:
        peaks = peaks[(peaks < first) | (peaks > last)]
    return match_beats(peaks, record.beats, TOLERANCE * record.rate)


def score_clips(detector: Detector, record: Record, every: int) -> tuple[BeatMatch, int]:
    """Compare on every n-th 5.5 s clip of a record, each on its own.

    A beat within 50 ms of the clip's edge is cut in half: it need not be found, nor counts as false if it is.

    Returns:
        The summed counts, and how many clips the detector failed on; all their beats count as missed.
    """
    size, edge = round(CLIP * record.rate), round(EDGE * record.rate)
    total, failed = BeatMatch(0, 0, 0), 0
    for start in range(0, record.ecg.size - size + 1, every * size):
        if any(start <= last and first < start + size for first, last in record.flutter):
            continue
        stop = start + size
        whole = (record.beats >= start + edge) & (record.beats < stop - edge)
        cut = record.beats[~whole & (record.beats > start - edge) & (record.beats < stop + edge)]
        try:
            peaks = np.sort(np.asarray(detector(record.ecg[start:stop], record.rate))) + start
        except Exception:  # a peer may fail in any way on a short clip: that is counted and printed
            peaks, failed = np.empty(0), failed + 1
        peaks = peaks[(np.abs(peaks[:, None] - cut) > edge).all(axis=1)]
        total = add(total, match_beats(peaks, record.beats[whole], TOLERANCE * record.rate))
    return total, failed


def add(one: BeatMatch, other: BeatMatch) -> BeatMatch:
    """Sum the counts of two comparisons."""
    return BeatMatch(*(a + b for a, b in zip(one, other, strict=True)))


def detectors() -> dict[str, Detector]:
    """Ours and its peers, each as its own documentation uses it.

    Raises:
        PainlitError: If neurokit2 is not installed.
    """
    try:
        neurokit = importlib.import_module("neurokit2")
    except ImportError as error:
        raise PainlitError("neurokit2 is not installed", "pip install painlit[bench]") from error
    biosppy = importlib.import_module("biosppy.signals.ecg")
    tools = importlib.import_module("biosppy.signals.tools")

    def neurokit_method(method: str) -> Detector:
        def detect(ecg: NDArray[np.float64], rate: float) -> ArrayLike:
            clean = neurokit.ecg_clean(ecg, sampling_rate=rate, method=method)
            return neurokit.ecg_findpeaks(clean, sampling_rate=rate, method=method)["ECG_R_Peaks"]

        return detect

    def hamilton(ecg: NDArray[np.float64], rate: float) -> ArrayLike:
        # The filter of biosppy.signals.ecg.ecg(), which this segmenter expects to have run.
        clean = tools.filter_signal(ecg, "FIR", "bandpass", int(1.5 * rate), [0.67, 45], rate)["signal"]
        return biosppy.hamilton_segmenter(clean - clean.mean(), rate)["rpeaks"]

    return {
        "painlit": pan_tompkins,
        "biosppy Pan-Tompkins++": lambda ecg, rate: biosppy.Pan_Tompkins_Plus_Plus_segmenter(ecg, rate)["rpeaks"],
        "biosppy hamilton": hamilton,
        "neurokit2 pantompkins1985": neurokit_method("pantompkins1985"),
        "neurokit2 default": neurokit_method("neurokit"),
    }


def heart_rate_errors(part_a: Path, rule: Rule) -> dict[str, float | None]:
    """Absolute error in bpm of each proxy clip's mean heart rate, or None where the clip is refused.

    Raises:
        PainlitError: If the folder has no `truth.json`.
    """
    if not (part_a / "truth.json").exists():
        raise PainlitError(f"{part_a}/truth.json is missing", "make a proxy with make_proxy_biovid.py, or pass --proxy")
    truth = json.loads((part_a / "truth.json").read_text())
    errors: dict[str, float | None] = {}
    for path in sorted(part_a.glob("biosignals_filtered/*/*_bio.csv")):
        with path.open(newline="") as handle:
            ecg = [float(row["ecg"]) for row in csv.DictReader(handle, delimiter="\t")]
        clip = path.name.removesuffix("_bio.csv")
        try:
            errors[clip] = abs(float(heart_rate(ecg, BIOVID_RATE, rule).mean()) - truth[clip]["heart_rate_bpm"])
        except ClipError:
            errors[clip] = None
    return errors


def report_detectors(records: list[Record], names: list[str], every: int) -> None:
    """Print each detector's gross figures on whole records and on clips, and ours per record."""
    print(f"{'whole records':28}     Se %   +P %  error %  seconds   worst records: errors")
    chosen = {name: detector for name, detector in detectors().items() if not names or name in names}
    for name, detector in chosen.items():
        started = time.perf_counter()
        matches = {record.name: score(detector, record) for record in records}
        print(row(name, list(matches.values()), time.perf_counter() - started), end="   ")
        wrong = {record: match.false_positive + match.false_negative for record, match in matches.items()}
        print(", ".join(f"{record}: {wrong[record]}" for record in sorted(wrong, key=wrong.__getitem__)[:-6:-1]))
        if name == "painlit":
            for record, match in matches.items():
                print(row(f"  {record}", [match]))
    print(f"\n{f'every {every}. clip of {CLIP} s':28}     Se %   +P %  error %  seconds   clips failed")
    for name, detector in chosen.items():
        started = time.perf_counter()
        clips = [score_clips(detector, record, every) for record in records]
        print(row(name, [match for match, _ in clips], time.perf_counter() - started), sum(n for _, n in clips))


def row(name: str, matches: list[BeatMatch], seconds: float | None = None) -> str:
    """Format the sum of comparisons as one line of a table."""
    gross = BeatMatch(0, 0, 0)
    for match in matches:
        gross = add(gross, match)
    rates = (gross.sensitivity, gross.positive_predictivity, gross.detection_error)
    return f"{name:30}" + "".join(f"{100 * x:8.2f}" for x in rates) + ("" if seconds is None else f"{seconds:9.1f}")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--mitdb", type=Path, default=DATA / "mitdb")
    parser.add_argument("--proxy", type=Path, default=DATA / "proxy_biovid/PartA")
    parser.add_argument("--only", nargs="*", default=[], help="names of detectors; default all")
    parser.add_argument("--every", type=int, default=5, help="score every n-th clip of a record")
    options = parser.parse_args()
    report_detectors(load_records(options.mitdb), options.only, options.every)
    print("\nheart rate of the proxy's clips, mean of the 5 values against the annotation")
    for rule in ("overlap", "paper"):
        errors = heart_rate_errors(options.proxy, rule)
        known = {clip: error for clip, error in errors.items() if error is not None}
        worst = max(known, key=known.__getitem__)
        refused = len(errors) - len(known)
        print(f"{rule:10} mean absolute error {np.mean(list(known.values())):.2f} bpm", end=", ")
        print(f"worst {known[worst]:.1f} ({worst}), refused {refused} of {len(errors)} ({refused / len(errors):.1%})")


if __name__ == "__main__":
    main()
