"""A cross-attention trained by C++ against torch's."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from painlit.errors import PainlitError
from painlit.models import HeartRateEncoder, TemporalModule
from painlit.models.perceiver import Perceiver
from painlit.native import cross_attention, library
from painlit.native.cross_attention import NativeGather

pytestmark = pytest.mark.usefixtures("instructions")
KEY = "train.backend"
SMALL = torch.ones(1, 1, 3, 4), torch.arange(5.0).reshape(1, 5, 1), torch.eye(5)[:, :3]


def by_torch(query: Tensor, tokens: Tensor, places: Tensor) -> Tensor:
    positioned = torch.cat([tokens, places.expand(len(tokens), -1, -1)], -1)
    normalised = F.layer_norm(positioned, positioned.shape[-1:])[:, None]
    return (query @ normalised.mT).softmax(-1) @ normalised


def made_and_gradients(gather, query: Tensor, tokens: Tensor, places: Tensor, of_tokens: bool = True) -> list[Tensor]:
    """Of a loss that weighs every number differently."""
    query, tokens = query.clone().requires_grad_(), tokens.clone().requires_grad_(of_tokens)
    made = gather(query, tokens, places)
    (made * torch.linspace(-1, 2, made.numel()).reshape(made.shape).to(made)).sum().backward()
    gradients = [query.grad, *([tokens.grad] if of_tokens else [])]
    assert all(gradient is not None for gradient in gradients)
    assert of_tokens or tokens.grad is None
    return [made.detach(), *gradients]


def assert_exact(query: Tensor, tokens: Tensor, places: Tensor, of_tokens: bool = True) -> None:
    """Off by no more than twice what torch is, or by 3e-6 of the greatest magnitude."""
    found = made_and_gradients(NativeGather(KEY), query, tokens, places, of_tokens)
    by_torch_too = made_and_gradients(by_torch, query, tokens, places, of_tokens)
    expected = made_and_gradients(by_torch, query.double(), tokens.double(), places.double(), of_tokens)
    for number, (ours, torchs, exact) in enumerate(zip(found, by_torch_too, expected, strict=True)):
        off, others = (float((value.double() - exact).abs().max()) for value in (ours, torchs))
        assert off <= max(2 * others, 3e-6 * float(exact.abs().max()), 1e-7), number


@pytest.mark.parametrize("of_tokens", [True, False])
@pytest.mark.parametrize(
    ("samples", "heads", "latents", "size", "features", "tokens"),
    [
        (3, 1, 32, 1, 13, 150),
        (1, 2, 7, 2, 1, 60),
        (5, 1, 1, 1, 1, 1),
        (2, 3, 17, 3, 2, 59),
        (2, 1, 16, 12, 3, 61),
        (9, 1, 40, 20, 13, 130),
    ],
)
def test_equals_torch_at_all_sizes(samples, heads, latents, size, features, tokens, of_tokens):
    torch.manual_seed(0)
    query = torch.randn(1, heads, latents, size + features)
    assert_exact(query, torch.randn(samples, tokens, size), torch.randn(tokens, features), of_tokens)


def test_weights_of_one_token_alone():
    """Products of some hundreds, which grow and fall from token to token: later ones outweigh all before."""
    torch.manual_seed(0)
    query, given, places = 40 * torch.randn(1, 1, 20, 6), torch.randn(2, 500, 3), torch.linspace(-1, 1, 500)[:, None]
    given[..., 0] *= torch.linspace(0.1, 30, 500)
    for tokens in (given, given.flip(1)):
        assert_exact(query, tokens, places.expand(-1, 3) * torch.tensor([1.0, 2.0, -1.0]))


@pytest.mark.parametrize("size", [1, 5])
def test_large_values_that_hardly_differ(size):
    torch.manual_seed(0)
    assert_exact(torch.randn(1, 1, 9, size + 3), 1000 + torch.randn(2, 70, size), torch.randn(70, 3))


@pytest.mark.parametrize("heads", [1, 2])
def test_networks_learn_as_by_torch(heads):
    """With tokens of which several parts go through one after the other, and with those that need no gradient."""
    torch.manual_seed(0)
    temporal = TemporalModule(num_latents=33, latent_dim=24, blocks=1, cross_heads=heads, self_heads=2, head_dim=8)
    for network, given in ((temporal, torch.randn(5, 130)), (HeartRateEncoder(num_latents=9), torch.randn(5, 5))):
        natively, found = copy.deepcopy(network), []
        for module in natively.modules():
            if isinstance(module, Perceiver):
                module.gather = NativeGather(KEY)
        for made in (network, natively):
            made(given).square().sum().backward()
            found.append([weight.grad for weight in made.parameters()])
        for expected, gradient in zip(*found, strict=True):
            torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))
        with torch.no_grad():
            assert torch.equal(natively(given), network(given))


def test_no_samples():
    for blocks in (0, 1):
        perceiver = Perceiver(token_size=1, num_latents=6, latent_dim=8, blocks=blocks)
        perceiver.gather = NativeGather(KEY)
        made = perceiver(torch.empty(0, 4, 1))
        assert made.shape == (0, 8)
        made.sum().backward()


def test_the_same_number_of_threads_gives_the_same_bits():
    torch.set_num_threads(3)
    given = torch.randn(1, 1, 20, 14), torch.randn(7, 100, 1), torch.randn(100, 13)
    first, second = (made_and_gradients(NativeGather(KEY), *given) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_what_is_no_number_stays_in_its_sample():
    query, given, places = torch.randn(1, 1, 20, 4), torch.randn(3, 100, 2), torch.randn(100, 2)
    gather = NativeGather(KEY)
    expected = gather(query, given, places)
    given[1, 70, 1] = torch.nan
    found = gather(query, given, places)
    assert found[1].isnan().all()
    assert torch.equal(found[[0, 2]], expected[[0, 2]])


def test_what_differs_from_torch_is_refused(monkeypatch):
    monkeypatch.setattr(cross_attention, "narrow_attention", lambda query, *_, scale: query + 1)
    message = rf"{KEY}=native: a cross-attention differs from torch's by .*\n.*set {KEY}=torch"
    with pytest.raises(PainlitError, match=message):
        NativeGather(KEY)(*SMALL)


def test_other_precisions_are_refused():
    with (
        torch.autocast("cpu", torch.bfloat16),
        pytest.raises(PainlitError, match=rf"{KEY}=native computes on the CPU in 32 bits, not on cpu in .*bfloat16"),
    ):
        NativeGather(KEY)(*SMALL)


def test_without_a_compiler_the_setting_is_named(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    library.compiled.cache_clear()
    with pytest.raises(PainlitError, match=rf"{KEY}=native: CXX=no-such-compiler .*\n.*or set {KEY}=torch"):
        NativeGather(KEY)(*SMALL)
