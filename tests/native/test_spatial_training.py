"""The Spatial-Module trained by C++ against torch's gradients."""

import copy

import pytest
import torch
from spatial_sizes import SIZES
from torch import Tensor

from painlit.errors import PainlitError
from painlit.models import SpatialModule
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import Normalise
from painlit.native import library
from painlit.native.spatial_training import NativeStep

KEY = "stage1.train.backend"


def natively(spatial: SpatialModule) -> SpatialModule:
    made = copy.deepcopy(spatial)
    made.behind_pixels = NativeStep(made, KEY)
    return made


def gradients(spatial: SpatialModule, images: Tensor) -> dict[str, Tensor]:
    """Of all weights and of the images, of a loss that weighs every number of the embeddings differently."""
    images = images.clone().requires_grad_()
    made = spatial(images)
    (made * torch.linspace(-1, 2, made.numel()).reshape(made.shape).to(made)).sum().backward()
    found = {name: weight.grad for name, weight in spatial.named_parameters()} | {"images": images.grad}
    assert all(gradient is not None for gradient in found.values())
    return {"embeddings": made.detach(), **found}


@pytest.mark.parametrize("sizes", [pytest.param({"depth": 3}, id="the paper's, of three blocks"), *SIZES], ids=str)
def test_gradients_are_torchs_at_all_sizes(module, sizes):
    spatial = module(**sizes)
    images = torch.randn(3, 3, spatial.image_size, spatial.image_size)
    found = gradients(natively(spatial), images)
    by_torch = gradients(copy.deepcopy(spatial), images)
    exact = gradients(spatial.double(), images.double())
    for name, value in exact.items():
        off, torchs = (float((made[name].double() - value).abs().max()) for made in (found, by_torch))
        assert off <= max(4 * torchs, 1e-4 * float(value.abs().max()), 1e-6), name


def test_the_same_number_of_threads_gives_the_same_bits(module):
    spatial, images = module(), torch.randn(7, 3, 48, 48)
    torch.set_num_threads(3)
    first, second = (gradients(natively(spatial), images) for _ in range(2))
    torch.set_num_threads(1)
    alone = gradients(natively(spatial), images)
    for name, value in first.items():
        assert torch.equal(value, second[name])
        torch.testing.assert_close(value, alone[name], rtol=1e-4, atol=1e-5 * float(value.abs().max()))


def test_it_learns_as_by_torch(module):
    images, losses = torch.randn(4, 3, 48, 48), []
    for spatial in (module(), natively(module())):
        optimiser = torch.optim.SGD(spatial.parameters(), lr=0.05)
        for _ in range(5):
            optimiser.zero_grad()
            loss = spatial(images).square().mean()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    assert losses[5:] == pytest.approx(losses[:5], rel=1e-4)
    assert losses[4] < 0.9 * losses[0]


def test_frames_embedded_again_in_the_backward_pass(module):
    """Gradient checkpointing, as in joint training."""
    crops, found = torch.randint(0, 256, (5, 3, 96, 96), dtype=torch.uint8), []
    for spatial in (module(), natively(module())):
        full, tiles = FrameEmbedder(spatial, Normalise(), chunk=2)(crops)
        (full + tiles).square().sum().backward()
        found.append([weight.grad for weight in spatial.parameters()])
    for expected, gradient in zip(*found, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


def test_no_images(module):
    """As in a process whose share of the last batch is empty: every weight has a gradient."""
    spatial = natively(module())
    made = spatial(torch.empty(0, 3, 48, 48))
    assert made.shape == (0, 20)
    made.sum().backward()
    assert all(weight.grad is not None for weight in spatial.parameters())


def test_without_gradients_torch_computes(module):
    spatial = module()
    with torch.no_grad():
        images = torch.randn(2, 3, 48, 48)
        assert torch.equal(natively(spatial)(images), spatial(images))


def test_weights_that_change_before_the_backward_pass_are_noticed(module):
    spatial = natively(module())
    made = spatial(torch.randn(1, 3, 48, 48))
    with torch.no_grad():
        spatial.tnt.blocks[0].mlp_in.fc1.weight.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        made.sum().backward()


def test_what_differs_from_torch_is_refused(module, monkeypatch):
    spatial = natively(module())
    monkeypatch.setattr(spatial, "behind_pixels_by_torch", lambda chunks: torch.full((1, 20), 3.0))
    with pytest.raises(
        PainlitError, match=rf"{KEY}=native: an embedding differs from torch's by .*\n.*set {KEY}=torch"
    ):
        spatial(torch.randn(1, 3, 48, 48))


def test_other_precisions_are_refused(module):
    spatial = natively(module())
    with (
        torch.autocast("cpu", torch.bfloat16),
        pytest.raises(PainlitError, match=rf"{KEY}=native computes on the CPU in 32 bits, not on cpu in .*bfloat16"),
    ):
        spatial(torch.randn(1, 3, 48, 48))


def test_what_is_no_number_is_left_to_training_to_tell(module):
    spatial = natively(module())
    images = torch.randn(2, 3, 48, 48)
    assert spatial(images.index_fill(0, torch.tensor(0), torch.nan))[0].isnan().all()
    for name, weight in spatial.named_parameters():
        if "attn_in.qk" in name:
            weight.data.fill_(torch.nan)
    assert spatial(images).isnan().all()


def test_the_default_dtype_of_torch_does_not_reach_it(module):
    spatial, images = module(), torch.randn(2, 3, 48, 48)
    expected = gradients(natively(spatial), images)
    torch.set_default_dtype(torch.bfloat16)
    try:
        found = gradients(natively(spatial), images)
    finally:
        torch.set_default_dtype(torch.float32)
    assert found["embeddings"].dtype == torch.float32
    assert torch.equal(found["embeddings"], expected["embeddings"])


def test_weights_that_lie_otherwise_in_memory(module):
    spatial, images = module(), torch.randn(2, 3, 48, 48)
    expected, other = gradients(natively(spatial), images), copy.deepcopy(spatial)
    for weight in other.parameters():
        if weight.ndim == 2:
            weight.data = weight.data.T.contiguous().T
    for name, value in gradients(natively(other), images).items():
        torch.testing.assert_close(value, expected[name], msg=name)


def test_without_a_compiler_the_setting_is_named(module, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    library.compiled.cache_clear()
    with pytest.raises(PainlitError, match=rf"{KEY}=native: CXX=no-such-compiler .*\n.*or set {KEY}=torch"):
        natively(module())(torch.randn(1, 3, 48, 48))
