"""The heartbeat task: imbalance, figures, and that it learns."""

import numpy as np
import pytest
import torch
from lightning import Trainer

from data_modules.demo.heartbeats import make_demo_heartbeats
from data_modules.heartbeats.datamodule import HeartbeatDataModule
from painlit.config import load
from painlit.tasks.heartbeat_classification import HeartbeatClassification, class_weights

SMALL = (
    "model.heart_rate_encoder.latents=16 model.heart_rate_encoder.latent_dim=32 model.heart_rate_encoder.output_dim=64 "
    "ecg.train.epochs=6 ecg.train.batch_size=64 ecg.train.lr=5e-3"
).split()


@pytest.mark.parametrize("power", [0.0, 0.25, 1.0])
def test_class_weights_average_one_over_beats_and_favour_the_rare(power):
    counts = [900, 90, 10]
    weights = class_weights(counts, power)
    assert float((weights * torch.tensor(counts)).sum() / 1000) == pytest.approx(1)
    assert float(weights[2] / weights[0]) == pytest.approx(90**power)


def trained(tmp_path, *arguments: str) -> tuple[HeartbeatClassification, HeartbeatDataModule, dict]:
    root = make_demo_heartbeats(tmp_path / "data")
    config = load(
        [*SMALL, f"ecg.roots.mitbih={root}/mitdb", f"ecg.roots.ptb={root}/ptbdb", f"runs={tmp_path}", *arguments]
    )
    data = HeartbeatDataModule(config)
    data.setup()
    module = HeartbeatClassification(
        data.classes, data.train_counts, encoder=config.model.heart_rate_encoder, train=config.ecg.train
    )
    quiet = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "num_sanity_val_steps": 0,
    }
    trainer = Trainer(max_epochs=config.ecg.train.epochs, logger=False, accelerator="cpu", **quiet)
    trainer.fit(module, data)
    return module, data, {key: float(value) for key, value in trainer.callback_metrics.items()}


def test_it_learns_both_collections_and_its_figures_are_those_of_the_confusion_matrix(tmp_path):
    module, data, metrics = trained(tmp_path)
    assert metrics["val/ptb/accuracy"] > 0.9
    confusion = np.array(module.confusion("mitbih"))
    counts = data.validation_counts[0]
    np.testing.assert_array_equal(confusion.sum(axis=1), counts)
    assert metrics["val/mitbih/accuracy"] == pytest.approx(confusion.trace() / confusion.sum())
    assert metrics["val/mitbih/accuracy"] > max(counts) / sum(counts), "better than always predicting N"
    predicted = confusion.sum(axis=0)
    sensitivity, predictivity = confusion.diagonal() / counts, confusion.diagonal() / np.maximum(predicted, 1)
    for k, kind in enumerate("NSVFQ"):
        assert metrics[f"val/mitbih/{kind}/sensitivity"] == pytest.approx(sensitivity[k])
        assert metrics[f"val/mitbih/{kind}/positive_predictivity"] == pytest.approx(predictivity[k])
    f1 = 2 * sensitivity * predictivity / np.maximum(sensitivity + predictivity, 1e-12)
    assert metrics["val/mitbih/macro_f1"] == pytest.approx(f1.mean())


def test_beats_and_heart_rates_reach_the_encoder_on_one_scale(tmp_path):
    module, data, _ = trained(tmp_path, "ecg.train.epochs=1", "ecg.train.warmup_epochs=0")
    seen = []
    module.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    module(torch.from_numpy(data.collections[0].beats))
    assert abs(float(seen[0].mean())) < 0.5
    assert 0.5 < float(seen[0].std()) < 2
