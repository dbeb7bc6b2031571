"""Bundles of real runs: what they predict is what the runs predicted, and what is not the run's own is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny

from experiments import bundle as bundle_stage
from experiments import embed, finetune, loso
from painlit.clips.embedding_cache import EmbeddingCache
from painlit.clips.table import open_table
from painlit.errors import PainlitError
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.temperature import fit_temperature
from painlit.loso.finished import read_folds
from painlit.loso.results import read_predictions
from painlit.models.normalisation import MEAN, STD
from painlit.runs.artefact import read_artefact, write_artefact
from painlit.system.digests import file_digest
from painlit.weights.files import save_weights
from painlit.weights.networks import build_spatial_module

PARTS = ("video", "heart_rate", "fusion")
FOLD = "010100_m_27"


def bundled(data: Path, runs: Path, *more: str) -> Bundle:
    return Bundle.open(bundle_stage.run(tiny(data, runs, *more)).path)


def scores(bundle: Bundle, part: str, fold: str | None, data: Path, runs: Path, names: list[str]) -> np.ndarray:
    """Of clips, from cached embeddings and prepared heart rates."""
    (network,) = (model.network for model in bundle.models(part) if model.fold == fold)
    cache, prepared = EmbeddingCache(runs / "embed" / "tiny"), open_table(tiny(data, runs)).clips()
    rows = torch.from_numpy(cache.values()[cache.rows(names)])
    bpm = torch.tensor(np.array([prepared[name].bpm for name in names]), dtype=torch.float32)
    with torch.inference_mode():
        return network(rows[:, 0], rows[:, 1], bpm).softmax(-1).numpy()


def test_each_folds_model_gives_that_folds_predictions(tiny_data, trained):
    bundle = bundled(tiny_data, trained, "bundle.runs=[video,heart_rate,fusion]")
    assert bundle.path == trained / "bundle" / "video"
    assert bundle.parts == ("fusion", "video", "heart_rate")
    for part in PARTS:
        for fold in (trained / "loso" / part / "folds").iterdir():
            predicted = read_predictions([fold / "predictions.csv"])
            ours = scores(bundle, part, fold.name, tiny_data, trained, predicted.clips)
            assert np.abs(ours - predicted.probabilities).max() < 1e-5
        results = json.loads((trained / "loso" / part / "results.json").read_text())
        expected = bundle.about["expected"][part]
        assert {key: results[key] for key in ("pooled", "interval_95", "over_subjects", "subgroups")} == {
            key: expected[key] for key in ("pooled", "interval_95", "over_subjects", "subgroups")
        }
        assert expected["ece"]["before"] == results["pooled"]["ece"]
        predictions = read_folds((trained / "loso" / part / "folds").iterdir())
        assert bundle.temperature(part) == fit_temperature(predictions.labels, predictions.probabilities)


def test_one_fold_to_a_zip(tiny_data, trained, tmp_path):
    bundle = bundled(tiny_data, trained, "name=fusion", f"bundle.folds=[{FOLD}]", f"bundle.out={tmp_path}/made/b.zip")
    assert bundle.path == tmp_path / "made" / "b.zip"
    predicted = read_predictions([trained / "loso" / "fusion" / "folds" / FOLD / "predictions.csv"])
    ours = scores(bundle, "fusion", FOLD, tiny_data, trained, predicted.clips)
    assert np.abs(ours - predicted.probabilities).max() < 1e-5
    assert bundle.about["models"][0]["tested"] == [FOLD]
    assert FOLD not in bundle.about["models"][0]["subjects"]
    with pytest.raises(PainlitError, match="has no fold nobody"):
        bundled(tiny_data, trained, "name=fusion", "bundle.folds=[nobody]")


def test_the_epoch_that_was_selected(tiny_data, trained):
    more = "name=inner", "loso.selection=inner", "model.modality=heart_rate", "train.epochs=6", "train.lr=0.05"
    loso.run(tiny(tiny_data, trained, *more))
    bundle = bundled(tiny_data, trained, "name=inner")
    for model in bundle.about["models"]:
        fold = trained / "loso" / "inner" / "folds" / model["fold"]
        predicted = read_predictions([fold / "predictions.csv"])
        ours = scores(bundle, "heart_rate", model["fold"], tiny_data, trained, predicted.clips)
        assert np.abs(ours - predicted.probabilities).max() < 1e-5
        assert model["epoch"] == json.loads((fold / "metrics.json").read_text())["epoch"]
        assert model["selected_on"]
        assert not {*model["selected_on"]} & {*model["subjects"], *model["tested"]}


def test_finetune_leaves_a_bundle(tiny_data, trained, capsys):
    config = tiny(tiny_data, trained, "name=fusion")
    folder = finetune.run(config).folder
    assert "figures to expect, and the temperature, come from" in capsys.readouterr().out
    bundle = Bundle.open(folder / "bundle")
    predictions = read_folds((trained / "loso" / "fusion" / "folds").iterdir())
    assert bundle.temperature("fusion") == fit_temperature(predictions.labels, predictions.probabilities)
    assert (bundle.about["made_by"], bundle.about["expected"]["fusion"]["run"]) == ("finetune", "fusion")
    before = bundle.sha256
    shutil.rmtree(folder / "bundle")
    finetune.run(config)
    assert Bundle.open(folder / "bundle").sha256 == before, "it is made again where it is missing"
    (folder / "bundle" / "MODEL_CARD.md").write_text("mine")
    finetune.run(config)
    assert Bundle.open(folder / "bundle").sha256 == before, "and where it is damaged"
    again = bundled(tiny_data, trained, "bundle.stage=finetune", "bundle.runs=[fusion]")
    assert again.about["models"] == bundle.about["models"]


@pytest.mark.slow
def test_figures_of_other_settings_are_not_taken(tiny_data, trained, capsys):
    other = "name=heart_rate", "model.modality=heart_rate", "train.lr=0.02"
    bundle = Bundle.open(finetune.run(tiny(tiny_data, trained, *other)).folder / "bundle")
    assert "unknown, " in (said := capsys.readouterr().out)
    assert "train.lr was 0.01 and is now 0.02" in said
    assert bundle.about["expected"] == {"heart_rate": None}
    assert bundle.temperature("heart_rate") == 1.0
    with pytest.raises(PainlitError, match=r"train\.lr was 0\.01 and is now 0\.02"):
        finetune.run(tiny(tiny_data, trained, *other[1:], "name=new", "finetune.loso=heart_rate"))
    assert not (trained / "finetune" / "new").exists(), "refused before it is trained"
    same = tiny(tiny_data, trained, "name=new", "model.modality=heart_rate", "finetune.loso=heart_rate")
    assert Bundle.open(finetune.run(same).folder / "bundle").about["expected"]["heart_rate"]["run"] == "heart_rate"


@pytest.mark.slow
def test_joint_training_has_the_spatial_module_it_trained(tiny_data, trained):
    joint = "name=joint", "train.joint=true", "model.modality=video", "train.epochs=2"
    folder = finetune.run(tiny(tiny_data, trained, *joint)).folder
    loso.run(tiny(tiny_data, trained, *joint))
    bundle = bundled(tiny_data, trained, "name=joint")
    embedders = bundle.about["embedders"]
    assert [model.embedder for model in bundle.models("video")] == ["video-001", "video-002", "video-003"]
    assert len({entry["sha256"] for entry in embedders.values()}) == 3
    assert FOLD not in embedders["video-001"]["subjects"]
    for name in embedders:
        assert not bundle.embedder(name).training
    one = Bundle.open(folder / "bundle")
    assert one.about["embedders"]["spatial"]["stage"] == "finetune"
    assert one.about["embedders"]["spatial"]["sha256"] not in [entry["sha256"] for entry in embedders.values()]


def test_unfinished_runs_are_named_with_what_is_missing(tiny_data, trained):
    with pytest.raises(PainlitError, match=r"loso/nothing has no results\.json"):
        bundled(tiny_data, trained, "bundle.runs=[nothing]")
    with pytest.raises(PainlitError, match=r"finetune/nothing has no metrics\.json"):
        bundled(tiny_data, trained, "bundle.runs=[nothing]", "bundle.stage=finetune")
    (trained / "loso" / "video" / "folds" / FOLD / "metrics.json").unlink()
    with pytest.raises(PainlitError, match=rf"2 of 3 folds; {FOLD} is missing"):
        bundled(tiny_data, trained, "bundle.runs=[video]")


@pytest.mark.slow
def test_runs_that_only_measure_a_mistake(tiny_data, trained):
    more = "name=oracle", "model.modality=heart_rate", "train.epochs=1", "train.warmup_epochs=0"
    loso.run(tiny(tiny_data, trained, *more, "loso.selection=oracle"))
    with pytest.raises(PainlitError, match=r"no run to bundle: .*loso\.selection=oracle"):
        bundled(tiny_data, trained, "bundle.runs=[oracle]")
    shuffled = tiny(tiny_data, trained, *more[1:], "name=shuffled", "loso.shuffle_labels=true")
    assert not (finetune.run(shuffled).folder / "bundle").exists()


def checkpoint(runs: Path, part: str, fold: str = FOLD) -> Path:
    return runs / "loso" / part / "folds" / fold / "checkpoints" / "last.ckpt"


def test_another_folds_checkpoint(tiny_data, trained):
    shutil.copy(checkpoint(trained, "video", "020100_w_34"), checkpoint(trained, "video"))
    with pytest.raises(PainlitError, match="made from something else"):
        bundled(tiny_data, trained, "bundle.runs=[video]")


def test_checkpoints_that_were_deleted(tiny_data, trained):
    checkpoint(trained, "video").unlink()
    with pytest.raises(PainlitError, match=rf"{FOLD}/checkpoints/last\.ckpt is missing"):
        bundled(tiny_data, trained, "bundle.runs=[video]")


def test_another_epoch_than_was_tested(tiny_data, trained):
    fold = trained / "loso" / "video" / "folds" / FOLD
    metrics = read_artefact(fold / "metrics.json", "")
    made_from = {k: v for k, v in read_artefact(fold / "fingerprint.json", "").items() if k != "code"}
    write_artefact(fold / "metrics.json", {**metrics, "epoch": 3}, made_from)
    with pytest.raises(PainlitError, match="is of epoch 4, and epoch 3 was tested"):
        bundled(tiny_data, trained, "bundle.runs=[video]")


def test_predictions_that_the_model_does_not_give(tiny_data, trained):
    """Everything sealed anew, as a mistake of our own would leave it."""
    fold = trained / "loso" / "video" / "folds" / FOLD
    path = fold / "predictions.csv"
    lines = path.read_text().splitlines()
    cells = lines[1].split(",")
    cells[4:] = [f"{float(cells[4]) + 0.002:.8f}", f"{float(cells[5]) - 0.002:.8f}"]
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:], ""]))
    metrics = read_artefact(fold / "metrics.json", "")
    made_from = {k: v for k, v in read_artefact(fold / "fingerprint.json", "").items() if k != "code"}
    metrics["test"]["sha256"] = file_digest(path)
    write_artefact(fold / "metrics.json", metrics, made_from)
    with pytest.raises(PainlitError, match=r"results\.json is not of the folds beside it"):
        bundled(tiny_data, trained, "bundle.runs=[video]")
    loso.run(tiny(tiny_data, trained, "name=video", "model.modality=video"))
    with pytest.raises(PainlitError, match="does not give the predictions"):
        bundled(tiny_data, trained, "bundle.runs=[video]")


def test_embeddings_that_another_spatial_module_made(tiny_data, trained):
    cache = trained / "embed" / "tiny" / "config.yaml"
    cache.write_text(cache.read_text().replace("seed: 0", "seed: 1"))
    with pytest.raises(PainlitError, match="untrained is not the Spatial-Module that made the embeddings"):
        bundled(tiny_data, trained, "bundle.runs=[video]")
    assert bundled(tiny_data, trained, "bundle.runs=[heart_rate]").about["embedders"] == {}


def test_the_spatial_module_is_found_moved_and_refused_if_it_is_another(tiny_data, trained, tmp_path):
    config = tiny(tiny_data, trained)
    settings = {**config.to_dict()["spatial"], "mean": list(MEAN), "std": list(STD)}
    about = {"stage": "pretrain-stage2", "spatial": settings, "data": {"faces": {}}}
    here, moved, other = (tmp_path / f"{name}.safetensors" for name in ("here", "moved", "other"))
    for seed, path in enumerate((here, other)):
        torch.manual_seed(10 + seed)
        save_weights(path, build_spatial_module(config.spatial), about)
    given = "name=given", "embed.name=given", "model.modality=video", "train.epochs=1", "train.warmup_epochs=0"
    embed.run(tiny(tiny_data, trained, *given, f"embed.weights={here}"))
    folder = finetune.run(tiny(tiny_data, trained, *given, "embed.weights=auto")).folder
    spatial = Bundle.open(folder / "bundle").about["embedders"]["spatial"]
    assert (spatial["stage"], spatial["data"]) == ("pretrain-stage2", {"faces": {}})
    assert "trained by pretrain-stage2 on faces" in (folder / "bundle" / "MODEL_CARD.md").read_text()
    for suffix in (".safetensors", ".json"):
        here.with_suffix(suffix).rename(moved.with_suffix(suffix))
    make = "bundle.stage=finetune", "bundle.runs=[given]"
    with pytest.raises(PainlitError, match=r"here\.safetensors, which is not there"):
        bundled(tiny_data, trained, *make, "embed.weights=auto")
    assert bundled(tiny_data, trained, *make, f"embed.weights={moved}").about["embedders"]["spatial"] == spatial
    with pytest.raises(PainlitError, match=r"here\.safetensors, and embed\.weights=.*other"):
        bundled(tiny_data, trained, *make, f"embed.weights={other}")
