from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_runs import FRAMES, D, bpm_of, clips_of, embedding_of, set_up

from data_modules.recordings.biovid import read_samples
from data_modules.recordings.datamodule import shuffled_within_subjects
from painlit.clips.pain_clips import PainClips
from painlit.errors import PainlitError


def test_clips_are_the_tasks_in_the_order_of_the_table(configure, root: Path):
    clips = clips_of(configure("task=np_vs_p3"))
    names = [clip.name for clip in read_samples(root) if clip.label in ("NP", "P3")]
    assert clips.names == names
    assert clips.labels.tolist() == [int("PA3" in name) for name in names]
    np.testing.assert_allclose(clips.bpm, [bpm_of(name) for name in names], rtol=1e-6)
    assert clips.excluded == {}
    assert clips_of(configure("task=multilevel")).labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4] * 3


def test_a_batch_of_both_modalities(configure):
    config = configure()
    clips = clips_of(config)
    a, b, c = clips.subject_names
    data = set_up(config, train=[a, b], test=[c])
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
        (("train.joint=true", "embed.weights=untrained"), {"crops", "bpm", "label", "clip"}),
        (("model.modality=video", "train.joint=true", "embed.weights=untrained"), {"crops", "label", "clip"}),
        (("model.modality=heart_rate", "train.joint=true"), {"bpm", "label", "clip"}),
    ],
)
def test_a_batch_holds_what_the_modality_needs(configure, arguments: tuple[str, ...], keys: set[str]):
    config = configure(*arguments)
    clips = clips_of(config)
    data = set_up(config, train=clips.subject_names[:1])
    batch = next(iter(data.train_dataloader()))
    assert set(batch) == keys
    if "crops" in keys:
        assert batch["crops"].shape == (4, FRAMES, 3, 64, 64)
        assert batch["crops"].dtype == torch.uint8


def test_crops_are_kept_in_memory_only_if_they_fit(configure):
    for memory, kept in ((4.0, True), (0.0, False)):
        joint = ("train.joint=true", "model.modality=video", "embed.weights=untrained")
        config = configure(*joint, f"train.crop_memory_gib={memory}")
        clips = clips_of(config)
        dataset = set_up(config, train=clips.subject_names[:1]).train
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
    clips = clips_of(config)
    a, b, c = clips.subject_names
    data = set_up(config, train=[a], validation=[b], test=[c])
    for subject, loader in ((a, data.train_dataloader()), (b, data.val_dataloader()), (c, data.predict_dataloader())):
        assert sorted(positions(loader)) == clips.of_subjects([subject]).tolist()
    assert positions(data.predict_dataloader()) == clips.of_subjects([c]).tolist()  # in order
    assert set_up(config, train=[a]).val_dataloader() == []


def test_the_order_of_training_follows_from_seed_and_epoch(configure):
    config = configure("model.modality=heart_rate")
    clips = clips_of(config)

    def order(seed: int, epoch: int) -> list[int]:
        loader = set_up(config, train=clips.subject_names, seed=seed).train_dataloader()
        loader.sampler.set_epoch(epoch)
        return positions(loader)

    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1000) for epoch in (0, 1)}) == 4
    assert sorted(order(0, 1)) == list(range(12))


def test_a_subject_in_two_parts_is_an_error(configure):
    config = configure()
    clips = clips_of(config)
    a, b, c = clips.subject_names
    with pytest.raises(ValueError, match=f"{b}.*both trained on and held out"):
        set_up(config, train=[a, b], test=[b])
    with pytest.raises(ValueError, match=f"{a}.*both trained on and held out"):
        set_up(config, train=[a, b], validation=[a], test=[c])
    with pytest.raises(ValueError, match="no training clip"):
        set_up(config, train=[], test=[c])


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
    clips = clips_of(config)
    a, b, c = clips.subject_names
    data = set_up(config, train=[c, a], test=[b])
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
    clips = clips_of(config)
    a, b, c = clips.subject_names
    data = set_up(config, train=[a, b], validation=[c], test=[c])
    assert (data.train.labels[data.train.positions] != clips.labels[data.train.positions]).any()
    for part in (data.validation, data.test):
        np.testing.assert_array_equal(part.labels[part.positions], clips.labels[part.positions])


def test_the_control_shuffles_labels_of_the_subjects_an_epoch_is_selected_on(configure):
    clips = clips_of(configure("task=multilevel"))
    a, b, c = clips.subject_names
    config = configure("loso.shuffle_labels=true", "task=multilevel", "loso.selection=inner")
    data = set_up(config, train=[a], validation=[b], test=[c])
    at = data.validation.positions
    assert (data.validation.labels[at] != clips.labels[at]).any()
    np.testing.assert_array_equal(data.test.labels[data.test.positions], clips.labels[data.test.positions])
