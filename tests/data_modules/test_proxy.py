import csv
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_up_portraits import SIDE, SMILE, configured, write_sources

from data_modules.heartbeats.wfdb_records import read_annotation, read_lead
from data_modules.proxy import clips, halves
from data_modules.proxy.clips import make_subject
from data_modules.proxy.halves import make_half, subjects_of
from data_modules.proxy.hearts import Heart
from data_modules.proxy.morph import Face
from data_modules.recordings.biovid import read_samples
from experiments import proxy_data
from painlit.config import ClipConfig, Config, load
from painlit.errors import PainlitError
from painlit.signals.files import read_ecg
from painlit.signals.video.decoding import read_clip

FEW = ClipConfig(video_fps=2)
"""11 pictures a clip."""
ONE = "proxy.subjects=1"


@pytest.fixture(scope="module", autouse=True)
def less_noise() -> Iterator[None]:
    """Drawing the noise of a clip takes longer than all else of one this short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clips, "_GRAINS", 1)
        yield


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    return write_sources(tmp_path_factory.mktemp("sources"), 5)


@pytest.fixture(scope="module")
def half(sources: Path, tmp_path_factory) -> Path:
    """A, of one person."""
    return make_half(configured(sources, tmp_path_factory.mktemp("out"), ONE), "A", clip=FEW)


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_half_is_a_complete_biovid_folder_with_its_credits(half: Path):
    found = read_samples(half)
    assert sorted(clip.label for clip in found) == ["NP", "P1", "P2", "P3", "P4"]
    assert {(clip.person.sex, clip.person.age) for clip in found} == {("women", 21.0)}
    for clip in found:
        assert [frame.shape for frame in read_clip(clip.video, FEW)] == [(512, 640, 3)] * 11
        for signals in ("biosignals_filtered", "biosignals_raw"):
            recording = read_ecg(half / signals / clip.subject / f"{clip.name}_bio.csv")
            assert (len(recording.values), recording.rate) == (2816, pytest.approx(512, rel=1e-3))
    text = (half / "README.txt").read_text()
    assert all(part in text for part in ("CC BY 4.0", "ODC-By 1.0", "DeBruine", "PhysioNet", "It is no pain data"))


def subjects(config: Config) -> dict[str, list[str]]:
    return {half: [s.person.face_id for s in subjects_of(config, half, FEW)] for half in ("A", "B")}


def test_the_halves_are_of_different_people(sources: Path, tmp_path: Path):
    assert subjects(configured(sources, tmp_path)) == {"A": ["001", "002"], "B": ["003", "004"]}
    moved = configured(sources, tmp_path, ONE, "proxy.first_subject=2")
    assert subjects(moved) == {"A": ["003"], "B": ["004"]}


def mouth(picture: np.ndarray) -> float:
    """How far the spot is below the middle of a picture of a portrait, in px of the portrait."""
    height, width = picture.shape[:2]
    scale = 1 if height == width else height * 1.12 / SIDE
    values = picture[..., 0].astype(float)
    weights = np.clip(values - 0.75 * values.max(), 0, None)
    return float((weights.sum(1) * (np.arange(height) - height / 2)).sum() / weights.sum() / scale)


def test_an_expression_grows_from_one_photograph_to_the_other(sources: Path):
    face = Face(sources / "faces/neutral/001.jpg", sources / "faces/smiling/001.jpg")
    assert np.array_equal(face.at(0), face.neutral)
    risen = [mouth(face.at(0)) - mouth(face.at(share)) for share in (0.25, 0.5, 0.75, 1)]
    assert np.allclose(risen, risen[-1] * np.array([0.25, 0.5, 0.75, 1]), atol=0.3)
    assert 0.5 * SMILE < risen[-1] < 1.1 * SMILE  # a part of it is taken for a motion of the head


def test_what_a_class_shows_rises_with_it(half: Path):
    risen, rates = {}, {}
    truth = json.loads((half / "truth.json").read_text())
    for clip in read_samples(half):
        frames = list(read_clip(clip.video, FEW))
        risen[clip.label] = mouth(frames[0]) - mouth(frames[-1])
        rates[clip.label] = truth[clip.name]["heart_rate_bpm"]
    assert abs(risen["NP"]) < 0.2 * SMILE
    assert 0.5 * SMILE < risen["P4"] < 1.1 * SMILE
    assert rates["P4"] > rates["NP"] + 10


def test_the_ecg_is_the_records_own_at_the_rate_that_truth_gives(half: Path, sources: Path):
    truth = json.loads((half / "truth.json").read_text())
    record, rate = sources / "mitdb/101", 360
    lead, (at, _) = read_lead(record, 0)[0], read_annotation(record)
    for clip in read_samples(half):
        raw = read_ecg(half / "biosignals_raw" / clip.subject / f"{clip.name}_bio.csv").values
        filtered = read_ecg(clip.ecg).values
        assert np.allclose(raw - np.median(raw), filtered, atol=2e-3)
        assert np.median(raw) == pytest.approx(0.3, abs=0.02)
        starts = np.arange(0, len(lead) * 512 // rate - 2816, 2816)
        parts = [lead[round(s * rate / 512) :][: round(5.5 * rate)] for s in starts]
        slowly, fast = np.arange(1980) / rate, np.arange(2816) / 512
        likeness = [np.corrcoef(np.interp(fast, slowly, part), raw)[0, 1] for part in parts]
        assert max(likeness) > 0.97
        start = starts[int(np.argmax(likeness))] / 512
        inside = at[(at / rate >= start) & (at / rate < start + 5.5)]
        recorded = truth[clip.name]
        assert recorded == {
            "heart_rate_bpm": pytest.approx(60 * rate / np.diff(inside).mean(), abs=0.006),
            "face_id": "001",
            "mitdb_record": 101,
        }


def test_of_hearts_as_fast_the_earlier_stretch_is_taken_and_none_twice():
    heart = Heart(np.arange(40)[:, None], np.repeat([70.0, 60.0], 20))
    taken = [int(heart.take(share)[0][0]) for share in (0, 0, 1, 0.49)]
    assert taken == [20, 21, 19, 39]


def elsewhere(function, pieces, *_) -> Iterator:
    """As processes do, last things first."""
    yield from (pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(piece))))) for piece in pieces[::-1])


def test_a_clip_follows_from_the_seed_and_the_persons_number(sources: Path, tmp_path: Path, half: Path, monkeypatch):
    monkeypatch.setattr(halves, "unordered", elsewhere)
    both = make_half(configured(sources, tmp_path / "both"), "A", clip=FEW)
    later = make_half(configured(sources, tmp_path / "later", ONE, "proxy.first_subject=1"), "A", clip=FEW)
    other = make_half(configured(sources, tmp_path / "other", ONE, "seed=1"), "A", clip=FEW)
    all_of_both = content(both)
    for alone in (half, later):
        made = {name: data for name, data in content(alone).items() if name.startswith(("video", "bio"))}
        assert len(made) == 15
        assert made.items() <= all_of_both.items()
    assert not set(content(half / "video").values()) & set(content(other / "video").values())
    rows = list(csv.reader((both / "starting_point/samples.csv").open(), delimiter="\t"))
    assert [row[0] for row in rows[1:]] == ["1"] * 5 + ["2"] * 5
    assert [row[4] for row in rows[1:]] == [str(k) for k in range(1, 11)]
    assert list(json.loads((both / "truth.json").read_text())) == [row[5] for row in rows[1:]]


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(sources: Path, tmp_path: Path, half: Path, monkeypatch):
    config, write, left = configured(sources, tmp_path, ONE), clips._write_video, [2]

    def stopping(path: Path, *more) -> None:
        if not left[0]:
            path.with_name(f".{path.name}.1234.part").write_bytes(b"cut")  # as after kill -9
            raise KeyboardInterrupt
        left[0] -= 1
        write(path, *more)

    monkeypatch.setattr(clips, "_write_video", stopping)
    with pytest.raises(KeyboardInterrupt):
        make_half(config, "A", clip=FEW)
    assert not (tmp_path / "A/starting_point/samples.csv").exists()
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "A/video").rglob("*.mp4")}
    assert len(finished) == 2
    left[0] = 99
    make_half(config, "A", clip=FEW)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert content(tmp_path / "A") == content(half)


def test_a_finished_half_is_left_as_it_is_and_a_lost_file_made_again(sources: Path, half: Path, monkeypatch):
    config, before = configured(sources, half.parent, ONE), content(half)
    for place in ("video/*/*-PA3-*.mp4", "starting_point/samples.csv", "truth.json"):
        next(half.glob(place)).unlink()
        make_half(config, "A", clip=FEW)
        assert content(half) == before
    monkeypatch.setattr(halves, "unordered", lambda *_: pytest.fail("something is made"))
    advances: list[int] = []
    make_half(config, "A", advances.append, FEW)
    assert advances == [5]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("seed=3", "seed was 0 and is now 3"),
        ("proxy.clips_per_class=2", "proxy.clips_per_class was 1 and is now 2"),
        ("proxy.first_subject=1", "first person was 1 and is now 2"),
    ],
)
def test_a_half_that_was_made_differently_is_refused(sources: Path, half: Path, change: str, named: str):
    before = content(half)
    with pytest.raises(PainlitError, match=named) as caught:
        make_half(configured(sources, half.parent, ONE, change), "A", clip=FEW)
    assert "proxy.out=" in caught.value.remedy
    assert content(half) == before


def test_replaced_photographs_are_not_mixed_with_older_clips(tmp_path: Path):
    write_sources(tmp_path, 1)
    config = configured(tmp_path, tmp_path / "out", ONE)
    make_half(config, "A", clip=FEW)
    photograph = tmp_path / "faces/smiling/001.jpg"
    photograph.write_bytes((tmp_path / "faces/neutral/001.jpg").read_bytes())
    with pytest.raises(PainlitError, match="photographs of 001 was"):
        make_half(config, "A", clip=FEW)


def test_a_folder_that_holds_something_else_is_left_alone(sources: Path, tmp_path: Path):
    (tmp_path / "A").mkdir()
    (tmp_path / "A/thesis.tex").touch()
    with pytest.raises(PainlitError, match="A holds something that `proxy-data` did not make"):
        make_half(configured(sources, tmp_path, ONE), "A", clip=FEW)
    assert [path.name for path in (tmp_path / "A").iterdir()] == ["thesis.tex"]


def test_a_full_disk_is_named(sources: Path, tmp_path: Path, full_disk):
    with full_disk(6_000), pytest.raises(PainlitError, match=r"\.mp4: File too large") as caught:
        make_half(configured(sources, tmp_path, ONE), "A", clip=FEW)
    assert "free some space" in caught.value.remedy
    assert not list((tmp_path / "A/video").rglob("*mp4*"))


def test_the_command_makes_both_halves_unless_one_is_asked_for(sources: Path, tmp_path: Path, monkeypatch, capsys):
    made = []
    monkeypatch.setattr(halves, "make_half", lambda config, half, advance: made.append(half) or Path(half))
    assert proxy_data.run(configured(sources, tmp_path, ONE)).roots == {"A": Path("A"), "B": Path("B")}
    printed = capsys.readouterr().out
    assert "It is no pain data" in printed
    proxy_data.run(configured(sources, tmp_path, ONE, "proxy.halves=[B]"))
    assert made == ["A", "B", "B"]


def test_what_the_second_half_lacks_is_reported_before_the_first_is_made(sources: Path, tmp_path: Path):
    with pytest.raises(PainlitError, match="lists 5 people: of 3 from number 4 on, 2 are left"):
        proxy_data.run(configured(sources, tmp_path, "proxy.subjects=3"))
    assert not list(tmp_path.iterdir())


def test_the_real_sets_give_the_clips_that_documented_figures_are_of(shared_data: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(clips, "_GRAINS", 8)
    known = shared_data / "proxy_biovid/PartA"
    where = f"proxy.faces={shared_data}/faces/london", f"ecg.roots.mitbih={shared_data}/mitdb", f"proxy.out={tmp_path}"
    subject = subjects_of(load([*where]), "A", ClipConfig())[0]
    samples = subject.samples(subject.generator())
    rows = list(csv.DictReader((known / "starting_point/samples.csv").open(), delimiter="\t"))
    assert [(int(row["class_id"]), row["sample_name"]) for row in rows[:10]] == samples
    whole = clips.Subject.samples
    monkeypatch.setattr(clips.Subject, "samples", lambda *some: whole(*some)[:1])  # it takes seconds
    name = samples[0][1]
    truth, before = make_subject(subject), json.loads((known / "truth.json").read_text())
    assert truth == {name: before[name]}
    for made in (tmp_path / "A").rglob("*.csv"):
        ours, theirs = (np.loadtxt(path, skiprows=1) for path in (made, known / made.relative_to(tmp_path / "A")))
        assert np.array_equal(ours, theirs)
    ours, theirs = (
        np.stack(list(read_clip(root / "video" / subject.person.subject / f"{name}.mp4", ClipConfig()))).astype(int)
        for root in (tmp_path / "A", known)
    )
    assert np.abs(ours - theirs).mean() < 1.5  # grey levels; 0 on the kind of processor that made the known one
