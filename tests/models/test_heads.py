import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from painlit.models.heads import ArcFaceHead, SoftmaxHead

DIRECTIONS = 721  # angles from 0 to π on a half circle


def arcface(embeddings: Tensor, weight: Tensor, labels: Tensor, scale: float, margin: float) -> Tensor:
    """The definition, angle by angle."""
    logits = torch.empty(len(embeddings), len(weight), dtype=torch.float64)
    for i, embedding in enumerate(embeddings.detach().double()):
        for j, direction in enumerate(weight.detach().double()):
            cosine = float(embedding @ direction / embedding.norm() / direction.norm())
            theta = math.acos(max(-1.0, min(1.0, cosine)))
            if j == labels[i]:
                inside = theta + margin < math.pi
                cosine = math.cos(theta + margin) if inside else math.cos(theta) - margin * math.sin(margin)
            logits[i, j] = scale * cosine
    return logits


def half_circle(head: ArcFaceHead) -> Tensor:
    """Embeddings at angles from 0 to π to class 0 of a head with D = 2, whose classes lie at 0 and π/2."""
    head.weight.data = torch.tensor([[3.0, 0.0], [0.0, 0.2]]).to(head.weight)
    theta = torch.linspace(0, math.pi, DIRECTIONS, dtype=torch.float64)
    return torch.stack([theta.cos(), theta.sin()], 1)


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.5, 1.2])
def test_arcface_is_its_definition(margin: float):
    torch.manual_seed(0)
    head = ArcFaceHead(6, 5, scale=64, margin=margin).double()
    embeddings, labels = torch.randn(40, 6).double(), torch.randint(5, (40,))
    embeddings[:10] -= 100 * F.normalize(head.weight.detach())[labels[:10]]  # true class behind: θ + m > π
    cosine = F.cosine_similarity(embeddings, head.weight[labels])
    assert margin == 0 or (cosine < -math.cos(margin)).any()
    assert (cosine > -math.cos(margin)).any()
    torch.testing.assert_close(head(embeddings, labels), arcface(embeddings, head.weight, labels, 64, margin))


def test_logit_falls_with_the_angle_all_the_way():
    head = ArcFaceHead(2, 2).double()
    logits = head(half_circle(head), torch.zeros(DIRECTIONS, dtype=torch.long))[:, 0]
    assert (logits.diff() < 0).all()
    assert logits[0].item() == pytest.approx(64 * math.cos(0.5))
    assert logits[-1].item() == pytest.approx(64 * (-1 - 0.5 * math.sin(0.5)))


def test_margin_for_the_true_class_only():
    head = ArcFaceHead(8, 6)
    embeddings, labels = torch.randn(12, 8), torch.arange(12) % 6
    plain, trained = head(embeddings), head(embeddings, labels)
    true = F.one_hot(labels, 6).bool()
    assert torch.equal(trained[~true], plain[~true])
    assert (trained[true] < plain[true] - 1).all()
    torch.testing.assert_close(plain, 64 * F.cosine_similarity(embeddings[:, None], head.weight, dim=-1))


def test_no_margin_is_scaled_cosine():
    head = ArcFaceHead(8, 6, scale=30, margin=0)
    embeddings = torch.randn(12, 8)
    torch.testing.assert_close(head(embeddings, torch.arange(12) % 6), head(embeddings))


def test_length_of_an_embedding_does_not_count():
    head = ArcFaceHead(8, 6)
    embeddings, labels = torch.randn(5, 8), torch.arange(5)
    torch.testing.assert_close(head(1000 * embeddings, labels), head(embeddings, labels))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_finite_gradient_at_the_poles(dtype: torch.dtype, sign: float):
    head = ArcFaceHead(3, 2).to(dtype)
    head.weight.data = torch.eye(2, 3, dtype=dtype)
    embeddings = (sign * torch.eye(2, 3, dtype=dtype)).requires_grad_()
    logits = head(embeddings, torch.arange(2))
    expected = math.cos(0.5) if sign > 0 else -1 - 0.5 * math.sin(0.5)
    torch.testing.assert_close(logits.diag(), torch.full((2,), 64 * expected, dtype=dtype))
    F.cross_entropy(logits, torch.arange(2)).backward()
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()
    assert head.weight.grad.isfinite().all()


def test_finite_gradient_next_to_the_poles():
    head = ArcFaceHead(2, 2)
    head.weight.data = torch.eye(2)
    theta = torch.cat([torch.logspace(-9, -1, 200), math.pi - torch.logspace(-9, -1, 200)])
    embeddings = torch.stack([theta.cos(), theta.sin()], 1).requires_grad_()
    head(embeddings, torch.zeros(400, dtype=torch.long)).sum().backward()
    assert embeddings.grad is not None
    assert embeddings.grad.abs().max() < 100 * head.scale


def test_gradient():
    head = ArcFaceHead(4, 3, scale=8).double()
    embeddings = torch.randn(6, 4).double().requires_grad_()
    labels = torch.arange(6) % 3

    def logits(embeddings: Tensor, weight: Tensor) -> Tensor:
        return torch.func.functional_call(head, {"weight": weight}, (embeddings, labels))

    assert torch.autograd.gradcheck(logits, (embeddings, head.weight))


def test_float32_under_autocast():
    head = ArcFaceHead(16, 10)
    embeddings, labels = torch.randn(8, 16), torch.arange(8)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head(embeddings, labels), head(embeddings, labels).float())
        logits = head(embeddings, labels)
        assert head(embeddings.bfloat16(), labels).dtype == torch.float32
    assert logits.dtype == torch.float32
    assert torch.equal(logits, head(embeddings, labels))


@pytest.mark.parametrize("head", [SoftmaxHead(8, 5), ArcFaceHead(8, 5)])
def test_loss_goes_down_in_20_steps(head: SoftmaxHead | ArcFaceHead):
    torch.manual_seed(0)
    labels = torch.arange(50) % 5
    images = torch.randn(5, 12)[labels] + 0.3 * torch.randn(50, 12)
    backbone = torch.nn.Linear(12, 8)
    optimizer = torch.optim.AdamW([*backbone.parameters(), *head.parameters()], lr=0.02)
    losses = []
    for _ in range(21):
        loss = F.cross_entropy(head(backbone(images), labels), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    assert (head(backbone(images)).argmax(1) == labels).float().mean() > 0.9


def test_softmax_head_is_linear():
    head, embeddings = SoftmaxHead(8, 5), torch.randn(3, 8)
    assert torch.equal(head(embeddings, torch.arange(3)), head(embeddings))
    assert head(embeddings).shape == (3, 5)


@pytest.mark.parametrize("settings", [{"scale": 0.0}, {"margin": -0.1}, {"margin": 1.6}])
def test_settings_out_of_range(settings: dict[str, float]):
    with pytest.raises(ValueError, match=next(iter(settings))):
        ArcFaceHead(8, 5, **settings)
