"""Joint training holds the activations of a few frames at a time, with the gradients of all at once."""

import pytest
import torch

from painlit.models import SpatialModule
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import Normalise


@pytest.fixture
def spatial() -> SpatialModule:
    torch.manual_seed(0)
    return SpatialModule(image_size=32, embed_dim=12, inner_dim=8, depth=2, inner_heads=2, outer_heads=3)


def gradients(spatial: SpatialModule, crops: torch.Tensor, chunk: int | None) -> tuple[list[torch.Tensor], int]:
    """Gradients of some loss, and the largest number of values saved at once between forward and backward."""
    spatial.zero_grad()
    saved: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        full, tiles = FrameEmbedder(spatial, Normalise(), chunk)(crops)
    size = sum(saved.values())
    (full.square().sum() + tiles.sin().sum()).backward()
    return [parameter.grad.clone() for parameter in spatial.parameters()], size


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_gradients_are_those_of_all_frames_at_once(spatial, chunk: int):
    crops = torch.randint(0, 256, (7, 3, 64, 64), dtype=torch.uint8)
    whole, all_saved = gradients(spatial, crops, None)
    parts, few_saved = gradients(spatial, crops, chunk)
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert few_saved < all_saved / 5, "only crops are kept between the passes"


def test_without_gradients_nothing_is_computed_twice(spatial):
    calls = []
    spatial.register_forward_hook(lambda *_: calls.append(1))
    crops = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        checkpointed = FrameEmbedder(spatial, Normalise(), 1)(crops)
    assert len(calls) == 1
    with torch.inference_mode():
        plain = FrameEmbedder(spatial, Normalise())(crops)
    assert all(torch.equal(a, b) for a, b in zip(checkpointed, plain, strict=True))
