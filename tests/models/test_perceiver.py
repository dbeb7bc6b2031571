"""The folded Perceiver beside perceiver-pytorch's, with the same weights."""

import pytest
import torch

from painlit.models import HeartRateEncoder, TemporalModule

pytest.importorskip("perceiver_pytorch")
from experiments.bench.models import paired_parameters, plain_perceiver


def disturb_norms(module):
    """Norms start at 1 and 0, which would hide a mistake in folding them."""
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, torch.nn.LayerNorm):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.uniform_(-0.5, 0.5)


@pytest.mark.parametrize(
    ("build", "batch", "size"),
    [
        (lambda: TemporalModule(), 1, 13800),
        (lambda: HeartRateEncoder(), 3, 5),
        (lambda: HeartRateEncoder(16, num_latents=8, latent_dim=12, head_dim=8), 3, 187),
        (lambda: TemporalModule(5, token_size=100, num_latents=16, latent_dim=32), 3, 13800),
        (lambda: TemporalModule(5, token_size=3, num_latents=7, latent_dim=20, blocks=2, cross_heads=2), 3, 30),
    ],
    ids=["paper's temporal", "paper's encoder", "beats", "frames as tokens", "two cross heads"],
)
def test_equals_perceiver_pytorch(build, batch, size):
    torch.manual_seed(0)
    module = build()
    disturb_norms(module)
    plain = plain_perceiver(module)
    x = torch.randn(batch, size)
    ours_x, plain_x = x.clone().requires_grad_(), x.clone().requires_grad_()
    ours = module(ours_x)
    theirs = plain(plain_x.unflatten(1, (-1, getattr(module, "token_size", 1))))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    weighting = torch.randn_like(ours) / ours.shape[1] ** 0.5
    (ours * weighting).sum().backward()
    (theirs * weighting).sum().backward()
    torch.testing.assert_close(ours_x.grad, plain_x.grad, atol=1e-5, rtol=0)
    for mine, other in paired_parameters(module, plain):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-5, rtol=1e-5)


def test_attention_weights_are_the_plain_ones():
    module = TemporalModule(num_latents=4, latent_dim=8, blocks=1, cross_heads=2)
    disturb_norms(module)
    x = torch.randn(3, 20)
    cross = module.perceiver.cross_attention
    tokens = cross.norm_tokens(module.perceiver.with_positions(module.tokens(x)))
    query = cross.to_query(cross.norm(module.perceiver.latents)).unflatten(-1, (2, 64)).transpose(0, 1)  # (h, M, d)
    key = cross.to_key_value(tokens)[..., :128].unflatten(-1, (2, 64)).transpose(1, 2)  # (B, h, n, d)
    expected = (query @ key.transpose(-1, -2) / 8).softmax(dim=-1)
    torch.testing.assert_close(module.attention(x), expected, atol=1e-6, rtol=1e-5)


def test_any_number_of_heart_rates():
    encoder = HeartRateEncoder(12, num_latents=4, latent_dim=8, head_dim=4)
    assert [encoder(torch.randn(2, n)).shape for n in (1, 5, 187)] == [(2, 12)] * 3


def test_indivisible_size_and_wrong_rank_are_errors():
    module = TemporalModule(token_size=4, num_latents=4, latent_dim=8, blocks=1, self_heads=1, head_dim=4)
    with pytest.raises(ValueError, match=r"token_size 4.*\(2, 10\)"):
        module(torch.randn(2, 10))
    with pytest.raises(ValueError, match="B, N"):
        module(torch.randn(2, 8, 1))
    with pytest.raises(ValueError, match="B, n"):
        HeartRateEncoder(num_latents=4, latent_dim=8)(torch.randn(5))


def test_a_tiny_one_learns_to_separate_two_classes():
    torch.manual_seed(0)
    module = TemporalModule(num_latents=8, latent_dim=16, blocks=1, self_heads=2, head_dim=8)
    x = torch.randn(16, 24)
    y = torch.arange(16) % 2
    x[y == 1, :8] += 2
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-2)
    losses = []
    for _ in range(20):
        loss = torch.nn.functional.cross_entropy(module(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("precision", ["autocast", "bfloat16"])
def test_the_encoder_at_half_precision_stays_near_the_whole(precision):
    torch.manual_seed(0)
    encoder = HeartRateEncoder(32, num_latents=16, latent_dim=64).eval()
    disturb_norms(encoder)
    x = torch.rand(4, 187)
    whole = encoder(x)
    if precision == "autocast":
        with torch.autocast("cpu", torch.bfloat16):
            half = encoder(x)
    else:
        half = encoder.to(torch.bfloat16)(x.bfloat16())
    assert half.dtype == torch.bfloat16
    assert (half.float() - whole).abs().max() < 0.03 * whole.abs().max()


@pytest.mark.parametrize(("dtype", "distinct"), [(torch.float16, 13_800), (torch.bfloat16, 13_770)])
def test_positions_stay_apart_in_half_precision(dtype, distinct):
    """Computed in half precision, they fall together to 3,791 and 475."""
    module = TemporalModule(num_latents=2, latent_dim=4, blocks=1)
    perceiver = module.perceiver
    tokens = torch.zeros(1, 13_800, 1, dtype=dtype)
    assert len(perceiver.with_positions(tokens)[0].unique(dim=0)) == 13_800, "mixed: weights in float32"
    half = perceiver.to(dtype).with_positions(tokens)
    assert half.dtype == dtype
    assert len(half[0].unique(dim=0)) >= distinct
    assert module.to(dtype)(torch.randn(2, 130).to(dtype)).isfinite().all()
