"""A part of a bundle as two networks: crops to rows of embeddings, and rows and heart rates to probabilities.

They are two because windows overlap: a live recording embeds each frame once, and each window reads rows that
are there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from painlit.errors import PainlitError
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.temperature import ROUNDING
from painlit.models import PainModel
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.pain import BPM_MEAN
from painlit.models.tiles import frame_images


class FrameRows(nn.Module):
    """Crops (n, 3, S, S) uint8 RGB to what models read of each frame, (n, K) float16, as an assessment keeps it.

    K is D for d_full alone, else 2·D: d_full, then the tiles' sum.

    Args:
        embedder: The Spatial-Module with its normalisation.
        tiles: Whether a model reads the tiles; they are four fifths of the work.
    """

    def __init__(self, embedder: FrameEmbedder, tiles: bool):
        super().__init__()
        self.embedder, self.tiles = embedder, tiles

    def forward(self, crops: Tensor) -> Tensor:
        """Embed crops."""
        images = frame_images(crops.float())  # (n, 5, 3, S/2, S/2)
        whole = (images[:, :1] + 0.5).floor()  # as uint8 means are rounded, which ONNX has no integer arithmetic for
        if not self.tiles:
            return self.embedder.spatial(self.embedder.normalise(whole[:, 0])).half()
        images = self.embedder.normalise(torch.cat([whole, images[:, 1:]], dim=1))
        d = self.embedder.spatial(images.flatten(0, 1)).unflatten(0, (-1, 5))  # (n, 5, D)
        return torch.cat([d[:, 0], d[:, 1:].sum(1)], dim=1).half()


class Probabilities(nn.Module):
    """What one model makes of a window: rows (B, F, K) float16 and heart rates (B, S) to probabilities (B, C).

    Args:
        network: The model.
        temperature: Of its part.
        tiles: Whether rows have the tiles' sums.
        baseline: Whether the person's own means are subtracted, as the model was trained.
    """

    def __init__(self, network: PainModel, temperature: float, tiles: bool, baseline: bool):
        super().__init__()
        self.network, self.temperature, self.tiles, self.baseline = network, temperature, tiles, baseline

    def forward(
        self,
        rows: Tensor | None = None,
        bpm: Tensor | None = None,
        own_rows: Tensor | None = None,
        own_bpm: Tensor | None = None,
    ) -> Tensor:
        """Probabilities of windows, after the temperature.

        Args:
            rows: Of the model's embedder.
            bpm: In bpm.
            own_rows: (B, K) float32 means of the person's rows.
            own_bpm: (B,) the person's mean heart rate.
        """
        inputs: dict[str, Tensor] = {}
        if rows is not None:
            rows = rows.float()
            if self.baseline and own_rows is not None:
                rows = rows - own_rows.unsqueeze(1)
            inputs["full"] = rows[..., : self.network.embedding_dim]
            if self.tiles:
                inputs["tiles"] = rows[..., self.network.embedding_dim :]
        if bpm is not None:
            inputs["bpm"] = bpm - own_bpm.unsqueeze(1) + BPM_MEAN if self.baseline and own_bpm is not None else bpm
        probabilities = self.network(**inputs).softmax(-1)
        return (probabilities.clamp_min(ROUNDING).log() / self.temperature).softmax(-1)


@dataclass(frozen=True)
class Part:
    """The networks of a part of a bundle."""

    name: str
    """fusion, video or heart_rate."""
    embedders: dict[str, FrameRows]
    """In the order of their columns in a row; empty without video."""
    models: list[tuple[Probabilities, str | None]]
    """Each with the name of its embedder."""
    frames: int
    """F."""
    side: int
    """S, px."""
    heart_rates: int
    """Of a window, one for each whole second; 0 where none are read."""
    classes: int
    baseline: bool
    """Whether the person's own means are inputs."""

    @property
    def widths(self) -> dict[str, int]:
        """Embedder -> its columns in a row."""
        return {name: (1 + rows.tiles) * rows.embedder.spatial.embed_dim for name, rows in self.embedders.items()}

    @property
    def width(self) -> int:
        """Columns of a row, of all embedders."""
        return sum(self.widths.values())

    def columns(self, embedder: str) -> tuple[int, int]:
        """The first column of an embedder, and the one after its last."""
        names = list(self.widths)
        before = sum(self.widths[name] for name in names[: names.index(embedder)])
        return before, before + self.widths[embedder]


def choose_part(bundle: Bundle, wanted: str) -> str:
    """The part of this name; without one that which reads most, as an assessment prefers it.

    Raises:
        PainlitError: The bundle has no such part.
    """
    if wanted and wanted not in bundle.parts:
        raise PainlitError(f"{bundle.path} has no model of {wanted!r}", f"set export.part={' or '.join(bundle.parts)}")
    return wanted or bundle.parts[0]


def load_part(bundle: Bundle, name: str) -> Part:
    """The networks of a part, in eval mode on the CPU.

    Raises:
        PainlitError: Weights do not fit or are not those of the bundle, or models of the part have different sizes.
    """
    config = bundle.config
    entries = [entry for entry in bundle.about["models"] if entry["part"] == name]
    used = {entry["embedder"]: bundle.about["embedders"][entry["embedder"]] for entry in entries if entry["embedder"]}
    for kind, settings in (("models", [entry["model"] for entry in entries]),
                           ("embedders", [entry["settings"] for entry in used.values()])):  # fmt: skip
        if any(other != settings[0] for other in settings[1:]):
            raise PainlitError(
                f"{bundle.path}: {kind} of {name} have different settings, and an export has one graph for all",
                "bundle runs that were trained alike",
            )
    if used and config.spatial.network != "tnt":
        raise PainlitError(
            f"{bundle.path}: spatial.network={config.spatial.network} runs by OpenCV, and no graph can hold it",
            "use the bundle itself (painlit.load), or export.to=hub",
        )
    loaded = bundle.models(name)
    tiles = name != "heart_rate" and any(model.network.frame_embedding != "full" for model in loaded)
    baseline = config.data.baseline != "none"
    return Part(
        name,
        {embedder: FrameRows(bundle.embedder(embedder), tiles).eval() for embedder in sorted(used)},
        [
            (Probabilities(model.network, bundle.temperature(name), tiles, baseline).eval(), model.embedder)
            for model in loaded
        ],
        config.clip.used_frames if used else 0,
        2 * config.spatial.image_size if used else 0,
        0 if name == "video" else config.clip.heart_rates,
        len(bundle.classes),
        baseline,
    )
