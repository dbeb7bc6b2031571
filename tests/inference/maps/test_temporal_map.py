import pytest
import torch

from experiments.bench.planted_marks import CLASSES, clips, learn
from painlit.inference import frame_slopes, heart_rate_map, temporal_map
from painlit.inference.maps.temporal import TEMPORAL_METHODS
from painlit.models import HeartRateEncoder, PainModel, TemporalModule

FRAMES, DIM, WIDTH = 24, 16, 4


def small(modality: str, classes: int = CLASSES, encoder: bool = True, **more: object) -> PainModel:
    raw = modality == "heart_rate" and not encoder
    return PainModel(
        modality,
        num_classes=classes,
        frames=FRAMES,
        embedding_dim=DIM,
        heart_rate_encoder=HeartRateEncoder(64, num_latents=8, latent_dim=16) if encoder else None,
        temporal=TemporalModule(classes, token_size=1 if raw else DIM, num_latents=16, latent_dim=32, blocks=1),
        augmnet=None,
        **{"frame_embedding": "full", **more},
    )


@pytest.fixture(scope="module")
def trained() -> PainModel:
    """Classifies by four of 24 frames, at any time."""
    torch.manual_seed(0)
    generator, model = torch.Generator().manual_seed(0), small("video")
    return learn(model, lambda: clips(64, generator, FRAMES, DIM, WIDTH, CLASSES)[:2], 2e-3)


@pytest.mark.parametrize("method", TEMPORAL_METHODS)
def test_the_maximum_falls_on_the_frames_that_decide_the_class(trained, method):
    x, labels, first = clips(100, torch.Generator().manual_seed(9), FRAMES, DIM, WIDTH)
    maps = temporal_map(trained, {"full": x}, labels, method)
    assert maps.shape == (100, FRAMES, DIM)
    assert maps.min() >= 0
    assert maps.flatten(1).amax(1).allclose(torch.ones(100))
    values = maps[torch.arange(100), first, :]
    assert method == "attention" or (values - values[:, :1]).abs().max() > 0.1  # values of a frame differ
    for at in (maps.flatten(1).argmax(1) // DIM, maps.mean(-1).argmax(1)):
        assert ((at >= first) & (at < first + WIDTH)).float().mean() >= 0.9  # by chance 1/6


def rates(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Heart rates of 6 s, one of which rises or falls: in bpm, which, and when."""
    bpm, y = 75 + 2 * torch.randn(count, 6, generator=generator), torch.randint(0, 2, (count,), generator=generator)
    second = torch.randint(0, 6, (count,), generator=generator)
    bpm[torch.arange(count), second] += 40 * (2 * y - 1)
    return bpm, y, second


@pytest.mark.parametrize("encoder", [True, False])
def test_the_second_that_decides_is_found(encoder):
    torch.manual_seed(0)
    generator, model = torch.Generator().manual_seed(0), small("heart_rate", 2, encoder)
    learn(_OfRates(model), lambda: rates(64, generator)[:2], 2e-3, steps=800)
    bpm, labels, second = rates(100, torch.Generator().manual_seed(1))
    for method in TEMPORAL_METHODS:
        maps = heart_rate_map(model, {"bpm": bpm}, labels, method)
        assert maps.shape == (100, 6)
        found = (maps.argmax(1) == second).float().mean()
        assert found >= (0.6 if method == "attention" else 0.9), method  # by chance 1/6
    assert temporal_map(model, {"bpm": bpm}).shape == ((100, FRAMES, DIM) if encoder else (100, 6, 1))


class _OfRates(torch.nn.Module):
    def __init__(self, model: PainModel):
        super().__init__()
        self.model = model

    def forward(self, bpm: torch.Tensor) -> torch.Tensor:
        return self.model(bpm=bpm)


def test_slopes_are_those_of_the_score():
    torch.manual_seed(0)
    model = small("fusion", frame_embedding="both").double().eval()
    inputs = {"full": torch.randn(2, FRAMES, DIM).double(), "tiles": torch.randn(2, FRAMES, DIM).double()}
    inputs["bpm"] = 75 + torch.randn(2, 5).double()
    full, tiles = frame_slopes(model, inputs, 1)
    torch.testing.assert_close(tiles, 0.1 * full)

    def score(moved):
        given = model(moved, inputs["tiles"], inputs["bpm"])
        return (given[:, 1] - given.mean(1)).detach()

    step = torch.zeros(2, FRAMES, DIM).double()
    step[:, 3, 5] = 1e-4
    numeric = (score(inputs["full"] + step) - score(inputs["full"] - step)) / 2e-4
    torch.testing.assert_close(full[:, 3, 5], numeric, rtol=1e-4, atol=1e-9)
    assert frame_slopes(small("video"), {"full": torch.randn(1, FRAMES, DIM)})[1] is None


def test_fusion_is_mapped_over_both(trained):
    inputs = {"full": torch.randn(2, FRAMES, DIM), "bpm": 75 + torch.randn(2, 5)}
    model = small("fusion").train()
    for method in TEMPORAL_METHODS:
        assert temporal_map(model, inputs, 0, method).shape == (2, FRAMES, DIM)
        assert heart_rate_map(model, inputs, 0, method).shape == (2, 5)
    assert model.training
    raw = small("fusion", encoder=False)
    assert heart_rate_map(raw, inputs, 0, "gradient").shape == (2, 5)
    with pytest.raises(ValueError, match="no attention reads the heart rates"):
        heart_rate_map(raw, inputs, 0, "attention")


def test_two_maps_of_a_model_at_once():
    """As of two threads of a server, here one within the other."""
    model, (x, y) = small("video").eval(), ({"full": torch.randn(1, FRAMES, DIM)} for _ in range(2))
    for method in TEMPORAL_METHODS:
        expected, inner = temporal_map(model, x, 1, method), temporal_map(model, y, 0, method)

        def target(given, method=method, inner=inner):
            torch.testing.assert_close(temporal_map(model, y, 0, method), inner)
            return given[:, 1] - given.mean(1)

        torch.testing.assert_close(temporal_map(model, x, target, method), expected)


def test_a_modality_that_the_model_lacks_is_an_error(trained):
    with pytest.raises(ValueError, match="video alone"):
        heart_rate_map(trained, {"full": torch.randn(1, FRAMES, DIM)})
    with pytest.raises(ValueError, match="heart rates alone"):
        frame_slopes(small("heart_rate"), {"bpm": torch.full((1, 5), 70.0)})
    with pytest.raises(ValueError, match="contribution, gradient, attention"):
        temporal_map(trained, {"full": torch.randn(1, FRAMES, DIM)}, method="rollout")
    with pytest.raises(ValueError, match="no class 4"):
        temporal_map(trained, {"full": torch.randn(1, FRAMES, DIM)}, 4)


def test_gradients_add_up_to_what_the_change_in_time_brings(trained, monkeypatch):
    """Completeness (Sundararajan et al. 2017): against the same clip with its mean frame throughout."""
    from painlit.inference.maps import temporal
    from painlit.inference.maps.scores import score
    from painlit.inference.maps.temporal import _vector

    monkeypatch.setattr(temporal, "STEPS", 64)  # 8 are a quarter off in the sum, and enough for a map
    x, _, _ = clips(8, torch.Generator().manual_seed(3), FRAMES, DIM, WIDTH)
    found = TEMPORAL_METHODS["gradient"](_vector(trained, {"full": x}), 1).sum(1)
    still = x.mean(1, keepdim=True).expand_as(x)
    change = (score(1, trained(full=x)) - score(1, trained(full=still))).detach()
    torch.testing.assert_close(found.detach(), change, rtol=0.02, atol=0.02)
