"""The paper's Table 7, to the digit that SPEC fixes."""

import pytest
import torch
from torch import nn

from painlit.models import AugmNet, HeartRateEncoder, PainModel, SpatialModule, TemporalModule, macs, parameters


@pytest.mark.parametrize(
    ("build", "shape", "out", "expected_parameters", "expected_giga_macs"),
    [
        (SpatialModule, (1, 3, 224, 224), (1, 100), 2_565_100, 1.1877),
        (HeartRateEncoder, (1, 5), (1, 2048), 4_402_972, 0.8231),
        (TemporalModule, (1, 13800), (1, 2), 1_631_518, 0.4316),
        (AugmNet, (1, 13800), (1, 13800), 1_016_816, 0.0010),
    ],
)
def test_parameters_and_macs(build, shape, out, expected_parameters, expected_giga_macs):
    module = build()
    x = torch.randn(shape)
    assert parameters(module) == expected_parameters
    assert round(macs(module, x) / 1e9, 4) == expected_giga_macs
    with torch.no_grad():
        assert module(x).shape == out


def test_whole_framework_without_augmnet_has_the_papers_size():
    total = parameters(SpatialModule()) + parameters(HeartRateEncoder()) + parameters(TemporalModule())
    assert total + parameters(AugmNet()) == 9_616_406  # the abstract's 9.62 million


def test_heart_rate_pipeline_has_the_papers_1_25_giga_macs():
    pain = PainModel("heart_rate", augmnet=None)
    assert round(macs(pain, None, None, torch.full((1, 5), 80.0)) / 1e9, 2) == 1.25


def test_macs_of_layers_by_hand():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Flatten(), nn.Linear(8 * 4 * 4, 5))
    assert macs(network, torch.randn(2, 3, 4, 4)) == 2 * (4 * 4 * 8 * 3 * 9 + 8 * 4 * 4 * 5)


def test_macs_leaves_no_trace():
    network = TemporalModule(num_latents=4, latent_dim=8, blocks=1, self_heads=2, head_dim=4).train()
    network.head.eval()
    macs(network, torch.randn(1, 6))
    assert network.training
    assert not network.head.training
    assert not any(module._forward_hooks for module in network.modules())


def test_macs_of_the_folded_perceiver_are_those_of_the_plain_form():
    pytest.importorskip("perceiver_pytorch")
    from experiments.bench.models import plain_perceiver

    module = TemporalModule(3, token_size=2, num_latents=6, latent_dim=8, blocks=2, self_heads=2, head_dim=4)
    assert macs(module, torch.randn(2, 20)) == macs(plain_perceiver(module), torch.randn(2, 10, 2))
