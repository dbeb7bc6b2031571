"""The Spatial-Module that made a run's embeddings, verified by its digest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from painlit.clips.sources import EmbeddingSource, resolve_embeddings
from painlit.config import Config, load
from painlit.errors import PainlitError
from painlit.inference.bundles.trained_run import TrainedEmbedder
from painlit.runs.artefact import read_artefact
from painlit.system.digests import digest
from painlit.weights.files import read_weights
from painlit.weights.pretrained import NAMED, UNTRAINED, resolve_weights, starting_embedder


def run_embeddings(config: Config, weights: str = "auto") -> EmbeddingSource:
    """The embeddings that a run of this configuration was trained on.

    Args:
        config: The run's.
        weights: Where their Spatial-Module is now, if it was moved; `auto`: where `make embed` found it.

    Raises:
        PainlitError: They are not there, or not made with this configuration.
    """
    name = config.folder("embed").name  # the name depends on embed.weights, and must not change with it
    return resolve_embeddings(replace(config, embed=replace(config.embed, name=name, weights=weights)))


def run_embedder(config: Config, weights: str = "auto") -> TrainedEmbedder:
    """The Spatial-Module that made them, for a bundle; see `run_embeddings`.

    Raises:
        PainlitError: Its weights are not there, or have another digest than those that made the embeddings.
    """
    source = run_embeddings(config, weights)
    again = f"run `make embed` again: it writes {source.folder / 'metrics.json'} anew"
    metrics = read_artefact(source.folder / "metrics.json", again, source.settings)
    wanted = metrics["weights"] if weights in ("auto", UNTRAINED, *NAMED) else weights
    if wanted != UNTRAINED and not Path(wanted).is_file():
        raise PainlitError(
            f"the embeddings in {source.folder} were made with {wanted}, which is not there",
            "put it back, with its .json, or say where it is: embed.weights=FILE",
        )
    made = load([f"config={source.folder / 'config.yaml'}"])  # random weights depend on its seed
    start = resolve_weights(replace(config, seed=made.seed), "spatial", wanted)
    embedder = starting_embedder(replace(config, seed=made.seed), start)
    found = digest(embedder.spatial.state_dict())
    if found != source.settings["weights"]:
        raise PainlitError(
            f"{wanted} is not the Spatial-Module that made the embeddings in {source.folder}: its digest is "
            f"{found[:12]}…, theirs is {source.settings['weights'][:12]}…",
            "name the weights that did: embed.weights=FILE; or embed and train again",
        )
    data: Any = None if wanted == UNTRAINED else read_weights(Path(wanted))[1].get("data")
    settings = {**start.settings, "local_contrast": config.spatial.local_contrast}
    return TrainedEmbedder("spatial", embedder, settings, source.stage, data, source.subjects, tuple(source.differs))
