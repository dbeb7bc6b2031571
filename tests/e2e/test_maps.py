"""`make maps` on real runs: figures, curves and a page; and what it refuses."""

import csv
import re

import numpy as np
import pytest
from conftest import FOLD, pretraining, tiny

from experiments import finetune, maps, pretrain_stage1, pretrain_stage2, report
from painlit.config import load
from painlit.errors import PainlitError

RUNS = "maps.runs=[video,heart_rate,fusion]"


@pytest.fixture(scope="module")
def pretrained(tiny_sets, tmp_path_factory) -> list[str]:
    """Settings that name a finished stage 1 and stage 2."""
    arguments = [*pretraining(tiny_sets, tmp_path_factory.mktemp("pretrained")), "stage1.train.epochs=2"]
    first = pretrain_stage1.run(load(arguments))
    second = pretrain_stage2.run(load([*arguments, "stage2.train.epochs=2"]))
    return [f"maps.stage1={first.weights}", f"maps.stage2={second.weights}"]


def test_maps_of_all_modalities(tiny_data, trained, pretrained):
    methods = (
        "maps.spatial=[contribution,gradient,rollout,sub_patch]",
        "maps.temporal=[contribution,gradient,attention]",
    )
    result = maps.run(tiny(tiny_data, trained, RUNS, "maps.frames=3", *methods, *pretrained))
    assert result.folder == trained / "maps" / "video"
    assert len(result.clips) == 3
    assert all("-PA4-" in clip for clip in result.clips)
    for clip in result.clips:
        for kind, method in (("faces", "sub_patch"), ("rectangles", "attention")):
            for suffix in (".png", ".svg"):
                assert (result.folder / f"{kind}_{clip}_{method}{suffix}").stat().st_size > 5_000
    page = (result.folder / "maps.html").read_text()
    assert page.count("data:image/png;base64,") == 3 * 4 + 3 * 3 + 3
    assert "Stand-in data, not pain data" in page
    assert "never saw its person" in page
    rows = list(csv.DictReader((result.folder / "faithfulness.csv").open()))
    assert {row["of"] for row in rows} == {
        "faces, stage 1", "faces, stage 2", "faces, pain", "clips, video", "clips, heart rate", "clips, fusion",
    }  # fmt: skip
    clips = list(csv.DictReader((result.folder / "clips_heart_rate.csv").open()))
    assert len(clips) <= 3 * 12
    assert all(np.isclose(sum(float(clip[str(k)]) for k in range(3)), 1, atol=1e-4) for clip in clips)
    report.run(tiny(tiny_data, trained))
    report_page = (trained / "loso" / "video" / "report.html").read_text()
    assert report_page.count("data:image/png;base64,") == 3
    assert 'href="../../maps/video/maps.html"' in report_page
    assert "<h2>Maps" not in (trained / "loso" / "fusion" / "report.html").read_text()
    curves = list(csv.DictReader((result.folder / "time_curves.csv").open()))
    for run, times in (("video", 4), ("heart rate", 3)):
        shares = [float(row["share"]) for row in curves if (row["run"], row["method"]) == (run, "contribution")]
        assert len(shares) == 2 * times  # of both classes
        assert np.isclose(sum(shares), 2, atol=1e-4)


def test_a_clip_is_mapped_by_the_model_that_never_saw_its_person(tiny_data, trained, monkeypatch):
    from painlit.inference.maps import mapped_runs

    seen = []
    shown = mapped_runs._shown

    def spy(model, network, position, *more):
        seen.append((model.fold, model.subjects, position))
        return shown(model, network, position, *more)

    monkeypatch.setattr(mapped_runs, "_shown", spy)
    clip = f"{FOLD}-PA4-001"
    alone = "maps.runs=[video]", f"maps.clips=[{clip}]", "maps.stage1=none", "maps.stage2=none"
    maps.run(tiny(tiny_data, trained, *alone))
    ((fold, learnt_from, _),) = seen
    assert fold == FOLD
    assert FOLD not in learnt_from


@pytest.mark.slow
def test_of_a_model_that_learnt_from_everybody_it_says_so(tiny_data, runs):
    finetune.run(tiny(tiny_data, runs, "model.modality=video", "name=all"))
    given = "maps.stage=finetune", "maps.runs=[all]", "maps.stage1=none", "maps.stage2=none", "maps.frames=1"
    folder = maps.run(tiny(tiny_data, runs, *given)).folder
    assert "learnt from these people" in (folder / "maps.html").read_text()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("maps.runs=[nothing]", r"nothing"),
        ("maps.clips=[nobody-PA4-001]", "video cannot map clip nobody-PA4-001"),
        ("maps.runs=[video,video]", "two runs of video"),
        ("maps.emotions=joy", r"no head of 'joy'\n.*raf_basic, folders"),
        ("maps.stage1=stage2", "is of pretrain-stage2"),
    ],
)
def test_what_cannot_be_mapped_is_named(tiny_data, trained, pretrained, given, message):
    if given == "maps.stage1=stage2":
        given = pretrained[1].replace("stage2", "stage1", 1)
    with pytest.raises(PainlitError, match=re.compile(message, re.S)):
        maps.run(tiny(tiny_data, trained, "maps.runs=[video]", *pretrained, given))


@pytest.mark.slow
def test_weights_of_another_size_are_named(tiny_data, trained, tiny_sets, tmp_path):
    arguments = [*pretraining(tiny_sets, tmp_path), "stage1.train.epochs=2", "spatial.embed_dim=16"]
    other = pretrain_stage1.run(load(arguments)).weights
    with pytest.raises(PainlitError, match=r"spatial\.embed_dim"):
        maps.run(tiny(tiny_data, trained, "maps.runs=[video]", f"maps.stage1={other}", "maps.stage2=none"))


def test_heart_rates_alone_have_no_faces(tiny_data, trained):
    folder = maps.run(tiny(tiny_data, trained, "maps.runs=[heart_rate]")).folder
    assert not list(folder.glob("faces_*"))
    assert "Faces (Figures" not in (folder / "maps.html").read_text()
