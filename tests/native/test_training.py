"""Which networks a stage trains by C++, and what is refused before it begins."""

import pytest
import torch

from painlit.config import load
from painlit.errors import PainlitError
from painlit.models import SpatialModule
from painlit.models.perceiver import Perceiver
from painlit.native.cross_attention import NativeGather
from painlit.native.perceiver import NativeExchange
from painlit.native.spatial_training import NativeStep
from painlit.native.training import train_on_backend
from painlit.tasks import EmotionMultitask, FaceRecognition, HeartbeatClassification, PainAssessment

SPATIAL = {"image_size": 32, "depth": 1}
NATIVE, TORCH = {"backend": "native"}, {"backend": "torch"}


@pytest.mark.parametrize(
    ("task", "arguments", "spatial", "cross", "exchange"),
    [
        pytest.param(FaceRecognition, {"identities": 3, "spatial": SPATIAL}, 1, 0, 0, id="stage 1"),
        pytest.param(FaceRecognition, {"identities": 3, "network": "temporal"}, 0, 1, 1, id="stage 1, Temporal-Module"),
        pytest.param(EmotionMultitask, {"classes": {"a": 2}, "spatial": SPATIAL}, 1, 0, 0, id="stage 2"),
        pytest.param(HeartbeatClassification, {"classes": {"a": ["N", "V"]}}, 0, 1, 0, id="ECG"),
        pytest.param(PainAssessment, {"frames": 4}, 0, 2, 1, id="pain"),
        pytest.param(PainAssessment, {"frames": 4, "spatial": SPATIAL}, 1, 2, 1, id="pain, from video"),
    ],
)
def test_what_of_a_stage_it_trains(task, arguments, spatial, cross, exchange):
    for settings, times in ((NATIVE, 1), (TORCH, 0)):
        modules = list(task(**arguments, train=settings).modules())
        steps = [module.behind_pixels for module in modules if isinstance(module, SpatialModule)]
        gathers = [module.gather for module in modules if isinstance(module, Perceiver)]
        assert sum(isinstance(step, NativeStep) for step in steps) == spatial * times
        assert sum(isinstance(gather, NativeGather) for gather in gathers) == cross * times
        exchanges = [module.exchange for module in modules if isinstance(module, Perceiver)]
        assert sum(isinstance(made, NativeExchange) for made in exchanges) == exchange * times


@pytest.mark.parametrize("key", ["stage1.train", "stage2.train", "ecg.train", "train"])
@pytest.mark.parametrize("setting", ["drop_path=0.1", "precision=bf16-mixed", "accelerator=gpu"])
def test_what_it_cannot_do_is_refused_before_training(key, setting):
    if setting.startswith("drop_path") and not key.startswith("stage"):
        pytest.skip("it has no Spatial-Module with stochastic depth")
    with pytest.raises(PainlitError, match=rf"{key}\.backend=native with {key}\.{setting}\n.*or backend=torch"):
        load([f"{key}.backend=native", f"{key}.{setting}"])
    with pytest.raises(PainlitError, match="not known"):
        load([f"{key}.backend=openvino"])


def test_in_eval_mode_torch_computes_with_gradients_too():
    """As for maps, whatever a model was trained by."""
    task = PainAssessment(frames=4, spatial=SPATIAL, train=NATIVE).eval().double()
    images = torch.randn(1, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    for module in task.modules():
        if isinstance(module, SpatialModule):
            module(images).sum().backward()
        if isinstance(module, Perceiver):
            tokens = torch.randn(1, 6, module.cross_attention.norm_tokens.weight.numel() - 13, dtype=torch.float64)
            module(tokens.requires_grad_()).sum().backward()
            assert tokens.grad is not None
    assert images.grad is not None


def test_torch_takes_the_place_of_a_back_end_again():
    task = FaceRecognition(identities=3, network="temporal", train=NATIVE)
    train_on_backend(task, load(["stage1.train.backend=torch"]).stage1.train)
    (perceiver,) = (module for module in task.modules() if isinstance(module, Perceiver))
    assert (perceiver.gather, perceiver.exchange) == (None, None)
