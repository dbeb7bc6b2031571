"""TCX and Fitbit's JSON; and every format, which gives the same heart rates."""

import numpy as np
import pytest
from device_files import BEGAN, BPM, HEALTH, TCX, fit_file, fitbit, has_note, health_record, record, trackpoint

from painlit.errors import ClipError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["activity.tcx", "activity.xml"])
def test_tcx(read, name, encoding):
    points = "".join(trackpoint(k / 2, bpm) for k, bpm in enumerate([*BPM, None, 90]))
    text = TCX.format(points).replace('encoding="UTF-8"', f'encoding="{encoding.removesuffix("-sig")}"')
    series = read(text.encode(encoding), name)
    assert (series.source, series.began) == ("Garmin TCX", BEGAN)
    assert (series.times.tolist(), series.bpm.tolist()) == ([0, 0.5, 1, 1.5, 2, 2.5, 3.5], [*BPM, 90])
    assert has_note(series, "1 of 8 values are 0 or missing")


def test_laps_may_repeat_a_point(read):
    points = [trackpoint(0, 70), trackpoint(1, 71), "</Track><Track>", trackpoint(1, 71), trackpoint(2, 72)]
    series = read(TCX.format("".join(points)), "a.tcx")
    assert series.bpm.tolist() == [70, 71, 72]
    assert has_note(series, "1 values are there twice")


ENTITIES = '<!DOCTYPE x [<!ENTITY a "70"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TCX.format(trackpoint(0, 70))[:-40], "line 7: it is no valid XML .*may be cut short"),
        (TCX.format("<Trackpoint><Time>noon</Time></Trackpoint>"), "trackpoint 1: .*noon.* is no time and heart rate"),
        (TCX.format(trackpoint(0, 70).replace(">70<", ">fast<")), "trackpoint 2: .*fast"),
        (TCX.format(""), "has no trackpoints with a time"),
        (TCX.format(trackpoint(0, None)), "none of 1 values is a heart rate"),
        (TCX.format(trackpoint(0, 70)).replace("?>\n", f"?>\n{ENTITIES}\n", 1), "declares an XML entity"),
        (TCX.format(trackpoint(9, 70) + trackpoint(0, 70)), "time runs back by 9 s"),
    ],
)  # fmt: skip
def test_bad_tcx(read, content, message):
    with pytest.raises(ClipError, match=message) as caught:
        read(content, "a.tcx")
    assert "a.tcx" in caught.value.what


def test_fitbit_json(read):
    entries = [(f"08/29/26 22:00:0{k + 1}", bpm, 0 if k == 2 else 3) for k, bpm in enumerate(BPM)]
    series = read(fitbit(entries), "heart_rate-2026-08-29.json")
    assert (series.source, series.began) == ("Fitbit", BEGAN)
    assert (series.times.tolist(), series.bpm.tolist()) == ([0, 1, 2, 3, 4, 5], BPM)
    assert has_note(series, "1 of 6 values have confidence 0")
    assert read(fitbit(entries[::-1]), "a.json").bpm.tolist() == BPM


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "no list of heart rates"),
        ("{}", "no list of heart rates"),
        (fitbit([("08/29/26 22:00:01", 70, 1)])[:-20], "no valid JSON, or cut short"),
        ('[{"dateTime": "08/29/26 22:00:01", "value": "94"}]', "entry 1: .*has no dateTime"),
        ('[{"dateTime": "2026-08-29", "value": {"bpm": 70}}]', "entry 1: .*has no dateTime"),
        ("[1, 2]", "entry 1: 1 has no dateTime"),
        ("[" * 100_000, "no valid JSON"),
        (fitbit([("08/29/26 22:00:01", 0, 0)]), "they are all 0 or missing"),
    ],
)
def test_bad_json(read, content, message):
    with pytest.raises(ClipError, match=message) as caught:
        read(content, "a.json")
    assert "a.json" in caught.value.what


# ---- all


def test_every_format_gives_the_same_heart_rates_a_second(read, health):
    """Six values, one a second from 0 on: by hand 60 / (0.5 · 60/a + 0.5 · 60/b) half a second into each."""
    pytest.importorskip("fitdecode")
    a, b = np.array(BPM[:-1], float), np.array(BPM[1:], float)
    by_hand = 60 / (0.5 * 60 / a + 0.5 * 60 / b)
    clock = [f"2026-08-29T22:00:0{k + 1}Z" for k in range(6)]
    files = {
        "a.csv": "time,bpm\n" + "".join(f"{k},{bpm}\n" for k, bpm in enumerate(BPM)),
        "b.tsv": "time\tbpm\n" + "".join(f"{c}\t{bpm}\n" for c, bpm in zip(clock, BPM, strict=True)),
        "HR.csv": "1788040801.000000\n1.000000\n" + "".join(f"{bpm}.00\n" for bpm in BPM),
        "a.fit": fit_file([record(k, bpm) for k, bpm in enumerate(BPM)]),
        "a.tcx": TCX.format("".join(trackpoint(k, bpm) for k, bpm in enumerate(BPM))),
        "export.xml": HEALTH.format("".join(health_record(k, bpm) for k, bpm in enumerate(BPM))),
        "a.json": fitbit([(f"08/29/26 22:00:0{k + 1}", bpm, 3) for k, bpm in enumerate(BPM)]),
    }
    for name, content in files.items():
        rates, filled = read(content, name).per_second(0.5, 5, longest_gap=0)
        np.testing.assert_allclose(rates, by_hand, err_msg=name)
        assert filled == 0
