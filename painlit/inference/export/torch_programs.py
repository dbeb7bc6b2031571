"""The graphs of a part as programs of torch.export, for any number of frames and windows.

    embedder.pt2   crops (n, 3, S, S) -> embeddings (n, K)
    pain.pt2       embeddings (batch, F, K), bpm (batch, H) -> probabilities (batch, C)

`torch.export.load("pain.pt2").module()(embeddings=…, bpm=…)` runs one without painlit.
Without video there is model.pt2 alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from painlit.errors import PainlitError
from painlit.inference.export.part_networks import Part
from painlit.inference.export.ports import EMBEDDER, PAIN, WHOLE, ports


class _Embedders(nn.Module):
    """All embedders of a part side by side."""

    def __init__(self, part: Part):
        super().__init__()
        self.embedders = nn.ModuleList(part.embedders.values())

    def forward(self, crops: Tensor) -> Tensor:
        return torch.cat([embedder(crops) for embedder in self.embedders], dim=1)


class _Models(nn.Module):
    """The mean of all models of a part."""

    def __init__(self, part: Part):
        super().__init__()
        self.models = nn.ModuleList(model for model, _ in part.models)
        self.columns = [slice(*part.columns(embedder)) if embedder else slice(0) for _, embedder in part.models]

    def forward(
        self,
        embeddings: Tensor | None = None,
        bpm: Tensor | None = None,
        own_embeddings: Tensor | None = None,
        own_bpm: Tensor | None = None,
    ) -> Tensor:
        made = []
        for model, columns in zip(self.models, self.columns, strict=True):
            rows = None if embeddings is None else embeddings[..., columns]
            own = None if own_embeddings is None else own_embeddings[..., columns]
            made.append(model(rows, bpm, own, own_bpm))
        return torch.stack(made).mean(0)


def torch_programs(part: Part, folder: Path) -> None:
    """Write the programs of a part.

    Raises:
        PainlitError: torch cannot trace it.
    """
    networks = {EMBEDDER: _Embedders(part), PAIN: _Models(part)} if part.embedders else {WHOLE: _Models(part)}
    for graph, network in networks.items():
        inputs, _ = ports(part)[graph]
        examples = {
            port.name: torch.zeros(3, *map(int, port.shape[1:]), dtype=getattr(torch, port.type)) for port in inputs
        }
        batch = torch.export.Dim("batch", min=1)
        try:
            with torch.no_grad():
                program = torch.export.export(
                    network.eval(), (), examples, dynamic_shapes={name: {0: batch} for name in examples}
                )
        except torch._dynamo.exc.UserError as error:
            raise PainlitError(
                f"torch cannot export {graph} of these settings: {str(error).splitlines()[0]}",
                "export.to=hub keeps the bundle as it is",
            ) from error
        for module in program.graph_module.modules():
            for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
                node.meta.pop("stack_trace", None)  # names files of this machine
        program._example_inputs = None  # they would be a pickle within the file
        torch.export.save(program, folder / f"{graph}.pt2")


def run_program(path: Path, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """What a program gives, from its file."""
    program: Any = torch.export.load(path).module()
    with torch.no_grad():
        return program(**{name: torch.from_numpy(value) for name, value in inputs.items()}).numpy()
