import pytest
import torch
from torch import nn

from experiments.bench.planted_marks import CLASSES, images, learn, share_within
from painlit.inference import spatial_map
from painlit.inference.maps.spatial import SPATIAL_METHODS
from painlit.models import SpatialModule

SIZE, MARK = 32, 8


def small(patch: int = 8, **more: int) -> nn.Sequential:
    sizes = {"embed_dim": 40, "inner_dim": 12, "depth": 2, "inner_heads": 2, "outer_heads": 4} | more
    return nn.Sequential(
        SpatialModule(image_size=SIZE, patch_size=patch, **sizes), nn.Linear(sizes["embed_dim"], CLASSES)
    )


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    """Classifies by a square of 8 px, which is a patch, at any of 16 places."""
    torch.manual_seed(0)
    generator, model = torch.Generator().manual_seed(0), small()
    return learn(model, lambda: images(32, generator, SIZE, MARK, classes=CLASSES)[:2], 2e-3)


@pytest.mark.parametrize("method", SPATIAL_METHODS)
def test_the_maximum_falls_on_what_decides_the_class(trained, method):
    x, labels, corner = images(60, torch.Generator().manual_seed(5), SIZE, MARK)
    maps = spatial_map(trained, x, labels, method)
    assert maps.shape == (60, SIZE, SIZE)
    assert maps.min() >= 0
    assert maps.max() <= 1
    assert share_within(maps, corner, MARK) >= 0.9  # by chance 1/16
    assert share_within(maps, corner.flip(1), MARK) < 0.5  # rows are rows
    torch.testing.assert_close(maps, spatial_map(trained, x, labels, method, batch=7), rtol=1e-4, atol=1e-4)


def test_a_map_is_of_its_target(trained):
    x, _, _ = images(4, torch.Generator().manual_seed(6), SIZE, MARK)
    x[2:] = x[:2]
    targets = torch.tensor([0, 1, 2, 2])
    maps = spatial_map(trained, x, targets, "gradient")
    assert (maps[:2] - maps[2:]).abs().amax((1, 2)).min() > 0.1
    predicted = trained(x).argmax(1)
    assert torch.equal(spatial_map(trained, x), spatial_map(trained, x, predicted))
    logits = spatial_map(trained, x, lambda given: given[:, 1] - given.mean(1))
    torch.testing.assert_close(logits, spatial_map(trained, x, 1))


def test_sub_patches_are_finer_than_patches(trained):
    """A mark that is half a patch to the right and below: patches cannot resolve it."""
    x, labels, corner = images(60, torch.Generator().manual_seed(5), SIZE, MARK)
    x, corner = x.roll((4, 4), (2, 3)), corner + 4
    within = (corner < SIZE - MARK).all(1)
    maps = {m: spatial_map(trained, x[within], labels[within], m) for m in ("gradient", "sub_patch")}
    share = {m: share_within(found, corner[within], MARK) for m, found in maps.items()}
    assert share["sub_patch"] >= 0.5
    assert share["gradient"] < share["sub_patch"] - 0.1
    assert len(maps["sub_patch"][0, 2::4, 2::4].unique()) > 16 >= len(maps["gradient"][0, 4::8, 4::8].unique())


def test_contributions_are_what_the_last_layer_loses_without_a_patch(trained):
    """By hand, for a model whose patches are cut by the eye: a grey patch in the image itself."""
    x, _, _ = images(2, torch.Generator().manual_seed(7), SIZE, MARK)
    whole, lost = trained(x)[:, 1] - trained(x).mean(1), torch.zeros(2, 4, 4)
    for row in range(4):
        for column in range(4):
            without = x.clone()
            without[:, :, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = 0
            given = trained(without)
            lost[:, row, column] = whole - given[:, 1] + given.mean(1)
    positive = lost.detach().clamp_min(0)
    expected = positive / positive.amax((1, 2), keepdim=True)
    found = spatial_map(trained, x, 1)[:, 4::8, 4::8]  # near the centres of patches
    assert torch.corrcoef(torch.stack([found.flatten(), expected.flatten()]))[0, 1] > 0.99


def test_the_model_is_left_as_it_was(trained):
    x, _, _ = images(2, torch.Generator().manual_seed(8), SIZE, MARK)
    before = trained.train()(x)
    with torch.inference_mode():
        inside = spatial_map(trained, x.clone(), 0, "rollout")
    assert trained.training
    torch.testing.assert_close(trained(x), before)
    assert all(parameter.grad is None or parameter.grad.abs().sum() >= 0 for parameter in trained.parameters())
    assert torch.equal(inside, spatial_map(trained.eval(), x, 0, "rollout"))


@pytest.mark.parametrize("method", SPATIAL_METHODS)
def test_other_threads_get_embeddings_of_the_model_meanwhile(trained, method):
    """As another thread of a server does, which shares the Spatial-Module."""
    spatial, head = trained.eval()
    x, _, _ = images(2, torch.Generator().manual_seed(10), SIZE, MARK)
    with torch.no_grad():
        before = spatial(x)

    def target(embeddings):
        with torch.no_grad():
            torch.testing.assert_close(spatial(x), before)
        return head(embeddings)[:, 1] - head(embeddings).mean(1)

    found, expected = spatial_map(spatial, x.flip(0), target, method), spatial_map(trained, x.flip(0), 1, method)
    torch.testing.assert_close(found, expected)


def test_a_spatial_module_is_explained_by_a_function_of_its_embeddings(trained):
    spatial, head = trained
    x, _, _ = images(2, torch.Generator().manual_seed(9), SIZE, MARK)
    slope = head.weight[1] - head.weight.mean(0)
    found = spatial_map(spatial, x, lambda embeddings: embeddings @ slope, "gradient")
    torch.testing.assert_close(found, spatial_map(trained, x, 1, "gradient"))


@pytest.mark.parametrize(
    ("model", "target", "method", "message"),
    [
        (small(), 0, "saliency", "contribution, gradient, rollout, sub_patch"),
        (small(), 4, "rollout", "no class 4: the model has 4"),
        (small(), torch.tensor([0, 1, 2]), "rollout", r"target of shape \(3,\)"),
        (small()[0], 0, "rollout", "has no classes"),
        (nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE**2, CLASSES)), 0, "rollout", "has 0 Spatial-Modules"),
        (nn.ModuleList([small(), small()]), 0, "rollout", "has 2 Spatial-Modules"),
    ],
)
def test_what_cannot_be_mapped_is_an_error(model, target, method, message):
    with pytest.raises(ValueError, match=message):
        spatial_map(model, torch.zeros(2, 3, SIZE, SIZE), target, method)


@pytest.mark.parametrize("method", SPATIAL_METHODS)
def test_a_map_is_of_what_was_learnt(trained, method):
    """Adebayo et al. 2018: with random weights it is another."""
    x, labels, _ = images(20, torch.Generator().manual_seed(10), SIZE, MARK)
    torch.manual_seed(1)
    before, after = (spatial_map(model, x, labels, method).flatten(1) for model in (trained, small()))
    similar = [torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(before, after, strict=True)]
    assert torch.stack(similar).nanmean() < 0.5


def test_rollout_follows_the_last_block_back_to_the_first(trained):
    """What the class token has at the end, of what was at a place at the start."""
    from painlit.inference.maps import spatial as spatial_maps

    x, _, _ = images(2, torch.Generator().manual_seed(11), SIZE, MARK)
    explained = spatial_maps._Images(trained, trained[0], x, 1)
    found = spatial_maps._rollout(explained)
    scores, blocks = explained.scores([part.requires_grad_() for part in explained.entering("patch")[0]])
    slopes = torch.autograd.grad(scores.sum(), [block.weights for block in blocks])
    steps = []
    for block, slope in zip(blocks, slopes, strict=True):
        heads = (block.weights * slope).abs().sum((2, 3))[:, :, None, None]
        mixed = (heads * block.weights * block.values.norm(dim=-1)[:, :, None]).sum(1)
        steps.append(torch.eye(17) / 2 + mixed / mixed.sum(-1, keepdim=True) / 2)
    torch.testing.assert_close(found, (steps[1] @ steps[0])[:, 0, 1:].detach())
