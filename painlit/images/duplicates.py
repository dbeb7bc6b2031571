"""The same photograph on both sides of a split, within a data set or across two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from painlit.images.index import ImageIndex


def without_validation_images(
    indices: Sequence[ImageIndex], train: Sequence[np.ndarray], validation: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], list[tuple[str, str]]]:
    """Leave out training images that are validation images too, of any of the sets.

    What is validated on must not have been trained on, and the official validation parts stay whole.

    Args:
        indices: The data sets, with digests of their images.
        train: Of each, its training rows.
        validation: Of each, its validation rows.

    Returns:
        The training rows that stay, and the pairs left out: where the training and the validation image are.
    """
    seen = [np.asarray(index.digests[rows]) for index, rows in zip(indices, validation, strict=True)]
    digests = np.concatenate([np.empty(0, np.uint64), *seen])
    owners = np.repeat(np.arange(len(indices)), [len(part) for part in seen])
    rows = np.concatenate([np.empty(0, np.int64), *validation])
    order = np.argsort(digests, kind="stable")
    digests, owners, rows = digests[order], owners[order], rows[order]
    kept, pairs = [], []
    for index, part in zip(indices, train, strict=True):
        mine = np.asarray(index.digests[part])
        at = np.searchsorted(digests, mine)
        shared = np.zeros(len(part), bool)
        inside = at < len(digests)
        shared[inside] = (digests[at[inside]] == mine[inside]) & (mine[inside] != 0)
        kept.append(part[~shared])
        for row, place in zip(part[shared], at[shared], strict=True):
            pairs.append((index.where(int(row)), indices[owners[place]].where(int(rows[place]))))
    return kept, pairs
