"""The same photograph on both sides of a split, within a data set or across two: the same file, or an edited copy.

Edited copies are found by how similar images look at 24 px: mirrored, compressed again, of another size or brightness,
or turned by up to some 4°. Crops and shifts by more than 1 % of the side are not found. `make bench
ARGS=near_duplicates` measures both kinds of error.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, rotate

from painlit.images.index import LOOK, ImageIndex

SAME = 0.985
"""Similarity from which an image counts as a copy, chosen on half of the people of the benchmark."""

_TURNS = (-4, -2, 0, 2, 4)  # degrees
_FINE, _COARSE = 0.7, 2.0  # px: larger and smaller detail hardly identifies an image
_FLAT = 1.0  # grey values: an image with less contrast looks like many
_ROWS = 256  # of training images compared at once
_BOUND = 48  # dimensions in which most pairs are seen to be too different


def look_of(image: np.ndarray) -> np.ndarray:
    """Thumbnail of an image, (LOOK, LOOK) uint8 grey.

    Args:
        image: (H, W, 3) uint8 RGB, as it is displayed.
    """
    return cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (LOOK, LOOK), interpolation=cv2.INTER_AREA)


def similarities(looks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Correlation of thumbnails at the best of mirrorings and turns, (n, m) from -1 to 1.

    Args:
        looks: (n, LOOK, LOOK) uint8.
        others: (m, LOOK, LOOK) uint8.
    """
    mine = _features(looks.astype(np.float32))
    return np.max([mine @ variant.T for variant in _variants(others)], axis=0)


def _variants(looks: np.ndarray) -> list[np.ndarray]:
    """Features of thumbnails, mirrored or not, at each turn."""
    both = [side.astype(np.float32) for side in (looks, looks[:, :, ::-1])]
    return [
        _features(rotate(side, turn, axes=(1, 2), reshape=False, order=1, mode="nearest"))
        for side in both
        for turn in _TURNS
    ]


def _features(looks: np.ndarray) -> np.ndarray:
    """Details of thumbnails within a circle, which turns keep inside, as unit vectors (n, d); of flat ones, 0."""
    fine = gaussian_filter(looks, (0, _FINE, _FINE))
    places = np.linspace(-1, 1, LOOK)
    details = (fine - gaussian_filter(fine, (0, _COARSE, _COARSE)))[:, np.hypot(*np.meshgrid(places, places)) < 0.9]
    details -= details.mean(axis=1, keepdims=True)
    length = np.linalg.norm(details, axis=1, keepdims=True)
    return np.where(length > _FLAT * np.sqrt(details.shape[1]), details / np.maximum(length, 1e-6), 0)


def without_validation_images(
    indices: Sequence[ImageIndex], train: Sequence[np.ndarray], validation: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], list[tuple[str, str]]]:
    """Leave out training images that are validation images too, of any of the sets, or edited copies of them.

    What is validated on must not have been trained on, and the official validation parts stay whole.

    Args:
        indices: The data sets, with digests and thumbnails of their images; without them, nothing counts as the same.
        train: Of each, its training rows.
        validation: Of each, its validation rows.

    Returns:
        The training rows that stay, and the pairs left out: where the training and the validation image are.
    """
    held = [(index, int(row)) for index, rows in zip(indices, validation, strict=True) for row in rows]
    looks = _looks(indices, validation)
    variants = _variants(looks) if len(looks) == len(held) > 0 else []
    digests = np.array([index.digests[row] for index, row in held], np.uint64)
    kept, pairs = [], []
    for index, rows in zip(indices, train, strict=True):
        match = _same_digest(np.asarray(index.digests[rows]), digests)
        if variants and len(index.looks):
            match = np.where(match < 0, _same_look(index, rows, variants), match)
        kept.append(rows[match < 0])
        pairs += [
            (index.where(int(row)), held[place][0].where(held[place][1]))
            for row, place in zip(rows, match, strict=True)
            if place >= 0
        ]
    return kept, pairs


def _looks(indices: Sequence[ImageIndex], rows: Sequence[np.ndarray]) -> np.ndarray:
    found = [index.looks[part] for index, part in zip(indices, rows, strict=True) if len(index.looks)]
    return np.concatenate([np.empty((0, LOOK * LOOK), np.uint8), *found]).reshape(-1, LOOK, LOOK)


def _same_digest(digests: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The first of the others with the same digest, (n,), or -1; images that were not read have none."""
    first = {digest: place for place, digest in reversed([*enumerate(others.tolist())]) if digest}
    return np.array([first.get(digest, -1) for digest in digests.tolist()], np.int64)


def _same_look(index: ImageIndex, rows: np.ndarray, variants: list[np.ndarray]) -> np.ndarray:
    """The most similar of the others, (n,), or -1 where none is similar enough.

    Projections on the directions in which the others vary most, and the length of what is left out as one more number,
    have a scalar product that is no less than the similarity (Cauchy-Schwarz), and take an eighth of its time.
    """
    every = np.concatenate(variants)
    basis = np.linalg.eigh(every.T @ every)[1][:, -_BOUND:].astype(np.float32)
    bounds = [_with_rest(variant, basis).T for variant in variants]
    match = np.full(len(rows), -1)
    for start in range(0, len(rows), _ROWS):
        mine = _features(index.looks[rows[start : start + _ROWS]].reshape(-1, LOOK, LOOK).astype(np.float32))
        low = _with_rest(mine, basis)
        best = np.full(len(mine), SAME, np.float32)
        for variant, bound in zip(variants, bounds, strict=True):
            row, other = np.divmod(np.flatnonzero(low @ bound >= SAME), len(variant))
            alike = np.einsum("pd,pd->p", mine[row], variant[other])
            order = np.argsort(alike)  # of several for a row, the last is kept
            order = order[alike[order] >= best[row[order]]]
            best[row[order]], match[start + row[order]] = alike[order], other[order]
    return match


def _with_rest(features: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Projections on a basis (d, k), and the length of the rest, (n, k + 1)."""
    low = features @ basis
    rest = np.sum(features**2, axis=1) - np.sum(low**2, axis=1)
    return np.column_stack([low, np.sqrt(np.maximum(rest, 0) + 1e-6)])  # more than rounding takes away
