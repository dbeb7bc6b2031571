"""The table of `make bench`: what benchmarks of speed measured, with the machine, as runs/bench/speed.{json,md}.

Rows of benchmarks that this run did not repeat stay, each under the head of its own run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import torch

from experiments.bench.data import RUNS, is_quick
from painlit.inference.pipeline_timing import machine
from painlit.system.files import read_json, write_json, write_text

SPEED = RUNS / "speed.json"
"""speed.md lies beside it."""
PEERS = ("openvino", "perceiver-pytorch", "facenet-pytorch")
"""Packages whose versions are recorded beside painlit's own, where they are installed."""
COLUMNS = ("what", "median", "least", "greatest", "unit", "rounds", "times the peer's")


@dataclass(frozen=True)
class Row:
    """One thing measured; the median, least and greatest are over rounds, of which a benchmark may know one alone."""

    what: str
    median: float
    least: float | None
    greatest: float | None
    unit: str
    rounds: int
    peer: str = ""
    """The peer it is compared with; empty without one."""
    times_the_peers: float | None = None
    """The peer's median over this one: how many times as fast, or as small."""

    @classmethod
    def of(cls, what: str, values: Sequence[float], unit: str, peer: str = "", peers: Sequence[float] = ()) -> Row:
        """A row of the values of all rounds.

        Args:
            what: Is measured.
            values: Of each round.
            unit: Of the values; less is better.
            peer: Name of what to compare with.
            peers: The peer's values in the same unit.
        """
        times = median(peers) / median(values) if len(peers) else None
        return cls(what, median(values), min(values), max(values), unit, len(values), peer, times)


def record(benchmark: str, rows: Sequence[Row], place: Path = SPEED) -> None:
    """Put a benchmark's rows in the place of those of an earlier run of it, and write both files."""
    known = read_json(place) if place.is_file() else {}
    known[benchmark] = {"head": head(), "rows": [asdict(row) for row in rows]}
    write_json(place, known)
    write_text(place.with_suffix(".md"), markdown(known))


def head() -> dict[str, Any]:
    """What the figures depend on: machine, versions, date, and whether it was a quick run."""
    here = machine(torch.device("cpu"))
    sets = [name for name, there in torch.cpu.get_capabilities().items() if there is True]
    return {
        "date": datetime.now().isoformat(" ", "minutes"),
        "quick": is_quick(),
        "processor": here["processor"],
        "cores": here["cores"],
        "threads": here["threads"],
        "instruction sets": [name for name in sets if name.startswith(("avx", "amx", "fma", "sse4", "sve", "neon"))],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load": round(os.getloadavg()[0], 1),
        "versions": {"python": here["python"], **here["versions"], **_installed(PEERS)},
    }


def markdown(known: Mapping[str, Mapping[str, Any]]) -> str:
    """All benchmarks as Markdown: of each its head and a table.

    Args:
        known: Benchmark -> `head`, and `rows` as dictionaries of `Row`'s attributes.
    """
    parts = ["# Speed, as `make bench` measured it\n\nOnly figures of one table are of one run.\n"]
    for benchmark, entry in known.items():
        rows = [_cells(Row(**row)) for row in entry["rows"]]
        table = [COLUMNS, ("---",) * len(COLUMNS), *rows]
        lines = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
        parts.append(f"## {benchmark}\n\n{_head_text(entry['head'])}\n\n{lines}\n")
    return "\n".join(parts)


def _head_text(head: Mapping[str, Any]) -> str:
    quick = " **A quick run: fewer rounds and smaller sizes.**" if head["quick"] else ""
    versions = ", ".join(f"{name} {number}" for name, number in head["versions"].items())
    return (
        f"{head['date']}. {head['processor']}, {head['cores']} cores, {head['threads']} threads, "
        f"{head['memory_gib']:g} GiB, load {head['load']:g} at the end; {', '.join(head['instruction sets'])}. "
        f"{versions}.{quick}"
    )


def _cells(row: Row) -> tuple[str, ...]:
    times = "" if row.times_the_peers is None else f"{row.times_the_peers:.2f} ({row.peer})"
    figures = ("" if value is None else f"{value:.4g}" for value in (row.median, row.least, row.greatest))
    return row.what, *figures, row.unit, str(row.rounds), times


def _installed(packages: Sequence[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
