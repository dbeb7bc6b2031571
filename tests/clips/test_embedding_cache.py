from pathlib import Path

import numpy as np
import pytest

from painlit.clips.embedding_cache import EmbeddingCache, boxes_digest, cache_settings
from painlit.config import load
from painlit.errors import PainlitError
from painlit.models.normalisation import MEAN, STD
from painlit.runs.guard import ChangedError

NORMALISATION = {"mean": list(MEAN), "std": list(STD)}
SETTINGS = {"weights": "abc", "frames": 4, "embed_dim": 8, "face.margin": 0.3}


def row(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (2, 4, 8)).astype(np.float32)


def cache_with(folder: Path, *names: str) -> EmbeddingCache:
    """Row and digest of each clip are its place in `names`, counted from 1."""
    cache = EmbeddingCache(folder, SETTINGS)
    cache.reserve(names)
    for number, name in enumerate(names, start=1):
        cache.write(name, row(number), digest=number)
    return cache


def test_rows_come_back_in_float16(tmp_path: Path):
    cache = cache_with(tmp_path, "a", "b", "c")
    values = cache.values()[cache.rows(["c", "a"])]
    assert (values.dtype, values.shape) == (np.float16, (2, 2, 4, 8))
    np.testing.assert_array_equal(values, np.stack([row(3), row(1)]).astype(np.float16))


def test_a_second_run_finds_what_the_first_finished(tmp_path: Path):
    cache = EmbeddingCache(tmp_path, SETTINGS)
    cache.reserve(["a", "b", "c"])
    cache.write("b", row(2), digest=2)
    again = EmbeddingCache(tmp_path, SETTINGS)
    again.reserve(["a", "b", "c"])
    assert again.finished({"a": 1, "b": 2, "c": 3, "elsewhere": 2}) == {"b"}
    again.write("a", row(1), digest=1)
    assert again.finished({"a": 1, "b": 2, "c": 3}) == {"a", "b"}


def test_changed_boxes_make_a_row_unfinished(tmp_path: Path):
    boxes = np.random.default_rng(0).uniform(0, 300, (4, 4)).astype(np.float32)
    moved = boxes.copy()
    moved[-1, 3] += 0.01
    assert boxes_digest(boxes) == boxes_digest(boxes.astype(np.float64)) != boxes_digest(moved)
    cache = EmbeddingCache(tmp_path, SETTINGS)
    cache.reserve(["a"])
    cache.write("a", row(1), boxes_digest(boxes))
    assert cache.finished({"a": boxes_digest(boxes)}) == {"a"}
    assert cache.finished({"a": boxes_digest(moved)}) == set()


def test_room_for_more_clips_keeps_the_rows(tmp_path: Path):
    cache_with(tmp_path, "b", "d")
    cache = EmbeddingCache(tmp_path, SETTINGS)
    cache.reserve(["a", "b", "c", "d"])
    assert cache.finished({"a": 1, "b": 1, "c": 1, "d": 2}) == {"b", "d"}
    cache.write("a", row(7), digest=7)
    values = cache.values()
    for name, seed in (("a", 7), ("b", 1), ("d", 2)):
        np.testing.assert_array_equal(values[cache.rows([name])[0]], row(seed).astype(np.float16))
    assert len(values) == 4


def test_fewer_clips_keep_the_rows_too(tmp_path: Path):
    cache_with(tmp_path, "a", "b", "c")
    cache = EmbeddingCache(tmp_path, SETTINGS)
    cache.reserve(["c"])
    assert cache.finished({"a": 1, "b": 2, "c": 3}) == {"a", "b", "c"}


def test_another_cache_is_refused_naming_what_changed(tmp_path: Path):
    cache_with(tmp_path, "a")
    with pytest.raises(ChangedError) as caught:
        EmbeddingCache(tmp_path, {**SETTINGS, "weights": "xyz", "face.crop": "per_clip"})
    message = str(caught.value)
    assert "weights was 'abc' and is now 'xyz'" in message
    assert "face.crop was None and is now 'per_clip'" in message
    assert "face.margin" not in message
    assert EmbeddingCache(tmp_path, SETTINGS).finished({"a": 1}) == {"a"}


@pytest.mark.parametrize(
    "change",
    ["face.margin=0.2", "face.crop=per_clip", "clip.frames=8", "spatial.depth=4"],
)
def test_whatever_the_numbers_depend_on_is_in_the_settings(tmp_path: Path, change: str):
    EmbeddingCache(tmp_path, cache_settings(load(), "abc", NORMALISATION)).reserve(["a"])
    other = load(["train.lr=0.1", "model.tile_coefficient=1"])
    EmbeddingCache(tmp_path, cache_settings(other, "abc", NORMALISATION))
    with pytest.raises(ChangedError, match=change.split("=")[0].replace("clip.frames", "frames")):
        EmbeddingCache(tmp_path, cache_settings(load([change]), "abc", NORMALISATION))
    with pytest.raises(ChangedError, match="weights"):
        EmbeddingCache(tmp_path, cache_settings(load(), "xyz", NORMALISATION))
    with pytest.raises(ChangedError, match=r"spatial\.mean"):
        EmbeddingCache(tmp_path, cache_settings(load(), "abc", {**NORMALISATION, "mean": [0.5, 0.5, 0.5]}))


def test_reading_without_a_cache_names_the_step_that_makes_it(tmp_path: Path):
    with pytest.raises(PainlitError, match=r"(?s)cache\.json does not exist.*make embed"):
        EmbeddingCache(tmp_path)
    cache_with(tmp_path, "a")
    assert EmbeddingCache(tmp_path).settings == SETTINGS


def test_rows_without_a_cache_json_are_not_taken_for_finished(tmp_path: Path):
    cache_with(tmp_path, "a", "b")
    (tmp_path / "cache.json").unlink()  # as the error about a damaged one advises
    cache = EmbeddingCache(tmp_path, {**SETTINGS, "weights": "xyz"})
    assert cache.finished({"a": 1, "b": 2}) == set()
    cache.reserve(["b", "a"])
    assert cache.finished({"a": 1, "b": 2, "c": 3}) == set()
    assert cache.finished({"a": 2, "b": 1}) == set()


def test_a_row_of_another_shape_is_refused(tmp_path: Path):
    cache = cache_with(tmp_path, "a")
    with pytest.raises(ValueError, match=r"row of a must be \(2, 4, 8\), got \(2, 4, 9\)"):
        cache.write("a", np.zeros((2, 4, 9)), digest=5)
    assert cache.finished({"a": 1}) == {"a"}


def test_a_write_that_stops_between_row_and_digest_leaves_the_row_unfinished(tmp_path: Path, full_disk):
    cache = cache_with(tmp_path, "a", "b")
    bytes_of_a_row = 2 * 2 * 4 * 8
    with full_disk(bytes_of_a_row), pytest.raises(PainlitError, match=r"(?s)embeddings\.f16: .*free some space"):
        cache.write("b", row(9), digest=9)  # its digest would fit, the row itself does not
    again = EmbeddingCache(tmp_path, SETTINGS)
    assert again.finished({"a": 1, "b": 2}) == {"a"}
    assert again.finished({"a": 1, "b": 9}) == {"a"}
    again.write("b", row(9), digest=9)
    np.testing.assert_array_equal(again.values()[1], row(9).astype(np.float16))


def test_a_disk_too_small_for_the_rows_is_named_before_any_work(tmp_path: Path, full_disk):
    cache = EmbeddingCache(tmp_path, SETTINGS)
    with full_disk(1000), pytest.raises(PainlitError, match=r"(?s)embeddings\.f16: .*free some space"):
        cache.reserve([f"clip-{number}" for number in range(100)])
    again = EmbeddingCache(tmp_path, SETTINGS)
    again.reserve(["a"])
    assert again.finished({"a": 1}) == set()


def test_fingerprint_is_of_settings_clips_and_boxes(tmp_path: Path):
    cache = cache_with(tmp_path / "one", "a", "b", "c")
    before = cache.fingerprint(["a", "b"])
    assert EmbeddingCache(tmp_path / "one").fingerprint(["a", "b"]) == before
    assert cache.fingerprint(["a", "c"]) != before
    cache.write("c", row(3), digest=33)
    assert cache.fingerprint(["a", "b"]) == before
    cache.write("b", row(2), digest=22)
    assert cache.fingerprint(["a", "b"]) != before
    other = EmbeddingCache(tmp_path / "two", {**SETTINGS, "weights": "xyz"})
    other.reserve(["a", "b"])
    for number, name in enumerate(["a", "b"], start=1):
        other.write(name, row(number), digest=number)
    assert other.fingerprint(["a", "b"]) != before
