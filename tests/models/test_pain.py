"""Equations 7 to 11 beside literal versions written from the formulas."""

import math

import numpy as np
import pytest
import torch

from painlit.config import ModelConfig
from painlit.models import AugmNet, HeartRateEncoder, Masking, PainModel, TemporalModule, bicubic_resize
from painlit.weights.networks import build_pain_model

FRAMES, DIM, SIZE = 6, 4, 24


def temporal(classes=2):
    return TemporalModule(classes, num_latents=4, latent_dim=8, blocks=1, self_heads=2, head_dim=4)


def encoder():
    return HeartRateEncoder(10, num_latents=4, latent_dim=8, head_dim=4)


def model(modality="fusion", **options):
    options = {"heart_rate_encoder": encoder(), "augmnet": None, **options}
    return PainModel(modality, frames=FRAMES, embedding_dim=DIM, temporal=temporal(), **options)


def inputs(batch=3):
    full, tiles = torch.randn(2, batch, FRAMES, DIM)
    return full, tiles, torch.rand(batch, 5) * 60 + 50


def cubic_kernel(distance: float) -> float:
    a, t = -0.75, abs(distance)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    if t < 2:
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return 0.0


def literal_bicubic(row: np.ndarray, size: int) -> np.ndarray:
    """Eq. 9 on an image one pixel high; the kernel's weights sum to 1 along that other axis."""
    out = np.zeros(size)
    for i in range(size):
        centre = (i + 0.5) * len(row) / size - 0.5
        for j in range(math.floor(centre) - 1, math.floor(centre) + 3):
            out[i] += row[min(max(j, 0), len(row) - 1)] * cubic_kernel(centre - j)
    return out


def literal_video(full: np.ndarray, tiles: np.ndarray, c: float) -> np.ndarray:
    """Eq. 7 for every frame, then eq. 8, of one clip."""
    v: list[float] = []
    for d_full, d_tiles in zip(full, tiles, strict=True):
        v.extend(d_full + c * d_tiles)
    return np.array(v)


@pytest.mark.parametrize(("length", "size"), [(10, 24), (5, 24), (24, 10), (7, 7), (1, 5), (2048, 13800)])
def test_bicubic_resize_equals_the_literal_form(length, size):
    x = np.random.default_rng(0).standard_normal((2, length))
    found = bicubic_resize(torch.from_numpy(x), size).numpy()
    np.testing.assert_allclose(found, [literal_bicubic(row, size) for row in x], atol=1e-10)


@pytest.mark.parametrize(
    ("frame_embedding", "coefficient", "use_full", "c"),
    [("full", 0.1, 1, 0), ("tiles", 1.0, 0, 1), ("both", 1.0, 1, 1), ("both", 0.1, 1, 0.1)],
    ids=["full frame", "tiles", "both", "both with c"],
)
def test_video_vector_of_table_3s_rows(frame_embedding, coefficient, use_full, c):
    full, tiles, _ = inputs()
    pain = model("video", frame_embedding=frame_embedding, tile_coefficient=coefficient)
    expected = [literal_video(use_full * f, t, c) for f, t in zip(full.numpy(), tiles.numpy(), strict=True)]
    found = pain.video(full if use_full else None, tiles if c else None)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_fusion_adds_video_and_interpolated_heart_rate():
    full, tiles, bpm = inputs()
    pain = model().eval()
    with torch.no_grad():
        embedding = pain.heart_rate_encoder((bpm - 75) / 15)
        b = np.stack([literal_bicubic(row, SIZE) for row in embedding.double().numpy()])
        v = np.stack([literal_video(f, t, 0.1) for f, t in zip(full.numpy(), tiles.numpy(), strict=True)])
        expected = pain.temporal(torch.from_numpy(v + b).float())
        torch.testing.assert_close(pain(full, tiles, bpm), expected, atol=1e-5, rtol=1e-5)


def test_augmnet_is_added_in_training_only():
    full, tiles, bpm = inputs()
    pain = model(augmnet=AugmNet(SIZE, hidden=3, code=5))
    fused = pain.video(full, tiles) + pain.heart_rate(bpm)
    torch.testing.assert_close(pain.train()(full, tiles, bpm), pain.temporal(pain.augmnet(fused) + fused))
    torch.testing.assert_close(pain.eval()(full, tiles, bpm), pain.temporal(fused))


def test_augmentations_come_before_augmnet_and_in_training_only():
    full, tiles, bpm = inputs()
    pain = model(augmnet=AugmNet(SIZE, hidden=3, code=5), augmentations=[Masking()])
    seen = []
    pain.augmnet.register_forward_hook(lambda module, args, output: seen.append(args[0]))
    pain.train()(full, tiles, bpm)
    assert (seen[0] == 0).any()
    assert torch.equal(pain.eval()(full, tiles, bpm), pain(full, tiles, bpm))


def test_heart_rate_alone_is_interpolated_with_an_encoder_and_raw_without():
    bpm = torch.tensor([[60.0, 75.0, 90.0, 75.0, 75.0]])
    assert model("heart_rate").heart_rate(bpm).shape == (1, SIZE)
    raw = model("heart_rate", heart_rate_encoder=None)
    assert torch.equal(raw.heart_rate(bpm), torch.tensor([[-1.0, 0, 1, 0, 0]]))
    assert raw(bpm=bpm).shape == (1, 2)
    fused = model("fusion", heart_rate_encoder=None).heart_rate(bpm)
    np.testing.assert_allclose(fused[0].numpy(), literal_bicubic(np.array([-1.0, 0, 1, 0, 0]), SIZE), atol=1e-6)


def test_statistics_standardise_eq_7s_embedding_and_travel_with_the_weights():
    full, tiles, _ = inputs(batch=50)
    pain = model("video")
    d = (full + 0.1 * tiles).flatten(0, 1)
    pain.set_embedding_statistics(d.mean(dim=0), d.std(dim=0))
    frames = pain.video(full, tiles).unflatten(1, (FRAMES, DIM))
    torch.testing.assert_close(frames.mean(dim=(0, 1)), torch.zeros(DIM), atol=1e-5, rtol=0)
    torch.testing.assert_close(frames.flatten(0, 1).std(dim=0), torch.ones(DIM))
    copy = model("video")
    copy.load_state_dict(pain.state_dict())
    assert torch.equal(copy.video(full, tiles), pain.video(full, tiles))
    with pytest.raises(ValueError, match="std positive"):
        pain.set_embedding_statistics(torch.zeros(DIM), torch.zeros(DIM))
    with pytest.raises(ValueError, match=r"\(4,\), got \(3,\)"):
        pain.set_embedding_statistics(torch.zeros(3), torch.ones(DIM))


def test_the_first_frames_mean_is_subtracted_from_all_frames():
    full, tiles, _ = inputs()
    pain = model("video", reference_frames=2)
    plain = model("video").video(full, tiles).unflatten(1, (FRAMES, DIM))
    literal = torch.stack([plain[:, f] - (plain[:, 0] + plain[:, 1]) / 2 for f in range(FRAMES)], dim=1)
    torch.testing.assert_close(pain.video(full, tiles), literal.flatten(1))
    standardised = model("video", reference_frames=2)
    standardised.set_embedding_statistics(torch.full((DIM,), 5.0), torch.arange(1.0, DIM + 1))
    torch.testing.assert_close(standardised.video(full, tiles), (literal / torch.arange(1.0, DIM + 1)).flatten(1))
    somebody_else = full + torch.randn(1, 1, DIM)
    torch.testing.assert_close(pain.video(somebody_else, tiles), pain.video(full, tiles))


@pytest.mark.parametrize("frames", [-1, FRAMES])
def test_a_reference_leaves_frames_to_compare_with_it(frames: int):
    with pytest.raises(ValueError, match=f"reference_frames must be at least 0 and fewer than {FRAMES}, got {frames}"):
        model("video", reference_frames=frames)


@pytest.mark.parametrize(("share", "frames"), [(0.0, 0), (0.01, 1), (0.25, 34), (0.999, 137)])
def test_a_share_of_the_clip_is_the_reference(share: float, frames: int):
    settings = ModelConfig(modality="video", reference_share=share, augmnet=False)
    assert build_pain_model(settings, 2, 138, 100, 5).reference_frames == frames


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_inputs_are_cast_to_the_parameters_type(dtype):
    full, tiles, bpm = (x.to(dtype) for x in inputs())
    pain = model().eval()
    assert torch.equal(pain(full, tiles, bpm), pain(full.float(), tiles.float(), bpm.float()))
    assert pain.bfloat16()(full, tiles, bpm).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("modality", "given", "message"),
    [
        ("video", {"full": 1}, "tiles"),
        ("video", {"tiles": 1}, r"full \(B, 6, 4\), got nothing"),
        ("heart_rate", {"full": 1, "tiles": 1}, r"bpm \(B, S\), got nothing"),
        ("fusion", {"full": 1, "tiles": 1}, "bpm"),
        ("fusion", {"bpm": 1}, "full"),
    ],
)
def test_a_missing_modality_is_named(modality, given, message):
    full, tiles, bpm = inputs()
    every = {"full": full, "tiles": tiles, "bpm": bpm}
    with pytest.raises(ValueError, match=message):
        model(modality)(**{name: every[name] for name in given})


def test_wrong_shapes_and_options_are_named():
    full, tiles, bpm = inputs()
    with pytest.raises(ValueError, match=r"full \(B, 6, 4\), got \(3, 5, 4\)"):
        model("video")(full[:, :5], tiles)
    with pytest.raises(ValueError, match=r"bpm \(B, S\), got \(5,\)"):
        model("heart_rate")(bpm=bpm[0])
    with pytest.raises(ValueError, match="same number of clips"):
        model()(full, tiles, bpm[:1])
    with pytest.raises(ValueError, match="modality"):
        model("audio")
    with pytest.raises(ValueError, match="frame_embedding"):
        model(frame_embedding="whole")


def test_built_with_no_argument_it_is_the_papers_size():
    pain = PainModel().eval()
    with torch.no_grad():
        scores = pain(torch.randn(1, 138, 100), torch.randn(1, 138, 100), torch.full((1, 5), 80.0))
    assert scores.shape == (1, 2)


def test_everything_that_should_learn_gets_a_gradient():
    pain = model(augmnet=AugmNet(SIZE, hidden=3, code=5)).train()
    pain(*inputs()).sum().backward()
    assert all(parameter.grad is not None for parameter in pain.parameters())
