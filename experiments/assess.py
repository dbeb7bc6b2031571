"""`make assess`: a recording in, an assessment with its evidence out; or many of them, or video as it comes.

Leaves <assess.out>/{assessment.html, assessment.csv, assessment.json}; of many recordings a folder each, and
summary.csv. Those of many that are assessed already, with the same model and settings, are skipped, and one that cannot
be read does not end the others. A stream is printed as CSV, and kept in <assess.out>/stream.csv.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_modules.recordings.listed import FILES, TIMES, Recording, is_list, list_recordings, picture_folders
from experiments.assess_live import live_source, print_stream
from experiments.command import main
from painlit.config import Config
from painlit.config.assess import AssessConfig
from painlit.errors import PainlitError
from painlit.runs.artefact import read_artefact
from painlit.system.csv_files import write_csv
from painlit.system.digests import FileState
from painlit.system.progress import progress_bar

if TYPE_CHECKING:
    from painlit.inference.assessment import Assessment
    from painlit.inference.model import Model
    from painlit.inference.person import Rest

_FILES = FILES[1:]  # beside the video
_SUMMARY = [
    "recording",
    "seconds",
    "windows",
    "scored",
    "mean_score",
    "highest_score",
    "highest_at",
    "face_found",
    "problem",
]


@dataclass(frozen=True)
class AssessResult:
    """What was assessed."""

    folders: dict[str, Path]
    """Recording -> where its assessment is."""
    failed: dict[str, str]
    """Recording -> why it has none."""

    @property
    def exit_status(self) -> int:
        """1 if a recording of several could not be assessed."""
        return 1 if self.failed else 0


def run(config: Config) -> AssessResult:
    """Assess what `assess.recording` names.

    Raises:
        PainlitError: The bundle cannot be used, or the only recording cannot.
    """
    from painlit.inference.model import load

    wanted = config.assess
    if not wanted.model:
        raise PainlitError("assess.model is empty", "name a bundle: --model runs/finetune/NAME/bundle")
    live = live_source(config)
    many = [] if live else _listed(config)
    model = load(wanted.model, wanted.device, wanted.backend, wanted.precision, wanted.every)
    one = _one(wanted)
    if live is not None:
        print_stream(config, model, live, _rest(one))
        return AssessResult({}, {})
    if many is not None:
        return _assess_many(config, model, many)
    result = _assess(config, model, one, bar=True)
    page = result.save(Path(wanted.out), wanted.faces)
    print(_sentence(result))
    print(f"page: {page}")
    return AssessResult({one.name: Path(wanted.out)}, {})


def _one(wanted: AssessConfig) -> Recording:
    """The recording that the settings name."""
    files: dict[str, Any] = {name: Path(file) for name in _FILES if (file := getattr(wanted, name))}
    times = {name: getattr(wanted, name) for name in TIMES}
    video = Path(wanted.recording) if wanted.recording else None
    return Recording((video or next(iter(files.values()), Path())).name, video, **files, **times)


def _listed(config: Config) -> list[Recording] | None:
    """The recordings of a folder or table; None where there is one."""
    wanted = config.assess
    if not wanted.recording:
        if not wanted.ecg and not wanted.heart_rate:
            raise PainlitError(
                "nothing to assess is given", "name a video, a folder or a table of recordings, or --ecg FILE"
            )
        return None
    path = Path(wanted.recording)
    if not path.exists():
        raise PainlitError(f"{path} does not exist", "check the path of the recording")
    if not is_list(path):
        return None
    if own := [key for key in (*_FILES, *TIMES) if getattr(wanted, key)]:
        raise PainlitError(
            f"assess.{own[0]} is of one recording, and {path} holds many",
            f"give {own[0]} in a table, a row a recording",
        )
    found = list_recordings(path)
    if passed := picture_folders(path):
        print(f"{len(passed)} folders of pictures are passed over, such as {passed[0].name}: list them in a table")
    return found


def _assess(config: Config, model: Model, recording: Recording, bar: bool) -> Assessment:
    wanted = config.assess
    with ExitStack() as stack:
        advance: Any = None
        done = 0

        def progress(seconds: float, of: float) -> None:
            nonlocal advance, done
            if not bar:
                return
            if advance is None:
                advance = stack.enter_context(progress_bar("assess (s)", total=max(1, math.ceil(of))))
            advance(max(0, int(seconds) - done))
            done = max(done, int(seconds))

        result = model.assess(
            recording.video,
            recording.ecg,
            recording.heart_rate,
            start=recording.start,
            end=recording.end,
            offset=recording.offset,
            step=wanted.step,
            rate=config.signals.rate,
            lead=config.signals.lead,
            image_fps=wanted.image_fps,
            least_length=wanted.least_length,
            calibrated=wanted.calibrated,
            rest=_rest(recording),
            name=recording.name,
            maps=wanted.maps if wanted.faces != "none" else "none",
            progress=progress,
        )
    return replace(result, about={**result.about, "made_from": _made_from(config, model, recording)})


def _rest(recording: Recording) -> Rest | None:
    from painlit.inference.person import Rest

    files = recording.rest, recording.rest_ecg, recording.rest_heart_rate
    return Rest(*files, recording.rest_start, recording.rest_end, recording.rest_offset) if any(files) else None


def _made_from(config: Config, model: Model, recording: Recording) -> dict[str, Any]:
    """What an assessment depends on; the same is not assessed twice."""
    wanted = config.assess
    return {
        "files": {kind: FileState.of(file).sha256 for kind, file in recording.files.items()},
        "bundle": model.bundle.sha256,
        "times": {name: getattr(recording, name) for name in TIMES},
        "settings": [wanted.step, wanted.image_fps, wanted.least_length, wanted.calibrated, wanted.faces, wanted.maps],
        "signals": [config.signals.rate, config.signals.lead],
        "precision": model.precision,
        "every": model.every,
    }


def _assess_many(config: Config, model: Model, recordings: list[Recording]) -> AssessResult:
    out = Path(config.assess.out)
    folders: dict[str, Path] = {}
    failed: dict[str, str] = {}
    rows: list[list[object]] = []
    try:
        with progress_bar("assess", total=len(recordings)) as advance:
            for recording in recordings:
                folder = out / recording.name
                try:
                    about = _earlier(folder, config, model, recording)
                    if about is None:
                        result = _assess(config, model, recording, bar=False)
                        result.save(folder, config.assess.faces)
                        about = read_artefact(folder / "assessment.json", "assess it again")
                    folders[recording.name] = folder
                    rows.append(_summary_row(recording.name, about))
                except (PainlitError, FileNotFoundError) as error:
                    why = f"{recording.where}: {error}" if recording.where else str(error)
                    failed[recording.name] = why
                    rows.append([recording.name, *[""] * (len(_SUMMARY) - 2), why.replace("\n", " ")])
                advance()
    finally:
        write_csv(out / "summary.csv", [_SUMMARY, *rows])
    print(f"{len(folders)} of {len(recordings)} recordings are assessed: {out / 'summary.csv'}")
    if silent := [row for row in rows if row[_SUMMARY.index("scored")] == 0]:
        print(f"  {len(silent)} of them have no score, such as {silent[0][0]}: {silent[0][-1]}")
    for name, why in failed.items():
        print(f"  {name}: {why}")
    return AssessResult(folders, failed)


def _earlier(folder: Path, config: Config, model: Model, recording: Recording) -> dict[str, Any] | None:
    """The assessment that is there, if it is whole and of the same."""
    path = folder / "assessment.json"
    if not path.is_file() or not (folder / "assessment.html").is_file():
        return None
    try:
        held = read_artefact(path, "assess it again")
    except PainlitError:
        return None
    made_from = {"every": 1, **held["about"].get("made_from", {})}  # older ones do not record it
    return held if made_from == _made_from(config, model, recording) else None


def _summary_row(name: str, held: dict[str, Any]) -> list[object]:
    windows = held["table"]
    scored = [window for window in windows if window["score"] is not None]
    found = [window["face_found"] for window in windows if window["face_found"] is not None]
    best = max(scored, key=lambda window: window["score"], default=None)
    mean = sum(window["score"] for window in scored) / len(scored) if scored else None
    cells: list[Any] = [
        held["about"]["seconds"],
        len(windows),
        len(scored),
        mean if mean is None else round(mean, 4),
        best and best["score"],
        best and best["start"],
        round(sum(found) / len(found), 4) if found else None,
    ]
    reasons = sorted({window["reason"] for window in windows if window["score"] is None})
    return [name, *("" if cell is None else cell for cell in cells), "; ".join(reasons)]


def _sentence(result: Assessment) -> str:
    table = result.table
    scored = table[table["used"] != ""]
    about = result.about
    summary = f"{about['recording']}: {about['seconds']:.1f} s, {len(table)} windows, {len(scored)} with a score"
    if not len(scored):
        return f"{summary}: {'; '.join(sorted(set(table['reason'])))}"
    best = scored.loc[scored["score"].idxmax()]
    of = "score" if about["is_pain"] else "score (of a stand-in: it says nothing about pain)"
    return f"{summary}; highest {of} {best['score']:.2f} from {best['start']:.1f} s on"


if __name__ == "__main__":
    main("assess")
