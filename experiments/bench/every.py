"""What embedding one of several frames, or in a reduced precision, does to scores: on the proxies, from video.

Models of leave-one-subject-out that were trained with all 138 frames in fp32 score the clips of the person they were
not trained with again, from every few frames (`assess.every`) and from bf16 and int8 (`assess.precision`, by the native
back end). A control has all frames, of faces found in every frame instead of in key frames: how far scores move when
boxes do. Then the same is trained with embed.every=4, and with embed.precision=int8, and compared in pairs.

The proxies' faces change once and smoothly, so beside are people who speak (GRID): how far embeddings are off there.

`--halves=A` takes one half. `embed.weights=FILE` is the Spatial-Module, instead of the one that `recipes` trains. It is
no pain data.
"""

import sys
from collections.abc import Iterator, Mapping
from itertools import chain

import numpy as np
import torch

from experiments import bundle
from experiments.bench.data import given, real_data
from experiments.bench.proxy import PROXY, RUNS, TITLES, accuracy_text, loso_run, prepared
from experiments.bench.recipes import OURS
from experiments.bench.taught import taught_spatial
from painlit.clips.embedded_frames import EmbeddedFrames
from painlit.clips.embedding import VideoClip, embed_frames
from painlit.clips.embedding_cache import EmbeddingCache
from painlit.config import Config, load
from painlit.config.proxy import HALVES
from painlit.inference.bundles.bundle import Bundle
from painlit.loso.comparison import compare
from painlit.loso.results import Predictions, read_predictions
from painlit.signals.video.clip_faces import clip_faces
from painlit.weights.pretrained import resolve_weights, starting_embedder

EVERY = (2, 3, 4, 6, 8)
REDUCED = ("bf16", "int8")
TRAINED = {"embed.every=4": (4, "fp32"), "embed.precision=int8": (1, "int8")}
"""`embed.every` and `embed.precision` of the runs that are trained with them."""
TOKENS = {"a frame a token": (), "a value a token, as in the paper": ("model.temporal.token_size=1",)}
CONTROL = "all, other boxes"
SPEECH = 2.96
"""s of GRID's videos, of which all have so many."""


def of_half(half: str) -> Iterator[str]:
    """Lines for a half."""
    for what, settings in TOKENS.items():
        name = f"every-{half}{'-values' if settings else ''}"
        trained = (*settings_of(half), *settings)
        results = loso_run(half, *trained, f"name={name}").results
        others = {CONTROL: load(prepared(half, *settings_of(half, detection="every_frame")))}
        for precision in REDUCED:
            others[precision] = load(prepared(half, *settings_of(half, precision=precision)))
        scores = scored_again(name, load(prepared(half, *trained)), others)
        yield f"  {what}: {accuracy_text(results)}"
        yield from (f"    {line}" for line in moved(scores))
        for with_it, (every, precision) in TRAINED.items():
            other = f"{name}-{every}-{precision}"
            found = loso_run(half, *settings_of(half, every, precision), *settings, f"name={other}").results
            paired = compare(predictions(name), predictions(other))
            low, high = (100 * value for value in paired["interval_95"])
            yield (
                f"    trained with {with_it}: {accuracy_text(found)}, "
                f"{100 * paired['difference']:+.2f} points ({low:+.1f} to {high:+.1f}, paired)"
            )


def settings_of(half: str, every: int = 1, precision: str = "fp32", detection: str = "key_frames") -> list[str]:
    """Of a run on all frames of a half."""
    return [
        OURS,
        "clip.frames=null",
        "model.modality=video",
        f"face.detection={detection}",
        f"data.name=proxy-{half}-{detection}",
        f"embed.every={every}",
        f"embed.precision={precision}",
        f"embed.backend={'torch' if precision == 'fp32' else 'native'}",
        f"embed.name=proxy-{half}-{detection}-{every}-{precision}",
        f"embed.weights={weights_of(half)}",
    ]  # fmt: skip


def weights_of(half: str) -> str:
    """File of the Spatial-Module: the command's, or the one for this half."""
    return load(given()).embed.weights if "embed.weights=" in " ".join(given()) else str(taught_spatial(half))


def predictions(name: str) -> Predictions:
    """Of all folds of a run."""
    return read_predictions(sorted((RUNS / "loso" / name / "folds").glob("*/predictions.csv")))


def scored_again(name: str, config: Config, others: Mapping[str, Config]) -> Mapping[str, np.ndarray]:
    """Probabilities of the second class by the models of a run that did not learn from the person, of each clip.

    Args:
        name: Of the run.
        config: Its configuration.
        others: Some whose embeddings are other ones.

    Returns:
        `1`, each of `others` and of `EVERY` -> (n,); `labels`.
    """
    made = Bundle.open(bundle.run(load([f"bundle.runs=[{name}]", f"runs={RUNS}", *given()])).path)
    clips, temperature = predictions(name), made.temperature("video")
    caches = {way: EmbeddingCache(c.folder("embed")) for way, c in {"1": config, **others}.items()}
    ways = {way: cache.values()[cache.rows(clips.clips)] for way, cache in caches.items()}  # (n, 2, F, D) each
    for every in EVERY:
        frames = EmbeddedFrames.of(config.clip.frame_indices, every)
        ways[str(every)] = np.stack([frames.with_others(row[:, frames.positions]) for row in ways["1"]])
    scores = {way: np.full(len(clips.clips), np.nan) for way in ways}
    for model, entry in zip(made.models("video"), made.about["models"], strict=True):
        mine = np.flatnonzero(np.isin(clips.subjects, entry["tested"]))
        for way, embedded in ways.items():
            full, tiles = torch.from_numpy(embedded[mine]).transpose(0, 1)
            with torch.inference_mode():
                logits = model.network(full=full, tiles=tiles).float()
            scores[way][mine] = (logits / temperature).softmax(-1)[:, 1]
    return {**scores, "labels": clips.labels}


def moved(scores: Mapping[str, np.ndarray]) -> list[str]:
    """A line for each way but the first: how far scores are from those of all frames, and what that decides."""
    lines = []
    for way, found in scores.items():
        if way in ("1", "labels"):
            continue
        off = abs(found - scores["1"])
        other = int(((found > 0.5) != (scores["1"] > 0.5)).sum())
        right = 100 * ((found > 0.5) == scores["labels"]).mean()
        lines.append(
            f"{way:18} score off by {off.mean():.4f} in the mean, median {np.median(off):.4f}, 95th percentile "
            f"{np.quantile(off, 0.95):.3f}, {off.max():.3f} at most; {other} of {len(off)} clips told differently; "
            f"accuracy {right:.2f} %"
        )
    return lines


def of_speech(weights: str) -> list[str]:
    """A line for each of `EVERY`: how far embeddings of speaking faces are off, over their spread within a clip.

    Args:
        weights: File of the Spatial-Module.
    """
    config = load([PROXY, "clip.frames=null", f"clip.seconds={SPEECH}", "face.detection=key_frames"])
    embedder, videos = starting_embedder(config, resolve_weights(config, "spatial", weights)), []
    for file in sorted(real_data("videos").glob("*.mpg")):
        track, _ = clip_faces(file, config.clip, config.face, "cpu")
        videos.append(VideoClip(file.name, file, track.boxes, source=0))
    rows = [row for _, row in embed_frames(videos, embedder, config, torch.device("cpu"))]
    lines = []
    for every in EVERY:
        frames = EmbeddedFrames.of(config.clip.frame_indices, every)
        off = [
            np.sqrt(np.square(frames.with_others(row[:, frames.positions]) - row).mean((1, 2)) / row.var(1).mean(1))
            for row in map(np.asarray, rows)
        ]
        full, tiles = (", ".join(f"{clip[kind]:.2f}" for clip in off) for kind in (0, 1))
        lines.append(f"  speech, {every}: full frame {full}; tiles {tiles}")
    return lines


def main() -> None:
    """Run what is not finished, and print it half by half."""
    options = dict(argument[2:].split("=", 1) for argument in sys.argv[1:] if argument.startswith("--"))
    print("one of several frames embedded, NP against P4, 95 % over subjects (stand-in data, no pain):", flush=True)
    for half in options.get("halves", ",".join(HALVES)).split(","):
        print(f" {TITLES[half]}:", flush=True)
        for line in chain(of_half(half), of_speech(weights_of(half))):
            print(line, flush=True)


if __name__ == "__main__":
    main()
