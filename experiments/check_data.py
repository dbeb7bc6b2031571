"""`make check-data`: says within seconds whether data sets are what their loaders expect, and what is missing.

check.sets=[biovid,vggface2,…] names the sets. Exit status 1: something is wrong with one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data_modules.biovid_check import check_biovid
from experiments.command import main
from painlit.config import Config
from painlit.errors import PainlitError


@dataclass(frozen=True)
class CheckResult:
    """What is there and what is not."""

    inventory: list[str]
    findings: list[str]

    @property
    def exit_status(self) -> int:
        """1 if anything is wrong."""
        return 1 if self.findings else 0


def run(config: Config) -> CheckResult:
    """Check each set and print what was found.

    Raises:
        PainlitError: BioVid is not there, and nothing else was asked for. In every other case this is a finding.
    """
    result = CheckResult([], [])
    for name in config.check.sets:
        try:
            inventory, findings = _check(name, config)
        except PainlitError as error:
            if config.check.sets == ["biovid"]:
                raise
            inventory, findings = [], [str(error).replace("\n  ->", ";")]
        for line in inventory:
            print(line)
        for line in findings:
            print(f"  wrong: {line}")
        what = config.data.root if name == "biovid" else name
        print(f"{what} has {len(findings)} problems" if findings else f"{what} is complete")
        result.inventory.extend(inventory)
        result.findings.extend(findings)
    return result


def _check(name: str, config: Config) -> tuple[list[str], list[str]]:
    """What is there of one set, and what is wrong."""
    if name == "biovid":
        return check_biovid(config)
    from data_modules.images_check import check_images

    if name == "vggface2":
        from data_modules.identities import IdentityTree

        return check_images(IdentityTree(Path(config.stage1.root), config.stage1.name))
    from data_modules.emotion_datamodule import SOURCES

    return check_images(SOURCES[name](config))


if __name__ == "__main__":
    main(run, __doc__)
