"""The inner stream first, beside timm's own order."""

import pytest
import torch

from painlit.config.training import Stage1Training, Stage2Training
from painlit.models import SpatialModule

TINY = {"image_size": 32, "embed_dim": 20, "inner_dim": 8, "depth": 3, "inner_heads": 2, "outer_heads": 4}


def test_paper_size_equals_timm():
    torch.manual_seed(0)
    module = SpatialModule().eval()
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(module(images), module.tnt(images), atol=1e-5, rtol=0)


def perturbed(**settings) -> SpatialModule:
    torch.manual_seed(0)
    module = SpatialModule(**TINY, **settings).train()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return module


@pytest.mark.parametrize("chunk", [1, 3, 4, 100])
def test_chunks_of_patches_change_no_output(chunk, monkeypatch):
    module = perturbed(chunk=chunk)  # 4 patches an image: chunks cut through images
    images, sizes = torch.randn(3, 3, 32, 32), []
    pixels = module.pixels
    monkeypatch.setattr(module, "pixels", lambda patches: sizes.append(len(patches)) or pixels(patches))
    with torch.no_grad():
        torch.testing.assert_close(module(images), module.tnt(images), atol=2e-5, rtol=1e-4)
    assert max(sizes) == min(chunk, 12)
    assert sum(sizes) == 12


def test_outputs_and_gradients_equal_timm():
    module = perturbed()
    images = torch.randn(3, 3, 32, 32)
    weighting = torch.randn(3, 20)
    results = []
    for network in (module, module.tnt):
        x = images.clone().requires_grad_()
        module.zero_grad()
        out = network(x)
        (out * weighting).sum().backward()
        results.append((out.detach(), x.grad, [parameter.grad.clone() for parameter in module.parameters()]))
    torch.testing.assert_close(*results, atol=2e-5, rtol=1e-4)


def test_weights_are_timms_under_one_prefix():
    module = SpatialModule(**TINY)
    assert {name.removeprefix("tnt.") for name in module.state_dict()} == set(module.tnt.state_dict())
    assert all(name.startswith("tnt.") for name in module.state_dict())


def test_stochastic_depth_acts_in_training_only():
    torch.manual_seed(0)
    module = SpatialModule(**TINY, drop_path=0.5)
    images = torch.randn(2, 3, 32, 32)
    assert not torch.equal(module.train()(images), module(images))
    assert torch.equal(module.eval()(images), module(images))


def test_images_of_another_size_are_an_error():
    with pytest.raises(ValueError, match=r"\(B, 3, 32, 32\), got \(1, 3, 224, 224\)"):
        SpatialModule(**TINY)(torch.randn(1, 3, 224, 224))


def test_a_pass_of_the_default_batches_fits_16_gib():
    saved: dict[int, int] = {}

    def pack(tensor):
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        kept.append(tensor)  # so that no other takes its place
        return tensor

    kept: list[torch.Tensor] = []
    module = SpatialModule()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(torch.randn(1, 3, 224, 224))
    each = sum(size for at, size in saved.items() if at not in {p.data_ptr() for p in module.parameters()})
    assert each / 2**20 == pytest.approx(137, abs=1), "the help of accumulate says so"
    for config in (Stage1Training(), Stage2Training()):
        assert config.pass_size == config.largest_pass
        assert config.pass_size * each < 9 * 2**30
