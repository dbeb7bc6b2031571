"""The figure holds what the table and the evidence say, on one axis of time."""

import base64
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from painlit.errors import PainlitError
from painlit.inference.pages.panels import thinned
from painlit.report.traces import Trace

LOST, UNREADABLE = (70.0, 100.0), (180.0, 215.0)


def trace(figure, name: str):
    found = [t for t in figure.data if t.name == name]
    assert len(found) == 1, f"{name} is drawn {len(found)} times"
    return found[0]


def names(figure) -> set[str]:
    return {t.name for t in figure.data}


def titles(figure) -> list[str]:
    return [note.text.removeprefix("<b>").removesuffix("</b>") for note in figure.layout.annotations]


def test_scores_stand_in_the_middle_of_their_windows_and_break_where_there_is_none(make_assessment):
    found = make_assessment()
    score = trace(found.plot(), "score")
    np.testing.assert_allclose(score.x, (found.table["start"] + found.table["end"]) / 2)
    np.testing.assert_allclose(score.y, found.table["score"])
    assert np.isnan(score.y).sum() == 30
    assert not score.connectgaps
    windows = trace(found.plot(), "windows")
    assert len(windows.hovertext) == len(found.table)
    row = found.table.iloc[120]
    for part in ("2:00–2:05.5", f"score {row['score']:.2f} ± {row['spread']:.2f}, {row['prediction']}",
                 f"moderate {row['p_moderate']:.2f}", f"heart rate {row['heart_rate']:.0f} bpm",
                 "from video and heart rate"):  # fmt: skip
        assert part in windows.hovertext[120]
    assert "no score: face found in 12 %" in windows.hovertext[80]
    assert "the ECG is unreadable" in windows.hovertext[190]
    assert "severe" not in windows.hovertext[80]


def test_the_band_is_the_spread(make_assessment):
    found = make_assessment()
    band = trace(found.plot(), "± 1 SD over the models")
    half = (~np.isnan(band.x)).nonzero()[0]
    first = half[: np.flatnonzero(np.diff(half) > 1)[0] + 1]  # the polygon before the gap
    n = len(first) // 2
    table = found.table.iloc[:n]
    np.testing.assert_allclose(band.y[first][:n], np.clip(table["score"] + table["spread"], 0, 1))
    np.testing.assert_allclose(band.y[first][n:][::-1], np.clip(table["score"] - table["spread"], 0, 1))
    assert "± 1 SD over the models" not in names(make_assessment(spread=False).plot())


@pytest.mark.parametrize(
    ("classes", "thresholds"), [(("a", "b"), [0.5]), (("a", "b", "c"), [0.25, 0.75]), (tuple("abcde"), None)]
)
def test_classes_have_their_names_and_thresholds_half_way(make_assessment, classes, thresholds):
    figure = make_assessment(classes=classes).plot()
    lines = [shape for shape in figure.layout.shapes if shape.name == "threshold"]
    assert [line.y0 for line in lines] == pytest.approx(thresholds or [0.125, 0.375, 0.625, 0.875])
    assert all(line.y0 == line.y1 for line in lines)
    assert list(figure.layout.yaxis.ticktext) == list(classes)
    assert list(figure.layout.yaxis.tickvals) == pytest.approx(np.linspace(0, 1, len(classes)))
    assert sum(shape.name == "class" for shape in figure.layout.shapes) == len(classes)


def test_where_there_is_no_score_is_hatched(make_assessment):
    gap = trace(make_assessment().plot(), "no score")
    assert [np.nanmin(gap.x), np.nanmax(gap.x)] == pytest.approx(LOST, abs=0.3)
    assert gap.fillpattern.shape == "/"
    everything = make_assessment()
    everything.table.loc[:, ["score", "p_severe"]] = np.nan
    gap = trace(everything.plot(), "no score")
    assert [np.nanmin(gap.x), np.nanmax(gap.x)] == pytest.approx([2.25, 297.25])
    assert "no score" not in names(make_assessment(seconds=60).plot())


def test_all_panels_stand_on_one_axis_above_each_other(make_assessment):
    figure = make_assessment().plot()
    assert titles(figure) == ["Pain score", "Faces, ▲ at the highest scores", "Faces in the picture",
                              "ECG and its R peaks", "Heart rate in bpm"]  # fmt: skip
    assert {t.xaxis for t in figure.data} == {"x"}
    assert figure.layout.hoversubplots == "axis"
    assert "across" in figure.layout.xaxis.spikemode
    domains = [figure.layout[f"yaxis{k or ''}"].domain for k in ("", 2, 3, 4, 5)]
    assert all(upper[0] > lower[1] for upper, lower in pairwise(domains))
    assert domains[0][1] == 1
    assert domains[-1][0] == pytest.approx(0)
    assert list(figure.layout.xaxis.range) == [0, 300]
    assert figure.layout.xaxis.ticktext[:2] == ("0:00", "0:30")


def test_what_the_recording_lacks_is_left_out(make_assessment):
    figure = make_assessment(ecg=False).plot(faces="none")
    assert titles(figure) == ["Pain score", "Faces in the picture"]
    assert not figure.layout.images
    assert "R peak" not in names(figure)
    assert titles(make_assessment(is_pain=False).plot())[0] == "Score"


def test_evidence_is_drawn_where_it_is(make_assessment):
    found = make_assessment()
    figure, ecg, rates = found.plot(), found.evidence.ecg, found.evidence.heart_rates
    peaks = trace(figure, "R peak")
    np.testing.assert_allclose(peaks.x, ecg.peaks / ecg.rate, atol=1e-4)
    np.testing.assert_allclose(peaks.y, ecg.values[ecg.peaks], rtol=1e-6)
    drawn = trace(figure, "heart rate")
    known = ~np.isnan(drawn.x)
    np.testing.assert_allclose(drawn.x[known], rates["time"] + 0.5)
    np.testing.assert_allclose(drawn.y[known], rates["bpm"])
    assert (~known).sum() == 1, "the line breaks where there are no rates"
    lost = trace(figure, "face not found")
    assert [lost.x[0], lost.x[1]] == pytest.approx([LOST[0] - 2, LOST[1] + 2], abs=0.7)
    faces = trace(figure, "faces")
    assert len(faces.x) < 10, "only changes are drawn"
    assert faces.y.max() == 2
    assert faces.x[-1] == found.evidence.frames["time"].iloc[-1], "up to the last frame"


def test_an_ecg_that_begins_later_is_drawn_later(make_assessment):
    found = make_assessment(seconds=30)
    later = replace(found, evidence=replace(found.evidence, ecg_start=2.5)).plot()
    for name in ("ECG", "R peak"):
        drawn = trace(later, name).x
        np.testing.assert_allclose(drawn, trace(found.plot(), name).x[: len(drawn)] + 2.5, atol=2e-3)


def test_a_part_of_a_recording_has_the_axis_of_that_part(make_assessment):
    found = make_assessment()
    table = found.table[120:200].reset_index(drop=True)
    part = replace(found, table=table, about={**found.about, "start": 120.0, "seconds": 85.0})
    figure = part.plot()
    assert list(figure.layout.xaxis.range) == [120, 205]
    assert figure.layout.xaxis.ticktext[0] == "2:00"
    np.testing.assert_allclose(trace(figure, "score").y, table["score"])
    assert trace(figure, "ECG").x.min() == pytest.approx(120)
    assert trace(figure, "ECG").x.max() == pytest.approx(205, abs=0.01)
    peaks = trace(figure, "R peak").x
    assert len(peaks) == sum(120 <= k / 512 < 205 for k in found.evidence.ecg.peaks)
    assert 120 <= peaks.min() < peaks.max() < 205


@pytest.mark.parametrize("columns", [300, 2000])
def test_no_beat_is_lost_when_an_ecg_is_thinned(columns: int):
    values = np.zeros(60 * 512)
    peaks = np.arange(100, len(values), 400)
    values[peaks] = 1 + np.arange(len(peaks))
    values[5000:5400] = np.nan
    time, height = thinned(Trace(values, 512.0, peaks), 10.0, columns)
    assert len(time) <= 2 * columns + 1
    left = peaks[np.isfinite(values[peaks])]
    for k in left:
        assert height[np.abs(time - (10 + k / 512)).argsort()[0]] == values[k]
    inside = np.flatnonzero(np.isnan(height))
    assert len(inside) == 1
    assert time[inside - 1] < 10 + 5000 / 512
    assert time[inside + 1] > 10 + 5399 / 512


def test_pictures_stand_at_their_time_apart_and_peaks_come_first(make_assessment):
    found = make_assessment()
    shown = [image for image in found.plot().layout.images if image.visible]
    assert sum(image.name == "peak" for image in shown) == sum(p.peak for p in found.evidence.pictures) == 2
    assert len(shown) >= 8
    places = sorted((image.x, image.sizex) for image in shown)
    assert all(b[0] - a[0] >= a[1] for a, b in pairwise(places))
    assert places[0][0] - places[0][1] / 2 >= 0
    assert places[-1][0] + places[-1][1] / 2 <= 300
    inner = [image.x for image in found.plot().layout.images][1:-1]
    np.testing.assert_allclose(inner, [p.time for p in found.evidence.pictures][1:-1])


def detail(image: np.ndarray) -> float:
    """Mean difference of neighbouring pixels."""
    image = image.astype(float)
    return float(np.abs(np.diff(image, axis=0)).mean() + np.abs(np.diff(image, axis=1)).mean()) / 2


@pytest.mark.parametrize("faces", ["blur", "show"])
def test_blurred_pixels_are_not_in_the_figure(make_assessment, faces: str):
    found = make_assessment()
    original = found.evidence.pictures[0].pixels[..., ::-1]
    _, _, data = found.plot(faces=faces).layout.images[0].source.partition(";base64,")
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    like = cv2.resize(pixels, original.shape[:2], interpolation=cv2.INTER_CUBIC)
    assert (max(pixels.shape[:2]) <= 8) == (faces == "blur")
    assert (detail(like) < 0.1 * detail(original)) == (faces == "blur")
    alike = np.corrcoef(like.ravel().astype(float), original.ravel().astype(float))[0, 1]
    assert (alike < 0.3) == (faces == "blur")


def test_faces_are_blurred_unless_asked_for_and_another_word_is_refused(make_assessment):
    found = make_assessment(seconds=30)
    assert found.plot() == found.plot(faces="blur") != found.plot(faces="show")
    with pytest.raises(PainlitError, match="blur, show, none"):
        found.plot(faces="pixelate")


def test_names_from_outside_are_text(make_assessment):
    figure = make_assessment(classes=("<b>none</b>", "%{x} & more", "a name that is much too long for an axis")).plot()
    assert figure.layout.yaxis.ticktext[:2] == ("&lt;b&gt;none&lt;/b&gt;", "%{x} &amp; more")
    assert len(figure.layout.yaxis.ticktext[2]) == 18
    windows = trace(figure, "windows")
    assert not any("<b>" in text for text in windows.hovertext)
    assert windows.hovertemplate is None
