"""What leave-one-subject-out needs of a data module; `data_modules.recordings.datamodule` has one."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

if TYPE_CHECKING:
    from painlit.clips.pain_clips import PainClips
    from painlit.clips.sources import Sources


class FoldData(Protocol):
    """A LightningDataModule of clips that can be divided by subject. It travels to other processes and machines."""

    clips: PainClips
    """All usable clips."""
    sources: Sources
    """The weights and embeddings that models start from."""

    @property
    def train(self) -> Sized:
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

    def predict_dataloader(self) -> Any:
        """Batches of test clips."""
        ...

    def embedding_statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, (D,) each, of eq. 7's D over the training subjects' frames, and no others."""
        ...
