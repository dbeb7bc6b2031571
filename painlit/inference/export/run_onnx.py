"""Run this export with NumPy and onnxruntime alone: python run_onnx.py crops.npy [75 75 74 76 75]; see export.json.

crops.npy: (F, 3, S, S) or (batch, F, 3, S, S), uint8 RGB face crops of a window's frames; `-` if the model reads no
video. The numbers are the heart rates of its whole seconds, in bpm. An export whose inputs have the person's own means,
`own_embeddings` and `own_bpm`, is called from Python: probabilities({"crops": …, "bpm": …, "own_bpm": …, …}).
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

HERE = Path(__file__).parent


def about() -> dict:
    """The content of export.json."""
    return json.loads((HERE / "export.json").read_text(encoding="utf-8"))


def probabilities(inputs: dict[str, np.ndarray], graph: str = "model.onnx") -> np.ndarray:
    """The output of a graph: (batch, classes) probabilities; embedder.onnx gives (frames, K) embeddings."""
    content = (HERE / graph).read_bytes()
    if hashlib.sha256(content).hexdigest() != about()["files"][graph]:
        raise SystemExit(f"{graph} is not what was written: copy the export again")
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {name: np.asarray(value) for name, value in inputs.items()})[0]


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        raise SystemExit(__doc__)
    given = {}
    if sys.argv[1] != "-":
        crops = np.load(sys.argv[1], allow_pickle=False)
        given["crops"] = crops.reshape(-1, *crops.shape[-4:])
    if len(sys.argv) > 2:
        rates = np.array(sys.argv[2:], np.float32)
        given["bpm"] = np.tile(rates, (len(given.get("crops", [0])), 1))
    for row in probabilities(given):
        print(", ".join(f"{name} {value:.4f}" for name, value in zip(about()["classes"], row, strict=True)))
