"""`make embed`: the Spatial-Module's embedding of every frame and its tiles, computed once.

Resumable: a second run computes what is missing. A cache made with other weights, crops or settings is refused. Leaves
runs/embed/<embed.name>/{cache.json, embeddings.f16, rows.u64, config.yaml, metrics.json}.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from data_modules.recordings.clips import read_clips
from data_modules.recordings.preparation import refuse_replaced
from experiments.command import main
from painlit.clips.embedding import embed_on_devices
from painlit.clips.embedding_cache import EmbeddingCache, cache_settings
from painlit.clips.pain_clips import video_clip
from painlit.clips.table import open_table
from painlit.config import Config
from painlit.errors import ClipError, PainlitError
from painlit.runs.artefact import read_artefact, write_artefact
from painlit.runs.provenance import save_config
from painlit.system.devices import pick_devices
from painlit.system.digests import digest
from painlit.system.progress import progress_bar
from painlit.weights.pretrained import resolve_weights, starting_embedder


@dataclass(frozen=True)
class EmbedResult:
    """The result of `make embed`."""

    clips: int
    computed: int
    """Clips embedded by this run; the others were there."""
    failed: dict[str, str]
    """Clip -> what was wrong with its video."""
    seconds: float
    weights: str
    """Where the Spatial-Module came from."""
    stage: str
    """Stage that trained it, or `untrained`."""
    learnt_from: tuple[str, ...]
    """Subjects whose pain labels it learnt from; it must not be tested on them."""
    differs: tuple[str, ...]
    """How its training differs from the paper's."""


def run(config: Config, retry: bool = True) -> EmbedResult:
    """Embed every prepared clip that the cache does not hold yet.

    Args:
        config: Which clips, with which Spatial-Module.
        retry: Try clips again whose video could not be embedded; what was trained without them is then refused.
    """
    started = time.monotonic()
    devices = pick_devices(config.embed.device)
    start = resolve_weights(config, "spatial", config.embed.weights)
    embedder = starting_embedder(config, start)
    folder = config.folder("embed")
    config, listed = read_clips(config)
    prepared = open_table(config).clips()
    refuse_replaced(listed, prepared, video=True)
    clips = [
        video_clip(sample, row)
        for sample in listed
        if (row := prepared.get(sample.name)) is not None and row.boxes is not None
    ]
    if not clips:
        raise PainlitError("no prepared clip has a usable video", f"see {config.folder('prepare') / 'problems.csv'}")
    weights = digest(embedder.spatial.state_dict())
    cache = EmbeddingCache(folder, cache_settings(config, weights, start.settings))
    cache.reserve([clip.name for clip in clips])
    save_config(config, folder)
    sources = {clip.name: clip.source for clip in clips}
    finished = cache.finished(sources)
    metrics_file = folder / "metrics.json"
    failed: dict[str, str] = (
        {}
        if retry or not metrics_file.is_file()
        else read_artefact(metrics_file, "delete it: failed clips are then tried again")["failed"]
    )
    missing = [clip for clip in clips if clip.name not in {*finished, *failed}]
    if missing:
        metrics_file.unlink(missing_ok=True)  # there again when the cache is complete
    computed = 0
    with progress_bar("embed", total=len(clips), done=len(clips) - len(missing)) as advance:
        for name, embedded in embed_on_devices(missing, embedder, config, devices):
            if isinstance(embedded, ClipError):
                failed[name] = str(embedded)
            else:
                cache.write(name, embedded, sources[name])
                computed += 1
            advance()
    result = EmbedResult(
        clips=len(clips),
        computed=computed,
        failed=failed,
        seconds=round(time.monotonic() - started, 1),
        weights=start.source,
        stage=start.stage,
        learnt_from=start.subjects,
        differs=start.differs,
    )
    write_artefact(metrics_file, asdict(result), cache.settings)
    print(f"{result.clips} clips embedded ({result.computed} in this run, {len(failed)} failed) in {folder}")
    for name, message in list(failed.items())[:10]:
        print(f"  {name}: {message}")
    return result


if __name__ == "__main__":
    main("embed")
