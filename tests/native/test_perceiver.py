"""What a Perceiver's latents exchange, trained by C++ against torch."""

import copy

import pytest
import torch
from torch import Tensor, nn

from painlit.errors import PainlitError
from painlit.models.perceiver import Perceiver
from painlit.native import library
from painlit.native.perceiver import NativeExchange

pytestmark = pytest.mark.usefixtures("instructions")
KEY = "train.backend"
SMALL = {"num_latents": 19, "latent_dim": 24, "blocks": 2, "self_heads": 3, "head_dim": 5}


def perceiver(**sizes: int) -> Perceiver:
    """With every weight drawn: norms and biases start at one and zero, where a wrong order would not show."""
    torch.manual_seed(0)
    made = Perceiver(token_size=1, **(sizes or SMALL))
    for weight in made.parameters():
        nn.init.normal_(weight, mean=float(weight.ndim == 1), std=0.3)
    return made


def latents_of(network: Perceiver, samples: int = 5) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(samples, *network.latents.shape)


def made_and_gradients(network: Perceiver, exchange, latents: Tensor) -> dict[str, Tensor]:
    """Of a loss that weighs every number differently."""
    latents = latents.clone().requires_grad_()
    made = exchange(latents)
    (made * torch.linspace(-1, 2, made.numel()).reshape(made.shape).to(made)).sum().backward()
    found = {name: weight.grad.clone() for name, weight in network.named_parameters() if weight.grad is not None}
    network.zero_grad()
    return {"made": made.detach(), "latents": latents.grad, **found}


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param({"num_latents": 256, "latent_dim": 128, "blocks": 1}, id="the paper's, of one block"),
        SMALL,
        {"num_latents": 1, "latent_dim": 1, "blocks": 1, "self_heads": 1, "head_dim": 1},
        {"num_latents": 70, "latent_dim": 17, "blocks": 1, "self_heads": 2, "head_dim": 33},
        {"num_latents": 16, "latent_dim": 32, "blocks": 3, "self_heads": 2, "head_dim": 16},
        {"num_latents": 9, "latent_dim": 8, "blocks": 2, "self_heads": 1, "head_dim": 64},
    ],
    ids=str,
)
def test_equals_torch_at_all_sizes(sizes):
    network = perceiver(**sizes)
    latents = latents_of(network)
    found = made_and_gradients(network, NativeExchange(network, KEY), latents)
    by_torch = made_and_gradients(network, network.exchanged_by_torch, latents)
    exact = made_and_gradients(network.double(), network.exchanged_by_torch, latents.double())
    assert found.keys() == by_torch.keys() == exact.keys()
    behind = sum(weight.numel() for name, weight in network.named_parameters() if name[:5] in ("self_", "feed_"))
    assert sum(value.numel() for value in exact.values()) == latents.numel() + len(latents) * latents.shape[2] + behind
    for name, value in exact.items():
        off, torchs = (float((made[name].double() - value).abs().max()) for made in (found, by_torch))
        assert off <= max(4 * torchs, 3e-6 * float(value.abs().max()), 1e-6), name


def test_attention_to_one_latent_alone():
    """Products of hundreds, of either sign."""
    network = perceiver()
    for attention in network.self_attentions:
        attention.to_query.weight.data *= 30
    latents = latents_of(network)
    found = made_and_gradients(network, NativeExchange(network, KEY), latents)
    exact = made_and_gradients(network.double(), network.exchanged_by_torch, latents.double())
    for name, value in exact.items():
        torch.testing.assert_close(found[name].double(), value, rtol=0, atol=1e-3 * float(value.abs().max()), msg=name)


def test_products_below_all_that_could_stand_for_no_latent():
    """Of 19 latents the last vector has lanes that are none; all products are -9e30 and equal."""
    network = perceiver(num_latents=19, latent_dim=16, blocks=1, self_heads=1, head_dim=1)
    (attention,) = network.self_attentions
    for weight in attention.parameters():
        weight.data.zero_()
    attention.norm.bias.data.fill_(1)
    attention.to_query.weight.data.fill_(1e15)
    attention.to_key_value.weight.data[0] = -1e15 / 16**2 * 9
    attention.to_key_value.weight.data[1] = 1
    attention.to_output.weight.data.fill_(1)
    latents = latents_of(network)
    torch.testing.assert_close(
        NativeExchange(network, KEY)(latents), network.exchanged_by_torch(latents), rtol=1e-4, atol=1e-4
    )


def test_zeros_equal_zeros():
    network = perceiver()
    for weight in network.parameters():
        weight.data.zero_()
    assert not NativeExchange(network, KEY)(torch.zeros_like(latents_of(network))).any()


@pytest.mark.parametrize("token_size", [1, 3])
def test_a_network_learns_as_by_torch(token_size):
    """With gradients of the latents too, and of tokens."""
    network, found = Perceiver(token_size=token_size, **SMALL), []
    natively = copy.deepcopy(network)
    natively.exchange = NativeExchange(natively, KEY)
    tokens = torch.randn(5, 40, token_size)
    for made in (network, natively):
        given = tokens.clone().requires_grad_()
        made(given).square().mul(torch.linspace(0, 1, SMALL["latent_dim"])).sum().backward()
        found.append([given.grad, *(weight.grad for weight in made.parameters())])
    for expected, gradient in zip(*found, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))
    with torch.no_grad():
        assert torch.equal(natively(tokens), network(tokens))


def test_no_samples():
    network = perceiver()
    network.exchange = NativeExchange(network, KEY)
    made = network(torch.empty(0, 4, 1))
    assert made.shape == (0, 24)
    made.sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_the_same_number_of_threads_gives_the_same_bits():
    network = perceiver()
    latents, exchange = latents_of(network, 7), NativeExchange(network, KEY)
    torch.set_num_threads(3)
    first, second = (made_and_gradients(network, exchange, latents) for _ in range(2))
    torch.set_num_threads(1)
    alone = made_and_gradients(network, exchange, latents)
    for name, value in first.items():
        assert torch.equal(value, second[name])
        torch.testing.assert_close(value, alone[name], rtol=1e-4, atol=1e-5 * float(value.abs().max()))


def test_what_is_no_number_stays_in_its_sample():
    network = perceiver()
    latents, exchange = latents_of(network, 3), NativeExchange(network, KEY)
    expected = exchange(latents)
    latents[1, 4, 2] = torch.nan
    found = exchange(latents)
    assert found[1].isnan().all()
    assert torch.equal(found[[0, 2]], expected[[0, 2]])


def test_weights_and_latents_that_lie_otherwise_in_memory():
    network = perceiver(num_latents=16, latent_dim=16, blocks=1, self_heads=1, head_dim=16)
    latents = latents_of(network, 3)
    expected = made_and_gradients(network, NativeExchange(network, KEY), latents)
    for weight in network.parameters():
        elsewhere = torch.empty(weight.numel() + 1)[1:].view_as(weight)  # 4 bytes off what vectors are read at
        weight.data = elsewhere.copy_(weight.data)
    assert any(weight.data_ptr() % 64 for weight in network.parameters())
    latents = latents.mT.contiguous().mT
    exchange = NativeExchange(network, KEY)
    found = made_and_gradients(network, lambda x: exchange(x.mT.contiguous().mT), latents)
    for name, value in found.items():
        assert torch.equal(value, expected[name]), name


def test_weights_that_change_before_the_backward_pass_are_noticed():
    network = perceiver(num_latents=16, latent_dim=16, blocks=1, self_heads=1, head_dim=16)
    made = NativeExchange(network, KEY)(latents_of(network))
    with torch.no_grad():
        network.feed_forwards[0].to_hidden.weight.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        made.sum().backward()


def test_what_differs_from_torch_is_refused(monkeypatch):
    network = perceiver()
    monkeypatch.setattr(network, "exchanged_by_torch", lambda latents: torch.full((1, 24), 3.0))
    message = rf"{KEY}=native: a Perceiver's output differs from torch's by .*\n.*set {KEY}=torch"
    with pytest.raises(PainlitError, match=message):
        NativeExchange(network, KEY)(latents_of(network))


def test_other_precisions_are_refused():
    network = perceiver()
    with (
        torch.autocast("cpu", torch.bfloat16),
        pytest.raises(PainlitError, match=rf"{KEY}=native computes on the CPU in 32 bits, not on cpu in .*bfloat16"),
    ):
        NativeExchange(network, KEY)(latents_of(network))


def test_without_a_compiler_the_setting_is_named(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    library.compiled.cache_clear()
    network = perceiver()
    with pytest.raises(PainlitError, match=rf"{KEY}=native: CXX=no-such-compiler .*\n.*or set {KEY}=torch"):
        NativeExchange(network, KEY)(latents_of(network))
