"""A cross-attention trained by C++ against torch's."""

import copy

import pytest
import torch
from torch import Tensor

from painlit.errors import PainlitError
from painlit.models import HeartRateEncoder, TemporalModule
from painlit.models.attention import FoldedCrossAttention
from painlit.native import cross_attention, library
from painlit.native.cross_attention import NativeGather

pytestmark = pytest.mark.usefixtures("instructions")
KEY = "train.backend"


def by_torch(query: Tensor, tokens: Tensor) -> Tensor:
    return (query @ tokens.mT).softmax(-1) @ tokens


def made_and_gradients(gather, query: Tensor, tokens: Tensor, of_tokens: bool = True) -> list[Tensor]:
    """Of a loss that weighs every number differently."""
    query, tokens = query.clone().requires_grad_(), tokens.clone().requires_grad_(of_tokens)
    made = gather(query, tokens)
    (made * torch.linspace(-1, 2, made.numel()).reshape(made.shape).to(made)).sum().backward()
    gradients = [query.grad, *([tokens.grad] if of_tokens else [])]
    assert all(gradient is not None for gradient in gradients)
    assert of_tokens or tokens.grad is None
    return [made.detach(), *gradients]


@pytest.mark.parametrize("of_tokens", [True, False])
@pytest.mark.parametrize(
    ("samples", "heads", "latents", "features", "tokens"),
    [(3, 1, 32, 14, 150), (1, 2, 7, 3, 60), (5, 1, 1, 1, 1), (2, 3, 17, 5, 59), (2, 1, 16, 15, 61), (4, 1, 40, 16, 7)],
)
def test_equals_torch_at_all_sizes(samples, heads, latents, features, tokens, of_tokens):
    torch.manual_seed(0)
    query, given = torch.randn(1, heads, latents, features), torch.randn(samples, 1, tokens, features)
    found = made_and_gradients(NativeGather(KEY), query, given, of_tokens)
    expected = made_and_gradients(by_torch, query.double(), given.double(), of_tokens)
    for ours, exact in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=0, atol=3e-6 * float(exact.abs().max()))


def test_weights_of_one_token_alone():
    """Products of some hundreds, which grow and fall from token to token: later ones outweigh all before."""
    torch.manual_seed(0)
    query, given = 40 * torch.randn(1, 1, 20, 6), torch.randn(2, 1, 500, 6) * torch.linspace(0.1, 3, 500)[:, None]
    for tokens in (given, given.flip(2)):
        found = made_and_gradients(NativeGather(KEY), query, tokens)
        expected = made_and_gradients(by_torch, query.double(), tokens.double())
        for ours, exact in zip(found, expected, strict=True):
            torch.testing.assert_close(ours.double(), exact, rtol=0, atol=1e-4 * float(exact.abs().max()))


@pytest.mark.parametrize("heads", [1, 2])
def test_networks_learn_as_by_torch(heads):
    """With tokens of which several parts go through one after the other, and with those that need no gradient."""
    torch.manual_seed(0)
    temporal = TemporalModule(num_latents=33, latent_dim=24, blocks=1, cross_heads=heads, self_heads=2, head_dim=8)
    for network, given in ((temporal, torch.randn(5, 130)), (HeartRateEncoder(num_latents=9), torch.randn(5, 5))):
        natively, found = copy.deepcopy(network), []
        for module in natively.modules():
            if isinstance(module, FoldedCrossAttention):
                module.gather = NativeGather(KEY)
        for made in (network, natively):
            made(given).square().sum().backward()
            found.append([weight.grad for weight in made.parameters()])
        for expected, gradient in zip(*found, strict=True):
            torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))
        with torch.no_grad():
            assert torch.equal(natively(given), network(given))


def test_no_samples():
    attention = FoldedCrossAttention(8, 5)
    attention.gather = NativeGather(KEY)
    made = attention(torch.randn(1, 6, 8), torch.empty(0, 4, 5))
    assert made.shape == (0, 6, 8)
    made.sum().backward()


def test_the_same_number_of_threads_gives_the_same_bits():
    torch.set_num_threads(3)
    query, given = torch.randn(1, 1, 20, 14), torch.randn(7, 1, 100, 14)
    first, second = (made_and_gradients(NativeGather(KEY), query, given) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_what_is_no_number_stays_in_its_sample():
    query, given = torch.randn(1, 1, 20, 4), torch.randn(3, 1, 100, 4)
    gather = NativeGather(KEY)
    expected = gather(query, given)
    given[1, 0, 70, 2] = torch.nan
    found = gather(query, given)
    assert found[1].isnan().all()
    assert torch.equal(found[[0, 2]], expected[[0, 2]])


def test_what_differs_from_torch_is_refused(monkeypatch):
    monkeypatch.setattr(cross_attention, "narrow_attention", lambda query, *_, scale: query + 1)
    message = rf"{KEY}=native: a cross-attention differs from torch's by .*\n.*set {KEY}=torch"
    with pytest.raises(PainlitError, match=message):
        NativeGather(KEY)(torch.randn(1, 1, 3, 4), torch.randn(1, 1, 5, 4))


def test_other_precisions_are_refused():
    with (
        torch.autocast("cpu", torch.bfloat16),
        pytest.raises(PainlitError, match=rf"{KEY}=native computes on the CPU in 32 bits, not on cpu in .*bfloat16"),
    ):
        NativeGather(KEY)(torch.randn(1, 1, 3, 4), torch.randn(1, 1, 5, 4))


def test_without_a_compiler_the_setting_is_named(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    library.compiled.cache_clear()
    with pytest.raises(PainlitError, match=rf"{KEY}=native: CXX=no-such-compiler .*\n.*or set {KEY}=torch"):
        NativeGather(KEY)(torch.randn(1, 1, 3, 4), torch.randn(1, 1, 5, 4))
