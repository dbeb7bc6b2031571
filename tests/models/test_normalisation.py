"""Each colour is normalised by its own mean and deviation, and by local contrast where asked for."""

import pytest
import torch

from painlit.models.normalisation import MEAN, STD, Normalise

PIXEL = torch.tensor([255, 102, 0], dtype=torch.uint8).view(1, 3, 1, 1)  # red, green, blue


def test_the_statistics_are_vggface2s_in_the_order_red_green_blue():
    assert (MEAN, STD) == ((0.6068, 0.4517, 0.3800), (0.2492, 0.2173, 0.2082))
    assert Normalise()(PIXEL).flatten().tolist() == pytest.approx([1.57785, -0.23792, -1.82517], abs=1e-4)


def test_each_colour_has_its_own():
    x = Normalise((0.1, 0.2, 0.3), (0.5, 0.25, 0.1))(PIXEL.expand(2, 3, 4, 4))
    assert x.shape == (2, 3, 4, 4)
    assert x[1, :, 2, 3].tolist() == pytest.approx([1.8, 0.8, -3.0], abs=1e-5)


def test_local_contrast_takes_light_away_and_keeps_detail():
    torch.manual_seed(0)
    detail = torch.randint(0, 60, (2, 5, 3, 32, 32))
    dark, bright = (Normalise(local_contrast=0.25)((detail + level).to(torch.uint8)) for level in (20, 180))
    assert dark.shape == (2, 5, 3, 32, 32)  # frames and tiles too
    assert torch.allclose(dark, bright, atol=1e-4)
    assert 0.5 < dark.std() < 2
    assert Normalise(local_contrast=0.25)(torch.full((1, 3, 32, 32), 200)).abs().max() < 1e-4  # flat stays flat
