"""Which clips an experiment uses, and what is refused."""

import pytest
from made_up_runs import table_of

from data_modules.recordings.preparation import table_path
from painlit.clips.pain_clips import (
    learnt_subjects,
    load_pain_clips,
    refuse_tested_teachers,
    with_told_embeddings,
)
from painlit.clips.table import PreparedClip
from painlit.config import from_dict
from painlit.errors import PainlitError
from painlit.system.files import write_json


def test_a_spatial_module_that_learnt_from_a_tested_subject_is_refused(configure, tmp_path):
    config = configure()
    a, b, _ = load_pain_clips(config).subject_names
    metrics = config.folder("embed") / "metrics.json"
    write_json(metrics, {"failed": {}, "weights": "w", "stage": "finetune", "learnt_from": [a]})
    refuse_tested_teachers(config, [b])
    refuse_tested_teachers(configure("model.modality=heart_rate"), [a, b])
    with pytest.raises(PainlitError, match=f"learnt from the pain labels of 1 subjects who are tested here.*{a}"):
        refuse_tested_teachers(config, [a, b])
    weights = tmp_path / "spatial.safetensors"
    weights.touch()
    write_json(weights.with_suffix(".json"), {"stage": "finetune", "subjects": [b]})
    joint = configure("train.joint=true", f"embed.weights={weights}")
    refuse_tested_teachers(joint, [a])
    assert learnt_subjects(joint) == {b}
    assert learnt_subjects(configure("train.joint=true", "embed.weights=untrained")) == set()
    with pytest.raises(PainlitError, match=f"the first is {b}"):
        refuse_tested_teachers(joint, [a, b])


@pytest.mark.parametrize(
    ("stage", "told"),
    [("pretrain-stage1", "stage1"), ("pretrain-stage2", "stage2"), ("untrained", "untrained"), ("finetune", "auto")],
)
def test_a_run_says_which_stage_auto_stood_for(configure, stage: str, told: str):
    config = configure()
    write_json(config.folder("embed") / "metrics.json", {"failed": {}, "weights": "w", "stage": stage})
    assert with_told_embeddings(config).embed.weights == told
    load_pain_clips(with_told_embeddings(config))
    if told == "stage1":
        with pytest.raises(PainlitError, match=r"were made with w, and embed\.weights=stage2"):
            load_pain_clips(configure("embed.weights=stage2"))


def test_a_clip_that_lacks_an_input_is_left_out_where_that_is_needed(configure):
    config = configure()
    first, second, third = load_pain_clips(config).names[:3]
    table = table_of(config)
    row = table.clips()[first]
    table.add(PreparedClip(first, row.subject, row.label, row.boxes, row.found, ecg_problem="one R peak"))
    row = table.clips()[second]
    table.add(PreparedClip(second, row.subject, row.label, bpm=row.bpm, video_problem="no face"))
    write_json(config.folder("embed") / "metrics.json", {"failed": {third: "cut short"}})
    excluded = {first: "one R peak", second: "no face", third: "cut short"}
    assert load_pain_clips(config).excluded == excluded
    assert set(load_pain_clips(configure("model.modality=video")).excluded) == {second, third}
    assert set(load_pain_clips(configure("model.modality=heart_rate")).excluded) == {first}
    assert set(load_pain_clips(configure("model.modality=video", "train.joint=true")).excluded) == {second}
    assert not set(load_pain_clips(config).names) & set(excluded)


def test_problems_of_clips_of_other_tasks_are_not_told(configure):
    config = configure()
    other = "010114_m_21-PA2-001"
    write_json(config.folder("embed") / "metrics.json", {"failed": {other: "cut short"}})
    assert load_pain_clips(config).excluded == {}


def test_a_clip_that_is_not_prepared_is_named(configure, one_more: str):
    with pytest.raises(PainlitError, match=f"(?s)1 clips are not prepared.*{one_more}.*make prepare"):
        load_pain_clips(configure())


def test_a_step_that_is_missing_is_named(configure):
    config = configure()
    (config.folder("embed") / "metrics.json").unlink()
    with pytest.raises(PainlitError, match=r"(?s)metrics\.json does not exist.*make embed"):
        load_pain_clips(config)
    table_path(config).unlink()
    with pytest.raises(PainlitError, match=r"(?s)clips\.sqlite does not exist.*make prepare"):
        load_pain_clips(config)


@pytest.mark.parametrize("change", ["spatial.depth=3", "face.margin=0.5", "face.crop=per_clip"])
def test_embeddings_made_with_other_settings_are_refused(configure, change: str):
    with pytest.raises(PainlitError, match=f"{change.split('=')[0]} was"):
        load_pain_clips(configure(change))
    load_pain_clips(configure(change, "model.modality=heart_rate"))


def test_a_clip_with_other_boxes_must_be_embedded_again(configure):
    config = configure()
    name = load_pain_clips(config).names[0]
    table = table_of(config)
    row = table.clips()[name]
    moved = PreparedClip(name, row.subject, row.label, row.boxes + 3, row.found, row.bpm)
    table.add(moved)
    with pytest.raises(PainlitError, match=f"(?s)1 clips.*{name}.*make embed"):
        load_pain_clips(config)
    for no_cache in ({"model": {"modality": "heart_rate"}}, {"train": {"joint": True}}):
        assert load_pain_clips(from_dict({**config.to_dict(), **no_cache})).names[0] == name


def test_a_clip_prepared_later_must_be_embedded_too(configure, one_more: str):
    config = configure()
    table = table_of(config)
    row = next(iter(table.clips().values()))
    table.add(PreparedClip(one_more, one_more.split("-")[0], 4, row.boxes, row.found, row.bpm))
    with pytest.raises(PainlitError, match=f"(?s)1 clips.*{one_more}.*make embed"):
        load_pain_clips(config)


def test_no_usable_clip_is_an_error(configure):
    config = configure("model.modality=heart_rate")
    table = table_of(config)
    for row in table.clips().values():
        table.add(PreparedClip(row.name, row.subject, row.label, ecg_problem="flat", video_problem="dark"))
    with pytest.raises(PainlitError, match="no clip is usable"):
        load_pain_clips(config)


def test_fingerprint_is_of_clips_labels_and_heart_rates(configure):
    config = configure("model.modality=heart_rate")
    before = load_pain_clips(config).fingerprint()
    assert load_pain_clips(config).fingerprint() == before
    assert load_pain_clips(configure("model.modality=heart_rate", "task=np_vs_p3")).fingerprint() != before
    table = table_of(config)
    row = next(row for row in table.clips().values() if row.label == 4)
    table.add(PreparedClip(row.name, row.subject, row.label, row.boxes, row.found, row.bpm + 1))
    assert load_pain_clips(config).fingerprint() != before
