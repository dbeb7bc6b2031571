"""What goes into a bundle comes out of it, from a folder and from a zip alike."""

import json
import zipfile
from pathlib import Path

import pytest
import torch
from inference_runs import trained_run

from painlit.errors import PainlitError
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.temperature import fit_temperature
from painlit.inference.bundles.writing import write_bundle

PARTS = ("fusion", "video", "heart_rate")


@pytest.fixture(params=["folder", "zip", "zip of a folder"])
def bundle(request, bundle_folder, tmp_path) -> Bundle:
    if request.param == "folder":
        return Bundle.open(bundle_folder)
    path = tmp_path / "bundle.zip"
    if request.param == "zip":
        Bundle.open(bundle_folder).save_zip(path)
        return Bundle.open(str(path))
    with zipfile.ZipFile(path, "w") as archive:  # as file managers make them
        archive.mkdir("mine")
        archive.writestr("__MACOSX/._mine", b"litter")
        for file in sorted(bundle_folder.rglob("*")):
            archive.write(file, f"mine/{file.relative_to(bundle_folder)}")
    return Bundle.open(path)


@pytest.mark.parametrize("part", PARTS)
def test_the_scores_are_those_of_the_module_that_was_trained(bundle, inputs, part):
    loaded, trained = bundle.models(part), list(trained_run(part).models())
    assert [model.fold for model in loaded] == ["ann", "bob", "cid"]
    for ours, theirs in zip(loaded, trained, strict=True):
        assert not ours.network.training
        assert ours.embedder == (theirs.embedder and "spatial")
        scores = ours.network(*inputs(part))
        assert torch.allclose(scores, theirs.network(*inputs(part)), atol=1e-6, rtol=0)
    first, second = (model.network(*inputs(part)) for model in loaded[:2])
    assert not torch.allclose(first, second, atol=1e-3), "the check sees a model that is another fold's"


def test_the_embedder_embeds_as_it_did(bundle):
    crops = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    embedder = bundle.embedder("spatial")
    theirs = next(trained_run("video").models()).embedder
    assert not embedder.training
    assert torch.allclose(embedder(crops)[1], theirs.network.eval()(crops)[1], atol=1e-6, rtol=0)


def test_its_description(bundle):
    assert bundle.parts == PARTS
    assert bundle.classes == ("NP", "P4")
    assert bundle.config.clip.used_frames == 4
    assert bundle.config.model.modality == "fusion"
    assert (bundle.config.runs, bundle.config.data.root, bundle.config.embed.weights) == ("", "", "")
    assert bundle.temperature("video") == trained_run("video").temperature
    about = bundle.about
    assert (about["format"], about["made_by"], about["is_pain"], about["task"]) == (1, "loso", True, "np_vs_p4")
    model = about["models"][0]
    assert (model["subjects"], model["tested"], model["epoch"]) == (["bob", "cid"], ["ann"], 4)


def test_nothing_of_the_makers_machine_is_in_it(bundle_folder):
    text = "".join(file.read_text() for file in bundle_folder.glob("*.*"))
    assert "secret" not in text
    assert "ann" in text, "subjects are listed, and the card says so"
    assert "names of all subjects" in (bundle_folder / "MODEL_CARD.md").read_text()


def test_zip_in_zip_out(bundle_folder, tmp_path):
    Bundle.open(bundle_folder).save_zip(tmp_path / "one.zip")
    Bundle.open(tmp_path / "one.zip").save_zip(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert Bundle.open(tmp_path / "two.zip").sha256 == Bundle.open(bundle_folder).sha256
    assert {file.name for file in tmp_path.iterdir()} == {"bundle", "one.zip", "two.zip"}, "nothing was extracted"


def test_joint_training_has_an_embedder_for_each_model(tmp_path):
    bundle = write_bundle(tmp_path / "joint.zip", [trained_run("video", joint=True)])
    names = [model.embedder for model in bundle.models("video")]
    assert names == ["video-001", "video-002", "video-003"]
    crops = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for name, theirs in zip(names, trained_run("video", joint=True).models(), strict=True):
        assert torch.allclose(bundle.embedder(name).full(crops), theirs.embedder.network.full(crops), atol=1e-6)


def test_one_model_of_everybody_without_figures(tmp_path):
    bundle = write_bundle(tmp_path / "bundle", [trained_run("heart_rate", folds=(None,), known=False)])
    (model,) = bundle.models("heart_rate")
    assert (model.fold, model.embedder) == (None, None)
    assert bundle.about["expected"] == {"heart_rate": None}
    assert bundle.temperature("heart_rate") == 1.0


def test_what_it_does_not_hold_is_named(bundle):
    with pytest.raises(PainlitError, match="it has spatial"):
        bundle.embedder("nobody")
    only_video = write_bundle(bundle.path.parent / "video", [trained_run("video")])
    with pytest.raises(PainlitError, match="has no model of 'fusion'"):
        only_video.models("fusion")


def test_an_older_bundle_is_replaced_and_nothing_else_is(bundle_folder, tmp_path):
    before = Bundle.open(bundle_folder).sha256
    write_bundle(bundle_folder, [trained_run("video")])
    assert Bundle.open(bundle_folder).parts == ("video",)
    assert before != Bundle.open(bundle_folder).sha256
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"], "no remains"
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").write_text("years of work")
    for place in (home, home / "thesis.tex"):
        with pytest.raises(PainlitError, match="exists and is no bundle"):
            write_bundle(place, [trained_run("video")])
    (tmp_path / "other.zip").write_bytes(b"PK of something else")
    with pytest.raises(PainlitError, match=r"other\.zip"):
        write_bundle(tmp_path / "other.zip", [trained_run("video")])
    assert (home / "thesis.tex").read_text() == "years of work"


def test_a_full_disk_leaves_the_older_bundle(bundle_folder, full_disk):
    before = Bundle.open(bundle_folder).sha256
    with full_disk(4000), pytest.raises(PainlitError, match="free some space"):
        write_bundle(bundle_folder, [trained_run("video")])
    assert Bundle.open(bundle_folder).sha256 == before
    assert [entry.name for entry in bundle_folder.parent.iterdir()] == ["bundle"]


def test_temperatures_are_those_of_held_out_predictions():
    from inference_runs import predictions

    held_out = predictions()
    assert trained_run().temperature == fit_temperature(held_out.labels, held_out.probabilities) > 1.5


def test_bundle_json_is_plain(bundle_folder: Path):
    about = json.loads((bundle_folder / "bundle.json").read_text())
    assert {*about["files"]} == {
        file.relative_to(bundle_folder).as_posix() for file in bundle_folder.rglob("*.*")
    } - {"bundle.json"}  # fmt: skip
