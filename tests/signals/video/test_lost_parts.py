"""What a container says is lost: its pictures are damaged up to the next key frame, and no others."""

from pathlib import Path

import av
import numpy as np
import pytest
from refusals import refusal

from painlit.config import ClipConfig
from painlit.signals.video.decoding import read_clip
from painlit.signals.video.shown_frames import Decoding

UNIT, GROUP = 188, 12  # bytes of a packet of MPEG-TS; pictures from a key frame to the next
CODECS = ["libx264", "mpeg2video", "mpeg4"]


def stream(write_video, path: Path, frames: list[np.ndarray], codec: str) -> list[bytes]:
    """The packets of MPEG-TS of a video."""
    data = write_video(path, frames, codec=codec, g=str(GROUP), sc_threshold="0").read_bytes()
    return [data[k : k + UNIT] for k in range(0, len(data), UNIT)]


def is_video(packet: bytes) -> bool:
    return (packet[1] & 31) << 8 | packet[2] == 256


def begins_picture(packet: bytes) -> bool:
    return is_video(packet) and bool(packet[1] & 64)


def differing(path: Path, good: list[np.ndarray]) -> tuple[set[int], set[int]]:
    """Numbers of frames that are not shown as in `good`, and of those that are damaged or not there."""
    shown = {round(frame.time * 25): frame for frame in Decoding(path).frames()}
    wrong, said = set(), set()
    for k, picture in enumerate(good):
        frame = shown.get(k)
        if frame is None or np.abs(frame.picture.to_ndarray(format="rgb24").astype(int) - picture).mean() > 2:
            wrong.add(k)
        if frame is None or frame.damaged:
            said.add(k)
    return wrong, said


@pytest.mark.parametrize("lost", [{0}, {-1, 0}, {-2, -1}, {0, 8}], ids=str)
@pytest.mark.parametrize("codec", CODECS)
def test_each_frame_harmed_by_lost_packets_is_damaged_and_few_before(tmp_path, write_video, textured, codec, lost):
    path = tmp_path / "clip.ts"
    packets = stream(write_video, path, textured, codec)
    good = [frame.picture.to_ndarray(format="rgb24") for frame in Decoding(path).frames()]
    pictures = [k for k, packet in enumerate(packets) if begins_picture(packet)]
    harmed = 0
    for at in [*pictures[4 : 3 * GROUP], pictures[-2]]:  # on the first see `Decoding`
        path.write_bytes(b"".join(packet for k, packet in enumerate(packets) if k - at not in lost))
        wrong, said = differing(path, good)
        assert wrong <= said, at
        if wrong:
            harmed += 1
            assert said <= set(range(min(wrong) - 5, min(wrong) + 2 * GROUP)), at
    assert harmed >= GROUP


@pytest.mark.parametrize("codec", CODECS)
def test_lost_packets_are_told_and_too_many_refused(tmp_path, write_video, textured, codec):
    path, clip = tmp_path / "clip.ts", ClipConfig(seconds=2.4)
    packets = stream(write_video, path, textured, codec)
    pictures = [k for k, packet in enumerate(packets) if begins_picture(packet)]
    without = [packets[: pictures[k]] + packets[pictures[k + 1] :] for k in (GROUP - 2, GROUP + 1)]
    path.write_bytes(b"".join(without[0]))
    reader = read_clip(path, clip)
    assert sum(1 for _ in reader) == 60
    assert any("damaged" in note and "a part of it is lost" in note for note in reader.notes)
    path.write_bytes(b"".join(without[1]))
    assert "of 60 frames are damaged, at 0." in refusal(path, clip)


@pytest.mark.parametrize("after", [1, 2, 4])
def test_a_concealed_picture_does_not_hide_a_loss_after_the_next_key_frame(tmp_path, write_video, textured, after):
    """Its decoder, on several threads, has read the loss already when the picture comes out."""
    path = tmp_path / "clip.ts"
    packets = stream(write_video, path, textured, "libx264")
    good = [frame.picture.to_ndarray(format="rgb24") for frame in Decoding(path).frames()]
    pictures = [k for k, packet in enumerate(packets) if begins_picture(packet)]
    harmed, lost = pictures[2 * GROUP - 3], pictures[2 * GROUP + after]
    packets[harmed] = packets[harmed][:-40] + b"\x55" * 40
    path.write_bytes(b"".join(packet for k, packet in enumerate(packets) if k != lost))
    wrong, said = differing(path, good)
    assert said & set(range(GROUP, 2 * GROUP))
    assert wrong & set(range(2 * GROUP, 3 * GROUP))
    assert {k for k in wrong if k >= 2 * GROUP} <= said


@pytest.mark.parametrize("codec", CODECS)
def test_segments_put_together_lose_the_last_frames_before_each_alone(tmp_path, write_video, textured, codec):
    """Many begin to count their packets anew in each segment, which looks as if the last packets of one were lost."""
    path = tmp_path / "clip.ts"
    packets = stream(write_video, path, textured, codec)
    start = [k for k, packet in enumerate(packets) if begins_picture(packet)][2 * GROUP]
    for k in range(start, len(packets)):
        if is_video(packets[k]):
            count = packets[k][3]
            packets[k] = packets[k][:3] + bytes([count & 0xF0 | (count + 5) & 15]) + packets[k][4:]
    path.write_bytes(b"".join(packets))
    damaged = [round(frame.time * 25) for frame in Decoding(path).frames() if frame.damaged]
    assert len(damaged) <= 4
    assert all(2 * GROUP - 4 <= k < 2 * GROUP for k in damaged)


def test_a_loss_before_the_first_frame_comes_out_ends_with_the_next_key_frame(tmp_path, write_video, textured):
    """Whatever time the video begins at; with up to 16 threads its error comes out as many packets late."""
    times = [100 + k / 25 for k in range(60)]
    path = write_video(tmp_path / "clip.mkv", textured, times=times, g=str(GROUP), bf="0", sc_threshold="0")
    with av.open(str(path)) as container:
        packet = bytes([p for p in container.demux(video=0) if p.size][1])
    data = path.read_bytes()
    path.write_bytes(data.replace(packet, packet[:4] + b"\xff" * (len(packet) - 4)))
    frames = list(Decoding(path).frames())
    assert not any(frame.damaged for frame in frames[2 * GROUP :])
    assert len(frames) < 60 or any(frame.damaged for frame in frames)
