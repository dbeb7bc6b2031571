"""Names and units of columns where a program writes them above the numbers otherwise than in a header row.

- LabChart: `ChannelTitle=` and `UnitName=` or `Range=`, then a tab and a cell for each channel, times aside.
- OpenSignals (BITalino, biosignalsplux): a line of JSON with `column`, `label` and `sensor` of each device.
- AcqKnowledge: `2 channels`, then two lines for each, name and unit.
- Apple Watch: `Lead,Lead I` and `Unit,µV` above one column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

Columns = tuple[list[str], list[str]]
_LEAD = re.compile(r"(?:lead|ableitung)\s*[,;\t]\s*(.+)", re.IGNORECASE)
_UNIT = re.compile(r"(?:unit|einheit)\s*[,;\t]\s*(.+)", re.IGNORECASE)
_CHANNELS = re.compile(r"(\d+) channels?[,;\t]*")


def named_above(above: Sequence[str], header: Sequence[str]) -> Columns | None:
    """Names and units of all columns; None if the lines are of none of these programs.

    Args:
        above: The lines above the numbers, without signs of comments.
        header: Names of the columns as a header row has them, or empty strings.
    """
    for found in (_labchart(above, len(header)), _opensignals(above), _acqknowledge(above, header), _watch(above)):
        if found and len(found[0]) <= len(header):
            names, units = found
            return _filled(names, len(header)), _filled(units, len(header))
    return None


def _filled(cells: list[str], count: int) -> list[str]:
    return [*cells, *[""] * (count - len(cells))]


def _labchart(above: Sequence[str], count: int) -> Columns | None:
    fields = {key: cells.strip("\t").split("\t") for key, _, cells in (line.partition("=") for line in above)}
    if "ChannelTitle" not in fields:
        return None
    titles = [title.strip() for title in fields["ChannelTitle"]]
    units = fields.get("UnitName") or [cell.split()[-1] if cell.split() else "" for cell in fields.get("Range", [])]
    units = [unit.strip() for unit in _filled(units, len(titles))]
    return (titles, units) if len(titles) == count else (["Time", *titles], ["", *units])


def _opensignals(above: Sequence[str]) -> Columns | None:
    for line in above:
        try:
            description = json.loads(line) if line.startswith("{") else None
        except ValueError:
            continue
        devices = [device for device in (description or {}).values() if isinstance(device, dict) and "column" in device]
        names: list[str] = []
        for device in devices:
            labels, sensors = device.get("label", []), device.get("sensor", [])
            sensor = dict(zip(labels, sensors, strict=True)) if len(labels) == len(sensors) else {}
            names += [str(sensor.get(name, name)) for name in device["column"]]
        if names:
            return names, [""] * len(names)
    return None


def _acqknowledge(above: Sequence[str], header: Sequence[str]) -> Columns | None:
    at = next((k for k, line in enumerate(above) if _CHANNELS.fullmatch(line.strip())), None)
    if at is None:
        return None
    count = int(above[at].split()[0])
    labels = [line.strip().rstrip(",;\t") for line in above[at + 1 : at + 1 + 2 * count]]
    filled = [name for name in header if name]
    times = filled[: len(filled) - count]
    if len(labels) != 2 * count or len(times) > 1:
        return None
    return [*times, *labels[::2]], [*[""] * len(times), *labels[1::2]]


def _watch(above: Sequence[str]) -> Columns | None:
    leads, units = ([m[1].strip().strip('"') for line in above if (m := kind.fullmatch(line.strip()))]
                    for kind in (_LEAD, _UNIT))  # fmt: skip
    return (leads or [""], units) if len(units) == 1 and len(leads) <= 1 else None
