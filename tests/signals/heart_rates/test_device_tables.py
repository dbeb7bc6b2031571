"""Tables that Polar, Samsung, Fitbit and Empatica write."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from device_files import BEGAN, BPM, INTERVALS, POLAR_FLOW, has_note

from painlit.errors import ClipError


@pytest.mark.parametrize("date", ["29-08-2026", "2026-08-29"])
def test_polar_flow(read, date):
    rows = "".join(f"{'1' if k == 0 else ''},00:00:0{k},{b},0.0,00:00,,,,0.00,,\n" for k, b in enumerate(BPM))
    series = read(POLAR_FLOW.replace("29-08-2026", date) + rows, "session.CSV")
    assert (series.source, series.began) == ("Polar Flow", BEGAN.replace(tzinfo=None))
    assert (series.times.tolist(), series.bpm.tolist()) == ([0, 1, 2, 3, 4, 5], BPM)


def test_polar_flow_without_a_strap(read):
    with pytest.raises(ClipError, match="none of 2 values is a heart rate"):
        read(POLAR_FLOW + "1,00:00:00,,0.0,00:00,,,,0.00,,\n,00:00:01,,0.0,00:00,,,,0.00,,\n")


def test_polar_sensor_logger_heart_rates(read):
    rows = "".join(f"2026-08-29T22:00:0{k + 1}.{k * 7:03d};{b}{';12,1' if k > 2 else ''}\n" for k, b in enumerate(BPM))
    series = read("Phone timestamp;HR [bpm];HRV [ms];Breathing interval [rpm];\n" + rows, "Polar_H10_HR.txt")
    assert (series.source, series.began) == ("Polar Sensor Logger", BEGAN.replace(tzinfo=None))
    np.testing.assert_allclose(series.times, 1.007 * np.arange(6))
    assert series.bpm.tolist() == BPM


def test_polar_sensor_logger_intervals_arrive_in_batches(read):
    arrival = np.ceil(np.cumsum(INTERVALS) / 1000)  # once a second
    rows = "".join(f"2026-08-29T22:00:{5 + a:06.3f};{rr}\n" for a, rr in zip(arrival, INTERVALS, strict=True))
    series = read("Phone timestamp;RR-interval [ms]\n" + rows, "Polar_H10_RR.txt")
    np.testing.assert_allclose(np.diff(series.ends), INTERVALS[1:] / 1000)
    assert series.source == "Polar Sensor Logger"
    assert has_note(series, "of arrival")


SAMSUNG = ["start_time", "update_time", "max", "min", "time_offset", "deviceuuid", "end_time", "heart_rate"]


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_samsung_health_in_any_order(read, bom):
    header = ",".join(["source", "tag_id", *(f"com.samsung.health.heart_rate.{name}" for name in SAMSUNG), ""])
    clock = [f"2026-08-29 22:00:0{k + 1}.000" for k in range(6)]
    rows = [f",,{c},2026-08-30 10:00:00.000,90,60,UTC+0200,w,{c},{b}.0," for c, b in zip(clock, BPM, strict=True)]
    title = "com.samsung.shealth.tracker.heart_rate,6305010,4"
    series = read(bom + "\n".join([title, header, *(rows[k] for k in (3, 1, 0, 5, 2, 4))]) + "\n")
    assert (series.source, series.began) == ("Samsung Health", BEGAN + timedelta(seconds=3))
    assert (series.times.tolist(), series.bpm.tolist()) == ([-3, -2, -1, 0, 1, 2], BPM)
    assert has_note(series, "sorted")


def test_fitbit_csv_and_its_devices(read):
    rows = [f"2026-08-29T22:00:0{k + 1}Z,{b},Fitbit Air" for k, b in enumerate(BPM)] + [
        "2026-08-29T22:00:01Z,99,Some Phone"
    ]
    text = "timestamp,beats per minute,data source\n" + "\n".join(rows) + "\n"
    series = read(text, "heart_rate_2026-08-29.csv")
    assert (series.source, series.began, series.bpm.tolist()) == ("Fitbit", BEGAN, BPM)
    assert has_note(series, "of Fitbit Air (6 values), Some Phone (1 values), Fitbit Air is taken")
    assert read(text, device="Some Phone").bpm.tolist() == [99]
    with pytest.raises(ClipError, match="has no values of 'Watch', but of Fitbit Air"):
        read(text, device="Watch")


def test_fitabase_has_several_persons(read):
    rows = [f"{person},4/12/2026 7:21:0{k} AM,{b}" for person in (2022484408, 4020332650) for k, b in enumerate(BPM)]
    text = "Id,Time,Value\n" + "\n".join(rows) + "\n"
    with pytest.raises(ClipError, match="column 'Id' has 2 persons, such as '2022484408'"):
        read(text)
    series = read(text, device="4020332650")
    assert (series.source, series.began, series.bpm.tolist()) == ("Fitabase", datetime(2026, 4, 12, 7, 21), BPM)


@pytest.mark.parametrize("hz", [1, 0.2, 4])
def test_empatica_hr(read, hz):
    series = read(f"1788040801.000000\n{hz:.6f}\n" + "".join(f"{b}.00\n" for b in BPM), "HR.csv")
    assert (series.source, series.began) == ("Empatica E4", BEGAN)
    np.testing.assert_allclose(series.times, np.arange(6) / hz)
    np.testing.assert_allclose(series.bpm, BPM)


def test_empatica_ibi(read):
    series = read(
        "1788040801.000000, IBI\n83.503822,0.609403\n99.973326,0.843789\n100.770238,0.796911\n101.567149,0.796911\n",
        "IBI.csv",
    )
    assert (series.source, series.began, series.kind) == ("Empatica E4", BEGAN, "intervals")
    np.testing.assert_allclose(series.ends, [83.503822, 99.973326, 100.770238, 101.567149])
    np.testing.assert_allclose(series.times, [82.894419, 99.129537, 99.973326, 100.770238], atol=1e-5)
    rates, filled = series.per_second(99.5, 2, longest_gap=0)
    # 99.5-99.973 and 99.973-100.5; 100.5-100.770 and 100.770-101.5
    first = (0.473326 * 0.843789 + 0.526674 * 0.796911) / 1
    np.testing.assert_allclose(rates, [60 / first, 60 / 0.796911], rtol=1e-5)
    assert filled == 0
