"""Video that is read as it comes."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from painlit.inference.live import LiveDecoding
from painlit.signals.video.decoding import open_footage


def broadcast(path: Path, frames: list[np.ndarray], first: int, sound: bool) -> bytes:
    """An MPEG transport stream, with or without sound, to be sent after others."""
    with av.open(str(path), "w", format="mpegts") as container:
        video = container.add_stream("libx264", rate=25)
        video.height, video.width, video.pix_fmt = *frames[0].shape[:2], "yuv420p"
        streams = [video, container.add_stream("aac", rate=8000)] if sound else [video]
        for number, frame in enumerate(frames, first):
            picture = av.VideoFrame.from_ndarray(frame)
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(video.encode(picture))
        if sound:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            silence.sample_rate, silence.time_base, silence.pts = 8000, Fraction(1, 8000), first * 320
            container.mux(streams[1].encode(silence))
        for stream in streams:
            container.mux(stream.encode(None))
    return path.read_bytes()


def test_sound_may_begin_later(tmp_path, textured):
    sent = broadcast(tmp_path / "1.ts", textured[:30], 0, False) + broadcast(tmp_path / "2.ts", textured[30:], 30, True)
    path = tmp_path / "sent.ts"
    path.write_bytes(sent)
    expected = [frame.time for frame in open_footage(path, None).frames()]
    with path.open("rb") as pipe:
        assert [frame.time for frame in LiveDecoding(pipe).frames()] == expected
    assert len(expected) > 55
