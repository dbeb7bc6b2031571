"""`make bench ARGS=decoding`: seconds to read a clip, ours by presentation time and OpenCV's by count, in alternation.

A clip of proxy A (H.264, 640 x 512) where it is there (`make proxy-data`), and a generated H.264 clip
of 1920 x 1080: 138 frames at 25 Hz, all converted to RGB. OpenCV reads with FFmpeg and its default threads, its fastest
setting here; ours has FFmpeg's frame threads. That both give the same pixels is checked.

Then what a window of an assessment does: it keeps all frames, and a face is read of each. Beside RGB it is timed with
frames kept as decoded, in new processes in alternation, for memory that is new takes time too.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import av
import cv2
import numpy as np

from experiments.bench.resident import Cost, in_new_process
from painlit.config import ClipConfig, ProxyConfig
from painlit.signals.video.decoding import open_footage, read_clip
from painlit.signals.video.pixels import UprightRgb

PROXY = Path(ProxyConfig().out) / "A/video"
ROUNDS = 7
CLIP = ClipConfig()


def main() -> None:
    """Print seconds a clip of both readers, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        clips = [*sorted(PROXY.glob("*/*.mp4"))[:1], make_hd(Path(folder) / "1080p.mp4")]
        print(f"seconds a clip of {CLIP.nominal_frames} frames, {os.cpu_count()} cores, median of {ROUNDS} (fastest):")
        for path in clips:
            compare(path)
        print("seconds and memory to keep such a clip and to read a square of half its height from each frame:")
        for path in clips:
            compare_kept(path)


def compare(path: Path) -> None:
    """Time both readers on one clip, and see that they give the same."""
    readers: dict[str, Callable[[Path], Iterator[np.ndarray]]] = {"painlit": ours, "OpenCV": opencvs}
    same = all((a == b).all() for a, b in zip(ours(path), opencvs(path), strict=True))
    wall: dict[str, list[float]] = {name: [] for name in readers}
    cpu: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(ROUNDS):
        for name, frames in readers.items():
            started, worked = time.perf_counter(), time.process_time()
            for _frame in frames(path):
                pass
            wall[name].append(time.perf_counter() - started)
            cpu[name].append(time.process_time() - worked)
    print(f"  {path.name}, pixels {'equal' if same else 'differ'}:")
    for name in readers:
        used = f"{median(cpu[name]):.3f} s of CPU"
        print(f"    {name}: {median(wall[name]):.3f} ({min(wall[name]):.3f}), {used}")
    ratios = [median(each["painlit"]) / median(each["OpenCV"]) for each in (wall, cpu)]
    print(f"    painlit / OpenCV: {ratios[0]:.2f} of the time, {ratios[1]:.2f} of the CPU time")


def compare_kept(path: Path) -> None:
    """Time a window kept as RGB and as decoded."""
    costs: dict[bool, list[Cost]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for decoded, measured in costs.items():
            measured.append(in_new_process(cost_of_window, path, decoded))
    same = all((a == b).all() for a, b in zip(window(path, False), window(path, True), strict=True))
    print(f"  {path.name}, pixels {'equal' if same else 'differ'}:")
    for decoded, measured in costs.items():
        seconds = [cost.seconds for cost in measured]
        cpu, memory = (median(values) for values in zip(*((cost.cpu, cost.own) for cost in measured), strict=True))
        name = "as decoded" if decoded else "RGB"
        print(f"    {name}: {median(seconds):.3f} s ({min(seconds):.3f}), {cpu:.3f} s of CPU, {memory:.0f} MiB")
    ratio = median(cost.seconds for cost in costs[True]) / median(cost.seconds for cost in costs[False])
    print(f"    as decoded / RGB: {ratio:.2f} of the time")


def cost_of_window(path: Path, decoded: bool) -> Cost:
    """Of `window`."""
    return Cost.of(lambda: window(path, decoded))


def window(path: Path, decoded: bool) -> list[np.ndarray]:
    """What is read of the frames of a clip, which are kept as decoded or as RGB."""
    footage, convert = open_footage(path, None), UprightRgb(path)
    keep = convert.kept if decoded else convert
    kept = [keep(frame.picture, None) for frame in footage.frames()]
    height, width, _ = kept[0].shape
    rows, columns = (slice(middle - height // 4, middle + height // 4) for middle in (height // 2, width // 2))
    return [cv2.resize(frame[rows, columns], (48, 48), interpolation=cv2.INTER_AREA) for frame in kept]


def ours(path: Path) -> Iterator[np.ndarray]:
    """As `make prepare` reads."""
    return iter(read_clip(path, CLIP))


def opencvs(path: Path) -> Iterator[np.ndarray]:
    """The first frames of a file, RGB."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    for _ in range(CLIP.nominal_frames):
        read, frame = capture.read()
        if not read:
            break
        yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    capture.release()


def make_hd(path: Path) -> Path:
    """A drifting texture with noise, 1920 x 1080, in H.264 as phones write it (with B-frames)."""
    generator = np.random.default_rng(0)
    texture = cv2.resize(
        generator.integers(0, 256, (68, 120, 3), np.uint8), (2080, 1240), interpolation=cv2.INTER_CUBIC
    )
    noise = generator.integers(0, 9, (1080 + 138, 1920, 1), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        for k in range(CLIP.nominal_frames):
            frame = cv2.add(texture[k : k + 1080, k : k + 1920], np.repeat(noise[k : k + 1080], 3, axis=2))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.astype(np.uint8), format="rgb24")))
        container.mux(stream.encode())
    return path
