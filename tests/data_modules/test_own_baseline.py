"""Training and test inputs less each person's own mean: the clips it is taken over, and the people it is used for."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_runs import bpm_of, clips_of, embedding_of, set_up, table_of, write_embedding_metrics

from data_modules.recordings import clips as reading
from data_modules.recordings import datamodule
from data_modules.recordings.biovid import read_samples
from painlit.config import Config, load
from painlit.errors import PainlitError
from painlit.loso.remarks import remarks

SESSION = "data.baseline=session"


def inputs(config: Config) -> dict[str, dict[str, np.ndarray]]:
    """Clip -> what the model gets of it, from training and test batches."""
    data = set_up(config)
    *train, test = data.clips.subject_names
    data = data.divided(train, (), [test])
    found = {}
    for batch in (*data.train_dataloader(), *data.predict_dataloader()):
        for k, at in enumerate(batch["clip"].tolist()):
            kept = {key: batch[key][k].numpy() for key in ("full", "tiles", "bpm") if key in batch}
            found[data.clips.names[at]] = kept
    return found


def clips_by_hand(root: Path, subject: str) -> list[str]:
    return [clip.name for clip in read_samples(root) if clip.subject == subject]


def test_by_hand(configure, root: Path):
    """All ten clips of a person, of five classes, make the mean that is subtracted from the four of the task."""
    found = inputs(configure(SESSION))
    assert len(found) == 12
    for name, values in found.items():
        mine = clips_by_hand(root, name.partition("-")[0])
        assert len(mine) == 10
        rows = np.stack([embedding_of(other) for other in mine]).astype(np.float64)  # (10, 2, F, D)
        own = rows.mean(axis=(0, 2))
        np.testing.assert_allclose(values["full"], embedding_of(name)[0] - own[0], atol=1e-5)
        np.testing.assert_allclose(values["tiles"], embedding_of(name)[1] - own[1], atol=1e-5)
        rate = np.mean([bpm_of(other) for other in mine])
        np.testing.assert_allclose(values["bpm"], bpm_of(name) - rate + 75, atol=1e-4)
        assert {value.dtype for value in values.values()} == {np.dtype(np.float32)}


def test_without_a_baseline_nothing_changes(configure):
    none, explicit = clips_of(configure()), clips_of(configure("data.baseline=none"))
    assert (none.baselines, none.baselines_from) == ({}, None)
    assert none.fingerprints() == explicit.fingerprints()
    assert "baselines" not in none.fingerprints()
    for name, values in inputs(configure()).items():
        assert values["full"].dtype == np.float16
        np.testing.assert_array_equal(values["full"], embedding_of(name)[0])
        np.testing.assert_array_equal(values["bpm"], bpm_of(name).astype(np.float32))


@pytest.mark.parametrize("modality", ["video", "heart_rate"])
def test_a_modality_has_its_own_part_alone(configure, modality: str):
    both = inputs(configure(SESSION))
    for name, values in inputs(configure(SESSION, f"model.modality={modality}")).items():
        assert set(values) == ({"full", "tiles"} if modality == "video" else {"bpm"})
        for key, value in values.items():
            np.testing.assert_array_equal(value, both[name][key])


def test_labels_play_no_part(configure, monkeypatch):
    """Whoever has which label: the same means; only which clips are of the task follows from it."""
    before = clips_of(configure(SESSION, "task=multilevel"))

    def permuted(root, signals):
        clips = read_samples(root, signals)
        labels = np.random.default_rng(1).permutation([clip.label for clip in clips])
        return [replace(clip, label=str(label)) for clip, label in zip(clips, labels, strict=True)]

    monkeypatch.setattr(reading, "read_samples", permuted)
    after = clips_of(configure(SESSION, "task=multilevel"))
    assert (after.labels != before.labels).any()
    assert after.baselines_from == before.baselines_from
    for subject, baseline in before.baselines.items():
        assert after.baselines[subject].bpm == baseline.bpm
        np.testing.assert_array_equal(after.baselines[subject].embeddings, baseline.embeddings)


def test_nobodys_data_reach_another_persons_inputs(configure):
    config = configure(SESSION, "model.modality=heart_rate")
    before, *_, last = inputs(config), clips_of(config).subject_names[-1]
    table = table_of(config)
    for name, row in table.clips().items():
        if name.startswith(last):
            table.add(replace(row, bpm=row.bpm * 1.5))
    after = inputs(config)
    changed = {name for name in before if (before[name]["bpm"] != after[name]["bpm"]).any()}
    assert changed == {name for name in before if name.startswith(last)}


def test_each_modality_takes_what_it_can_use(configure, root: Path):
    """A clip without a face has heart rates, and one of another class that was refused counts for nothing."""
    config = configure(SESSION)
    names = clips_by_hand(root, clips_of(config).subject_names[0])
    no_face, silent, cut = names[2], names[5], names[7]
    table = table_of(config)
    table.add(replace(table.clips()[no_face], boxes=None, found=None, video_problem="no face"))
    table.add(replace(table.clips()[silent], ecg_quality=0.01))
    write_embedding_metrics(config, {"failed": {cut: "cut short"}})
    baseline = clips_of(config).baselines[names[0].partition("-")[0]]
    rates = [bpm_of(name) for name in names if name != silent]
    assert baseline.bpm == pytest.approx(np.mean(rates))
    rows = [embedding_of(name) for name in names if name not in (no_face, cut)]
    np.testing.assert_allclose(baseline.embeddings, np.mean(np.float64(rows), axis=(0, 2)), atol=1e-6)


def test_statistics_are_of_what_the_model_gets(configure):
    config = configure(SESSION, "model.frame_embedding=full")
    a, b, c = clips_of(config).subject_names
    mean, std = set_up(config, train=[a, b], test=[c]).embedding_statistics()
    rows = np.concatenate([v["full"] for name, v in inputs(config).items() if not name.startswith(c)]).astype(float)
    torch.testing.assert_close(mean, torch.from_numpy(rows.mean(0)).float(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(std, torch.from_numpy(rows.std(0)).float(), atol=1e-5, rtol=1e-5)


def test_a_fingerprint_covers_clips_of_other_classes(configure, root: Path):
    config = configure(SESSION, "model.modality=heart_rate")
    before = clips_of(config).fingerprints()
    other = next(clip.name for clip in read_samples(root) if clip.label == "P2")
    table = table_of(config)
    table.add(replace(table.clips()[other], bpm=table.clips()[other].bpm + 1))
    after = clips_of(config).fingerprints()
    assert {key for key in after if after[key] != before[key]} == {"baselines"}


def test_clips_of_other_classes_must_be_embedded_as_they_are_prepared(configure, root: Path):
    config = configure(SESSION)
    other = next(clip.name for clip in read_samples(root) if clip.label == "P2")
    table = table_of(config)
    row = table.clips()[other]
    table.add(replace(row, boxes=row.boxes + 3))
    clips_of(configure())
    with pytest.raises(PainlitError, match=f"(?s)1 clips are not embedded.*{other}.*make embed"):
        clips_of(config)


def test_refusals():
    with pytest.raises(PainlitError, match=r"(?s)BioVid has no recordings at rest.*NP.*data\.baseline=session"):
        load(["data.baseline=rest"])
    with pytest.raises(PainlitError, match=r"(?s)data\.baseline=session needs embeddings.*train\.joint"):
        load([SESSION, "train.joint=true"])
    load([SESSION, "train.joint=true", "model.modality=heart_rate"])  # which reads no embeddings
    with pytest.raises(PainlitError, match="choose one of: none, rest, session"):
        load(["data.baseline=rests"])


def test_results_say_so(configure):
    config = configure(SESSION)
    data = set_up(config)
    (remark,) = [note for note in remarks(config, data.clips, data.sources) if "data.baseline" in note]
    assert "data.baseline=session" in remark
    assert "the paper has no such baseline" in remark
    config = configure()
    assert not any("baseline" in note for note in remarks(config, set_up(config).clips, set_up(config).sources))


@pytest.fixture
def with_rests(root: Path, tmp_path: Path, configure) -> Callable[..., Config]:
    """The same clips as a table in which those of P1 are at rest, but for the subjects that are named."""

    def configured(*more: str, without: tuple[str, ...] = ()) -> Config:
        path = tmp_path / "clips.csv"
        with open(path, "w", newline="", encoding="utf-8") as handle:
            table = csv.writer(handle)
            table.writerow(["clip", "subject", "label", "video", "ecg", "rest"])
            for clip in read_samples(root):
                rest = clip.label == "P1"
                if not (rest and clip.subject in without):
                    label = "" if rest else clip.label
                    table.writerow([clip.name, clip.subject, label, clip.video, clip.ecg, "yes" if rest else ""])
        return configure("data.layout=table", f"data.table={path}", "data.baseline=rest", *more)

    return configured


def test_rest_is_the_mean_of_recordings_at_rest(with_rests, root: Path):
    for name, values in inputs(with_rests()).items():
        subject = name.partition("-")[0]
        rests = [clip.name for clip in read_samples(root) if clip.subject == subject and clip.label == "P1"]
        assert len(rests) == 2
        own = np.float64([embedding_of(rest) for rest in rests]).mean(axis=(0, 2))
        np.testing.assert_allclose(values["full"], embedding_of(name)[0] - own[0], atol=1e-5)
        rate = np.mean([bpm_of(rest) for rest in rests])
        np.testing.assert_allclose(values["bpm"], bpm_of(name) - rate + 75, atol=1e-4)


@pytest.mark.parametrize("kind", ["none", "rest", "session"])
def test_recordings_at_rest_are_neither_trained_on_nor_tested_nor_a_class(with_rests, kind: str):
    config = with_rests("task=multilevel", f"data.baseline={kind}")
    data = set_up(config)
    assert data.config.classes == ("NP", "P2", "P3", "P4")
    assert not any("-PA1-" in name for name in (*data.clips.names, *data.clips.excluded))
    assert len(data.clips.names) == 24
    assert not any("-PA1-" in name for name in inputs(config))


def test_a_session_is_without_recordings_at_rest(with_rests, root: Path):
    clips = clips_of(with_rests("data.baseline=session"))
    for subject, baseline in clips.baselines.items():
        mine = [c.name for c in read_samples(root) if c.subject == subject and c.label != "P1"]
        assert baseline.bpm == pytest.approx(np.mean([bpm_of(name) for name in mine]))


def test_everybody_without_a_recording_at_rest_is_named(with_rests, root: Path):
    a, b, _ = sorted({clip.subject for clip in read_samples(root)})
    with pytest.raises(PainlitError, match=f"(?s)no recording at rest of 2 subjects: {a}, {b}.*column rest"):
        clips_of(with_rests(without=(a, b)))


def test_who_has_no_usable_recording_at_rest_is_left_out_by_name(with_rests, root: Path):
    config = with_rests()
    a, b, c = sorted({clip.subject for clip in read_samples(root)})
    table = table_of(config)
    for name, row in table.clips().items():
        if name.startswith(a) and "-PA1-" in name:
            table.add(replace(row, bpm=None, signal_problem="lead off"))
    clips = clips_of(config)
    assert clips.subject_names == [b, c]
    assert len(clips.excluded) == 4
    assert all("no usable recording for a baseline" in why and "lead off" in why for why in clips.excluded.values())
    data = set_up(config)
    notes = remarks(data.config, clips, data.sources)
    assert any(f"1 subjects have no usable clip and are in no fold: {a}" in note for note in notes)
    assert clips_of(with_rests("model.modality=video")).subject_names == [a, b, c]


def test_a_baseline_that_is_not_subtracted_is_seen(configure, root: Path, monkeypatch):
    """The hand computation is a check: without the subtraction it fails."""
    monkeypatch.setattr(datamodule.PainDataset, "_relative", lambda self, values, at, subtract: values)
    with pytest.raises(AssertionError):
        test_by_hand(configure, root)
