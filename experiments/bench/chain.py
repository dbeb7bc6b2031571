"""A clip from MP4 and ECG to its score, beside the same chain wired plainly from the libraries that are there.

The plain chain finds faces by facenet-pytorch's MTCNN at its default pyramid, frame by frame, embeds the images of a
frame at a time by timm's TNT and scores by perceiver-pytorch, with the same weights; decoding, crops and heart rates
are ours in both. Its embeddings are of our boxes, so that scores can be compared. Networks have the paper's sizes and
random weights. Two sizes of video: a clip of proxy A, 640×512, and the same at BioVid's 1388×1038. With --quick 8
frames of the first.

facenet-pytorch pins an old torch: put it aside as `experiments.bench.faces` says.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import cast

import av
import numpy as np
import torch
from torch import Tensor, nn

import painlit
from experiments.bench.assess import HERE, clips, paper_bundle
from experiments.bench.data import sized
from experiments.bench.faces import peer_detector
from experiments.bench.models import plain_perceiver
from experiments.bench.rows import Row
from painlit.config.pain import BACKENDS
from painlit.inference.heart_windows import EcgWindows
from painlit.inference.model import Model
from painlit.inference.scoring import Scorer
from painlit.models import TemporalModule
from painlit.models.tiles import frame_images
from painlit.signals.video.clip_faces import clip_faces, clip_squares
from painlit.signals.video.crops import crop_face
from painlit.signals.video.decoding import read_clip
from painlit.system.files import atomic_path
from painlit.system.stopwatch import Stopwatch

LARGE = (1388, 1038)
"""px, of BioVid's videos."""
SMALLEST = 20
"""px; facenet-pytorch's default."""
FASTEST = "native"
"""Of BACKENDS, on a CPU."""
ON_KEY_FRAMES = (("fp32", 1), ("bf16", 1), ("int8", 1), ("fp32", 4), ("int8", 4))
"""Precisions, and of how many frames one is embedded."""
ROUNDS = sized(2, 1)
FRAMES = sized(None, 8)
"""Of a clip; None: all."""


def enlarged(video: Path) -> Path:
    """The same video at BioVid's size."""
    path = HERE / f"{video.stem}-large.mp4"
    if path.is_file():
        return path
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as new, av.open(str(video)) as old:
        stream = new.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *LARGE, "yuv420p"
        for number, frame in enumerate(old.decode(video=0)):
            picture = frame.reformat(*LARGE)
            picture.pts, picture.time_base = number, Fraction(1, 25)
            new.mux(stream.encode(picture))
        new.mux(stream.encode())
    return path


class PlainChain:
    """The chain of the libraries, on the weights of a bundle.

    Args:
        model: The bundle, with one model.
        tiles: Whether the model reads tiles.
    """

    def __init__(self, model: Model, tiles: bool):
        self.config, self.tiles = model.bundle.config, tiles
        self.embedder = model.bundle.embedder("spatial").eval()
        (loaded,) = Scorer(model.bundle, torch.device("cpu"), True).parts["fusion"]
        self.network = loaded.network
        self.network.temporal = cast(TemporalModule, _OnTokens(plain_perceiver(loaded.network.temporal)))
        _, self.detect = peer_detector(SMALLEST, alone=True)

    def run(self, video: Path, ecg: Path) -> tuple[dict[str, float], np.ndarray]:
        """Seconds of each step, and the probabilities of the classes."""
        config, watch = self.config, Stopwatch()
        with watch.step("decode"):
            frames = np.stack(list(read_clip(video, config.clip)))
        with watch.step("detect"):
            self.detect(frames)
        boxes = clip_faces(video, config.clip, config.face, "cpu")[0].boxes
        with watch.step("crop"):
            side = 2 * config.spatial.image_size
            squares = clip_squares(boxes, config.clip, config.face)
            crops = np.stack([crop_face(frame, square, side) for frame, square in zip(frames, squares, strict=True)])
        with watch.step("signal"):
            bpm = EcgWindows(ecg, config, 0.0, None, "").window(0.0).bpm
        with torch.inference_mode():
            with watch.step("embed"):
                rows = [self._embedded(crop) for crop in torch.from_numpy(crops).permute(0, 3, 1, 2)]
            with watch.step("score"):
                full, tiles = torch.stack(rows, 1).half().float()[:, None]
                made = self.network(full=full, tiles=tiles, bpm=torch.from_numpy(bpm).float()[None]).softmax(-1)[0]
        return {**watch.seconds, "all": sum(watch.seconds.values())}, made.numpy()

    def _embedded(self, crop: Tensor) -> Tensor:
        """(2, D) of a crop."""
        images = self.embedder.normalise(frame_images(crop[None]))[0]
        d = self.embedder.spatial.tnt(images if self.tiles else images[:1])
        return torch.stack([d[0], d[1:].sum(0)])


class _OnTokens(nn.Module):
    """perceiver-pytorch's Perceiver on (B, N) values."""

    def __init__(self, plain: nn.Module):
        super().__init__()
        self.plain = plain

    def forward(self, x: Tensor) -> Tensor:
        return self.plain(x.unsqueeze(-1))


def compare(video: Path, ecg: Path, tiles: bool) -> list[Row]:
    """Print seconds of each step of every chain, which take turns, and how far their scores are apart."""
    bundle = paper_bundle(tiles, FRAMES)
    models = {backend: painlit.load(bundle, "cpu", backend) for backend in BACKENDS}
    plain = PlainChain(models["torch"], tiles)
    chains = {"plain": partial(plain.run, video, ecg)}
    chains |= {f"ours, {backend}": partial(_assessed, model, video, ecg) for backend, model in models.items()}
    for precision, every in ON_KEY_FRAMES:
        few = f", one of {every} frames" if every > 1 else ""
        made = _on_key_frames(painlit.load(bundle, "cpu", FASTEST, precision, every))
        chains[f"ours, {FASTEST} {precision}, key frames{few}"] = partial(_assessed, made, video, ecg)
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in chains}
    scores: dict[str, np.ndarray] = {}
    for number in range(ROUNDS + 1):
        for name, chain in chains.items():
            if number == 0 and name == "plain":
                continue  # nothing in it is made at the first call
            taken, scores[name] = chain()
            if number:
                turns[name].append(taken)
    whole = {name: [taken["all"] for taken in rounds] for name, rounds in turns.items()}
    kind, rows = "tiles" if tiles else "full frame", []
    for name, rounds in turns.items():
        steps = {step: statistics.median(taken[step] for taken in rounds) for step in rounds[0] if step != "all"}
        row = Row.of(f"{video.name}, {kind}, {name}", whole[name], "s", "plain", whole["plain"])
        rows.append(row)
        difference = np.abs(scores[name] - scores["plain"]).max()
        step_times = ", ".join(f"{step} {seconds:.2f}" for step, seconds in steps.items())
        print(
            f"  {name:54} {row.median:6.2f} s ({min(whole[name]):.2f} to {max(whole[name]):.2f}), "
            f"{row.times_the_peers:.2f} times the plain chain's speed; {step_times}; "
            f"scores {difference:.1e} from the plain chain's",
            flush=True,
        )
    return rows


def _on_key_frames(model: Model) -> Model:
    """The model as if it had been trained with face.detection=key_frames, with the same embedder and weights."""
    config = model.bundle.config
    model.bundle.config = replace(config, face=replace(config.face, detection="key_frames"))
    return model


def _assessed(model: Model, video: Path, ecg: Path) -> tuple[dict[str, float], np.ndarray]:
    result = model.assess(video, ecg)
    return result.about["seconds_taken"], result.table[["p_NP", "p_P4"]].to_numpy()[0]


def main() -> list[Row]:
    """Both sizes of video, full frame and tiles."""
    torch.manual_seed(0)
    clip = clips("A")[0]
    assert clip.video is not None
    assert clip.ecg is not None
    peer = peer_detector(SMALLEST, alone=True)[0]
    print(f" {torch.get_num_threads()} threads, torch {torch.__version__}; plain chain: faces by {peer}")
    rows = []
    for video in sized((clip.video, enlarged(clip.video)), (clip.video,)):
        for tiles in sized((False, True), (False,)):
            print(f" {video.name}, {'tiles' if tiles else 'full frame'}:")
            rows += compare(video, clip.ecg, tiles)
    return rows
