"""A LightningDataModule for each data set of photographs on its own; the pretraining stages use the two they build on.

data = RAFDBDataModule(load(["stage2.roots.raf_db=/data/RAF-DB", "stage2.train.batch_size=64"]))
trainer.fit(module, data)
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from data_modules.photographs.emotion_datamodule import EmotionDataModule
from data_modules.photographs.face_datamodule import FaceDataModule
from painlit.config import Config


class VGGFace2DataModule(FaceDataModule):
    """VGGFace2, or any tree of identities, at `stage1.root`."""


class OneEmotionSet(EmotionDataModule):
    """One of the sets of stage 2, at its `stage2.roots`, with crops for the Spatial-Module."""

    key: ClassVar[str]
    """Its name in `stage2.sets`."""

    def __init__(self, config: Config):
        super().__init__(dataclasses.replace(config, stage2=dataclasses.replace(config.stage2, sets=[self.key])))


class AffectNetDataModule(OneEmotionSet):
    """AffectNet, 8 expressions."""

    key = "affectnet"


class CFEEDataModule(OneEmotionSet):
    """CFEE, 26 expressions, divided by person."""

    key = "cfee"


class RAFDBDataModule(OneEmotionSet):
    """RAF-DB, the 7 basic expressions."""

    key = "raf_basic"


class RAFDBCompoundDataModule(OneEmotionSet):
    """RAF-DB, the 11 compound expressions."""

    key = "raf_compound"


class ExpressionFoldersDataModule(OneEmotionSet):
    """A folder of photographs for each expression."""

    key = "folders"
