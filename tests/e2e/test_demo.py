"""The demo as `make demo` runs it, with fewer people and epochs: each stage learns, each modality alone classifies.

Without an expression in the clips, or with heart rates that do not follow the class, these tests fail.
"""

from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import binomtest

from data_modules.demo.clips import make_demo
from data_modules.demo.image_sets import AFFECTNET_IMAGES, CFEE_PEOPLE, RAF_IMAGES, make_demo_images
from experiments import demo, embed, loso, prepare, pretrain_stage2
from painlit.config import Config, load

SMALLER = (
    "ecg.train.epochs=2 images.workers=0 prepare.workers=1 loso.workers=2 embed.workers=0 embed.device=cpu "
    "train.accelerator=cpu stage1.train.accelerator=cpu stage2.train.accelerator=cpu ecg.train.accelerator=cpu"
).split()


def config(folder: Path, *more: str) -> Config:
    """The demo's own settings with data and runs in a folder."""
    defaults = load([f"config={demo.DEFAULTS}"])
    roots = {"data.root": defaults.data.root, "stage1.root": defaults.stage1.root, "runs": defaults.runs}
    roots |= {f"stage2.roots.{name}": getattr(defaults.stage2.roots, name) for name in ("affectnet", "cfee", "raf_db")}
    roots |= {f"ecg.roots.{name}": getattr(defaults.ecg.roots, name) for name in ("mitbih", "ptb")}
    return load(
        [f"config={demo.DEFAULTS}", *SMALLER, *(f"{key}={folder / path}" for key, path in roots.items()), *more]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def result(folder) -> demo.DemoResult:
    return demo.run(config(folder), subjects=6, clips_per_class=5)


@pytest.mark.slow
def test_video_alone_classifies(tmp_path):
    """The quick one: stage 2 on one set and from random weights, then video alone."""
    settings = config(
        tmp_path, "stage2.sets=[raf_basic]", "stage2.weights=untrained", "stage2.train.epochs=60",
        "model.modality=video", "model.temporal.weights=untrained",
    )  # fmt: skip
    make_demo_images(Path(settings.stage1.root).parent)
    make_demo(Path(settings.data.root), settings.clip, subjects=6, clips_per_class=5)
    pretrain_stage2.run(settings)
    prepare.run(settings)
    embed.run(settings)
    results = loso.run(settings).results
    assert results is not None
    assert results["interval_95"]["accuracy"][0] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("modality", demo.MODALITIES)
def test_each_modality_is_above_chance_by_itself(result, modality):
    results = result.loso[modality].results
    assert results["modality"] == modality
    assert results["folds_done"] == results["folds"] == 6
    accuracy, (low, _) = results["pooled"]["accuracy"], results["interval_95"]["accuracy"]
    assert low > 0.5, f"{modality}: {accuracy:.3f}, interval from {low:.3f}"
    assert accuracy > 0.65


@pytest.mark.slow
def test_stage2_is_above_chance_on_each_of_its_sets(result):
    shown = {
        "affectnet": AFFECTNET_IMAGES["val_set"],
        "cfee": round(0.15 * CFEE_PEOPLE),
        "raf_basic": RAF_IMAGES["basic"]["test"],
        "raf_compound": RAF_IMAGES["compound"]["test"],
    }
    for name, classes in demo.emotion_classes().items():
        images = classes * shown[name]
        right = round(images * result.stage2[f"val/{name}/accuracy"])
        p = binomtest(right, images, 1 / classes, alternative="greater").pvalue
        assert p < 0.001, f"{name}: {right} of {images} images right, chance is 1 in {classes}"


@pytest.mark.slow
def test_stage1_verifies_strangers(result):
    assert {network: metrics["val/auc"] > 0.6 for network, metrics in result.stage1.items()} == {
        "spatial": True,
        "temporal": True,
    }


@pytest.mark.slow
def test_a_second_run_trains_nothing(result, folder, capsys):
    again = demo.run(config(folder), subjects=6, clips_per_class=5)
    assert [each.trained for each in again.loso.values()] == [[], [], []]
    assert {**again.stage2, **result.stage2} == again.stage2
    printed = capsys.readouterr().out
    assert "epoch" not in printed
    for modality in ("video", "heart rate", "fusion"):
        assert f"{modality}: accuracy" in printed


@pytest.mark.slow
def test_the_assessed_recording_is_scored_by_its_spells(result):
    table = pd.read_csv(result.assessment / "assessment.csv")
    assert set(table["used"]) == {"video+heart_rate"}
    middle = (table["start"] + table["end"]) / 2
    within = sum((middle > begin + 1) & (middle < end) for begin, end in demo.SPELLS) > 0
    assert table["score"][within].mean() > table["score"][~within].mean() + 0.1
    assert "say nothing about what the person feels" in (result.assessment / "assessment.html").read_text()
