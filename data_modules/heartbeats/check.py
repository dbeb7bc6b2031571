"""What `make check-data` reports on a collection of heartbeats, without cutting a beat."""

from __future__ import annotations

from pathlib import Path

from data_modules.heartbeats.source import HeartbeatSource
from data_modules.heartbeats.tables import ROWS
from painlit.errors import some

PUBLISHED = {
    "mitbih": "48 records",
    "ptb": "549 records, 448 of them of healthy controls or infarctions",
    "mitbih_csv": "87,554 and 21,892 rows",
    "ptb_csv": "4,046 and 10,506 rows",
}
"""Collection -> its content as its authors report it."""


def check_heartbeats(source: HeartbeatSource) -> tuple[list[str], list[str]]:
    """What is there, and what is wrong.

    Raises:
        PainlitError: No record is there.
    """
    records = source.records()
    inventory = [f"{source.name}: {len(records):,} records in {source.root}; classes {', '.join(source.classes)}"]
    if source.name in PUBLISHED:
        inventory.append(f"  published: {PUBLISHED[source.name]}")
    for why, names in source.left_out().items():
        inventory.append(f"  {len(names)} records of {why} are left out, such as {names[0]}")
    files = [path for record in records for path in source.files(record)]
    missing = [str(path) for path in files if not path.is_file()]
    empty = [str(path) for path in files if path.is_file() and path.stat().st_size == 0]
    faults = (("missing", missing), ("empty", empty))
    findings = [f"{len(bad)} files are {what}: {some(bad, 3)}" for what, bad in faults if bad]
    for path in (source.root / record for record in records if record in ROWS):
        if path.is_file() and (rows := _lines(path)) != ROWS[path.name]:
            findings.append(f"{path} has {rows:,} rows, the published table {ROWS[path.name]:,}")
    return inventory, findings


def _lines(path: Path) -> int:
    with path.open("rb") as handle:
        return sum(bool(line.strip(b"\0\r\n ")) for line in handle)
