"""Recordings in BioVid's layout of any number: links to clips of proxy A, and what stages would have made of them."""

from __future__ import annotations

import csv
from dataclasses import asdict
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av
import numpy as np

from data_modules.recordings.biovid import CLASS_TOKENS, SAMPLE_COLUMNS, SAMPLES
from data_modules.recordings.clips import read_clips
from experiments.bench.assess import clips
from experiments.embed import EmbedResult
from painlit.clips.embedding_cache import EmbeddingCache, cache_settings
from painlit.clips.table import ClipTable, PreparedClip, table_path, table_settings
from painlit.config import Config
from painlit.models.normalisation import MEAN, STD
from painlit.runs.artefact import write_artefact
from painlit.signals.files import read_ecg
from painlit.system.csv_files import write_csv
from painlit.system.digests import FileState

PEOPLE = 87
WIDTH, HEIGHT, FPS, ECG_HZ = 320, 256, 25, 512
"""Of long recordings."""


def link_clips(root: Path, count: int) -> None:
    """A data set of so many clips of up to 87 people and five classes; the recordings of proxy A's clips repeat."""
    rows = []
    for number, source in enumerate(islice(cycle(clips("A")), count)):
        person, label = number // len(CLASS_TOKENS) % PEOPLE + 1, number % len(CLASS_TOKENS)
        subject, token = f"{person:06d}_w_30", CLASS_TOKENS[label]
        rows.append((person, subject, label, token, number + 1, f"{subject}-{token}-{number:05d}"))
        for folder, file in (("video", source.video), ("biosignals_filtered", source.ecg)):
            assert file is not None
            ending = "_bio.csv" if file.suffix == ".csv" else file.suffix
            link = root / folder / subject / f"{rows[-1][-1]}{ending}"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file.resolve())
    (root / SAMPLES).parent.mkdir()
    with open(root / SAMPLES, "w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, delimiter="\t").writerows([SAMPLE_COLUMNS, *rows])


def simulate(config: Config, count: int) -> None:
    """A data set at `data.root`, and a clip table and an embedding cache of random values in the real formats.

    Args:
        config: With a fresh `data.root` and `runs`, and `embed.weights=untrained`.
        count: Clips.
    """
    link_clips(Path(config.data.root), count)
    generator, frames = np.random.default_rng(0), config.clip.used_frames
    listed = read_clips(config)[1]
    table = ClipTable(table_path(config), table_settings(config))
    settings = cache_settings(config, "random", {"mean": list(MEAN), "std": list(STD)})
    cache = EmbeddingCache(config.folder("embed"), settings)
    cache.reserve([clip.name for clip in listed])
    values = generator.normal(size=(2, frames, config.spatial.embed_dim)).astype(np.float32)
    boxes = np.tile(np.array([200, 100, 400, 300], np.float32), (frames, 1))
    states: dict[Path, FileState] = {}
    for clip in listed:
        files = [file.resolve() for file in (clip.video, clip.ecg) if file is not None]
        video, signal = (states.setdefault(file, FileState.of(file)) for file in files)
        bpm = generator.normal(75, 10, config.clip.heart_rates)
        row = PreparedClip(clip.name, video_file=video, boxes=boxes, signal_file=signal, bpm=bpm)
        table.add(row)
        cache.write(clip.name, np.roll(values, len(states), axis=1), row.video_source)
    result = EmbedResult(count, count, {}, 0.0, "untrained", "untrained", (), ())
    write_artefact(config.folder("embed") / "metrics.json", asdict(result), settings)


def make_recording(place: Path, seconds: int) -> None:
    """A video and an ECG of this length, place/<seconds>.mkv and .csv: a clip of proxy A over and over."""
    clip = clips("A")[0]
    assert clip.video is not None
    assert clip.ecg is not None
    _repeat(clip.video, place / f"{seconds}.mkv", seconds * FPS)
    values = np.resize(read_ecg(clip.ecg, ECG_HZ, "").values, seconds * ECG_HZ)
    rows = ((f"{k / ECG_HZ:.6f}", f"{value:.4f}") for k, value in enumerate(values))
    write_csv(place / f"{seconds}.csv", [("time_s", "ecg"), *rows])


def _repeat(clip: Path, path: Path, count: int) -> None:
    """A small video of a clip's frames over and over: encoded once, and its packets repeated."""
    with av.open(str(clip)) as old:
        frames = [frame.reformat(WIDTH, HEIGHT, "yuv420p") for frame in old.decode(video=0)]
    with av.open(str(path), "w", format="matroska") as new:
        stream = new.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, FPS)
        packets = [(bytes(p), p.is_keyframe) for frame in (*frames, None) for p in stream.encode(frame)]
        for number in range(count):
            content, whole = packets[number % len(packets)]
            packet = av.Packet(content)
            packet.pts = packet.dts = number
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, FPS), stream, whole
            new.mux(packet)
