"""`make check-data`: says within seconds whether data sets are what their loaders expect, and what is missing.

BioVid by default; check.sets=[biovid,vggface2,affectnet,cfee,raf_basic,raf_compound,folders] names others, at the roots
that the stages take them from.
"""

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
    """Check each data set and print what was found."""
    from data_modules.images_check import check_images

    result = CheckResult([], [])
    for name in config.check.sets:
        if name == "biovid":
            title = config.data.root
            inventory, findings = check_biovid(config)
        else:
            title = name
            inventory, findings = check_images(name, config)
        for line in inventory:
            print(line)
        for line in findings:
            print(f"  wrong: {line}")
        print(f"{title} has {len(findings)} problems" if findings else f"{title} is complete")
        result.inventory.extend(inventory)
        result.findings.extend(findings)
    return result


if __name__ == "__main__":
    main(run, __doc__)
