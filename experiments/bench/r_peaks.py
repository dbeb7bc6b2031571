"""Score R-peak detectors on MIT-BIH: `make bench ARGS="r_peaks '--only=painlit,wfdb xqrs' --every=5"`.

Tables of whole records, of the same at other rates, of the heart rates of 5.5 s clips at 512 Hz, with noise added, and
of sets of other ECGs, on which quality is scored too; each as text, CSV and Markdown, with figures, under
runs/bench/r_peaks. What a version of a library gave is kept there
and not computed again; ours always is. All of it takes an hour with wfdb's xqrs, minutes without;
--parts=records,rates,clips,noise,sets names tables. Any other function is scored beside these:
--detector=wfdb.processing:gqrs_detect.
"""

import argparse
from pathlib import Path

import numpy as np

from experiments.bench.data import DATA
from experiments.bench.ecg.detectors import Detector, detectors, run
from experiments.bench.ecg.noise import KINDS, with_noise
from experiments.bench.ecg.records import Record, first_minutes, load_records
from experiments.bench.ecg.scoring import gross, score
from experiments.bench.ecg.sets import annotated_sets, at_rate
from experiments.bench.ecg.tables import draw_noise, draw_records, write_table
from experiments.bench.ecg.windows import RATE, errors, windows
from painlit.config import PrepareConfig
from painlit.signals.ecg.beat_matching import BeatMatch
from painlit.signals.ecg.heart_rate import Rule
from painlit.signals.ecg.pan_tompkins import find_r_peaks
from painlit.signals.ecg.signal_quality import signal_quality

OUT = Path("runs/bench/r_peaks")
NOISE_MINUTES = 5.0  # of each record
SNR = (20, 10, 5)  # dB
RATES = (100, 128, 200, 250, 500, 512, 1000)  # Hz
WRONG = 5.0  # bpm
STEP = 2.25  # s between clips of other ECGs
RULES: tuple[Rule, ...] = ("overlap", "paper")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--mitdb", type=Path, default=DATA / "mitdb")
    parser.add_argument("--only", default="", help="names of detectors with commas between; default all")
    parser.add_argument("--detector", action="append", default=[], help="module:function, (ecg, rate) -> R peaks")
    parser.add_argument("--every", type=int, default=1, help="take every n-th clip of 5.5 s")
    parser.add_argument("--parts", default="records,rates,clips,noise,sets", help="tables to make")
    options, _ = parser.parse_known_args()
    parts = options.parts.split(",")
    chosen = [d for d in detectors(options.detector) if not options.only or d.name in options.only.split(",")]
    records = load_records(options.mitdb)
    if "records" in parts:
        draw_records(OUT / "records.svg", report_records(records, chosen))
    if "rates" in parts:
        report_rates(records, [d for d in chosen if d.version is None])
    if "clips" in parts:
        report_clips(records, chosen, options.every)
    if "noise" in parts:
        draw_noise(OUT / "noise.svg", report_noise(records, chosen))
    if "sets" in parts:
        report_sets(annotated_sets(options.mitdb, DATA / "ecg_hard"), chosen)
    print(f"\ntables and figures: {OUT}/")


def report_records(records: list[Record], chosen: list[Detector]) -> dict[str, dict[str, float]]:
    """Whole records: gross figures of each detector, and the detection error of each on each record."""
    rows, each = [], {}
    for detector in chosen:
        found = run(detector, [record.ecg for record in records], records[0].rate, OUT / "records")
        matches = [score(peaks, record) for peaks, record in zip(found.peaks, records, strict=True)]
        whole = gross([score(p, record, flutter=True) for p, record in zip(found.peaks, records, strict=True)])
        each[detector.name] = {r.name: 100 * m.detection_error for r, m in zip(records, matches, strict=True)}
        wrong = {r.name: m.false_positive + m.false_negative for r, m in zip(records, matches, strict=True)}
        worst = ", ".join(f"{name}: {wrong[name]}" for name in sorted(wrong, key=wrong.__getitem__)[:-6:-1])
        with_flutter = f"{100 * whole.detection_error:.2f}"
        rows.append([detector.name, *_rates(gross(matches)), with_flutter, found.seconds_text, worst])
    header = ["whole records", "Se %", "+P %", "error %", "with flutter %", "seconds", "worst records: errors"]
    print(f"{sum(len(record.beats) for record in records):,} beats of {len(records)} records, first channel, 150 ms")
    flutter = {r.name: (r.flutter[:, 1] - r.flutter[:, 0]).sum() / r.rate for r in records if len(r.flutter)}
    spans = ", ".join(f"{seconds:.0f} s of record {name}" for name, seconds in flutter.items())
    print(
        f"error leaves out ventricular flutter, as AAMI EC57 allows: {spans}; with it, all found there counts as false"
    )
    print(write_table(OUT / "records", header, rows))
    listed = [[r.name, str(len(r.beats)), *(f"{each[d.name][r.name]:.2f}" for d in chosen)] for r in records]
    write_table(OUT / "each_record", ["record", "beats", *(d.name for d in chosen)], listed)
    return each


def report_rates(records: list[Record], chosen: list[Detector]) -> None:
    """Whole records resampled: detection error of what is not kept, ours and the user's."""
    rows = []
    for detector in chosen:
        cells = [detector.name]
        for rate in RATES:
            matches = []
            for record in records:
                other = at_rate(record, rate)
                matches.append(score(run(detector, [other.ecg], rate, OUT).peaks[0], other))
            cells.append(f"{100 * gross(matches).detection_error:.2f}")
        rows.append(cells)
    print("\nwhole records resampled to other rates, detection error %")
    print(write_table(OUT / "rates", ["rate", *(f"{rate} Hz" for rate in RATES)], rows))


def report_clips(records: list[Record], chosen: list[Detector], every: int) -> None:
    """Clips of 5.5 s: error of the heart rates, by both rules, and what signal quality would refuse."""
    cut = [window for record in records for window in windows(record, every)]
    ecgs = [window.ecg for window in cut]
    threshold = PrepareConfig().least_ecg_quality
    rows = []
    for detector in chosen:
        found = run(detector, ecgs, RATE, OUT / f"clips-{every}")
        cells = [detector.name]
        for rule in RULES:
            wrong, known = errors(found.peaks, cut, rule)
            valid = wrong[np.isfinite(wrong)]
            refused = 1 - np.isfinite(wrong).sum() / known.sum()
            mean, share = (f"{valid.mean():.2f}", f"{100 * (valid > WRONG).mean():.2f}") if valid.size else ("-", "-")
            cells += [mean, share, f"{100 * refused:.2f}"]
        rows.append([*cells, found.seconds_text])
        if detector.name == "painlit":
            wrong, known = errors(found.peaks, cut, "overlap")
            rows += _by_quality(wrong, known, np.array([signal_quality(ecg, RATE) for ecg in ecgs]), threshold)
    header = ["clips of 5.5 s"]
    for rule in RULES:
        header += [f"{rule}: bpm", f"> {WRONG:g} bpm %", "refused %"]
    print(
        f"\nheart rates of {len(cut):,} clips at {RATE:g} Hz against those of the annotated beats, mean absolute error"
    )
    print(write_table(OUT / "clips", [*header, "seconds"], rows))


def _by_quality(wrong: np.ndarray, known: np.ndarray, quality: np.ndarray, threshold: float) -> list[list[str]]:
    """A row for the clips that `make prepare` would keep; prints the AUC of separating wrong rates from right ones."""
    kept = known & np.isfinite(wrong) & (quality >= threshold)
    order = _order(wrong, quality)
    print(
        f"\nquality of a clip with a wrong rate (> {WRONG:g} bpm) is below that of another with probability {order:.3f}"
    )
    for low, high in ((0, 0.05), (0.05, 0.15), (0.15, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 1.01)):
        there = np.isfinite(wrong) & (quality >= low) & (quality < high)
        if there.any():
            share = (wrong[there] > WRONG).mean()
            print(
                f"  {low:.2f} to {min(high, 1):.2f}: {there.sum():6,} clips, {wrong[there].mean():6.2f} bpm, "
                f"{100 * share:5.1f} % wrong"
            )
    refused = 1 - kept.sum() / known.sum()
    cells = [f"{wrong[kept].mean():.2f}", f"{100 * (wrong[kept] > WRONG).mean():.2f}", f"{100 * refused:.2f}"]
    return [[f"  quality of {threshold:g} or more", *cells, "", "", "", ""]]


def _order(wrong: np.ndarray, quality: np.ndarray) -> float:
    """Probability that a clip whose rate is wrong has a lower quality than another (the area under the ROC curve)."""
    bad, good = quality[wrong > WRONG], np.sort(quality[wrong <= WRONG])
    if not bad.size or not good.size:
        return float("nan")
    below, with_equal = (np.searchsorted(good, bad, side=side) for side in ("left", "right"))
    return float(1 - (below + with_equal).mean() / 2 / good.size)


def report_sets(sets: dict[str, list[Record]], chosen: list[Detector]) -> None:
    """Other ECGs: detection error of each detector on each set, and the AUC of our quality on windows of it."""
    rows = []
    for name, records in sets.items():
        cells = [name, str(len(records)), f"{sum(len(record.beats) for record in records):,}"]
        for d in chosen:
            found = run(d, [record.ecg for record in records], records[0].rate, OUT / "sets" / name.replace(" ", "-"))
            matches = [score(peaks, record) for peaks, record in zip(found.peaks, records, strict=True)]
            cells.append(f"{100 * gross(matches).detection_error:.2f}")
        cut = [window for record in records for window in windows(at_rate(record, RATE), _every(record), STEP)]
        peaks = [find_r_peaks(window.ecg, RATE) for window in cut]
        wrong, _ = errors([each.at for each in peaks], cut, "overlap")
        quality = np.array([signal_quality(w.ecg, RATE, each) for w, each in zip(cut, peaks, strict=True)])
        rated = np.isfinite(wrong)
        kept = rated & (quality >= PrepareConfig().least_ecg_quality)
        shares = (f"{100 * (wrong[which] > WRONG).mean():.1f}" if which.any() else "-" for which in (rated, kept))
        rows.append([*cells, *shares, f"{100 * (1 - kept.mean()):.1f}", f"{_order(wrong[rated], quality[rated]):.3f}"])
    header = ["detection error %", "ECGs", "beats", *(d.name for d in chosen)]
    header += [f"wrong by {WRONG:g} bpm %", "of those kept", "refused %", "AUC"]
    print("\nother ECGs; on the right our heart rates of clips of 5.5 s and whether quality separates the wrong ones")
    print(write_table(OUT / "sets", header, rows))


def _every(record: Record) -> int:
    """A long record gives no more clips than a minute does."""
    return max(1, round(record.ecg.size / record.rate / 60))


def report_noise(records: list[Record], chosen: list[Detector]) -> dict[str, dict[str, dict[str, float]]]:
    """The first minutes of each record with noise added."""
    short = [first_minutes(record, NOISE_MINUTES) for record in records]
    falls: dict[str, dict[str, dict[str, float]]] = {}
    clean = {d.name: _error(d, short, [r.ecg for r in short], OUT / "noise-none") for d in chosen}
    for kind in KINDS:
        falls[kind] = {d.name: {"clean": clean[d.name]} for d in chosen}
        for snr in SNR:
            noisy = [with_noise(record.ecg, record.rate, kind, snr, record.name) for record in short]
            for d in chosen:
                falls[kind][d.name][f"{snr} dB"] = _error(d, short, noisy, OUT / f"noise-{kind}-{snr}")
    header = ["detection error %", "clean", *(f"{kind} {snr} dB" for kind in KINDS for snr in SNR)]
    rows = [
        [d.name, f"{clean[d.name]:.2f}", *(f"{falls[kind][d.name][f'{snr} dB']:.2f}" for kind in KINDS for snr in SNR)]
        for d in chosen
    ]
    print(f"\nnoise added to the first {NOISE_MINUTES:g} minutes of each record")
    print(write_table(OUT / "noise", header, rows))
    return falls


def _error(detector: Detector, records: list[Record], ecgs: list[np.ndarray], kept: Path) -> float:
    found = run(detector, ecgs, records[0].rate, kept)
    return 100 * gross([score(p, r) for p, r in zip(found.peaks, records, strict=True)]).detection_error


def _rates(match: BeatMatch) -> list[str]:
    values = (match.sensitivity, match.positive_predictivity, match.detection_error)
    return [f"{100 * value:.2f}" for value in values]
