"""The Spatial-Module in C++ against timm's, at sizes of every kind."""

import shutil

import pytest
import torch
from torch import nn

from painlit.models import SpatialModule
from painlit.weights.native_spatial import NativeSpatial

pytestmark = pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="no C++ compiler")

SMALL = {"image_size": 48, "embed_dim": 20, "inner_dim": 8, "depth": 2, "inner_heads": 2, "outer_heads": 2}


def module(**sizes) -> SpatialModule:
    """With every weight drawn: norms and biases start at one and zero, where a wrong order would not show."""
    torch.manual_seed(0)
    made = SpatialModule(**sizes).eval()
    for weight in made.parameters():
        nn.init.normal_(weight, mean=float(weight.ndim == 1), std=0.3)
    return made


def assert_as_timm(spatial: SpatialModule, images: torch.Tensor) -> None:
    with torch.inference_mode():
        expected, found = spatial.tnt.double()(images.double()), NativeSpatial(spatial.float())(images)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param({}, id="the paper's"),
        SMALL,
        SMALL | {"image_size": 64},  # 16 patches fill two vectors, and the class token needs a third
        SMALL | {"image_size": 16},  # one patch
        SMALL | {"image_size": 80, "embed_dim": 21, "inner_dim": 6, "inner_heads": 3, "outer_heads": 7},
        SMALL | {"embed_dim": 5, "inner_dim": 1, "depth": 3, "inner_heads": 1, "outer_heads": 1, "mlp_ratio": 2.0},
        SMALL | {"image_size": 40, "patch_size": 8},
        SMALL | {"image_size": 60, "patch_size": 20},
    ],
    ids=str,
)
def test_all_sizes(sizes):
    spatial = module(**sizes)
    assert_as_timm(spatial, torch.randn(2, 3, spatial.image_size, spatial.image_size))


def test_values_far_from_zero():
    """Attention to one token alone, and GELU where it is zero or the identity."""
    spatial = module(**SMALL)
    for name, weight in spatial.named_parameters():
        if "qk" in name or "fc1" in name:
            weight.data *= 20
    assert_as_timm(spatial, torch.randn(2, 3, 48, 48))


def test_what_is_no_number_stays_in_its_image():
    native, images = NativeSpatial(module(**SMALL)), torch.randn(3, 3, 48, 48)
    expected = native(images)
    images[1, 0, 20, 20] = torch.nan
    found = native(images)
    assert found[1].isnan().all()
    assert torch.equal(found[[0, 2]], expected[[0, 2]])


def test_no_images():
    assert NativeSpatial(module(**SMALL))(torch.empty(0, 3, 48, 48)).shape == (0, 20)


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"reads images \(B, 3, 48, 48\), got \(1, 3, 224, 224\)"):
        NativeSpatial(module(**SMALL))(torch.zeros(1, 3, 224, 224))


def test_later_changes_of_the_weights_do_not_reach_it():
    spatial = module(**SMALL)
    native, images = NativeSpatial(spatial), torch.randn(1, 3, 48, 48)
    expected = native(images)
    with torch.no_grad():
        for weight in spatial.tnt.blocks.parameters():
            weight.zero_()
        spatial.tnt.norm.bias.zero_()
    assert torch.equal(native(images), expected)
