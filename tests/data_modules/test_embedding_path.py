"""From videos through `make embed` to batches: each number is where the models look for it."""

import numpy as np
import torch
from made_up_runs import boxes_of, set_up

from data_modules.recordings.biovid import read_samples
from experiments import embed
from painlit.clips.embedded_frames import EmbeddedFrames
from painlit.clips.embedding import VideoClip, embed_frames, embed_on_devices
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import Normalise
from painlit.signals.video.clip_faces import clip_crops
from painlit.weights.networks import build_spatial_module

SMALL = (
    "spatial.inner_dim=8 spatial.depth=1 spatial.inner_heads=2 embed.name=real embed.weights=untrained seed=3 "
    "embed.workers=0 embed.batch_frames=4 embed.device=cpu model.modality=video task=multilevel"
).split()


def embedder_of(config) -> FrameEmbedder:
    torch.manual_seed(config.seed)
    return FrameEmbedder(build_spatial_module(config.spatial), Normalise()).eval()


def expected(config, clip: VideoClip) -> tuple[torch.Tensor, torch.Tensor]:
    """d_full by its own way, and the sum of the tiles."""
    crops = np.stack(list(clip_crops(clip.video, clip.boxes, config.clip, config.face, 64))).transpose(0, 3, 1, 2)
    embedder, images = embedder_of(config), torch.from_numpy(np.ascontiguousarray(crops))
    with torch.inference_mode():
        return embedder.full(images), embedder(images)[1]


def test_a_clips_row_is_the_full_frame_and_then_the_tiles(configure):
    config = configure(*SMALL)
    clips = [VideoClip(c.name, c.video, boxes_of(c.name), source=1) for c in read_samples(config.data.root)[:2]]
    rows = dict(embed_frames(clips, embedder_of(config), config, torch.device("cpu")))
    for clip in clips:
        full, tiles = expected(config, clip)
        assert (full - tiles).abs().mean() > 0.5, "they differ"
        np.testing.assert_allclose(rows[clip.name], torch.stack([full, tiles]), rtol=1e-4, atol=1e-5)


def test_several_devices_share_the_clips(configure):
    """And a clip that cannot be read is told of, wherever it was."""
    config, cpu = configure(*SMALL), torch.device("cpu")
    clips = [VideoClip(c.name, c.video, boxes_of(c.name), source=1) for c in read_samples(config.data.root)[:4]]
    clips.append(VideoClip("lost", clips[0].video.with_name("lost.mp4"), clips[0].boxes, source=1))
    alone = dict(embed_frames(clips, embedder_of(config), config, cpu))
    shared = dict(embed_on_devices(clips, embedder_of(config), config, [cpu, cpu]))
    assert shared.keys() == alone.keys()
    for name, row in alone.items():
        if name == "lost":
            assert str(shared[name]) == str(row)
        else:
            np.testing.assert_array_equal(shared[name], row)


def test_of_every_few_frames_one_is_embedded(configure):
    """The rest lies between; what is embedded is what embedding all gives."""
    config, few = configure(*SMALL), configure(*SMALL, "embed.every=25", "embed.batch_frames=2")
    clip = read_samples(config.data.root)[0]
    clips = [VideoClip(clip.name, clip.video, boxes_of(clip.name), source=1)]
    embedder, counted = embedder_of(few), []
    embedder.spatial.register_forward_pre_hook(lambda module, inputs: counted.append(len(inputs[0])))
    (whole,) = dict(embed_frames(clips, embedder_of(config), config, torch.device("cpu"))).values()
    (row,) = dict(embed_frames(clips, embedder, few, torch.device("cpu"))).values()
    frames = EmbeddedFrames.of(config.clip.frame_indices, 25)
    assert frames.positions == (0, 3, 5)
    assert sum(counted) == 5 * 3
    np.testing.assert_allclose(row[:, frames.positions], whole[:, frames.positions], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(row, frames.with_others(whole[:, frames.positions]), rtol=1e-4, atol=1e-5)
    assert abs(row - whole).max() > 0.01


def test_batches_hold_what_the_frame_embedder_makes_of_the_video(configure):
    config = configure(*SMALL)
    assert embed.run(config).computed == 30
    data = set_up(config)
    files = {clip.name: clip.video for clip in read_samples(config.data.root)}
    batch = next(iter(data.train_dataloader()))
    for k, position in enumerate(batch["clip"].tolist()[:3]):
        name = data.clips.names[position]
        full, tiles = expected(config, VideoClip(name, files[name], boxes_of(name), source=1))
        torch.testing.assert_close(batch["full"][k].float(), full, rtol=2e-3, atol=1e-3)
        torch.testing.assert_close(batch["tiles"][k].float(), tiles, rtol=2e-3, atol=1e-3)
