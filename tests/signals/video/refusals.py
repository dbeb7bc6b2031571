"""The error of a clip that is refused."""

from pathlib import Path

import pytest

from painlit.config import ClipConfig
from painlit.errors import ClipError
from painlit.signals.video.decoding import read_clip

CLIP = ClipConfig(seconds=1.2)  # 30 frames at 25 Hz


def refusal(path: Path, clip: ClipConfig = CLIP, **part: float) -> str:
    with pytest.raises(ClipError) as caught:
        list(read_clip(path, clip, **part))
    assert str(path) in caught.value.what
    assert caught.value.remedy
    return caught.value.what.removeprefix(str(path))
