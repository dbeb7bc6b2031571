"""BIOPAC AcqKnowledge files (.acq)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from painlit.errors import ClipError
from painlit.signals.files.channels import Channel, Recording


def read_acq(path: Path) -> Recording:
    """All channels of a file.

    Raises:
        ClipError: bioread is not installed, or the file is damaged.
    """
    try:
        import bioread
    except ImportError as error:
        raise ClipError(f"{path}: reading .acq needs the package bioread", "pip install 'painlit[formats]'") from error
    try:
        held = bioread.read_file(str(path))
        channels = [
            Channel(c.name.strip(), np.asarray(c.data, np.float64), float(c.samples_per_second), c.units or "")
            for c in held.channels
        ]
    except Exception as error:  # its parser fails in any way on a damaged file
        raise ClipError(
            f"{path} is no readable AcqKnowledge file: {type(error).__name__}: {error}",
            "copy it again, or export it from AcqKnowledge as text or MAT",
        ) from error
    return Recording(channels)
