"""`make check-data`: says within seconds whether data.root is what the loader expects, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from data_modules.biovid_check import check_biovid
from experiments.command import main
from painlit.config import Config


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
    """Check the folder and print what was found."""
    inventory, findings = check_biovid(config)
    for line in inventory:
        print(line)
    for line in findings:
        print(f"  wrong: {line}")
    print(f"{config.data.root} has {len(findings)} problems" if findings else f"{config.data.root} is complete")
    return CheckResult(inventory, findings)


if __name__ == "__main__":
    main(run, __doc__)
