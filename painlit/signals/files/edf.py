"""EDF, EDF+, BDF and BDF+ files."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from painlit.errors import ClipError
from painlit.signals.files.channels import Channel, Recording


def read_edf(path: Path, bdf: bool = False) -> Recording:
    """All signals of a file; annotations are skipped.

    edfio reads files cut short too, with a warning, and needs numpy alone.

    Args:
        path: The file.
        bdf: It has 24 bits a sample.

    Raises:
        ClipError: edfio is not installed; the file is damaged; or it is discontinuous, so that times are not even.
    """
    try:
        import edfio
    except ImportError as error:
        raise ClipError(f"{path}: reading EDF needs the package edfio", "pip install 'painlit[formats]'") from error
    read = edfio.read_bdf if bdf else edfio.read_edf
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            held = read(path, header_encoding="latin-1")
            continuous = held.is_continuous
            channels = [
                Channel(s.label, np.array(s.data, np.float64), float(s.sampling_frequency), s.physical_dimension)
                for s in held.signals
            ]
    except Exception as error:  # a damaged header fails in any way
        raise ClipError(
            f"{path} is no readable EDF or BDF file: {type(error).__name__}: {error}", "copy it again"
        ) from error
    if not continuous:
        raise ClipError(f"{path} is discontinuous (EDF+D): parts of the time are left out", "save each part as EDF+C")
    return Recording(channels, list(dict.fromkeys(str(warning.message) for warning in caught)))
