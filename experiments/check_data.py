"""`make check-data`: reports whether data sets are what their loaders expect, and what is missing.

check.sets=[biovid,vggface2,…] names the sets; [all] takes those whose folder exists. Exit status 1: something
is wrong with one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data_modules.recordings.check import recording_checks
from experiments.command import main
from painlit.config import Config
from painlit.config.check_data import ALL, DATA_SETS
from painlit.config.heartbeats import HEARTBEAT_SETS
from painlit.errors import PainlitError


@dataclass(frozen=True)
class CheckResult:
    """What was found, and what is missing or wrong."""

    inventory: list[str]
    findings: list[str]

    @property
    def exit_status(self) -> int:
        """1 if anything is wrong."""
        return 1 if self.findings else 0


def run(config: Config) -> CheckResult:
    """Check each set and print what was found.

    Raises:
        PainlitError: BioVid is missing and is the only set requested, or all sets are requested and all are missing. In
            every other case a missing set is a finding.
    """
    result = CheckResult([], [])
    for name in _sets(config):
        before = len(result.findings)
        try:
            for inventory, findings in _checks(name, config):
                _report(inventory, findings, result)
        except PainlitError as error:
            if config.check.sets == ["biovid"]:
                raise
            _report([], [error.one_line], result)
        what, problems = _place(config) if name == "biovid" else name, len(result.findings) - before
        print(f"{what} has {problems} problems" if problems else f"{what} is complete")
    return result


def _report(inventory: list[str], findings: list[str], result: CheckResult) -> None:
    """Print a part of what was found at once, and keep it."""
    for line in inventory:
        print(line)
    for line in findings:
        print(f"  wrong: {line}", flush=True)
    result.inventory.extend(inventory)
    result.findings.extend(findings)


def _place(config: Config) -> str:
    """Where the recordings are listed."""
    return config.data.root if config.data.layout == "biovid" else config.data.table


def _sets(config: Config) -> list[str]:
    """The requested sets; of all sets, those whose folder exists, after a line that names the others."""
    if config.check.sets != [ALL]:
        return config.check.sets
    roots = config.stage2.roots
    folders = {
        "biovid": _place(config),
        "vggface2": config.stage1.root,
        "affectnet": roots.affectnet,
        "cfee": roots.cfee,
        "raf_basic": f"{roots.raf_db}/basic",
        "raf_compound": f"{roots.raf_db}/compound",
        "folders": roots.folders,
        "mitbih": config.ecg.roots.mitbih,
        "ptb": config.ecg.roots.ptb,
        "mitbih_csv": config.ecg.roots.csv,
        "ptb_csv": config.ecg.roots.csv,
    }
    absent = {name: folders[name] for name in DATA_SETS if not Path(folders[name]).exists()}
    missing = ", ".join(f"{name} ({folder})" for name, folder in absent.items())
    if len(absent) == len(DATA_SETS):
        raise PainlitError(
            f"no data set is there: {missing}", "say where they are: data.root, stage1.root, stage2.roots, ecg.roots"
        )
    if absent:
        print(f"not there, and not checked: {missing}")
    return [name for name in DATA_SETS if name not in absent]


def _checks(name: str, config: Config) -> Iterable[tuple[list[str], list[str]]]:
    """Inventory and findings of one set, in parts as they are found."""
    if name == "biovid":
        return recording_checks(config)
    if name in HEARTBEAT_SETS:
        from data_modules.heartbeats.check import check_heartbeats
        from data_modules.heartbeats.datamodule import SOURCES as HEARTBEATS

        return [check_heartbeats(HEARTBEATS[name](config))]
    from data_modules.photographs.check import check_images

    if name == "vggface2":
        from data_modules.photographs.face_datamodule import face_source

        return [check_images(face_source(config))]
    from data_modules.photographs.emotion_datamodule import SOURCES

    return [check_images(SOURCES[name](config))]


if __name__ == "__main__":
    main("check-data")
