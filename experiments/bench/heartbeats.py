"""Heartbeat classification on the MIT-BIH Arrhythmia Database, with the paper's Heart Rate Encoder.

Counts the cut's beats beside the published ones, then runs experiments/mitbih.yaml on beats at random, as published
work does, and on people not learnt from; finished runs are read again. Other `key=value` arguments reach the
configuration.
"""

import csv
from collections import Counter

import numpy as np

from data_modules.heartbeats.cache import open_collection
from data_modules.heartbeats.mitbih import CLASSES, MITBIH, SYMBOLS
from data_modules.heartbeats.wfdb_records import read_annotation
from experiments import pretrain_ecg
from experiments.bench.data import RUNS, given, real_data
from painlit.config import load
from painlit.training.stage import StageResult

SETTINGS = ("config=experiments/mitbih.yaml", f"runs={RUNS}")
PUBLISHED = {"N": 90_589, "S": 2_779, "V": 7_236, "F": 803, "Q": 8_039}
"""Beats of each class in Kachuee et al. (2018)'s files."""
EPOCHS = {"random_beats": 5, "inter_patient": 2}
"""Of each split: with held-out people, more passes only overfit to the training people."""


def main() -> None:
    """Print all tables."""
    counts()
    for split, epochs in EPOCHS.items():
        named = [f"ecg.split={split}", f"ecg.train.epochs={epochs}", f"name=mitbih-{split}"]
        result = pretrain_ecg.run(load([*SETTINGS, *named, *given()]))
        report(split, result)


def counts() -> None:
    """Records, annotated beats and cut beats, beside the published numbers."""
    source = MITBIH(real_data("mitdb"))
    known = Counter(symbol for record in source.records() for symbol in read_annotation(source.root / record)[1])
    annotated = {name: sum(known[symbol] for symbol in SYMBOLS[name]) for name in CLASSES}
    beats = open_collection(source, RUNS / "heartbeats")
    cut = dict(zip(CLASSES, np.bincount(beats.labels).tolist(), strict=True))
    print(
        f"MIT-BIH: {len(beats.records)} records, {sum(annotated.values()):,} annotated beats (published: 48, 109,494)"
    )
    print(f"{'class':10}" + "".join(f"{name:>9}" for name in CLASSES) + f"{'all':>10}")
    for what, row in (("annotated", annotated), ("cut", cut), ("published", PUBLISHED)):
        print(f"{what:10}" + "".join(f"{row[name]:9,}" for name in CLASSES) + f"{sum(row.values()):10,}")
    for why, count in beats.skipped.items():
        print(f"left out of the cut: {count}, {why}")


def report(split: str, result: StageResult) -> None:
    """Figures of one run, beside always predicting the commonest class."""
    with (result.folder / "confusion.csv").open(newline="", encoding="utf-8") as handle:
        confusion = np.array([list(map(int, row[1:])) for row in list(csv.reader(handle))[1:6]])
    metrics, total = result.metrics, confusion.sum()
    print(f"\n{split}: {total:,} beats not learnt from, {metrics['seconds'] / 60:.0f} minutes in the last process")
    accuracy, macro_f1 = (100 * metrics[f"val/mitbih/{key}"] for key in ("accuracy", "macro_f1"))
    print(f"  accuracy {accuracy:.2f} %, macro F1 {macro_f1:.2f} %")
    print(f"  always N: accuracy {100 * confusion[0].sum() / total:.2f} %")
    print(f"  {'true':6}{'beats':>8}{'Se %':>8}{'+P %':>8}   classified as {'  '.join(CLASSES)}")
    for name, row in zip(CLASSES, confusion, strict=True):
        sensitivity, predictivity = (
            100 * metrics[f"val/mitbih/{name}/{key}"] for key in ("sensitivity", "positive_predictivity")
        )
        cells = " ".join(f"{count:,}" for count in row)
        print(f"  {name:6}{row.sum():8,}{sensitivity:8.2f}{predictivity:8.2f}   {cells}")
