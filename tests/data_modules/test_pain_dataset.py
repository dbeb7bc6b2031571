import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from data_modules.biovid import read_samples
from data_modules.biovid_datamodule import BioVidDataModule, shuffled_within_subjects
from data_modules.biovid_prepare import table_path, table_settings
from data_modules.pain_clips import (
    PainClips,
    learnt_subjects,
    load_pain_clips,
    refuse_tested_teachers,
    with_told_embeddings,
)
from painlit.clip_table import ClipTable, PreparedClip
from painlit.config import Config, from_dict, load
from painlit.embeddings import EmbeddingCache, boxes_digest, cache_settings
from painlit.errors import PainlitError
from painlit.files import write_json
from painlit.normalisation import MEAN, STD

FRAMES, D = 6, 8
SETTINGS = (
    "clip.seconds=2 clip.frames=6 model.temporal.weights=untrained model.heart_rate_encoder.weights=untrained "
    "spatial.embed_dim=8 spatial.outer_heads=2 spatial.image_size=32 train.batch_size=5"
).split()


@pytest.fixture(scope="module")
def root(make_biovid, tmp_path_factory) -> Path:
    """Three subjects, two clips of each of the five classes; videos of noise."""
    folder, clip = tmp_path_factory.mktemp("dataset") / "PartA", load(SETTINGS).clip
    return make_biovid(folder, subjects=3, clips_per_class=2, classes=range(5), clip=clip, videos=True)


@pytest.fixture(scope="module")
def finished_runs(root: Path, tmp_path_factory) -> Path:
    """Runs in which every clip is prepared and embedded, with numbers that follow from its name."""
    runs = tmp_path_factory.mktemp("finished") / "runs"
    base = load([*SETTINGS, f"data.root={root}", f"runs={runs}"])
    table = ClipTable(table_path(base), table_settings(base))
    cache = EmbeddingCache(base.folder("embed"), cache_settings(base, "w", {"mean": list(MEAN), "std": list(STD)}))
    clips = read_samples(root)
    cache.reserve([clip.name for clip in clips][::-1])  # in another order than samples.csv
    for clip in clips:
        boxes = boxes_of(clip.name)
        table.add(PreparedClip(clip.name, clip.subject, clip.label, boxes, np.ones(FRAMES, bool), bpm_of(clip.name)))
        cache.write(clip.name, embedding_of(clip.name), boxes_digest(boxes))
    write_json(base.folder("embed") / "metrics.json", {"failed": {}})
    return runs


@pytest.fixture
def configure(root: Path, finished_runs: Path, tmp_path: Path) -> Callable[..., Config]:
    """Configurations for a copy of the finished runs."""
    runs = shutil.copytree(finished_runs, tmp_path / "runs")
    return lambda *more: load([*SETTINGS, f"data.root={root}", f"runs={runs}", *more])


@pytest.fixture
def one_more(root: Path) -> Iterator[str]:
    """A clip that samples.csv lists during a test."""
    samples = root / "starting_point" / "samples.csv"
    before = samples.read_text()
    samples.write_text(before + "1\t010114_m_21\t4\tPA4\t99\t010114_m_21-PA4-099\n")
    yield "010114_m_21-PA4-099"
    samples.write_text(before)


def generator_of(name: str, what: int) -> np.random.Generator:
    return np.random.default_rng([what, *name.encode()])


def boxes_of(name: str) -> np.ndarray:
    return np.tile(np.float32([8, 4, 24, 20]), (FRAMES, 1)) + generator_of(name, 0).uniform(0, 1, (FRAMES, 1))


def bpm_of(name: str) -> np.ndarray:
    return generator_of(name, 1).uniform(50, 90, 2).round(3)


def embedding_of(name: str) -> np.ndarray:
    return generator_of(name, 2).normal(1, 2, (2, FRAMES, D)).astype(np.float16)


def table_of(config: Config) -> ClipTable:
    return ClipTable(table_path(config), table_settings(config))


def test_clips_are_the_tasks_in_the_order_of_the_table(configure, root: Path):
    clips = load_pain_clips(configure("task=np_vs_p3"))
    names = [clip.name for clip in read_samples(root) if clip.label in (0, 3)]
    assert clips.names == names
    assert clips.labels.tolist() == [int("PA3" in name) for name in names]
    np.testing.assert_allclose(clips.bpm, [bpm_of(name) for name in names], rtol=1e-6)
    assert clips.excluded == {}
    assert load_pain_clips(configure("task=multilevel")).labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4] * 3


def test_a_batch_of_both_modalities(configure):
    config = configure()
    clips = load_pain_clips(config)
    a, b, c = clips.subject_names
    data = BioVidDataModule(clips, config, train=[a, b], test=[c])
    batches = list(data.train_dataloader())
    assert [len(batch["label"]) for batch in batches] == [5, 3]
    for batch in batches:
        assert set(batch) == {"full", "tiles", "bpm", "label", "clip"}
        assert batch["full"].shape == batch["tiles"].shape == (len(batch["clip"]), FRAMES, D)
        assert (batch["full"].dtype, batch["bpm"].dtype, batch["label"].dtype) == (
            (torch.float16, torch.float32, torch.int64)
        )
        for k, position in enumerate(batch["clip"].tolist()):
            name = clips.names[position]
            np.testing.assert_array_equal(batch["full"][k], embedding_of(name)[0])
            np.testing.assert_array_equal(batch["tiles"][k], embedding_of(name)[1])
            np.testing.assert_allclose(batch["bpm"][k], bpm_of(name), rtol=1e-6)
            assert batch["label"][k] == ("PA4" in name)


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (("model.modality=video",), {"full", "tiles", "label", "clip"}),
        (("model.modality=heart_rate",), {"bpm", "label", "clip"}),
        (("train.joint=true",), {"crops", "bpm", "label", "clip"}),
        (("model.modality=video", "train.joint=true"), {"crops", "label", "clip"}),
        (("model.modality=heart_rate", "train.joint=true"), {"bpm", "label", "clip"}),
    ],
)
def test_a_batch_holds_what_the_modality_needs(configure, arguments: tuple[str, ...], keys: set[str]):
    config = configure(*arguments)
    clips = load_pain_clips(config)
    data = BioVidDataModule(clips, config, train=clips.subject_names[:1])
    batch = next(iter(data.train_dataloader()))
    assert set(batch) == keys
    if "crops" in keys:
        assert batch["crops"].shape == (4, FRAMES, 3, 64, 64)
        assert batch["crops"].dtype == torch.uint8


def test_crops_are_kept_in_memory_only_if_they_fit(configure):
    for memory, kept in ((4.0, True), (0.0, False)):
        config = configure("train.joint=true", "model.modality=video", f"train.crop_memory_gib={memory}")
        clips = load_pain_clips(config)
        dataset = BioVidDataModule(clips, config, train=clips.subject_names[:1]).train
        assert dataset.crop_bytes == 4 * FRAMES * 3 * 64 * 64
        first = dataset.__getitems__([0])["crops"]
        for path in {clips.videos[position].video for position in dataset.positions}:
            path.rename(path.with_suffix(".gone"))
        if kept:
            assert torch.equal(dataset.__getitems__([0])["crops"], first)
        else:
            with pytest.raises(PainlitError):
                dataset.__getitems__([0])
        for path in {clips.videos[position].video for position in dataset.positions}:
            path.with_suffix(".gone").rename(path)


def positions(loader) -> list[int]:
    return torch.cat([batch["clip"] for batch in loader]).tolist()


def test_every_part_has_the_clips_of_its_subjects_and_no_others(configure):
    config = configure()
    clips = load_pain_clips(config)
    a, b, c = clips.subject_names
    data = BioVidDataModule(clips, config, train=[a], validation=[b], test=[c])
    for subject, loader in ((a, data.train_dataloader()), (b, data.val_dataloader()), (c, data.predict_dataloader())):
        assert sorted(positions(loader)) == clips.of_subjects([subject]).tolist()
    assert positions(data.predict_dataloader()) == clips.of_subjects([c]).tolist()  # in order
    assert BioVidDataModule(clips, config, train=[a]).val_dataloader() == []


def test_the_order_of_training_follows_from_seed_and_epoch(configure):
    config = configure("model.modality=heart_rate")
    clips = load_pain_clips(config)

    def order(seed: int, epoch: int) -> list[int]:
        loader = BioVidDataModule(clips, config, train=clips.subject_names, seed=seed).train_dataloader()
        loader.sampler.set_epoch(epoch)
        return positions(loader)

    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1000) for epoch in (0, 1)}) == 4
    assert sorted(order(0, 1)) == list(range(12))


def test_a_subject_in_two_parts_is_an_error(configure):
    config = configure()
    clips = load_pain_clips(config)
    a, b, c = clips.subject_names
    with pytest.raises(ValueError, match=f"{b}.*both trained on and held out"):
        BioVidDataModule(clips, config, train=[a, b], test=[b])
    with pytest.raises(ValueError, match=f"{a}.*both trained on and held out"):
        BioVidDataModule(clips, config, train=[a, b], validation=[a], test=[c])
    with pytest.raises(ValueError, match="no training clip"):
        BioVidDataModule(clips, config, train=[], test=[c])


@pytest.mark.parametrize(
    ("frame_embedding", "combined"),
    [
        ("full", lambda rows: rows[:, 0]),
        ("tiles", lambda rows: 0.1 * rows[:, 1]),
        ("both", lambda rows: rows[:, 0] + 0.1 * rows[:, 1]),
    ],
)
def test_embedding_statistics_are_of_the_training_rows_alone(configure, frame_embedding: str, combined: Callable):
    config = configure(f"model.frame_embedding={frame_embedding}")
    clips = load_pain_clips(config)
    a, b, c = clips.subject_names
    data = BioVidDataModule(clips, config, train=[c, a], test=[b])
    rows = np.stack([embedding_of(clips.names[k]).astype(np.float64) for k in clips.of_subjects([a, c])])
    d = combined(rows).reshape(-1, D)
    mean, std = data.embedding_statistics()
    np.testing.assert_allclose(mean, d.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(std, d.std(0), rtol=1e-5)


def made_up_clips(counts: dict[str, tuple[int, ...]]) -> PainClips:
    """Subjects with so many clips of each class, mixed."""
    pairs = [(s, label) for s, each in counts.items() for label, n in enumerate(each) for _ in range(n)]
    pairs = [pairs[k] for k in np.random.default_rng(0).permutation(len(pairs))]
    return PainClips(
        names=[f"clip-{k}" for k in range(len(pairs))],
        subjects=np.array([s for s, _ in pairs]),
        labels=np.array([label for _, label in pairs]),
        bpm=np.zeros((len(pairs), 5), np.float32),
        rows=np.arange(len(pairs)),
        videos=[],
    )


def test_shuffling_keeps_each_subjects_counts_and_leaves_the_others():
    clips = made_up_clips({"a": (20, 20), "b": (5, 30), "c": (20, 20)})
    before = clips.labels.copy()
    shuffled = shuffled_within_subjects(clips, ["a", "b"], seed=0)
    for subject, counts in (("a", [20, 20]), ("b", [5, 30])):
        at = clips.of_subjects([subject])
        assert np.bincount(shuffled[at]).tolist() == counts
        assert (shuffled[at] != before[at]).any()
    at = clips.of_subjects(["c"])
    np.testing.assert_array_equal(shuffled[at], before[at])
    np.testing.assert_array_equal(clips.labels, before)
    np.testing.assert_array_equal(shuffled, shuffled_within_subjects(clips, ["b", "a"], seed=0))
    assert (shuffled != shuffled_within_subjects(clips, ["a", "b"], seed=1)).any()


def test_the_control_shuffles_training_labels_only(configure):
    config = configure("loso.shuffle_labels=true", "task=multilevel")
    clips = load_pain_clips(config)
    a, b, c = clips.subject_names
    data = BioVidDataModule(clips, config, train=[a, b], validation=[c], test=[c])
    assert (data.train.labels[data.train.positions] != clips.labels[data.train.positions]).any()
    for part in (data.validation, data.test):
        np.testing.assert_array_equal(part.labels[part.positions], clips.labels[part.positions])


def test_the_control_shuffles_labels_of_the_subjects_an_epoch_is_selected_on(configure):
    clips = load_pain_clips(configure("task=multilevel"))
    a, b, c = clips.subject_names
    config = configure("loso.shuffle_labels=true", "task=multilevel", "loso.selection=inner")
    data = BioVidDataModule(clips, config, train=[a], validation=[b], test=[c])
    at = data.validation.positions
    assert (data.validation.labels[at] != clips.labels[at]).any()
    np.testing.assert_array_equal(data.test.labels[data.test.positions], clips.labels[data.test.positions])


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
