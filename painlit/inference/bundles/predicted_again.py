"""Before a model is bundled it predicts clips of its held-out subjects again, and must reproduce predictions.csv.

So no bundle leaves with another epoch's weights, another run's embeddings, or settings that its model was not
trained with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from painlit.clips.baseline import Baseline
from painlit.clips.embedding_cache import EmbeddingCache
from painlit.clips.table import PreparedClip, open_table
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.inference.bundles.run_embedder import run_embeddings
from painlit.loso.fold import BASELINES
from painlit.loso.results import Predictions, read_predictions
from painlit.models import PainModel
from painlit.runs.artefact import read_artefact

CLIPS = 8
"""Of each model: enough to detect another model, and few enough for 87 folds."""
TOLERANCE = {"32-true": 1e-3}
"""Difference of a probability between devices or libraries that is tolerated."""
_HALF = 0.1
"""The same where training ran in half precision, in which bundles do not compute."""


@dataclass(frozen=True)
class HeldOutClips:
    """The inputs of a run's clips.

    Args:
        config: The run's.
        cache: Embeddings; None without video.
        prepared: The clip table; None without heart rates.
        missing: Why nothing can be predicted again; empty if it can.
    """

    config: Config
    cache: EmbeddingCache | None = None
    prepared: Mapping[str, PreparedClip] | None = None
    missing: str = ""

    @classmethod
    def of(cls, config: Config, weights: str = "auto") -> HeldOutClips:
        """The inputs of a run of this configuration, if they are available."""
        model = config.model
        if config.joint:
            return cls(config, missing="the Spatial-Module was trained with each model, from the videos")
        cache = run_embeddings(config, weights).open() if model.uses_video else None
        try:
            return cls(config, cache, open_table(config).clips() if model.uses_heart_rate else None)
        except PainlitError as error:
            return cls(config, missing=error.what)

    def check(self, network: PainModel, folder: Path) -> None:
        """Compare a model with the predictions that its run wrote.

        Raises:
            PainlitError: They differ.
        """
        if self.missing:
            print(f"{folder.name}: not compared with its predictions: {self.missing}")
            return
        path = folder / "predictions.csv"
        predictions = read_predictions([path])
        names = predictions.clips[:CLIPS]
        own = self._baselines(folder, predictions)
        try:
            again = self.probabilities(network, names, own)
        except (KeyError, TypeError) as error:
            raise _another(path, f"a clip of them is not prepared or embedded now ({error})") from error
        furthest = float(np.abs(again - predictions.probabilities[: len(names)]).max())
        if not furthest <= TOLERANCE.get(self.config.train.precision, _HALF):
            raise _another(path, f"their probabilities differ by up to {furthest:.2g}")

    def _baselines(self, folder: Path, predictions: Predictions) -> list[Baseline]:
        """The baseline subtracted from each of the first clips; empty if there was none."""
        if self.config.data.baseline == "none":
            return []
        path = folder / BASELINES
        if not path.is_file():
            raise _another(path.with_name("predictions.csv"), f"{path.name} is missing")
        own = read_artefact(path, f"delete {folder} and run the stage again")
        return [Baseline.from_plain(own[subject]) for subject in predictions.subjects[:CLIPS]]

    def probabilities(self, network: PainModel, names: list[str], own: Sequence[Baseline] = ()) -> np.ndarray:
        """(n, C) float64 of these clips, after subtraction of each person's baseline."""
        full = tiles = bpm = None
        if self.cache is not None:
            rows = self.cache.values()[self.cache.rows(names)]  # (n, 2, F, D)
            if own:
                rows = np.stack([base.subtract_embeddings(row) for base, row in zip(own, rows, strict=True)])
            full, tiles = torch.from_numpy(rows[:, 0]), torch.from_numpy(rows[:, 1])
        if self.prepared is not None:
            rates = np.array([self.prepared[name].bpm for name in names], np.float32)
            if own:
                rates = np.stack([base.subtract_bpm(row) for base, row in zip(own, rates, strict=True)])
            bpm = torch.from_numpy(rates)
        with torch.inference_mode():
            return network.eval()(full, tiles, bpm).float().softmax(-1).numpy().astype(np.float64)


def _another(path: Path, how: str) -> PainlitError:
    return PainlitError(
        f"the model does not give the predictions in {path}: {how}",
        "the embeddings or the clip table were made anew since: run the stages again under another name=…",
    )
