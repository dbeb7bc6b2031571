"""A training step of the Temporal-Module: what it keeps, and that parts of a batch are the batch."""

import pytest
import torch

from painlit.models import TemporalModule
from painlit.models.attention import FeedForward


def test_gradcheck_of_the_whole_module():
    torch.manual_seed(0)
    module = TemporalModule(num_latents=3, latent_dim=8, blocks=1, cross_heads=2, self_heads=2, head_dim=4).double()
    x = torch.randn(2, 6, dtype=torch.float64, requires_grad=True)
    parameters = dict(module.named_parameters())

    def scores(x, *values):
        return torch.func.functional_call(module, dict(zip(parameters, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(scores, (x, *parameters.values()), fast_mode=True)


def test_nothing_of_latents_times_tokens_is_kept():
    module = TemporalModule(num_latents=16, latent_dim=8, blocks=1, self_heads=1, head_dim=4)
    sizes = []
    x = torch.randn(2, 3000, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
        module(x).sum().backward()
    assert 2 * 3000 * 14 <= max(sizes) <= 2 * 3000 * 16  # the tokens themselves, padded


@pytest.mark.parametrize("average", [False, True])
def test_hidden_values_are_formed_again_instead_of_kept(average):
    module = FeedForward(8)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        module(torch.randn(2, 5, 8, requires_grad=True), average=average).sum().backward()
    rows = 2 if average else 2 * 5
    wide = [t.shape[-1] for t in kept if t.shape[-1] > 8 and t.numel() // t.shape[-1] in (rows, 2 * 5)]
    assert wide == [4 * 8]  # what the output layer reads, and neither the hidden values nor the gate


def test_a_batch_in_parts_gives_what_each_clip_gives(monkeypatch):
    torch.manual_seed(0)
    module = TemporalModule(num_latents=4, latent_dim=8, blocks=2, self_heads=1, head_dim=4)
    x = torch.randn(5, 30)
    alone = torch.cat([module(clip) for clip in x.split(1)])
    (expected,) = torch.autograd.grad(alone.square().sum(), [module.perceiver.latents])
    for values in (1, 2 * 4 * 8):
        monkeypatch.setattr("painlit.models.perceiver.CHUNK", values)
        scores = module(x)
        torch.testing.assert_close(scores, alone)
        (found,) = torch.autograd.grad(scores.square().sum(), [module.perceiver.latents])
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("precision", ["autocast", "bfloat16"])
def test_half_precision_learns_near_the_whole(precision):
    torch.manual_seed(0)
    module = TemporalModule(num_latents=8, latent_dim=32, blocks=1, self_heads=2, head_dim=16)
    x = torch.randn(3, 200)
    (whole,) = torch.autograd.grad(module(x).square().sum(), [module.perceiver.latents])
    if precision == "autocast":
        with torch.autocast("cpu", torch.bfloat16):
            scores = module(x)
    else:
        scores = module.to(torch.bfloat16)(x.bfloat16())
    (half,) = torch.autograd.grad(scores.float().square().sum(), [module.perceiver.latents])
    assert scores.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(half.float().flatten(), whole.flatten(), dim=0) > 0.99
