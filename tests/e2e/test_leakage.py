"""The held-out subject decides nothing: whatever its clips hold, the trained weights are the same to the last bit."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny

from data_modules.recordings.datamodule import PainDataModule
from painlit.clips.embedding_cache import EmbeddingCache, cache_settings
from painlit.clips.pain_clips import PainClips
from painlit.clips.sources import resolve_sources
from painlit.loso.fold import run_fold
from painlit.loso.protocols import HOLDOUT_TEST, WITHOUT_REACTION, biovid_folds
from painlit.models.normalisation import MEAN, STD
from painlit.runs.artefact import write_artefact

OTHERS = [f"00000{k}_w_2{k}" for k in range(3)]


@pytest.mark.parametrize("selection", ["last", "inner"])
@pytest.mark.parametrize("protocol", ["loso", "loso67", "holdout"])
def test_no_held_out_clip_reaches_training_or_a_statistic(tmp_path, protocol, selection):
    subjects = OTHERS + (HOLDOUT_TEST if protocol == "holdout" else WITHOUT_REACTION[:2])
    config = tiny(
        tmp_path, tmp_path / "runs", f"loso.protocol={protocol}", f"loso.selection={selection}",
        "model.normalise_embeddings=true", "model.basic=true", "train.epochs=3", "loso.inner_share=0.4",
        "embed.weights=auto",
    )  # fmt: skip
    fold = biovid_folds(protocol, subjects)[0]
    clean, poisoned = [
        _weights(config, fold, _clips(config, subjects, poison=fold.test if dirty else ()), tmp_path / str(dirty))
        for dirty in (False, True)
    ]
    assert clean.keys() == poisoned.keys()
    for name in clean:
        assert torch.equal(clean[name], poisoned[name]), f"{name} depends on the held-out subject"


def test_the_check_itself_notices_a_training_subject(tmp_path):
    config = tiny(
        tmp_path, tmp_path / "runs", "model.normalise_embeddings=true", "train.epochs=3", "embed.weights=auto"
    )
    fold = biovid_folds("loso", OTHERS)[0]
    poisoned = _clips(config, OTHERS, poison=fold.train[:1])
    clean = _weights(config, fold, _clips(config, OTHERS), tmp_path / "clean")
    assert any(not torch.equal(w, clean[n]) for n, w in _weights(config, fold, poisoned, tmp_path / "dirty").items())


def _clips(config, subjects, poison=()) -> PainClips:
    """Four clips a subject with random inputs; those of `poison` get other embeddings, heart rates and labels."""
    random = np.random.default_rng(0)
    names = [f"{subject}-{k}" for subject in subjects for k in range(4)]
    owner = np.repeat(subjects, 4)
    labels = np.tile([0, 1, 0, 1], len(subjects)).astype(np.int64)
    bpm = random.normal(75, 10, (len(names), config.clip.heart_rates)).astype(np.float32)
    rows = random.normal(size=(len(names), 2, config.clip.used_frames, config.spatial.embed_dim))
    dirty = np.isin(owner, list(poison))
    labels[dirty], bpm[dirty], rows[dirty] = 1 - labels[dirty], 180, 1e3
    cache = EmbeddingCache(
        config.folder("embed"), cache_settings(config, "random", {"mean": list(MEAN), "std": list(STD)})
    )
    cache.reserve(names)
    for name, row in zip(names, rows, strict=True):
        cache.write(name, row, source=1)
    write_artefact(config.folder("embed") / "metrics.json", {"failed": {}}, cache.settings)
    return PainClips(names, owner, labels, bpm, cache.rows(names), videos=[])


def _weights(config, fold, clips: PainClips, folder: Path) -> dict[str, torch.Tensor]:
    # The two folders share the embedding cache, which `_clips` has just written for this call.
    data = PainDataModule(config, clips=clips, sources=resolve_sources(config))
    module, _ = run_fold(config, dataclasses.replace(fold), data, folder, fold.name)
    return module.model.state_dict()
