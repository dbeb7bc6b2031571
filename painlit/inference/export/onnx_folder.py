"""An export to ONNX on a disk: verified, opened and run.

model.onnx, embedder.onnx, pain.onnx   graphs; without video model.onnx alone
export.json                            inputs, classes, constants, digests; sealed, and written last
run_onnx.py                            runs it with NumPy and onnxruntime alone
MODEL_CARD.md                          of the bundle

The digests show damage and mistakes; they are no signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from painlit.errors import PainlitError
from painlit.inference.export.packages import needed
from painlit.runs.artefact import check_digest, read_artefact
from painlit.system.digests import file_digest

ABOUT = "export.json"
AGAIN = "export the bundle again: painlit export --to onnx --model BUNDLE"
FORMAT = 1


class OnnxFolder:
    """An export to ONNX.

    Attributes:
        path: Its folder.
        about: Content of export.json; docs/export.md describes it.
        classes: Their names, in the order of the probabilities.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]):
        self.path, self.about = path, about
        self.classes: tuple[str, ...] = tuple(about["classes"])
        self._sessions: dict[str, Any] = {}

    @classmethod
    def open(cls, path: str | Path) -> OnnxFolder:
        """Open an export, and compare its files with the digests they were written with.

        Raises:
            PainlitError: It is none, of a newer version, or a file is missing, cut short or edited.
        """
        path = Path(path)
        if not (path / ABOUT).is_file():
            raise PainlitError(f"{path} holds no {ABOUT}: it is no export, or one that was never finished", AGAIN)
        about = read_artefact(path / ABOUT, AGAIN)
        if about.get("format") != FORMAT or about.get("kind") != "onnx":
            kind = f"{about.get('kind')!r} of format {about.get('format')!r}"
            raise PainlitError(f"{path} is {kind}, expected 'onnx' of {FORMAT}", AGAIN)
        for name, sha256 in about["files"].items():
            if not (path / name).is_file():
                raise PainlitError(f"{path / name} is missing", AGAIN)
            check_digest(path / name, sha256, file_digest(path / name), AGAIN)
        return cls(path, about)

    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """The output of a graph.

        Args:
            graph: Its file, such as model.onnx.
            inputs: By name, as `about["graphs"]` has them.

        Raises:
            PainlitError: The export has no such graph, or an input is missing or of another type or shape.
        """
        graphs = self.about["graphs"]
        if graph not in graphs:
            raise PainlitError(f"{self.path} has no {graph}", f"it has {', '.join(graphs)}")
        for name, port in graphs[graph]["inputs"].items():
            _check_input(f"{self.path / graph}: input {name}", inputs.get(name), port)
        if unknown := sorted({*inputs} - {*graphs[graph]["inputs"]}):
            raise PainlitError(
                f"{self.path / graph} has no input {unknown[0]}", f"it has {', '.join(graphs[graph]['inputs'])}"
            )
        return self._session(graph).run(None, dict(inputs))[0]

    def _session(self, graph: str) -> Any:
        if graph not in self._sessions:
            runtime = needed("onnxruntime", "an export to ONNX")
            path = self.path / graph
            self._sessions[graph] = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return self._sessions[graph]


def _check_input(what: str, given: np.ndarray | None, port: Mapping[str, Any]) -> None:
    wanted = f"{port['type']} ({', '.join(map(str, port['shape']))})"
    shape = () if given is None else given.shape
    fits = len(shape) == len(port["shape"]) and all(
        isinstance(size, str) or size == there for size, there in zip(port["shape"], shape, strict=True)
    )
    if given is None or not fits or given.dtype != port["type"]:
        got = "nothing" if given is None else f"{given.dtype} {shape}"
        raise PainlitError(f"{what} must be {wanted}, got {got}", "export.json says what each input is")
