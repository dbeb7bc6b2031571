"""The Spatial-Module in C++ against timm's."""

import copy

import pytest
import torch
from spatial_sizes import SIZES
from torch import Tensor, nn

from painlit.config.pain import PRECISIONS
from painlit.models import SpatialModule
from painlit.native.spatial import NativeSpatial

pytestmark = pytest.mark.usefixtures("instructions")


def assert_as_timm(spatial: SpatialModule, images: torch.Tensor) -> None:
    with torch.inference_mode():
        expected, found = spatial.tnt.double()(images.double()), NativeSpatial(spatial.float())(images)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("sizes", [pytest.param({"image_size": 224}, id="the paper's"), *SIZES], ids=str)
def test_all_sizes(module, sizes):
    spatial = module(**sizes)
    assert_as_timm(spatial, torch.randn(2, 3, spatial.image_size, spatial.image_size))


def rounded(x: Tensor, precision: str) -> Tensor:
    """To bf16; or, along the last dimension, to 255 steps up to the largest."""
    if precision == "bf16":
        return x.to(torch.bfloat16).to(x)
    step = x.abs().amax(-1, keepdim=True).clamp_min(1e-30) / 127
    return (x / step).round() * step


def by_torch(spatial: SpatialModule, precision: str, images: Tensor) -> Tensor:
    """Embeddings of which linear layers alone are computed from rounded numbers, otherwise in double precision."""
    network = copy.deepcopy(spatial.tnt).double()
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            layer.weight.data = rounded(layer.weight.data, precision)
            layer.register_forward_pre_hook(lambda _, given: (rounded(given[0], precision),))
    return network(images.double())


def size(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


@pytest.mark.parametrize("precision", ["bf16", "int8"])
@pytest.mark.parametrize("sizes", [pytest.param({"image_size": 112}, id="the paper's, of 49 patches"), *SIZES], ids=str)
def test_a_reduced_precision_costs_what_its_rounding_does(module, sizes, precision):
    spatial = module(**sizes)
    for weight in spatial.parameters():  # smaller, or errors grow from block to block
        weight.data *= 0.3 if weight.ndim > 1 else 1
    images = torch.randn(8, 3, spatial.image_size, spatial.image_size)
    with torch.inference_mode():
        exact = copy.deepcopy(spatial.tnt).double()(images.double())
        expected, found = by_torch(spatial, precision, images), NativeSpatial(spatial, precision)(images)
    cost = size(expected - exact)
    assert size(found - exact) == pytest.approx(cost, rel=0.25)
    assert size(found - expected) < 1.1 * cost  # √2 if they were others; what is between products rounds otherwise


def test_values_far_from_zero(module):
    """Attention to one token alone, and GELU where it is zero or the identity."""
    spatial = module()
    for name, weight in spatial.named_parameters():
        if "qk" in name or "fc1" in name:
            weight.data *= 20
    assert_as_timm(spatial, torch.randn(2, 3, 48, 48))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_is_no_number_stays_in_its_image(module, precision):
    """With 17 tokens: products of two at once meet a lane that has none."""
    native, images = NativeSpatial(module(**SIZES[1]), precision), torch.randn(3, 3, 64, 64)
    expected = native(images)
    images[1, 0, 20, 20] = torch.nan
    found = native(images)
    assert found[1].isnan().all()
    assert torch.equal(found[[0, 2]], expected[[0, 2]])


SMALL_BUT_FOR_PATCHES = {"embed_dim": 20, "inner_dim": 8, "depth": 2, "inner_heads": 2, "outer_heads": 2}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("side", [32, 80, 112, 176, 224], ids=lambda side: f"{(side // 16) ** 2} patches")
def test_images_that_go_together_are_embedded_as_each_alone(module, side, precision):
    """Also where the last patch of one, which shares its vectors with those of others, is no number."""
    native = NativeSpatial(module(image_size=side, **SMALL_BUT_FOR_PATCHES), precision)
    images = torch.randn(2 * native.together + 1, 3, side, side)
    expected = torch.cat([native(image[None]) for image in images])
    assert torch.equal(native(images), expected)
    images[0, 0, -1, -1] = torch.nan
    found = native(images)
    assert found[0].isnan().all()
    assert torch.equal(found[1:], expected[1:])
    assert torch.equal(native(images[1:2]), expected[1:2])


def test_how_many_go_together(module):
    """196 and 49 patches: 4 and 1 are left of vectors of sixteen, or of eight."""
    found = [NativeSpatial(module(image_size=side, **SMALL_BUT_FOR_PATCHES)).together for side in (224, 112, 64, 48)]
    assert found in ([4, 16, 1, 1], [2, 8, 1, 8])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_that_are_no_numbers_are_not_hidden(module, precision):
    spatial = module()
    spatial.tnt.blocks[0].mlp.fc2.weight.data[3, 5] = torch.nan
    assert NativeSpatial(spatial, precision)(torch.randn(1, 3, 48, 48)).isnan().all()


def test_images_of_another_type_are_refused(module):
    native = NativeSpatial(module()).double()
    with pytest.raises(ValueError, match=r"C\+\+ reads contiguous float32 on the CPU, not torch\.float64"):
        native(torch.randn(1, 3, 48, 48, dtype=torch.float64))


def test_no_images(module):
    assert NativeSpatial(module())(torch.empty(0, 3, 48, 48)).shape == (0, 20)


def test_images_of_another_size_are_refused(module):
    with pytest.raises(ValueError, match=r"reads images \(B, 3, 48, 48\), got \(1, 3, 224, 224\)"):
        NativeSpatial(module())(torch.zeros(1, 3, 224, 224))


def test_later_changes_of_the_weights_do_not_reach_it(module):
    spatial = module()
    native, images = NativeSpatial(spatial), torch.randn(1, 3, 48, 48)
    expected = native(images)
    with torch.no_grad():
        for weight in spatial.parameters():
            weight.zero_()
    assert torch.equal(native(images), expected)
