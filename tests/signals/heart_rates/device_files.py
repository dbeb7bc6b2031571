"""Files of heart rates as devices and apps write them, made here; and six heart rates that they all hold."""

import json
import struct
from datetime import UTC, datetime, timedelta

import numpy as np

from painlit.signals.heart_rates import HeartRates

BPM = [72, 75, 80, 78, 74, 70]


BEGAN = datetime(2026, 8, 29, 22, 0, 1, tzinfo=UTC)


def has_note(series: HeartRates, words: str) -> bool:
    return any(words in note for note in series.notes)


# ---- Garmin FIT: 14 bytes of header, definitions and data of messages, CRC-16 (polynomial 0x8005, reflected).

FILE_ID, RECORD, HRV = 0, 20, 78


NO_RATE, NO_BEAT = 0xFF, 0xFFFF


def crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def definition(local: int, message: int, fields: list[tuple[int, int, int]]) -> bytes:
    return struct.pack("<BBBHB", 0x40 | local, 0, 0, message, len(fields)) + bytes(n for field in fields for n in field)


def fit_file(messages: list[bytes], crc: int | None = None) -> bytes:
    body = definition(0, FILE_ID, [(0, 1, 0x00)]) + bytes([0, 4])  # an activity
    body += definition(1, RECORD, [(253, 4, 0x86), (3, 1, 0x02)]) + definition(2, HRV, [(0, 10, 0x84)])
    body += b"".join(messages)
    header = struct.pack("<BBHI4s", 14, 0x10, 2132, len(body), b".FIT")
    whole = header + struct.pack("<H", crc16(header)) + body
    return whole + struct.pack("<H", crc16(whole) if crc is None else crc)


def record(seconds: float, bpm: int) -> bytes:
    garmin_epoch = datetime(1989, 12, 31, tzinfo=UTC)
    return struct.pack("<BIB", 1, int((BEGAN - garmin_epoch).total_seconds() + seconds), bpm)


def hrv(*milliseconds: int) -> bytes:
    return struct.pack("<B5H", 2, *milliseconds, *[NO_BEAT] * (5 - len(milliseconds)))


# ---- Garmin TCX

TCX = """<?xml version="1.0" encoding="UTF-8"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2">
 <Activities><Activity Sport="Other"><Id>2026-08-29T22:00:01.000Z</Id>
  <Lap StartTime="2026-08-29T22:00:01.000Z"><AverageHeartRateBpm><Value>75</Value></AverageHeartRateBpm>
   <MaximumHeartRateBpm><Value>180</Value></MaximumHeartRateBpm><Track>{}</Track>
  </Lap></Activity></Activities>
</TrainingCenterDatabase>
"""


def trackpoint(seconds: float, bpm: int | None) -> str:
    time = (BEGAN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    rate = "" if bpm is None else f"<HeartRateBpm><Value>{bpm}</Value></HeartRateBpm>"
    return f"<Trackpoint><Time>{time}</Time><DistanceMeters>{seconds}</DistanceMeters>{rate}</Trackpoint>\n"


# ---- Apple Health

HEALTH = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 14 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary)*)>
<!ATTLIST HealthData locale CDATA #REQUIRED>
]>
<HealthData locale="en_US">
 <ExportDate value="2026-09-01 10:00:00 +0200"/>
 <Record type="HKQuantityTypeIdentifierStepCount" sourceName="iPhone" unit="count" startDate="2026-08-29 23:00:00 +0200" endDate="2026-08-29 23:09:00 +0200" value="500"/>
{}</HealthData>
"""  # noqa: E501


def health_record(seconds: int, bpm: float | str, source: str = "Anna&#8217;s Watch", unit: str = "count/min") -> str:
    time = (BEGAN + timedelta(seconds=seconds, hours=2)).strftime("%Y-%m-%d %H:%M:%S +0200")
    return (
        f' <Record type="HKQuantityTypeIdentifierHeartRate" sourceName="{source}" sourceVersion="11" '
        f'device="&lt;&lt;HKDevice: 0x28&gt;, name:Apple Watch&gt;" unit="{unit}" creationDate="{time}" '
        f'startDate="{time}" endDate="{time}" value="{bpm}">\n  <MetadataEntry key="M" value="0"/>\n </Record>\n'
    )


def health_beats(seconds: int, beats: list[tuple[int, str]]) -> str:
    return (
        health_record(seconds, 32.1, unit="ms")
        .replace("HeartRate", "HeartRateVariabilitySDNN")
        .removesuffix("</Record>\n")
        + "<HeartRateVariabilityMetadataList>"
        + "".join(f'<InstantaneousBeatsPerMinute bpm="{bpm}" time="{time}"/>' for bpm, time in beats)
        + "</HeartRateVariabilityMetadataList></Record>\n"
    )


# ---- Fitbit


def fitbit(entries: list[tuple[str, float, int]]) -> str:
    return json.dumps([{"dateTime": t, "value": {"bpm": b, "confidence": c}} for t, b, c in entries], indent=2)


INTERVALS = np.array([812, 795, 830, 805, 790, 820])


POLAR_FLOW = """Name,Sport,Date,Start time,Duration,Total distance (km),Average heart rate (bpm),HR max,HR sit
Test User,OTHER_INDOOR,29-08-2026,22:00:01,00:00:06,0.00,75,187,60

Sample rate,Time,HR (bpm),Speed (km/h),Pace (min/km),Cadence,Altitude (m),Stride length (m),Distances (m)
"""
