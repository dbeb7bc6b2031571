"""Assessing recordings: what it costs, how late a stream is, and whether scores follow what is planted.

The cost of each step is of the paper's sizes with random weights, on a clip of proxy A. All else is of the proxies'
leave-one-subject-out from video by experiments/proxy.yaml (`make bench ARGS=proxy` trains the Spatial-Modules): length
and stream by the ensemble of A's folds; on both halves, calibration, and whether scores follow what is shown, for each
person by the model of their own fold on a recording joined from their clips in random order. It is no pain data:
neutral faces turn into smiling.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from threading import Thread

import av
import numpy as np
from scipy.stats import spearmanr

import painlit
from data_modules.recordings.clips import read_clips
from experiments import bundle
from experiments.bench.data import RUNS
from experiments.bench.proxy import TITLES, loso_run, pretrain, settings_of
from experiments.bench.timing import seconds as seconds_of
from painlit.clips.clip import Clip
from painlit.config import Config, load
from painlit.config.proxy import HALVES
from painlit.inference.bundles.temperature import apply_temperature, fit_temperature
from painlit.inference.bundles.trained_run import TrainedEmbedder, TrainedModel, TrainedRun
from painlit.inference.bundles.writing import write_bundle
from painlit.loso.finished import read_folds
from painlit.loso.metrics import expected_calibration_error, interval
from painlit.models.normalisation import MEAN, STD
from painlit.runs.provenance import provenance
from painlit.system.files import atomic_path
from painlit.weights.networks import build_frame_embedder, build_pain_model

HERE = RUNS / "assess"
TASK = "task=multilevel"
SPEED = (10, 60, 600)  # s
ENCODED = {"preset": "veryfast", "g": "25", "bf": "0"}
"""As a camera does: frames leave in the order in which they are shown."""


def join(clips: Sequence[Path], path: Path, seconds: float = 0.0) -> Path:
    """One video of several, which are repeated until `seconds` are full; H.264 that can be read while it is written."""
    if path.is_file():
        return path
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="matroska") as new:
        stream, number = None, 0
        while number < max(seconds * 25, 1):
            for clip in clips:
                with av.open(str(clip)) as old:
                    for frame in old.decode(video=0):
                        if stream is None:
                            stream = new.add_stream("libx264", rate=25, options=ENCODED)
                            stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                        frame.pts, frame.time_base = number, Fraction(1, 25)
                        new.mux(stream.encode(frame))
                        number += 1
            if not seconds:
                break
        assert stream is not None
        new.mux(stream.encode())
    return path


def paper_bundle(tiles: bool, frames: int | None = None) -> Path:
    """The paper's networks with random weights, which read all 138 frames of a clip or so many."""
    out = HERE / f"paper-{'tiles' if tiles else 'full'}{f'-{frames}' if frames else ''}"
    if not out.is_dir():
        shown = "both" if tiles else "full"
        read = [f"clip.frames={frames}"] if frames else []
        config = load([f"model.frame_embedding={shown}", "data.is_biovid=false", *read])
        untrained_bundle(out, config)
    return out


def untrained_bundle(out: Path, config: Config) -> None:
    """Networks of this configuration with random weights, of its two or more classes."""
    sizes = config.clip.used_frames, config.spatial.embed_dim, config.clip.heart_rates
    settings = {**asdict(config.spatial), "mean": list(MEAN), "std": list(STD)}
    embedder = TrainedEmbedder("spatial", build_frame_embedder(config.spatial, MEAN, STD), settings, "untrained")
    network = build_pain_model(config.model, len(config.classes), *sizes)
    model = TrainedModel(None, network, embedder, ("nobody",), (), (), 1)
    run = TrainedRun(
        out, "finetune", config, {None: {"train": ["nobody"], "validation": [], "test": []}}, "untrained",
        lambda: iter([model]), {}, provenance(),
    )  # fmt: skip
    write_bundle(out, [run])


def clips(half: str) -> list[Clip]:
    """Of a proxy."""
    return read_clips(load(settings_of(half)))[1]


def run_name(half: str) -> str:
    """Of the leave-one-subject-out that is assessed."""
    return f"proxy-{half}-levels-video"


def steps() -> None:
    """A clip from MP4 and ECG to HTML: s of each step."""
    clip = clips("A")[0]
    for tiles in (False, True):
        model = painlit.load(paper_bundle(tiles), "cpu")
        model.assess(clip.video, clip.ecg)  # warm
        result = model.assess(clip.video, clip.ecg)
        began = time.perf_counter()
        page = result.save(HERE / "page")
        taken = {**result.about["seconds_taken"], "page": round(time.perf_counter() - began, 3)}
        step_times = ", ".join(f"{step} {seconds:.2f}" for step, seconds in taken.items() if step != "all")
        size = page.stat().st_size / 2**20
        kind, whole = "tiles" if tiles else "full frame", taken["all"] + taken["page"]
        print(f"  a clip, {kind}: {whole:.2f} s ({step_times}); page {size:.1f} MiB")


def lengths() -> None:
    """Seconds and memory for recordings of three lengths, joined from clips, each in a process of its own."""
    files = [clip.video for clip in clips("A")[:10] if clip.video]
    measured = []
    for seconds in SPEED:
        video = join(files, HERE / "A" / f"{seconds}s.mkv", seconds)
        script = "from experiments.bench.assess import one; one()"
        command = [sys.executable, "-c", script, str(trained("A")), str(video)]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        measured.append((seconds, float(out[-2]), float(out[-1])))
        print(f"  {seconds:4} s of video: {measured[-1][1]:7.1f} s, {measured[-1][2]:6.0f} MiB at most")
    for (a, s, _), (b, t, _) in pairwise(measured):
        print(f"  from {a} to {b} s: {(t - s) / (b - a):.2f} s for each more")


def one() -> None:
    """Assess the recording named on the command line, and print s and MiB."""
    model = painlit.load(sys.argv[1], "cpu")
    took = seconds_of(lambda: model.assess(sys.argv[2], least_length=0.5))
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def streaming() -> None:
    """A file written as fast as it would be recorded: how late scores are, and whether they are those of later."""
    from painlit.inference.live import LiveDecoding

    source = join([clip.video for clip in clips("A")[:4] if clip.video], HERE / "A" / "stream.mkv")
    model, growing = painlit.load(trained("A"), "cpu"), HERE / "growing.mkv"
    growing.unlink(missing_ok=True)
    began: list[float] = []

    def write() -> None:
        with (
            av.open(str(source)) as old,
            open(growing, "wb", buffering=0) as handle,
            av.open(handle, "w", format="matroska", options={"cluster_time_limit": "40"}) as new,
        ):
            stream = new.add_stream_from_template(old.streams.video[0])
            began.append(time.monotonic())
            for packet in old.demux(video=0):
                if packet.size and packet.pts is not None:
                    time.sleep(max(0.0, began[0] + float(packet.pts * packet.time_base) - time.monotonic()))
                    packet.stream = stream
                    new.mux(packet)

    writer = Thread(target=write)
    writer.start()
    rows, late = [], []
    for row in model.stream(LiveDecoding(growing, idle=3)):
        rows.append(row)
        late.append(time.monotonic() - began[0] - float(row["end"]))  # type: ignore[arg-type]
    writer.join()
    later = model.assess(source).table
    difference = np.abs(later["score"].to_numpy() - np.array([row["score"] for row in rows], float)).max()
    delays = [float(row["delay"]) for row in rows]  # type: ignore[arg-type]
    print(
        f"  {len(rows)} windows live, {len(later)} later, greatest difference of scores {difference:.1e}; from "
        f"recording a window's last frame to its score {np.median(late):.2f} s (median), {max(late):.2f} s (most); "
        f"from reading it {np.median(delays):.2f} s"
    )


def trained(half: str, *folds: str) -> Path:
    """A bundle of a proxy's run."""
    out = HERE / half / ("-".join(folds) or "all")
    if not out.is_dir():
        more = (
            f"name={run_name(half)}",
            "model.modality=video",
            f"bundle.folds=[{','.join(folds)}]",
            f"bundle.out={out}",
        )
        bundle.run(load(settings_of(half, TASK, *more)))
    return out


def planted(half: str) -> None:
    """Rank correlation, over windows, of the score with the level that is shown, for each person and overall."""
    chosen: dict[str, list[Clip]] = {}
    for clip in clips(half):
        chosen.setdefault(clip.subject, []).append(clip)
    levels = {label: level for level, label in enumerate(load(settings_of(half, TASK)).classes)}
    generator = np.random.default_rng(0)
    found, everywhere = [], []
    for person, mine in list(chosen.items()):
        order = [mine[k] for k in generator.permutation(len(mine))]
        video = join([clip.video for clip in order if clip.video], HERE / half / "people" / f"{person}.mkv")
        result = painlit.load(trained(half, person), "cpu").assess(video)
        length = result.about["window"]
        shown = np.repeat([levels[clip.label] for clip in order], round(length * 25))
        windows = [shown[round(s * 25) : round((s + length) * 25)].mean() for s in result.table["start"]]
        found.append(spearmanr(result.table["score"], windows).statistic)
        everywhere.append(result.evidence.frames["found"].mean())
    values = np.array(found)
    draws = generator.choice(values, (10_000, len(values))).mean(1)
    low, high = interval(draws, len(values))
    print(
        f"  {TITLES[half]}: {len(values)} people, recordings of {round(length * len(order))} s: face found in "
        f"{np.mean(everywhere):.1%} of frames; rank correlation of score and level {values.mean():.2f} "
        f"({low:.2f} to {high:.2f}), least {values.min():.2f}"
    )


def calibration(half: str) -> None:
    """ECE before and after a temperature fitted on some of a proxy's people, on the others."""
    predictions = read_folds((load(settings_of(half, f"name={run_name(half)}")).folder("loso") / "folds").iterdir())
    names = np.unique(predictions.subjects)
    before, after = [], []
    for seed in range(20):
        some = np.random.default_rng(seed).permutation(names)[: len(names) // 2]
        fitted = np.isin(predictions.subjects, some)
        temperature = fit_temperature(predictions.labels[fitted], predictions.probabilities[fitted])
        labels, rest = predictions.labels[~fitted], predictions.probabilities[~fitted]
        before.append(expected_calibration_error(labels, rest))
        after.append(expected_calibration_error(labels, apply_temperature(rest, temperature)))
    people = f"20 halvings of {len(names)} people"
    print(f"  {TITLES[half]}: ECE {np.mean(before):.3f} before, {np.mean(after):.3f} after ({people})")


def main() -> None:
    """All of it."""
    steps()
    for half in HALVES:
        weights = pretrain(half)["stages12"]
        settings = f"embed.name=proxy-{half}-stages12", f"embed.weights={weights}", f"name={run_name(half)}"
        loso_run(half, TASK, "model.modality=video", *settings)
    lengths()
    streaming()
    for half in HALVES:
        planted(half)
        calibration(half)
