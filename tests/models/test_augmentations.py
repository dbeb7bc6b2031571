import pytest
import torch

from painlit.models import AugmNet, Basic, Masking


@pytest.mark.parametrize("augmentation", [Basic(), Masking()])
def test_nothing_happens_outside_training(augmentation):
    x = torch.randn(4, 50)
    assert torch.equal(augmentation.eval()(x), x)
    assert not torch.equal(augmentation.train()(x), x)


def test_masking_zeroes_one_run_of_the_right_length_anywhere():
    torch.manual_seed(0)
    size = 200
    zero = Masking()(torch.ones(4000, size)) == 0
    length = zero.sum(dim=1)
    assert (length.min(), length.max()) == (20, 40)
    edges = (zero[:, 1:] != zero[:, :-1]).sum(dim=1) + zero[:, 0] + zero[:, -1]
    assert (edges == 2).all()  # one run
    assert zero[:, 0].any()
    assert zero[:, -1].any()
    share = zero.float().mean(dim=0)[50:150]
    assert share.min() > 0.12
    assert share.max() < 0.23


def test_masking_keeps_the_rest_and_its_gradient():
    x = torch.randn(3, 40, dtype=torch.float64, requires_grad=True)
    out = Masking(0.25, 0.25)(x)
    out.sum().backward()
    assert torch.equal(out != 0, x.grad == 1)
    assert ((x.grad == 0).sum(dim=1) == 10).all()
    assert torch.equal(out[out != 0], x[out != 0])


def test_masking_can_cover_all_or_nothing():
    x = torch.ones(5, 7)
    assert (Masking(1, 1)(x) == 0).all()
    assert torch.equal(Masking(0, 0)(x), x)


def test_basic_inverts_with_its_probability_and_adds_noise_of_its_size():
    torch.manual_seed(0)
    x = 5 * torch.randn(2000, 100) + 1
    out = Basic(inversion=0.25, noise=0.0)(x)
    inverted = (out == -x).all(dim=1)
    assert torch.equal(out[~inverted], x[~inverted])
    assert 0.2 < inverted.float().mean() < 0.3
    difference = Basic(inversion=0.0, noise=0.1)(x) - x
    assert difference.std() / x.std() == pytest.approx(0.1, rel=0.03)


def test_same_seed_same_augmentation():
    x = torch.randn(4, 50)
    for augmentation in (Basic(), Masking()):
        torch.manual_seed(3)
        first = augmentation(x)
        torch.manual_seed(3)
        assert torch.equal(augmentation(x), first)


def test_wrong_amounts_are_errors():
    with pytest.raises(ValueError, match="inversion"):
        Basic(inversion=1.5)
    with pytest.raises(ValueError, match="shortest"):
        Masking(0.3, 0.2)


def test_augmnet_names_the_size_it_was_built_for():
    with pytest.raises(ValueError, match=r"\(B, 30\), got \(2, 31\)"):
        AugmNet(30)(torch.randn(2, 31))
