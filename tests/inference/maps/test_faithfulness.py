import numpy as np
import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from painlit.inference.maps.faithfulness import mean_faithfulness, spatial_faithfulness, temporal_faithfulness
from painlit.inference.maps.time_curves import as_shares, time_curves
from painlit.models import PainModel, TemporalModule


class _Corner(nn.Module):
    """Two classes; the second is the sum over the first eighth of the columns."""

    def forward(self, images):
        found = images[..., :2].sum((1, 2, 3))
        return torch.stack([torch.zeros_like(found), found], 1)


def test_a_true_map_deletes_fast_and_inserts_fast():
    images = torch.ones(3, 3, 16, 16)
    true, false = torch.zeros(3, 16, 16), torch.zeros(3, 16, 16)
    true[..., :2] = 1
    false[..., 2:] = 1
    good, bad = (spatial_faithfulness(_Corner(), images, maps, 1) for maps in (true, false))
    assert (good.deletion[0], good.deletion[-1]) == (1, 0)
    assert (good.insertion[0], good.insertion[-1]) == (0, 1)
    assert good.deletion[2] == 0  # an eighth is gone after a fifth
    assert good.insertion[2] == 1
    assert bad.deletion[8] == 1
    assert good.areas()["insertion"] > 0.85 > 0.6 > good.areas()["random"] > 0.4 > 0.15 > good.areas()["deletion"]
    both = mean_faithfulness([(good, 3), (bad, 1)])
    np.testing.assert_allclose(both.deletion, (3 * good.deletion + bad.deletion) / 4)


def test_values_of_clips_are_taken_away_by_their_mean_over_time():
    torch.manual_seed(0)
    temporal = TemporalModule(2, token_size=4, num_latents=4, latent_dim=8, blocks=1)
    model = PainModel("video", frames=6, embedding_dim=4, frame_embedding="full", augmnet=None, temporal=temporal)
    still = {"full": torch.randn(2, 1, 4).expand(2, 6, 4)}
    maps = torch.rand(2, 6, 4)
    flat = temporal_faithfulness(model, still, maps, 1)
    assert np.isnan(flat.deletion).all()  # taking away changes nothing
    moving = {"full": torch.randn(2, 6, 4)}
    found = temporal_faithfulness(model, moving, maps, 1)
    assert found.insertion[[0, -1]].tolist() == [0, 1]


def test_curves_are_means_over_people():
    shares = as_shares(np.array([[0, 0, 2.0], [0, 0, 4.0], [1.0, 0, 0], [0, 0, 0], [1.0, 1.0, 1.0]]))
    assert np.isnan(shares[3]).all()
    people = np.array(["ann", "ann", "bob", "bob", "cid"])
    (first, second) = time_curves(shares, np.array([0, 0, 0, 0, 1]), people, ("NP", "P4", "none of it"))
    np.testing.assert_allclose(first.mean, [0.5, 0, 0.5])  # two clips of ann's count as much as one of bob's
    assert (first.name, first.clips, second.clips) == ("NP", 3, 1)
    assert first.last_third[0] == pytest.approx(0.5)
    assert first.last_third[1] == 0
    assert first.last_third[2] == 1
    assert second.last_third[0] == pytest.approx(1 / 3)


@pytest.mark.parametrize("times", [1, 2, 4, 5, 138])
def test_a_flat_map_has_a_third_in_the_last_third(times):
    (curve,) = time_curves(np.full((3, times), 1 / times), np.zeros(3), np.array(["a", "b", "c"]), ("NP",))
    assert curve.last_third[0] == pytest.approx(1 / 3)


class _WithoutFloat64(TorchFunctionMode):
    """As on an accelerator that does not know float64: what has not come to the CPU cannot become that."""

    def __init__(self):
        super().__init__()
        self.here: list[torch.Tensor] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.Tensor.double and all(args[0] is not tensor for tensor in self.here):
            raise TypeError("this device does not know float64")
        result = func(*args, **(kwargs or {}))
        if func is torch.Tensor.cpu:
            self.here.append(result)
        return result


def test_an_accelerator_needs_no_float64():
    with _WithoutFloat64(), torch.no_grad():
        found = spatial_faithfulness(_Corner(), torch.ones(1, 3, 16, 16), torch.rand(1, 16, 16), 1)
    assert found.insertion[-1] == 1
