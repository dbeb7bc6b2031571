"""A finished run's maps of its clips, each by a model that was not trained on the clip's subject, if possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from painlit.clips.pain_clips import PainClips
from painlit.errors import PainlitError
from painlit.inference.bundles.trained_run import TrainedModel, TrainedRun
from painlit.inference.maps.faithfulness import Faithfulness, mean_faithfulness, temporal_faithfulness
from painlit.inference.maps.temporal import frame_slopes, heart_rate_map, temporal_map
from painlit.inference.maps.time_curves import as_shares
from painlit.models import PainModel
from painlit.models.frame_embedder import FrameEmbedder

_CLIPS_AT_ONCE = 8
Inputs = Callable[[np.ndarray, FrameEmbedder | None], dict[str, Tensor]]
"""What a model reads of the clips at these positions; the embedder is its own, where it was trained jointly."""


@dataclass
class ShownClip:
    """A clip whose maps are drawn."""

    at: int
    """Its position in the run's clips."""
    embedder: FrameEmbedder | None
    """What embeds its frames for the model that maps it."""
    slopes: tuple[Tensor | None, Tensor | None]
    """As of `frame_slopes`, of its class."""
    maps: dict[str, np.ndarray]
    """Method -> (F, D) in 0..1."""
    rates: dict[str, np.ndarray]
    """Method -> (S,) in 0..1, where the model reads heart rates and the method maps seconds."""


@dataclass
class MappedRun:
    """The maps of a run."""

    modality: str
    shown: dict[str, ShownClip] = field(default_factory=dict)
    """Clip -> its maps."""
    shares: dict[str, np.ndarray] = field(default_factory=dict)
    """Method -> (n, T) the share of each clip's map at each time: frames, or seconds of heart rates alone."""
    faithful: dict[str, Faithfulness] = field(default_factory=dict)
    """Method -> its faithfulness over all clips."""


def map_run(
    run: TrainedRun,
    clips: PainClips,
    inputs: Inputs,
    shown: Sequence[str],
    methods: Sequence[str],
    device: torch.device,
    advance: Callable[[int], None] = lambda _: None,
) -> MappedRun:
    """Map every clip of a run, always of its own class.

    Args:
        run: The run.
        clips: Its clips.
        inputs: What its models read of them.
        shown: Clips whose maps are kept.
        methods: As of `temporal_map`.
        device: Where models run.
        advance: Called with the number of clips that are mapped.

    Raises:
        PainlitError: As `TrainedRun.models`, or a clip that is to be shown is not among those of the run.
    """
    unknown = [name for name in shown if name not in clips.names]
    if unknown:
        why = clips.excluded.get(unknown[0], "it is not among its clips")
        raise PainlitError(f"{run.folder.name} cannot map clip {unknown[0]}: {why}", "name others: maps.clips=[…]")
    found = MappedRun(run.part)
    times = run.config.clip.used_frames if run.part != "heart_rate" else run.config.clip.heart_rates
    shares = {method: np.full((len(clips.names), times), np.nan) for method in methods}
    faithful: dict[str, list[tuple[Faithfulness, int]]] = {method: [] for method in methods}
    wanted = {clips.names.index(name): name for name in shown}
    for model in run.models():
        network = model.network.to(device)
        assert isinstance(network, PainModel)
        for at in _clips_of(model, clips, wanted, joint=run.config.joint):
            own = model.embedder.network if run.config.joint and model.embedder is not None else None
            batch = {name: tensor.to(device) for name, tensor in inputs(at, own).items()}
            labels = torch.from_numpy(clips.labels[at]).to(device)
            for method in methods:
                maps = temporal_map(network, batch, labels, method)
                over = maps.mean(-1) if run.part != "heart_rate" else heart_rate_map(network, batch, labels, method)
                shares[method][at] = as_shares(over.cpu().double().numpy())  # not every accelerator knows float64
                faithful[method].append((temporal_faithfulness(network, batch, maps, labels), len(at)))
            for k, position in enumerate(at.tolist()):
                if position in wanted:
                    one = {name: tensor[k : k + 1] for name, tensor in batch.items()}
                    found.shown[wanted[position]] = _shown(model, network, position, one, labels[k : k + 1], methods)
            advance(len(at))
    found.shares = shares
    found.faithful = {method: mean_faithfulness(curves) for method, curves in faithful.items() if curves}
    return found


def _clips_of(model: TrainedModel, clips: PainClips, wanted: dict[int, str], joint: bool) -> Iterator[np.ndarray]:
    """Positions that a model maps, a batch at a time: of its test subjects, or else of all subjects.

    With joint training only those that are shown: every clip would have to be decoded and embedded for its model.
    """
    at = clips.of_subjects(model.tested) if model.tested else np.arange(len(clips.names))
    if joint:
        at = np.array([position for position in at.tolist() if position in wanted], np.int64)
    for first in range(0, len(at), 1 if joint else _CLIPS_AT_ONCE):
        yield at[first : first + (1 if joint else _CLIPS_AT_ONCE)]


def _shown(
    model: TrainedModel,
    network: PainModel,
    position: int,
    inputs: dict[str, Tensor],
    label: Tensor,
    methods: Sequence[str],
) -> ShownClip:
    maps = {method: temporal_map(network, inputs, label, method)[0].cpu().numpy() for method in methods}
    rates: dict[str, np.ndarray] = {}
    if network.modality != "video":
        raw = network.heart_rate_encoder is None and network.modality == "fusion"  # nothing attends to seconds
        mapped = [method for method in methods if not (raw and method == "attention")]
        rates = {method: heart_rate_map(network, inputs, label, method)[0].cpu().numpy() for method in mapped}
    slopes = (None, None) if network.modality == "heart_rate" else frame_slopes(network, inputs, label)
    return ShownClip(position, None if model.embedder is None else model.embedder.network, slopes, maps, rates)
