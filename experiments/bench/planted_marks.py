"""Images and clips in which one planted place alone decides the class, and models that learnt it.

A last class, `NONE`, has no mark. Without it a blank image is classified as one of the others, and nothing in an image
is evidence for that class: a map of it could only be wrong.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NONE = 3
CLASSES = NONE + 1
COLOURS = 1.5 * (2 * torch.eye(NONE) - 1)


def images(
    count: int, generator: torch.Generator, size: int, mark: int, anywhere: bool = False, classes: int = NONE
) -> tuple[Tensor, Tensor, Tensor]:
    """Clouds and noise with a square of the class's colour, or without one.

    Args:
        count: How many.
        generator: Of all that is random.
        size: Side of the images.
        mark: Side of the square.
        anywhere: Whether it lies anywhere, or at multiples of its side.
        classes: `NONE` leaves out that class.

    Returns:
        Images (B, 3, size, size), labels (B,), and the square's top left corner (B, 2).
    """
    coarse = torch.randn(count, 3, 8, 8, generator=generator)
    x = (
        F.interpolate(coarse, size=size, mode="bicubic") / 2
        + torch.randn(count, 3, size, size, generator=generator) / 5
    )
    y = torch.randint(0, classes, (count,), generator=generator)
    step = 1 if anywhere else mark
    corner = torch.randint(0, (size - mark) // step + 1, (count, 2), generator=generator) * step
    for k, (top, left) in enumerate(corner.tolist()):
        if y[k] == NONE:
            continue
        x[k, :, top : top + mark, left : left + mark] = COLOURS[y[k]][:, None, None]
    return x, y, corner


def clips(
    count: int, generator: torch.Generator, frames: int, dim: int, width: int, classes: int = NONE
) -> tuple[Tensor, Tensor, Tensor]:
    """Embeddings, some frames of which are moved in the class's direction: embeddings, labels, the first such frame."""
    directions = 1.2 * torch.randn(NONE, dim, generator=torch.Generator().manual_seed(7))
    x = (torch.randn(count, 1, dim, generator=generator) + torch.randn(count, frames, dim, generator=generator)) / 2
    y = torch.randint(0, classes, (count,), generator=generator)
    first = torch.randint(0, frames - width + 1, (count,), generator=generator)
    for k, at in enumerate(first.tolist()):
        if y[k] == NONE:
            continue
        x[k, at : at + width] += directions[y[k]]
    return x, y, first


def learn(
    model: nn.Module,
    batch: Callable[[], tuple[Tensor, Tensor]],
    lr: float,
    steps: int = 400,
    certain_after: bool = True,
) -> nn.Module:
    """Train until 15 batches in a row are nearly certain, or for so many steps, if `certain_after` allows that."""
    optimizer, certain = torch.optim.AdamW(model.parameters(), lr), 0
    for _ in range(steps):
        x, y = batch()
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        certain = certain + 1 if loss < 0.05 else 0
        if certain == 15:
            return model.eval()
    assert not certain_after, "the planted mark was not learnt"
    return model.eval()


def share_within(maps: Tensor, corner: Tensor, mark: int) -> float:
    """Of maps (B, H, W), how many have their maximum within the mark."""
    at = maps.flatten(1).argmax(1)
    place = torch.stack([at // maps.shape[-1], at % maps.shape[-1]], 1)
    return ((place >= corner) & (place < corner + mark)).all(1).float().mean().item()
