"""Fitbit: `heart_rate-YYYY-MM-DD.json` of Google Takeout; its CSV is a table.

Times are `MM/DD/YY HH:MM:SS` in UTC. Source: samples and parsers in public repositories (ddboline/garmin_rust,
duckdb-fitbit); the zone is what they found by comparison with local time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from painlit.errors import ClipError
from painlit.signals.files.text_table import read_text
from painlit.signals.heart_rates.cleaning import Origin, bpm_series
from painlit.signals.heart_rates.series import HeartRates


def read_fitbit(path: Path) -> HeartRates:
    """Read a day of heart rates.

    Raises:
        ClipError: It is no JSON, is cut short, or an entry is no time and heart rate.
    """
    text, notes = read_text(path)
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ClipError(f"{path} is no valid JSON, or cut short: {error}", "export or copy it again") from error
    if not isinstance(entries, list) or not entries:
        raise ClipError(f"{path} is no list of heart rates", "of Fitbit's JSON, heart_rate-YYYY-MM-DD.json is read")
    times, bpm, unsure = [], [], 0
    for number, entry in enumerate(entries, start=1):
        try:
            times.append(datetime.strptime(entry["dateTime"], "%m/%d/%y %H:%M:%S").replace(tzinfo=UTC))
            bpm.append(float(entry["value"]["bpm"]))
            unsure += entry["value"].get("confidence") == 0
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise ClipError(
                f"{path}, entry {number}: {str(entry)[:200]} has no dateTime as 12/31/26 23:59:59 and value.bpm",
                "of Fitbit's JSON, heart_rate-YYYY-MM-DD.json is read",
            ) from error
    notes += (f"{unsure} of {len(bpm)} values have confidence 0",) if unsure else ()
    first = min(times)
    origin = Origin(path, "Fitbit", notes, first, records=True)
    return bpm_series(origin, np.array([(time - first).total_seconds() for time in times]), np.array(bpm))
