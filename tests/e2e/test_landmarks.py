"""Frames by distances between landmarks through the whole way: embed, train, bundle, assess, map; what has no place."""

import csv
import shutil
from pathlib import Path

import pytest
from conftest import FOLD, tiny
from made_up_landmarks import write_landmarks

import painlit
from experiments import bundle as bundle_stage
from experiments import embed, export, loso, maps, pretrain_stage1, pretrain_stage2
from painlit.clips.embedding_cache import EmbeddingCache
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.loso.results import read_predictions

LANDMARKS = (
    "spatial.network=landmarks spatial.image_size=16 spatial.embed_dim=12 spatial.mean=[0,0,0] spatial.std=[1,1,1] "
    "model.frame_embedding=full model.temporal.token_size=12 model.modality=video embed.name=mesh name=mesh"
).split()


@pytest.fixture(scope="module")
def config(tiny_data, embedded_runs, tmp_path_factory) -> Config:
    """That of a finished run of `make loso`."""
    folder = tmp_path_factory.mktemp("landmarks")
    runs, file = shutil.copytree(embedded_runs, folder / "runs"), write_landmarks(folder / "mesh.onnx")
    config = tiny(tiny_data, runs, *LANDMARKS, f"embed.weights={file}")
    assert embed.run(config).stage == "landmarks"
    assert not loso.run(config).failed
    return config


@pytest.fixture(scope="module")
def bundle(tiny_data, config) -> Path:
    """Of one fold, whose subject it has not seen."""
    more = f"embed.weights={config.embed.weights}", f"bundle.folds=[{FOLD}]"
    return bundle_stage.run(tiny(tiny_data, Path(config.runs), *LANDMARKS, *more)).path


def test_a_cache_holds_the_distances_and_no_tiles(config):
    values = EmbeddingCache(config.folder("embed")).values()
    assert values.shape[1:] == (2, 4, 12)
    assert values[:, 0, :, 0].std() > 0
    assert not values[:, 1].any()


def test_an_assessment_gives_what_the_fold_predicted_and_maps_no_face(tiny_data, config, bundle, tmp_path):
    model = painlit.load(bundle, "cpu")
    predictions = read_predictions([config.folder("loso") / "folds" / FOLD / "predictions.csv"])
    for clip, expected in zip(predictions.clips, predictions.probabilities, strict=True):
        result = model.assess(tiny_data / "video" / FOLD / f"{clip}.mp4", calibrated=False)
        (row,) = result.table.to_dict("records")
        assert [row["p_NP"], row["p_P4"]] == pytest.approx(expected, abs=1e-5)
    result.save(tmp_path / "assessed")
    assert (tmp_path / "assessed" / "assessment.html").stat().st_size > 10_000


def test_maps_are_of_frames_alone(config, tiny_data):
    more = f"embed.weights={config.embed.weights}", "maps.temporal=[contribution]"
    result = maps.run(tiny(tiny_data, Path(config.runs), *LANDMARKS, *more))
    rows = list(csv.DictReader((result.folder / "faithfulness.csv").open()))
    assert {row["of"] for row in rows} == {"clips, video"}
    assert not list(result.folder.glob("faces_*"))


def test_its_model_card_names_what_embeds_faces(bundle):
    assert "- Embedder spatial: distances between face landmarks, digest" in (bundle / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("stage", [pretrain_stage1, pretrain_stage2])
def test_pretraining_has_nothing_to_train(tiny_data, tmp_path, stage):
    with pytest.raises(PainlitError, match=r"spatial\.network=landmarks is not the Spatial-Module"):
        stage.run(tiny(tiny_data, tmp_path, *LANDMARKS, "stage2.weights=untrained"))


def test_no_graph_can_hold_it(tiny_data, bundle, tmp_path):
    wanted = f"export.model={bundle}", f"export.out={tmp_path / 'onnx'}"
    with pytest.raises(PainlitError, match=r"spatial\.network=landmarks runs by OpenCV, and no graph can hold it"):
        export.run(tiny(tiny_data, tmp_path, *wanted))
    assert not (tmp_path / "onnx").exists()
