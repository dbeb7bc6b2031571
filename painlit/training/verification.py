"""Face verification: do two images show the same person? AUC, equal error rate, and TAR at a fixed FAR."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from painlit.errors import PainlitError

FAR_ONE_IN = 1000
"""TAR is reported at one false acceptance in so many different-identity pairs."""


class Verification(Metric):
    """Quality of embeddings for distinguishing persons, over all pairs of `face_pairs`.

    A pair is accepted as one person if its cosine similarity reaches a threshold. FAR is the share of
    different-identity pairs accepted, TAR that of same-identity pairs. All thresholds are tried: nothing is binned.

    - `auc`: area under TAR over FAR; a tie between a same and a different pair counts one half.
    - `eer`: equal error rate, FAR where it equals 1 - TAR on the straight lines between thresholds.
    - `tar_at_far_1e-3`: the greatest TAR over thresholds with FAR <= 1e-3. With fewer than 1,000 different-identity
      pairs that means FAR = 0.
    - `pairs`: how many pairs there are.

    The pairs, and so time and memory, grow with the square of the images: fit for a few thousand, not for all of
    VGGFace2. Every image must come once: one that a distributed sampler repeats makes pairs with itself.
    Metrics of a single batch, as `forward` gives them, mean little; call `update`.

    >>> verification = Verification()
    >>> verification.update(torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), torch.tensor([7, 7, 3]))
    >>> verification.compute()
    {'auc': 1.0, 'eer': 0.0, 'tar_at_far_1e-3': 1.0, 'pairs': 3}
    """

    full_state_update = False
    is_differentiable = False
    embeddings: list[Tensor]
    identities: list[Tensor]

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.add_state("embeddings", default=[], dist_reduce_fx="cat")
        self.add_state("identities", default=[], dist_reduce_fx="cat")

    def update(self, embeddings: Tensor, identities: Tensor) -> None:
        """Take in a batch of images.

        Args:
            embeddings: (B, D), of any length.
            identities: (B,) integers.

        Raises:
            ValueError: Other shapes.
        """
        if embeddings.ndim != 2 or identities.shape != embeddings.shape[:1]:
            raise ValueError(
                f"embeddings must be (B, D) and identities (B,), not {tuple(embeddings.shape)} and "
                f"{tuple(identities.shape)}"
            )
        self.embeddings.append(embeddings.detach().float())
        self.identities.append(identities.detach())

    def compute(self) -> dict[str, float]:
        """The four numbers above, as plain Python ones.

        Raises:
            PainlitError: No pair of the same or none of different identities, or an embedding with NaN or infinity.
        """
        seen = len(self.embeddings) > 0
        same, different = face_pairs(
            dim_zero_cat(self.embeddings) if seen else torch.empty(0, 1),
            dim_zero_cat(self.identities) if seen else torch.empty(0),
        )
        true, false = _accepted(same, different)
        tar, far = true / len(same), false / len(different)
        return {
            "auc": float(np.diff(far) @ (tar[1:] + tar[:-1])) / 2,
            "eer": _equal_error_rate(tar, far),
            "tar_at_far_1e-3": float(tar[false * FAR_ONE_IN <= len(different)].max()),
            "pairs": len(same) + len(different),
        }


def face_pairs(embeddings: Tensor, identities: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cosine similarities of all pairs of different images: those of one identity, (S,), and those of two, (T,).

    Of n images these are the n(n - 1)/2 unordered pairs, each once, none of an image with itself. They are not
    balanced: an identity with many images has more pairs, and pairs of different identities are by far the most.

    Args:
        embeddings: (n, D), of any length; one of length 0 has the similarity 0 with all.
        identities: (n,) integers.

    Raises:
        PainlitError: No pair of the same or none of different identities, or an embedding with NaN or infinity.
    """
    broken = int((~embeddings.isfinite().all(1)).sum())
    if broken:
        raise PainlitError(
            f"verification: the embeddings of {broken} of {len(embeddings)} images hold NaN or infinity",
            "the network has diverged: lower its learning rate",
        )
    identities = identities.cpu()
    _, images = identities.unique(return_counts=True)
    if len(images) < 2 or images.max() < 2:
        raise PainlitError(
            "verification needs at least two identities and one with two images, and has "
            f"{len(images)} identities with at most {int(images.max()) if len(images) else 0} images",
            "validate on more images",
        )
    unit = F.normalize(embeddings.cpu().double())  # not every accelerator supports float64
    # Rounded, so that equal pairs tie: a network that maps all faces to one point is not judged by rounding errors.
    cosine = (unit @ unit.T).round_(decimals=9)  # (n, n)
    once = torch.ones_like(cosine, dtype=torch.bool).triu(1)
    equal = identities[:, None] == identities
    return cosine[once & equal].numpy(), cosine[once & ~equal].numpy()


def _accepted(same: NDArray, different: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Corners of the ROC: same and different pairs accepted, from none to all, (k,) each.

    Only the similarities of same pairs, which are few, are thresholds, each taken in two steps: just above it and at
    it. In between only different pairs come in, on a straight line.
    """
    same, different = np.sort(same), np.sort(different)
    thresholds = np.unique(same)[::-1]

    def accepted(scores: NDArray) -> NDArray[np.int64]:
        above = [len(scores) - np.searchsorted(scores, thresholds, side) for side in ("right", "left")]
        return np.concatenate([[0], np.stack(above, 1).ravel(), [len(scores)]])

    return accepted(same), accepted(different)


def _equal_error_rate(tar: NDArray, far: NDArray) -> float:
    """FAR where the ROC crosses the line FAR = 1 - TAR."""
    excess = far - (1 - tar)  # -1 to 1, never falling
    after = int(np.argmax(excess >= 0))
    share = excess[after - 1] / (excess[after - 1] - excess[after])
    return float(far[after - 1] + share * (far[after] - far[after - 1]))
