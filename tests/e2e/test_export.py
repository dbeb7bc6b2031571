"""A clip of a real run through an export: what is outside of it by the clip table, the rest by onnxruntime."""

import numpy as np
from conftest import tiny

import painlit
from data_modules.recordings.clips import read_clips
from experiments import export, finetune
from experiments.command import _as_keys
from painlit.clips.table import open_table
from painlit.config import load
from painlit.inference.export.onnx_folder import OnnxFolder
from painlit.signals.video.clip_faces import clip_crops


def test_a_clip_has_the_score_that_assessing_gives(tiny_data, runs, tmp_path, capsys):
    config, out = tiny(tiny_data, runs, "name=video", "model.modality=video", "train.epochs=2"), tmp_path / "onnx"
    bundle = finetune.run(config).folder / "bundle"
    result = export.run(load(_as_keys("export", ["--to", "onnx", "--model", str(bundle), "--out", str(out)]), "export"))
    assert result.path == out
    assert result.largest_difference < 1e-4
    assert "model.onnx: largest difference from torch" in capsys.readouterr().out
    clip, prepared = read_clips(config)[1][0], open_table(config).clips()
    crops = np.stack(list(clip_crops(clip.video, prepared[clip.name].boxes, config.clip, config.face, 64)))
    made = OnnxFolder.open(out).run("model.onnx", {"crops": np.ascontiguousarray(crops.transpose(0, 3, 1, 2))[None]})
    row = painlit.load(bundle, "cpu").assess(clip.video).table.iloc[0]
    assert np.abs(made[0] - [row["p_NP"], row["p_P4"]]).max() < 1e-4
