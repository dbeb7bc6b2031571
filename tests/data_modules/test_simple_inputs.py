"""Simple models get what the run's model gets: the same clips, each less the person's own mean where that is set."""

import pickle

import numpy as np
import pytest
from made_up_runs import bpm_of, set_up

from painlit.loso.protocols import folds
from painlit.loso.simple_baselines import MAJORITY, simple_features, simple_predictions

NUMBERS = {"mean heart rate": 1, "mean embedding": 8, "last less first embedding": 8, "all together": 17}


@pytest.mark.parametrize("baseline", ["none", "session"])
@pytest.mark.parametrize("frame_embedding", ["full", "tiles", "both"])
def test_numbers_are_means_of_the_models_inputs(configure, baseline: str, frame_embedding: str):
    config = configure(f"data.baseline={baseline}", f"model.frame_embedding={frame_embedding}")
    data = set_up(config)
    found = simple_features(config, data)
    assert {name: values.shape for name, values in found.items()} == {n: (12, k) for n, k in NUMBERS.items()}
    batches = list(data.train_predict_dataloader())
    at = np.concatenate([batch["clip"].numpy() for batch in batches])
    full, tiles, bpm = (np.concatenate([b[key].double().numpy() for b in batches]) for key in ("full", "tiles", "bpm"))
    frames = {"full": full, "tiles": 0.1 * tiles, "both": full + 0.1 * tiles}[frame_embedding]
    np.testing.assert_allclose(found["mean heart rate"][at, 0], bpm.mean(1), atol=1e-4)
    np.testing.assert_allclose(found["mean embedding"][at], frames.mean(1), atol=1e-4)
    change = frames[:, 3:].mean(1) - frames[:, :3].mean(1)  # six frames
    np.testing.assert_allclose(found["last less first embedding"][at], change, atol=1e-4)
    raw = np.array([bpm_of(name).mean() for name in data.clips.names])
    assert (abs(found["mean heart rate"][:, 0] - raw) < 1e-3).all() == (baseline == "none")


@pytest.mark.parametrize("more", [(), ("loso.protocol=kfold", "loso.folds=2"), ("loso.selection=inner",)])
def test_each_tested_clip_is_predicted_once(configure, tmp_path, more: tuple[str, ...]):
    config = configure(*more)
    data = set_up(config)
    predicted = simple_predictions(config, data, folds(config, data.clips), tmp_path, {"a": 1})
    assert list(predicted) == [MAJORITY, *NUMBERS]
    for predictions in predicted.values():
        assert sorted(predictions.clips) == sorted(data.clips.names)
        assert predictions.probabilities.sum(1) == pytest.approx(1)


def test_a_module_that_travels_takes_no_embeddings_along(configure):
    """As folds do, in processes of their own: an array that is mapped here would be copied there."""
    data = set_up(configure())
    there = pickle.loads(pickle.dumps(data))
    assert "_embeddings" not in vars(there.train)
    for key, values in data.inputs(np.arange(12)).items():
        np.testing.assert_array_equal(there.inputs(np.arange(12))[key], values)
