"""The Spatial-Module in C++ against timm's."""

import pytest
import torch
from spatial_sizes import SIZES

from painlit.models import SpatialModule
from painlit.native.spatial import NativeSpatial


def assert_as_timm(spatial: SpatialModule, images: torch.Tensor) -> None:
    with torch.inference_mode():
        expected, found = spatial.tnt.double()(images.double()), NativeSpatial(spatial.float())(images)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("sizes", [pytest.param({"image_size": 224}, id="the paper's"), *SIZES], ids=str)
def test_all_sizes(module, sizes):
    spatial = module(**sizes)
    assert_as_timm(spatial, torch.randn(2, 3, spatial.image_size, spatial.image_size))


def test_values_far_from_zero(module):
    """Attention to one token alone, and GELU where it is zero or the identity."""
    spatial = module()
    for name, weight in spatial.named_parameters():
        if "qk" in name or "fc1" in name:
            weight.data *= 20
    assert_as_timm(spatial, torch.randn(2, 3, 48, 48))


def test_what_is_no_number_stays_in_its_image(module):
    native, images = NativeSpatial(module()), torch.randn(3, 3, 48, 48)
    expected = native(images)
    images[1, 0, 20, 20] = torch.nan
    found = native(images)
    assert found[1].isnan().all()
    assert torch.equal(found[[0, 2]], expected[[0, 2]])


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
        for weight in spatial.tnt.blocks.parameters():
            weight.zero_()
        spatial.tnt.norm.bias.zero_()
    assert torch.equal(native(images), expected)
