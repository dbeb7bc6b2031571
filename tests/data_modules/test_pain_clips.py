"""Which clips an experiment uses, and what is refused."""

import os
from dataclasses import replace

import numpy as np
import pytest
from made_up_runs import clips_of, set_up, table_of, write_embedding_metrics

from data_modules.recordings.biovid import read_samples
from painlit.clips.sources import check_label_leakage, resolve_sources
from painlit.clips.table import PreparedClip, table_path
from painlit.errors import PainlitError
from painlit.loso.fold import fold_parts
from painlit.loso.protocols import Fold
from painlit.models.normalisation import MEAN, STD
from painlit.runs.artefact import ChangedError, read_artefact, write_artefact
from painlit.system.digests import digest
from painlit.weights.files import save_weights
from painlit.weights.networks import build_spatial_module
from painlit.weights.pretrained import network_sizes


def test_a_spatial_module_that_learnt_from_a_tested_subject_is_refused(configure, tmp_path):
    config = configure()
    a, b, _ = clips_of(config).subject_names
    write_embedding_metrics(config, {"failed": {}, "weights": "w", "stage": "finetune", "learnt_from": [a]})
    check_label_leakage(resolve_sources(config), [b])
    check_label_leakage(resolve_sources(configure("model.modality=heart_rate")), [a, b])
    with pytest.raises(PainlitError, match=f"learnt from the pain labels of 1 subjects who are tested here.*{a}"):
        check_label_leakage(resolve_sources(config), [a, b])
    weights = tmp_path / "spatial.safetensors"
    sizes = {**network_sizes(config, "spatial"), "mean": list(MEAN), "std": list(STD)}
    save_weights(
        weights, build_spatial_module(config.spatial), {"stage": "finetune", "subjects": [b], "spatial": sizes}
    )
    joint = resolve_sources(configure("train.joint=true", f"embed.weights={weights}"))
    check_label_leakage(joint, [a])
    assert joint.subjects == {b}
    assert resolve_sources(configure("train.joint=true", "embed.weights=untrained")).subjects == set()
    with pytest.raises(PainlitError, match=f"the first is {b}"):
        check_label_leakage(joint, [a, b])


@pytest.mark.parametrize("stage", ["pretrain-stage1", "pretrain-stage2", "untrained", "finetune"])
def test_a_run_knows_which_stage_auto_stands_for(configure, stage: str):
    config = configure()
    write_embedding_metrics(config, {"failed": {}, "weights": "w", "stage": stage})
    assert resolve_sources(config).spatial_stage == stage
    if stage == "pretrain-stage1":
        named = configure("embed.weights=stage1", f"embed.name={config.folder('embed').name}")
        assert resolve_sources(named).spatial_stage == stage
        with pytest.raises(PainlitError, match=r"were made with w, and embed\.weights=stage2"):
            resolve_sources(configure("embed.weights=stage2"))


def test_what_a_run_starts_from_is_settled_once(configure):
    config = configure()
    data = set_up(config)
    write_embedding_metrics(config, {"failed": {}, "weights": "later", "stage": "pretrain-stage1"})
    assert data.divided(data.clips.subject_names).sources is data.sources
    assert data.sources.spatial_stage == "unknown"


def test_a_clip_that_lacks_an_input_is_left_out_where_that_is_needed(configure):
    config = configure()
    first, second, third = clips_of(config).names[:3]
    table = table_of(config)
    row = table.clips()[first]
    table.add(replace(row, bpm=None, signal_problem="one R peak"))
    row = table.clips()[second]
    table.add(replace(row, boxes=None, found=None, video_problem="no face"))
    write_embedding_metrics(config, {"failed": {third: "cut short"}})
    excluded = {first: "one R peak", second: "no face", third: "cut short"}
    assert clips_of(config).excluded == excluded
    assert set(clips_of(configure("model.modality=video")).excluded) == {second, third}
    assert set(clips_of(configure("model.modality=heart_rate")).excluded) == {first}
    assert set(clips_of(configure("model.modality=video", "train.joint=true", "embed.weights=untrained")).excluded) == {
        second
    }
    assert not set(clips_of(config).names) & set(excluded)


def test_a_video_with_few_faces_is_used_only_where_settings_allow_it(configure):
    config = configure()
    first = clips_of(config).names[0]
    table = table_of(config)
    row = table.clips()[first]
    table.add(replace(row, found=np.zeros(len(row.boxes), bool)))
    assert "face is found in" in clips_of(config).excluded[first]
    assert first not in clips_of(configure("model.modality=heart_rate")).excluded
    assert first not in clips_of(configure("face.least_found=0")).excluded


def test_problems_of_clips_of_other_tasks_are_not_reported(configure):
    config = configure()
    other = "010114_m_21-PA2-001"
    write_embedding_metrics(config, {"failed": {other: "cut short"}})
    assert clips_of(config).excluded == {}


def test_a_clip_that_is_not_prepared_is_named(configure, one_more: str):
    with pytest.raises(PainlitError, match=f"(?s)1 clips are not prepared.*{one_more}.*make prepare"):
        clips_of(configure())


def test_a_step_that_is_missing_is_named(configure):
    config = configure()
    (config.folder("embed") / "metrics.json").unlink()
    with pytest.raises(PainlitError, match=r"(?s)metrics\.json does not exist.*make embed"):
        clips_of(config)
    table_path(config).unlink()
    with pytest.raises(PainlitError, match=r"(?s)clips\.sqlite does not exist.*make prepare"):
        clips_of(config)


@pytest.mark.parametrize("change", ["spatial.depth=3", "face.margin=0.5", "face.crop=per_clip"])
def test_embeddings_made_with_other_settings_are_refused(configure, change: str):
    with pytest.raises(PainlitError, match=f"{change.split('=')[0]} was"):
        clips_of(configure(change))
    clips_of(configure(change, "model.modality=heart_rate"))


def test_embeddings_older_than_a_setting_are_still_taken(configure):
    folder = configure().folder("embed")
    about = read_artefact(folder / "cache.json", "")
    del about["settings"]["embed.precision"]
    write_artefact(folder / "cache.json", about)
    write_embedding_metrics(configure(), {"failed": {}})
    assert len(clips_of(configure()).names) == 12
    with pytest.raises(ChangedError, match=r"embed\.precision was 'fp32' and is now 'bf16'"):
        clips_of(configure("embed.precision=bf16"))


def test_a_clip_with_other_boxes_must_be_embedded_again(configure):
    config = configure()
    name = clips_of(config).names[0]
    table = table_of(config)
    row = table.clips()[name]
    table.add(replace(row, boxes=row.boxes + 3))
    with pytest.raises(PainlitError, match=f"(?s)1 clips.*{name}.*make embed"):
        clips_of(config)
    for no_cache in (["model.modality=heart_rate"], ["train.joint=true", "embed.weights=untrained"]):
        assert clips_of(configure(*no_cache)).names[0] == name


@pytest.mark.parametrize(("file", "modality"), [("video", "heart_rate"), ("ecg", "video")])
def test_a_recording_replaced_since_it_was_prepared_is_refused_where_it_is_used(configure, file: str, modality: str):
    config = configure()
    clips_of(config)
    clip = read_samples(config.data.root)[4]
    path = getattr(clip, file)
    content, status = path.read_bytes(), path.stat()
    try:
        path.write_bytes(content[::-1])  # of equal size
        with pytest.raises(
            PainlitError, match=f"(?s)1 recordings are not those that were prepared.*{path}.*make prepare"
        ):
            clips_of(config)
        clips_of(configure(f"model.modality={modality}"))
        path.write_bytes(b"")
        with pytest.raises(PainlitError, match="not those that were prepared"):
            clips_of(config)
        path.write_bytes(content)  # a copy, of another time
        clips_of(config)
        path.unlink()  # embeddings and rates are there without it
        clips_of(config)
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_clip_prepared_later_must_be_embedded_too(configure, one_more: str):
    config = configure()
    table = table_of(config)
    row = next(iter(table.clips().values()))
    table.add(replace(row, name=one_more))
    with pytest.raises(PainlitError, match=f"(?s)1 clips.*{one_more}.*make embed"):
        clips_of(config)


def test_no_usable_clip_is_an_error(configure):
    config = configure("model.modality=heart_rate")
    table = table_of(config)
    for row in table.clips().values():
        table.add(PreparedClip(row.name, signal_problem="flat", video_problem="dark"))
    with pytest.raises(PainlitError, match="no clip is usable"):
        clips_of(config)


def test_fingerprint_is_of_clips_labels_and_heart_rates(configure):
    config = configure("model.modality=heart_rate")
    before = clips_of(config).fingerprints()["clips"]
    assert clips_of(config).fingerprints()["clips"] == before
    assert clips_of(configure("model.modality=heart_rate", "task=np_vs_p3")).fingerprints()["clips"] != before
    table = table_of(config)
    row = next(row for row in table.clips().values() if "-PA4-" in row.name)
    table.add(replace(row, bpm=row.bpm + 1))
    assert clips_of(config).fingerprints()["clips"] != before


def test_fingerprint_changes_with_each_of_names_labels_and_heart_rates(configure):
    clips = clips_of(configure("model.modality=heart_rate"))
    others = (
        replace(clips, names=clips.names[::-1]),
        replace(clips, labels=1 - clips.labels),
        replace(clips, bpm=clips.bpm + 1),
    )
    assert len({other.fingerprints()["clips"] for other in (clips, *others)}) == 4


def test_a_fold_starts_from_its_own_seed_and_the_weights_that_were_settled(configure, tmp_path):
    config = configure()
    data = set_up(config)
    a, b, c = data.clips.subject_names
    one, again, other = (
        fold_parts(config, Fold(test, tuple({a, b, c} - {test}), (test,)), data)[0] for test in (a, a, b)
    )
    assert one.seed == again.seed != other.seed
    assert digest(one.model.state_dict()) == digest(again.model.state_dict()) != digest(other.model.state_dict())
    paths = {"temporal": other.model.temporal.perceiver, "heart_rate_encoder": other.model.heart_rate_encoder}
    for name, network in paths.items():
        save_weights(tmp_path / f"{name}.safetensors", network, {"stage": "x", name: network_sizes(config, name)})
    config = configure(*(f"model.{name}.weights={tmp_path}/{name}.safetensors" for name in paths))
    module, _ = fold_parts(config, Fold(a, (b, c), (a,)), set_up(config))
    assert digest(module.model.temporal.perceiver.state_dict()) == digest(paths["temporal"].state_dict())
    assert digest(module.model.heart_rate_encoder.state_dict()) == digest(paths["heart_rate_encoder"].state_dict())
