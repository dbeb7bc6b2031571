"""Arithmetic on MTCNN's boxes: (n, 4) x1, y1, x2, y2 in px.

Pixels count from 1 and corners are inclusive in the published (MATLAB) cascade. Its networks were trained with these
conventions, so they are kept; the detector's own results are in the same numbers, at most one pixel off.
"""

import torch
from torch import Tensor

CELL = 12  # side of P-Net's candidate in px
STRIDE = 2


def pyramid_sizes(height: int, width: int, min_face_size: int, factor: float) -> list[tuple[float, tuple[int, int]]]:
    """Scales and (height, width) of the image pyramid: faces of `min_face_size` px become 12 px at the first level."""
    scale = CELL / min_face_size
    sizes = []
    while min(height, width) * scale >= CELL:
        sizes.append((scale, (int(height * scale + 1), int(width * scale + 1))))
        scale *= factor
    return sizes


def candidate_boxes(rows: Tensor, columns: Tensor, scale: float) -> Tensor:
    """Boxes in the frame, (n, 4), of P-Net's output cells (n,) at a level of the pyramid."""
    corner = STRIDE * torch.stack([columns, rows], 1)
    return torch.cat([((corner + 1) / scale).floor(), ((corner + CELL) / scale).floor()], 1)


def shift(boxes: Tensor, offsets: Tensor, inclusive: bool = True) -> Tensor:
    """Move each corner by its offset, given in units of the box's sides (bounding box regression)."""
    size = boxes[:, 2:] - boxes[:, :2] + inclusive
    return boxes + offsets * size.repeat(1, 2)


def square(boxes: Tensor) -> Tensor:
    """Enlarge the shorter side to the longer one about the centre."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.amax(1, keepdim=True)
    corner = boxes[:, :2] + (size - side) / 2
    return torch.cat([corner, corner + side], 1)


def pixel_corners(boxes: Tensor, height: int, width: int) -> Tensor:
    """The part of each box inside the frame, as (n, 4) integer corners x1, y1, x2, y2 from 0, x2 and y2 exclusive."""
    limit = torch.tensor([width, height], device=boxes.device)
    whole = boxes.trunc().long()
    first = torch.minimum(whole[:, :2].clamp(min=1), limit) - 1
    last = torch.maximum(torch.minimum(whole[:, 2:], limit), first + 1)
    return torch.cat([first, last], 1)


def suppress_contained(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
    """Greedy non-maximum suppression by intersection over the smaller of two boxes, within each group.

    Unlike intersection over union it removes a small box inside a large one.

    Args:
        boxes: (n, 4).
        scores: (n,).
        groups: (n,) frame that each box is in.
        threshold: Boxes that overlap a better one by more than this share go.

    Returns:
        Indices of the boxes kept, best first.
    """
    order = scores.argsort(descending=True, stable=True)
    boxes, groups = boxes[order], groups[order]
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = (high - low + 1).clamp(min=0).prod(2)
    area = (boxes[:, 2:] - boxes[:, :2] + 1).prod(1)
    clash = (overlap > threshold * torch.minimum(area[:, None], area)) & (groups[:, None] == groups)
    clash = clash.cpu()
    kept: list[int] = []
    for index in range(len(order)):
        if not clash[index, kept].any():
            kept.append(index)
    return order[kept]
