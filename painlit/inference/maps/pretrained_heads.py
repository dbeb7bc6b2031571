"""The classifiers of stages 1 and 2: their Spatial-Module with a head, from a finished run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from painlit.config import Config
from painlit.errors import PainlitError
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import Normalise
from painlit.models.spatial import SpatialModule
from painlit.runs.artefact import check_digest, read_artefact
from painlit.system.digests import digest
from painlit.tasks import EmotionMultitask, FaceRecognition
from painlit.training.checkpoints import SealedCheckpointIO
from painlit.weights.files import read_weights
from painlit.weights.pretrained import resolve_weights


@dataclass(frozen=True)
class PretrainedHead:
    """A Spatial-Module with the head of its classes."""

    embedder: FrameEmbedder
    """Crops to images as it saw them, and to embeddings."""
    head: nn.Module
    """Embeddings to class scores."""
    classes: list[str] | None
    """Their names; None of identities, who are numbers."""
    of: str
    """identities, or the name of the set."""

    def scores(self) -> nn.Sequential:
        """Normalised images to class scores."""
        return nn.Sequential(self.embedder.spatial, self.head)

    def name(self, number: int) -> str:
        """A class in words."""
        return f"identity {number}" if self.classes is None else self.classes[number]


def identity_head(config: Config, weights: str) -> PretrainedHead:
    """That of stage 1.

    Args:
        config: Sizes, and the folder of runs.
        weights: As of `maps.stage1`.

    Raises:
        PainlitError: There is no such run, it is not finished, damaged, of other sizes, or of another stage.
    """
    source = resolve_weights(config, "spatial", weights)
    module = _trained(source.source, "pretrain-stage1", "maps.stage1")
    assert isinstance(module, FaceRecognition)
    return _head(module.network, module.normalise, module.head, None, "identities", source.source, source.sha256)


def emotion_head(config: Config, weights: str, emotions: str = "") -> PretrainedHead:
    """That of a set of stage 2.

    Args:
        config: Sizes, and the folder of runs.
        weights: As of `maps.stage2`.
        emotions: The set; empty takes the first.

    Raises:
        PainlitError: As `identity_head`, or there is no such set.
    """
    source = resolve_weights(config, "spatial", weights)
    module = _trained(source.source, "pretrain-stage2", "maps.stage2")
    assert isinstance(module, EmotionMultitask)
    held = list(module.heads)
    chosen = emotions or held[0]
    if chosen not in held:
        raise PainlitError(f"{source.source} has no head of {chosen!r}", f"maps.emotions: {', '.join(held)}")
    about = read_weights(Path(source.source))[1]["data"][chosen]
    head = module.heads[chosen]
    return _head(module.network, module.normalise, head, about["classes"], chosen, source.source, source.sha256)


def _trained(source: str, stage: str, key: str) -> FaceRecognition | EmotionMultitask:
    """The module of a run as its last epoch left it."""
    folder = Path(source).parent.parent
    if Path(source).is_file() and (made_by := read_weights(Path(source))[1].get("stage")) != stage:
        raise PainlitError(
            f"{key}={source} is of {made_by}", f"name weights that `make {stage}` left, or set {key}=none"
        )
    checkpoint, again = folder / "checkpoints" / "last.ckpt", f"run `make {stage}` again, or set {key}=none"
    if not checkpoint.is_file():
        raise PainlitError(f"{checkpoint} is not there: heads are in the checkpoint, not beside the weights", again)
    made_from = read_artefact(folder / "fingerprint.json", again)
    held = SealedCheckpointIO(made_from, again).load_checkpoint(checkpoint)
    module = (FaceRecognition if stage == "pretrain-stage1" else EmotionMultitask)(**held["hyper_parameters"])
    module.load_state_dict(held["state_dict"])
    return module.eval()


def _head(
    network: nn.Module, normalise: Normalise, head: nn.Module, classes: list[str] | None, of: str, source: str, sha: str
) -> PretrainedHead:
    assert isinstance(network, SpatialModule)
    check_digest(Path(source), sha, digest(network.state_dict()), "the weights are not of the checkpoint beside them")
    return PretrainedHead(FrameEmbedder(network, normalise), head, classes, of)
