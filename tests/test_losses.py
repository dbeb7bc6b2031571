import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from painlit.losses import UncertaintyWeightedLoss

NOISE = torch.tensor([0.1, 0.5, 2.0])  # standard deviations of three regression tasks


class PrintedLoss(UncertaintyWeightedLoss):
    """Eq. 12 as the paper prints it."""

    def forward(self, losses: Tensor) -> Tensor:
        return (torch.exp(self.w) * losses + self.w).sum()


def train(combine: UncertaintyWeightedLoss, steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Three noisy regressions on one trunk. w, (steps, 3), the combined losses, (steps,), and the last task losses."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 4, generator=generator)
    y = torch.tanh(x @ torch.randn(4, 3, generator=generator)) + NOISE * torch.randn(400, 3, generator=generator)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    of_network = torch.optim.Adam(network.parameters(), lr=0.02)
    of_w = torch.optim.SGD(combine.parameters(), lr=0.05)
    path, totals = [], []
    for _ in range(steps):
        losses = (network(x) - y).square().mean(0)
        total = combine(losses)
        of_network.zero_grad()
        of_w.zero_grad()
        total.backward()
        of_network.step()
        of_w.step()
        path.append(combine.w.detach().clone())
        totals.append(total.detach())
    return torch.stack(path), torch.stack(totals), losses.detach()


def test_weights_follow_the_noise_of_the_tasks():
    combine = UncertaintyWeightedLoss(3)
    path, totals, losses = train(combine, 600)
    assert combine.weights[0] > combine.weights[1] > combine.weights[2]
    assert not combine.weights.requires_grad
    torch.testing.assert_close(combine.w.detach(), losses.log(), atol=0.02, rtol=0)
    torch.testing.assert_close(combine.weights * NOISE.square(), torch.ones(3), atol=0.2, rtol=0)
    assert (path[-1] - path[-100]).abs().max() < 0.05  # it has settled
    assert float(totals[-1]) == pytest.approx(float((1 + losses.log()).sum()), abs=0.01)


def test_the_printed_form_has_no_minimum():
    combine = PrintedLoss(3)
    path, totals, losses = train(combine, 600)
    assert (path.diff(dim=0) < 0).all()
    steps = torch.arange(1, 601)[:, None]
    assert (path <= -0.05 * steps + 1e-3).all()  # at least the slope of its bare w, forever
    assert totals[-1] < -85
    assert totals[-1] < 1.9 * totals[299]
    assert (losses > 2 * NOISE.square()).any()  # weights of 0 train nothing


@pytest.mark.parametrize("loss", [0.01, 1.0, 7.5])
def test_optimum_for_fixed_losses(loss: float):
    combine = UncertaintyWeightedLoss(1).double()
    optimizer = torch.optim.LBFGS(combine.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        total = combine(torch.tensor([loss]).double())
        total.backward()
        return total

    optimizer.step(closure)
    assert combine.w.item() == pytest.approx(math.log(loss), abs=1e-4)
    assert closure().item() == pytest.approx(1 + math.log(loss), abs=1e-6)


def test_starts_as_the_plain_sum():
    losses = torch.tensor([0.3, 2.0, 1.1, 0.0])
    combine = UncertaintyWeightedLoss(4)
    assert combine.weights.tolist() == [1, 1, 1, 1]
    torch.testing.assert_close(combine(losses), losses.sum())
    assert combine(losses).shape == ()


def test_gradients():
    combine = UncertaintyWeightedLoss(3).double()
    combine.w.data = torch.tensor([-1.0, 0.0, 2.0]).double()
    losses = torch.tensor([0.5, 1.5, 3.0]).double().requires_grad_()

    def value(losses: Tensor, w: Tensor) -> Tensor:
        return torch.func.functional_call(combine, {"w": w}, losses)

    assert torch.autograd.gradcheck(value, (losses, combine.w))
    combine(losses).backward()
    torch.testing.assert_close(losses.grad, combine.weights)
    torch.testing.assert_close(combine.w.grad, 1 - combine.weights * losses.detach())


@pytest.mark.parametrize("make", [lambda: torch.ones(3), lambda: torch.tensor(1.0), lambda: torch.ones(1, 4)])
def test_wrong_shape(make: Callable[[], Tensor]):
    with pytest.raises(ValueError, match=r"must be \(4,\), one per task"):
        UncertaintyWeightedLoss(4)(make())


def test_no_tasks():
    with pytest.raises(ValueError, match="at least 1"):
        UncertaintyWeightedLoss(0)
