"""`make maps`: where in a face, and when in a clip, finished runs find a score: the paper's Figures 4A, 4B, A1 and A2.

    make maps ARGS="config=experiments/proxy.yaml maps.runs=[study-video,study-heart_rate,study-fusion]"

Faces are shown as stage 1, stage 2 and the pain model see them, one figure a clip: Figures 4A, A1 and A2. Each clip is
mapped by the model that never saw its person. Leaves runs/maps/<first run>/{faces_<clip>_<method>,
rectangles_<clip>_<method>, time_<method>}.{png,svg}, clips_<modality>.csv (the curve of each clip), time_curves.csv (of
each class), faithfulness.csv and maps.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.command import main
from experiments.maps_page import FAITHFUL, clip_rows, curve_rows, face_rows, print_findings, run_rows, write_maps_page
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.system.csv_files import write_csv
from painlit.system.progress import progress_bar

if TYPE_CHECKING:
    import torch

    from data_modules.recordings.datamodule import PainDataModule
    from painlit.inference.bundles.trained_run import TrainedRun
    from painlit.inference.maps.face_maps import FaceMaps
    from painlit.inference.maps.mapped_runs import MappedRun, ShownClip
    from painlit.inference.maps.time_curves import TimeCurve

PEOPLE = 3
"""How many people's faces are shown unless clips are named: Figures 4A, A1 and A2."""


@dataclass(frozen=True)
class MapsResult:
    """What `make maps` wrote."""

    folder: Path
    clips: list[str]
    """Clips of the faces that are shown."""


def run(config: Config) -> MapsResult:
    """Map the clips of finished runs.

    Raises:
        PainlitError: A run is not finished or of other clips, weights are missing or of other sizes, or a clip is none
            of theirs.
    """
    from data_modules.recordings.datamodule import PainDataModule
    from painlit.inference.bundles.finished_runs import finetune_run, loso_run
    from painlit.inference.maps.mapped_runs import map_run
    from painlit.system.devices import pick_device

    wanted, names = config.maps, config.maps.runs or [config.run_name]
    device = pick_device(wanted.device)
    opened = loso_run if wanted.stage == "loso" else finetune_run
    runs = [opened(Path(config.runs), name, weights=config.embed.weights) for name in names]
    folder = Path(config.runs) / "maps" / names[0]
    folder.mkdir(parents=True, exist_ok=True)
    data: dict[str, PainDataModule] = {}
    for trained in runs:
        if trained.part in data:
            raise PainlitError(f"maps.runs names two runs of {trained.part}", "name one for each modality")
        data[trained.part] = PainDataModule(trained.config)
        data[trained.part].setup()
    first = data[runs[0].part]
    clips = wanted.clips or _chosen(first)
    mapped: list[MappedRun] = []
    for trained in runs:
        module = data[trained.part]
        with progress_bar(f"maps of {trained.folder.name}", len(module.clips.names)) as advance:
            inputs = _inputs(module, device)
            mapped.append(map_run(trained, module.clips, inputs, clips, wanted.temporal, device, advance))
    reads_video = next((k for k, trained in enumerate(runs) if trained.part != "heart_rate"), None)
    faces: dict[str, list[FaceMaps]] = {}
    if reads_video is not None and runs[reads_video].config.spatial.network == "tnt":
        modality = runs[reads_video].part
        faces = _faces(config, data[modality], mapped[reads_video], clips, folder, device)
    curves = _figures(config, runs, data, mapped, clips, folder)
    rows = [*face_rows(faces), *run_rows(runs, mapped)]
    write_csv(folder / "faithfulness.csv", [FAITHFUL, *rows])
    write_csv(folder / "time_curves.csv", curve_rows(curves))
    for trained, run in zip(runs, mapped, strict=True):
        known = data[trained.part]
        write_csv(folder / f"clips_{trained.part}.csv", clip_rows(known.clips, known.config.classes, run))
    print_findings(rows, curves)
    write_maps_page(config, runs, folder, clips, faces, curves, rows)
    print(f"maps: {folder / 'maps.html'}")
    return MapsResult(folder, clips)


def _chosen(data: PainDataModule) -> list[str]:
    """A clip of the last class of each of the first people."""
    clips, last = data.clips, len(data.config.classes) - 1
    at = np.flatnonzero(clips.labels == last)
    firsts = {str(clips.subjects[position]): clips.names[position] for position in at[::-1]}
    return [firsts[person] for person in sorted(firsts)[:PEOPLE]]


def _inputs(data: PainDataModule, device: torch.device) -> Any:
    import torch

    def inputs(at: np.ndarray, embedder: Any) -> dict[str, torch.Tensor]:
        batch = {name: tensor.float() for name, tensor in data.inputs(at).items()}
        if embedder is not None:
            crops = torch.stack([_crops(data, position) for position in at.tolist()]).to(device)
            embedder = embedder.to(device)
            with torch.no_grad():
                rows = [embedder(part) for clip in crops for part in clip.split(data.config.embed.batch_frames)]
            for name, parts in zip(("full", "tiles"), zip(*rows, strict=True), strict=True):
                batch[name] = torch.cat(parts).unflatten(0, (len(at), -1))
        return batch

    return inputs


def _crops(data: PainDataModule, position: int) -> torch.Tensor:
    """All frames of a clip, (F, 3, S, S) uint8."""
    import torch

    from data_modules.recordings.clips import read_clips
    from painlit.clips.pain_clips import video_clip
    from painlit.clips.table import open_table
    from painlit.signals.video.clip_faces import clip_crops

    config, name = data.config, data.clips.names[position]
    listed = next(clip for clip in read_clips(config)[1] if clip.name == name)
    clip = video_clip(listed, open_table(config).clips()[name])
    side = 2 * config.spatial.image_size
    frames = clip_crops(clip.video, clip.boxes, config.clip, config.face, side, clip.start, clip.end)
    return torch.from_numpy(np.stack(list(frames))).permute(0, 3, 1, 2)


def _faces(
    config: Config, data: PainDataModule, mapped: MappedRun, clips: Sequence[str], folder: Path, device: torch.device
) -> dict[str, list[FaceMaps]]:
    """Figures 4A, A1 and A2: a clip -> its rows."""
    from painlit.inference.maps.face_maps import pain_maps, pretrained_maps
    from painlit.inference.maps.pretrained_heads import emotion_head, identity_head
    from painlit.report.map_figures import draw_faces

    wanted, heads = config.maps, {}
    if wanted.stage1 != "none":
        heads["stage 1"] = identity_head(data.config, wanted.stage1)
    if wanted.stage2 != "none":
        heads["stage 2"] = emotion_head(data.config, wanted.stage2, wanted.emotions)
    for head in heads.values():
        head.embedder.to(device)
        head.head.to(device)
    total, times = data.config.clip.used_frames, data.config.clip.frame_times
    shown = sorted({round(k) for k in np.linspace(0, total - 1, min(wanted.frames, total))})
    found: dict[str, list[FaceMaps]] = {}
    with progress_bar("maps of faces", len(clips)) as advance:
        for name in clips:
            clip: ShownClip = mapped.shown[name]
            assert clip.embedder is not None
            crops, label = _crops(data, clip.at).to(device), data.config.classes[data.clips.labels[clip.at]]
            rows = [pretrained_maps(stage, crops, shown, head, wanted.spatial) for stage, head in heads.items()]
            embedder = clip.embedder.to(device).eval()
            rows += pain_maps(embedder, crops, shown, clip.slopes, wanted.spatial, label)
            faces = crops[shown].permute(0, 2, 3, 1).cpu().numpy()
            for method in wanted.spatial:
                drawn = [(f"{row.stage}\n{row.target}", row.maps[method]) for row in rows]
                draw_faces(faces, drawn, [float(times[k]) for k in shown], folder / f"faces_{name}_{method}")
            found[name] = rows
            advance()
    return found


def _figures(
    config: Config,
    runs: Sequence[TrainedRun],
    data: Mapping[str, PainDataModule],
    mapped: Sequence[MappedRun],
    clips: Sequence[str],
    folder: Path,
) -> dict[str, dict[str, list[TimeCurve]]]:
    """Figure 4B of each clip, and curves over time; method -> run -> a curve of each class."""
    from painlit.inference.maps.time_curves import time_curves
    from painlit.report.map_figures import draw_rectangles, draw_time_curves

    clip = runs[0].config.clip
    seconds = clip.nominal_frames / clip.video_fps
    curves: dict[str, dict[str, list[TimeCurve]]] = {}
    for method in config.maps.temporal:
        for name in clips:
            maps = {run.modality: run.shown[name].maps[method] for run in mapped}
            all_rates = {run.modality: run.shown[name].rates for run in mapped}
            rates = {modality: rates[method] for modality, rates in all_rates.items() if method in rates}
            draw_rectangles(maps, rates, seconds, folder / f"rectangles_{name}_{method}")
        panels = {}
        for trained, run in zip(runs, mapped, strict=True):
            known = data[trained.part].clips
            found = time_curves(run.shares[method], known.labels, known.subjects, data[trained.part].config.classes)
            if found:
                panels[trained.part.replace("_", " ")] = found
        curves[method] = panels
        if panels:
            draw_time_curves(panels, seconds, folder / f"time_{method}")
    return curves


if __name__ == "__main__":
    main("maps")
