import numpy as np
import pytest
import torch

from painlit.models import frame_images


def literal_frame_images(crop: np.ndarray) -> list[np.ndarray]:
    """One (3, S, S) crop, written with loops and slices."""
    half = crop.shape[1] // 2
    whole = np.zeros((3, half, half))
    for row in range(half):
        for column in range(half):
            whole[:, row, column] = crop[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean(axis=(1, 2))
    return [whole, crop[:, :half, :half], crop[:, :half, half:], crop[:, half:, :half], crop[:, half:, half:]]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_equals_the_literal_form(dtype):
    crops = torch.randint(0, 256, (3, 3, 12, 12)).to(dtype)
    images = frame_images(crops)
    assert images.shape == (3, 5, 3, 6, 6)
    assert images.dtype == dtype
    for crop, found in zip(crops.numpy(), images.numpy(), strict=True):
        expected = np.stack(literal_frame_images(crop.astype(float)))
        if dtype == torch.uint8:
            expected = np.floor(expected + 0.5)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("which", [[0], [3], [4, 1, 0]])
def test_some_of_them(which):
    crops = torch.randint(0, 256, (3, 3, 12, 12), dtype=torch.uint8)
    assert torch.equal(frame_images(crops, which), frame_images(crops)[:, which])


@pytest.mark.parametrize("shape", [(1, 3, 5, 5), (1, 3, 4, 6), (3, 4, 4), (1, 1, 4, 4)])
def test_other_shapes_are_errors(shape):
    with pytest.raises(ValueError, match="even S"):
        frame_images(torch.zeros(shape))
