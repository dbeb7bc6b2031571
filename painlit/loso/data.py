"""What leave-one-subject-out needs of a data module; `data_modules.recordings.datamodule` has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from painlit.clips.pain_clips import PainClips
    from painlit.clips.sources import Sources


class TrainingClips(Protocol):
    """Clips that are trained on."""

    positions: np.ndarray
    """(n,) in `FoldData.clips`."""
    labels: np.ndarray
    """A label for each of `FoldData.clips`, as they are trained with: `loso.shuffle_labels` changes them."""

    def __len__(self) -> int: ...


class FoldData(Protocol):
    """A LightningDataModule of clips that can be divided by subject. It travels to other processes and machines."""

    clips: PainClips
    """All usable clips."""
    sources: Sources
    """The weights and embeddings that models start from."""

    @property
    def train(self) -> TrainingClips:
        """Training clips of this division."""
        ...

    def divided(
        self, train: Sequence[str], validation: Sequence[str] = (), test: Sequence[str] = (), seed: int = 0
    ) -> FoldData:
        """The same clips, divided by these subjects; `seed` is that of the order of training clips."""
        ...

    def train_dataloader(self) -> Any:
        """Batches of training clips."""
        ...

    def train_predict_dataloader(self) -> Any:
        """Batches of training clips, each once, in order."""
        ...

    def predict_dataloader(self) -> Any:
        """Batches of test clips."""
        ...

    def inputs(self, at: np.ndarray) -> dict[str, Tensor]:
        """Heart rates and embeddings of the clips at these positions as models get them: `bpm`, `full`, `tiles`."""
        ...

    def embedding_statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, (D,) each, of eq. 7's D over the training subjects' frames, and no others."""
        ...
