"""The clips that a data set lists, in whichever layout it is."""

from __future__ import annotations

from dataclasses import replace

from data_modules.recordings.biovid import read_samples
from data_modules.recordings.table import read_table
from painlit.clips.clip import Clip
from painlit.config import Config


def read_clips(config: Config) -> tuple[Config, list[Clip]]:
    """The clips that `data` lists, in its order; their recordings are not opened.

    Returns:
        The configuration, with the classes that the data have, and the clips.

    Raises:
        PainlitError: A row of samples.csv or of the table of clips is wrong.
    """
    if config.data.layout == "biovid":
        return config, read_samples(config.data.root, config.data.signals)
    clips, classes = read_table(config.data.table, config.data.classes)
    return replace(config, data=replace(config.data, classes=list(classes))), clips


def with_classes(config: Config) -> Config:
    """The configuration with the classes that the data have; a table is read if they are not known yet."""
    return config if config.data.class_names else read_clips(config)[0]
