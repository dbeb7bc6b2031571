"""Which frames are embedded, and the line between them."""

import numpy as np
import pytest

from painlit.clips.embedded_frames import EmbeddedFrames
from painlit.clips.embedding_cache import EmbeddingCache, cache_settings
from painlit.config import ClipConfig, load
from painlit.errors import PainlitError


def chosen(every: int, places=range(12)) -> tuple[int, ...]:
    return EmbeddedFrames.of(list(places), every).positions


def test_every_few_and_the_last():
    assert chosen(1) == tuple(range(12))
    assert chosen(4) == (0, 4, 8, 11)
    assert chosen(5, range(11)) == (0, 5, 10)
    assert chosen(100) == (0, 11)
    assert chosen(4, [7]) == (0,)


def test_windows_that_overlap_embed_the_same_frames():
    """A window may begin anywhere; besides its own first and last frame it embeds what the recording's grid has."""
    for start in range(9):
        places = range(start, start + 30)
        assert {places[k] for k in chosen(4, places)} - {places[0], places[-1]} == {
            place for place in places[1:-1] if place % 4 == 0
        }


def test_frames_that_are_far_apart_are_all_embedded():
    """With 16 of 138 frames, 9 apart, there is nothing to leave out at every=8, and half of it at every=18."""
    places = ClipConfig(frames=16).frame_indices
    assert len(EmbeddedFrames.of(places, 8).positions) == 16
    assert len(EmbeddedFrames.of(places, 18).positions) == 9


def test_what_is_embedded_stays_and_the_rest_lies_on_the_line():
    frames, generator = EmbeddedFrames.of([0, 1, 2, 5, 6, 9, 10], 5), np.random.default_rng(0)
    assert frames.positions == (0, 3, 6)
    rows = generator.normal(size=(2, 3, 4)).astype(np.float32)
    whole = frames.with_others(rows)
    assert whole.shape == (2, 7, 4)
    np.testing.assert_array_equal(whole[:, [0, 3, 6]], rows)
    for position, share in ((1, 1 / 5), (2, 2 / 5)):  # by time, not by number
        np.testing.assert_allclose(whole[:, position], (1 - share) * rows[:, 0] + share * rows[:, 1], atol=1e-6)
    for position, share in ((4, 1 / 5), (5, 4 / 5)):
        np.testing.assert_allclose(whole[:, position], (1 - share) * rows[:, 1] + share * rows[:, 2], atol=1e-6)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_the_type_stays(kind):
    frames = EmbeddedFrames.of(range(9), 4)
    rows = np.linspace(0, 60000, 6, dtype=np.float32).reshape(1, 3, 2).repeat(2, 0).astype(kind)
    whole = frames.with_others(rows)
    assert whole.dtype == kind
    assert np.isfinite(whole).all()
    everything = EmbeddedFrames.of(range(3), 1)
    assert everything.with_others(rows) is rows


def test_joint_training_is_refused():
    with pytest.raises(PainlitError, match=r"embed\.every=4 .*train\.joint"):
        load(["embed.every=4", "train.joint=true", "model.modality=video"])
    load(["embed.every=4", "train.joint=true", "model.modality=heart_rate"])


def test_a_cache_of_other_frames_is_refused_and_an_older_one_is_of_all(tmp_path):
    def settings(*more: str) -> dict[str, object]:
        return cache_settings(load([*more]), "weights", {"mean": [0], "std": [1]})

    older = settings()
    del older["embed.every"]
    EmbeddingCache(tmp_path, older).reserve(["ann"])
    assert EmbeddingCache(tmp_path, settings()).names == ["ann"]
    with pytest.raises(PainlitError, match=r"embed\.every was 1 and is now 4"):
        EmbeddingCache(tmp_path, settings("embed.every=4"))
