"""Where the Spatial-Module looks: maps over images, of any score that follows from their embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from painlit.inference.maps.recording import (
    PATCH,
    SUB_PATCH,
    OuterAttention,
    entered,
    entering,
    grey_entering,
    own_copy,
)
from painlit.inference.maps.scores import Target, fixed_target, score, to_unit
from painlit.models import SpatialModule

STEPS = 8
"""Points on the way from a grey image at which gradients are taken."""


def spatial_map(
    model: nn.Module, images: Tensor, target: Target = None, method: str = "contribution", *, batch: int = 16
) -> Tensor:
    """Show which parts of images speak for a score.

    Methods, of `SPATIAL_METHODS`:

    - `contribution`: the paper's, "the weights contribution of the last fully connected layer" (4.6), which leaves open
      how a layer that reads one vector has weights of places. Our reading: a score is the layer's weights times the
      embedding, so a patch contributes the weights times what the embedding loses without it, with a grey patch in its
      place. Weights times the last block's own tokens of patches (class activation maps) are at chance: nothing trains
      these tokens. It takes a pass of the outer stream for each patch.
    - `gradient`: activations weighted by gradients, where patches enter the outer stream, which is all that it ever
      learns of them; gradients averaged on the way from a grey image (Sundararajan et al. 2017).
    - `rollout`: attention rollout of the outer stream (Abnar and Zuidema 2020), attention times the length of what it
      moves (Kobayashi et al. 2020), heads weighted by how much the score depends on them, |attention · gradient|. It
      says where evidence comes from, not whether it speaks for or against.
    - `sub_patch`: as `gradient`, where sub-patches enter the inner stream: 4 px by 4 px at the paper's size.

    Args:
        model: A network (B, 3, H, W) -> (B, classes) with one Spatial-Module in it, such as
            `nn.Sequential(spatial, head)`; or a Spatial-Module, and a function of embeddings as target.
        images: (B, 3, H, W), as the model reads them, on its device.
        target: A class, one for each image (B,), None for the predicted one; or a function of what the model gives,
            (B, …) -> (B,), such as the slope of a clip's score.
        method: See above.
        batch: Images at once.

    Returns:
        (B, H, W) in 0..1 of the images' type, bilinear between the centres of patches; each map's maximum is 1, or 0
        where nothing speaks for the score.

    Raises:
        ValueError: An unknown method, a model with no Spatial-Module or several, or no such class.
    """
    if method not in SPATIAL_METHODS:
        raise ValueError(f"method must be one of {', '.join(SPATIAL_METHODS)}, got {method!r}")
    model = own_copy(model)
    spatial = _spatial_of(model)
    if spatial is model and not callable(target):
        raise ValueError("a Spatial-Module has no classes: give nn.Sequential(spatial, head), or a function as target")
    targets = target.split(batch) if isinstance(target, Tensor) and target.ndim else [target] * len(images)
    maps = []
    for part, wanted in zip(images.detach().split(batch), targets, strict=False):
        with torch.inference_mode(False), torch.enable_grad():
            part = part.clone()
            with torch.no_grad():
                wanted = fixed_target(wanted, model(part))
            maps.append(SPATIAL_METHODS[method](_Images(model, spatial, part, wanted)))
    side = images.shape[-1] // spatial.patch_size
    values = torch.cat(maps)
    if method == "sub_patch":
        side *= round((values.shape[1] / side**2) ** 0.5)
    grid = to_unit(rearrange(values, "b (h w) -> b h w", w=side))
    return F.interpolate(grid[:, None], size=images.shape[-2:], mode="bilinear")[:, 0]


class _Images(NamedTuple):
    """Images that are explained, with their target."""

    model: nn.Module
    spatial: SpatialModule
    images: Tensor
    target: Target
    """Fixed: the same score of every pass."""

    def entering(self, level: str) -> tuple[list[Tensor], list[Tensor]]:
        """What the images give to a stream, and what a grey one does."""
        with torch.no_grad():
            return entering(self.spatial, self.images, level), grey_entering(self.spatial, self.images, level)

    def scores(self, given: list[Tensor], level: str = PATCH) -> tuple[Tensor, list[OuterAttention]]:
        """The score of each image, (B,), if this entered in place of what it gives, and the attention on the way."""
        with entered(self.spatial, given, level) as attentions:
            return score(self.target, self.model(self.images)), attentions


def _contribution(images: _Images) -> Tensor:
    given, grey = images.entering(PATCH)
    with torch.no_grad():
        whole, _ = images.scores(given)
        lost = []
        for place in range(given[0].shape[1]):
            here = torch.arange(given[0].shape[1], device=whole.device)[:, None] == place
            without, _ = images.scores([part.where(~here, base) for part, base in zip(given, grey, strict=True)])
            lost.append(whole - without)
    return torch.stack(lost, 1)


def _gradient(images: _Images, level: str = PATCH) -> Tensor:
    given, grey = images.entering(level)
    total = torch.zeros((), device=given[0].device)
    for k in range(STEPS):
        share = (k + 0.5) / STEPS
        way = [(base + share * (part - base)).requires_grad_() for part, base in zip(given, grey, strict=True)]
        slopes = torch.autograd.grad(images.scores(way, level)[0].sum(), way)
        parts = zip(given, grey, slopes, strict=True)
        total = total + torch.stack([((part - base) * slope).sum(-1) for part, base, slope in parts]).sum(0) / STEPS
    return total


def _sub_patch(images: _Images) -> Tensor:
    found = _gradient(images, SUB_PATCH)  # (B·p, q)
    rows = images.images.shape[-2] // images.spatial.patch_size
    y = round(found.shape[1] ** 0.5)
    return rearrange(found, "(b h w) (y x) -> b (h y w x)", b=len(images.images), h=rows, y=y)


def _rollout(images: _Images) -> Tensor:
    given, _ = images.entering(PATCH)
    scores, attentions = images.scores([part.requires_grad_() for part in given])
    weights = [attention.weights for attention in attentions]
    same = torch.eye(weights[0].shape[-1], dtype=scores.dtype, device=scores.device)
    reached = same.expand(len(scores), -1, -1)
    for attention, slope in zip(attentions, torch.autograd.grad(scores.sum(), weights), strict=True):
        heads = (attention.weights * slope).abs().sum((2, 3))  # (B, heads)
        moved = attention.weights * attention.values.norm(dim=-1)[:, :, None]
        mixed = torch.einsum("bh,bhij->bij", heads, moved)
        mixed = mixed / mixed.sum(-1, keepdim=True).clamp_min(torch.finfo(mixed.dtype).tiny)
        reached = (mixed + same) / 2 @ reached
    return reached[:, 0, 1:].detach()


SPATIAL_METHODS: Mapping[str, Callable[[_Images], Tensor]] = {
    "contribution": _contribution,
    "gradient": _gradient,
    "rollout": _rollout,
    "sub_patch": _sub_patch,
}
"""Method -> a value of each patch or sub-patch, row by row: (B, places)."""


def _spatial_of(model: nn.Module) -> SpatialModule:
    found = [module for module in model.modules() if isinstance(module, SpatialModule)]
    if len(found) != 1:
        raise ValueError(f"the model has {len(found)} Spatial-Modules, and maps need one")
    return found[0]
