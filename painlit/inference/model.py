"""A trained model that assesses recordings."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from painlit.config.checks import at_least, one_of
from painlit.config.pain import BACKENDS, PRECISIONS
from painlit.errors import ClipError
from painlit.inference.assessing import Assessing, Row
from painlit.inference.assessment import COLUMNS, Assessment, Evidence
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.facts import facts_of
from painlit.inference.bundles.hub import find_bundle
from painlit.inference.face_windows import FaceWindows, Looked
from painlit.inference.heart_windows import DeviceWindows, EcgWindows, Heart, check_overlap
from painlit.inference.live import Live
from painlit.inference.maps.window_maps import explained
from painlit.inference.person import PersonMeans, Rest, check_rest, measure_rest
from painlit.inference.request import check_request, what_is_read
from painlit.inference.scoring import Scorer
from painlit.inference.video_windows import VideoWindows
from painlit.native.area import area_resize
from painlit.signals.video.crops import resized
from painlit.signals.video.decoding import open_footage
from painlit.system.devices import pick_device
from painlit.system.stopwatch import Stopwatch
from painlit.weights.backends import on_backend

File = str | PathLike[str]


def load(
    path: File, device: str = "auto", backend: str = "torch", precision: str = "fp32", every: int | None = None
) -> Model:
    """Load a bundle, a folder or a .zip, to assess recordings with.

    Args:
        path: What `make finetune` or `make bundle` left; or a model on the Hugging Face Hub, owner/name or
            hf://owner/name.
        device: cpu, cuda:1, mps; auto takes an accelerator if available, else the CPU.
        backend: What embeds faces: torch; or openvino or native, on a CPU, with the same scores.
        precision: Of the Spatial-Module's matrix products: fp32, bf16, or by backend="native" int8, see docs/speed.md.
        every: Frames of which one is embedded, see `embed.every`; None: as for the clips that the model learnt from.

    Raises:
        PainlitError: The bundle is damaged, edited, unsafe or of a newer version, or cannot be reached; or the back end
            does not run on the device.
    """
    return Model(Bundle.open(find_bundle(path)), device, backend, precision, every)


class Model:
    """A trained model; loaded once, it assesses any number of recordings.

    Args:
        bundle: Its weights and settings.
        device, backend, precision, every: As of `load`.

    Attributes:
        bundle: Its weights, settings and expected performance.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        backend: str = "torch",
        precision: str = "fp32",
        every: int | None = None,
    ):
        one_of("backend", backend, BACKENDS)
        one_of("precision", precision, PRECISIONS)
        at_least("every", every, 1)
        self.bundle, self.device, self.precision = bundle, pick_device(device), precision
        self.every = every or bundle.config.embed.every
        self._scorers: dict[bool, Scorer] = {}
        tiles = self._scorer(True).embedders()
        self._embedders = {name: (bundle.embedder(name).to(self.device).eval(), tiles[name]) for name in tiles}
        with ThreadPoolExecutor(1) as beside:  # both are compiled
            resizing = beside.submit(area_resize) if backend == "native" and tiles else None
            self._in_windows = {
                name: (on_backend(embedder, backend, precision, self.device, "assess"), read)
                for name, (embedder, read) in self._embedders.items()
            }
            self._resize = resizing.result() if resizing else resized

    def assess(
        self,
        video: File | None = None,
        ecg: File | None = None,
        heart_rate: File | None = None,
        *,
        start: float = 0.0,
        end: float | None = None,
        offset: float = 0.0,
        step: float = 1.0,
        rate: float | None = None,
        lead: str = "",
        image_fps: float | None = None,
        least_length: float = 0.5,
        calibrated: bool = True,
        rest: Rest | None = None,
        name: str = "",
        maps: str = "none",
        progress: Callable[[float, float], None] | None = None,
    ) -> Assessment:
        """Assess a recording: windows of the trained length slide over it.

        Windows follow the video; without one, the signal. What a window lacks is stated in its row, and the part of the
        bundle that reads the rest scores it, if there is one.

        Args:
            video: A video, or a folder of numbered pictures.
            ecg: Any file that `painlit.signals.files.read_ecg` reads.
            heart_rate: Heart rates or beat intervals of a device, instead of an ECG.
            start: Where to begin, in s on the video's clock, whose 0 is its first frame.
            end: Where to end; None: where the recording does.
            offset: s by which the signal's clock is ahead: what is at t in the video is at t + offset in the signal.
            step: s from one window to the next; rounded to whole frames of the trained rate.
            rate: Of an ECG whose file states none, in Hz.
            lead: Channel of the ECG; empty takes the best.
            image_fps: Pictures a second of a folder.
            least_length: Share of a window that a video must last; the rest of that one window holds its last frame.
            calibrated: Divide logits by the bundle's temperature.
            rest: A recording of the same person at rest, which a bundle needs that was trained with data.baseline=rest.
            name: What to call the recording; empty takes the file's name.
            maps: What to show on faces, a method of `painlit.inference.spatial_map`; none leaves it out, which is
                faster.
            progress: Called after each window with the s done and the s in all, which may be an estimate.

        Raises:
            ClipError: A file cannot be read, the recording is shorter than a window, or the clocks do not overlap.
            PainlitError: No part of the bundle reads what is given; or the bundle needs a recording at rest, or one is
                given that it does not use.
            ArgumentError: Nothing is given, or ECG and heart rates at once, or a time is impossible.

        Source: windows, tracking and signals as docs/assessing.md describes them; the model is the paper's.
        """
        began = clock.perf_counter()
        check_request(video, ecg, heart_rate, {"start": start, "end": end, "offset": offset, "step": step})
        watch = Stopwatch()
        config = self.bundle.config
        reads_video, reads_signal = what_is_read(
            self.bundle.parts, video is not None, ecg is not None or heart_rate is not None
        )
        check_rest(config.data.baseline, rest, reads_video, reads_signal)
        at_rest: PersonMeans | None = None
        if rest is not None:
            at_rest = self._at_rest(rest, reads_video, reads_signal, watch, rate, lead, image_fps)
        with watch.step("signal"):
            heart = self._heart(ecg, heart_rate, offset, rate, lead)
        file = Path(next(f for f in (video, ecg, heart_rate) if f is not None))
        work = self._assessing(watch, heart, calibrated, at_rest)
        if video is not None:
            footage = open_footage(Path(video), image_fps)
            windows = VideoWindows(footage, Path(video), config.clip, step, start, end, least_length)
            for _ in work.over_video(windows):
                if progress is not None:
                    until = min(footage.claims.seconds or windows.seconds, np.inf if end is None else end)
                    progress(min(windows.seconds, until - start), until - start)
            seconds, notes = windows.seconds, list(windows.notes)
            if heart is not None:
                check_overlap(heart, start, start + seconds)
        else:
            assert heart is not None
            first, last = max(start, heart.span[0]), min(np.inf if end is None else end, heart.span[1])
            work.over_signal(start, end, step)
            start, seconds, notes = first, last - first, []
        work.finish()
        if means := at_rest or work.means:
            notes.append(means.note(config.data.baseline))
        if len(work.rows) == 1 and not work.rows[0]["used"]:
            raise ClipError(f"{file}: no score. {work.rows[0]['reason']}", "give a recording of at least a window")
        notes += heart.notes if heart is not None else ()
        if reads_video and self.every > 1:
            notes.append(f"of every {self.every} frames one was embedded: every={self.every}")
        columns = ["start", "end", *(f"p_{name}" for name in self.bundle.classes), *COLUMNS[2:]]
        evidence = Evidence(
            frames=pd.DataFrame(sorted(work.looked), columns=list(Looked._fields)),
            pictures=explained(work, self._scorer(calibrated), self._embedders, maps),
            ecg=None if heart is None else heart.trace,
            ecg_start=0.0 if heart is None else heart.span[0],
            **({} if heart is None else {"heart_rates": heart.per_second(start, start + seconds)}),
        )
        about = {
            "recording": name or file.name,
            **{kind: None if f is None else str(f) for kind, f in
               (("video", video), ("ecg", ecg), ("heart_rate", heart_rate))},
            "start": start,
            "seconds": round(seconds, 3),
            "offset": offset,
            "rest": None if rest is None else rest.plain(),
            **facts_of(self.bundle, step, calibrated),
            "notes": notes,
            "seconds_taken": {k: round(v, 3) for k, v in watch.seconds.items()}
            | {"all": round(clock.perf_counter() - began, 3)},
        }  # fmt: skip
        return Assessment(pd.DataFrame(work.rows, columns=columns), evidence, about)

    def stream(
        self,
        source: Live,
        *,
        step: float = 1.0,
        calibrated: bool = True,
        rest: Rest | None = None,
        baseline_seconds: float = 60.0,
    ) -> Iterator[Row]:
        """Assess live video, without end and with bounded memory.

        Windows and scores are those that `assess` gives of the same video later, once it is a file. Signals are not
        read: R peaks are found over a whole ECG.

        Args:
            source: A camera, a growing file or a pipe, of `painlit.inference.live`.
            step: s from one window to the next.
            calibrated: As of `assess`.
            rest: As of `assess`.
            baseline_seconds: Of a bundle that was trained with data.baseline=session: the person's baseline is the mean
                over so many seconds from the first window with a face on. Windows that end before have no score, and
                scores of later ones are not those of `assess`, whose baseline is the whole recording.

        Yields:
            The row of each window as soon as its last frame was there, as in `Assessment.table`, and `delay`: the s
            from then to now.

        Raises:
            ClipError: It is no video that can be read as it comes.
            PainlitError: As of `assess`.
        """
        watch, (reads_video, _) = Stopwatch(), what_is_read(self.bundle.parts, video=True, signal=False)
        check_rest(self.bundle.config.data.baseline, rest, reads_video, signal=False)
        at_rest = None if rest is None else self._at_rest(rest, reads_video, False, watch)
        work = self._assessing(watch, None, calibrated, at_rest)
        windows = VideoWindows(source, "the stream", self.bundle.config.clip, step)
        for window, cells in work.live(windows, baseline_seconds):
            yield {**cells, "delay": clock.monotonic() - window.received}

    def _heart(
        self, ecg: File | None, heart_rate: File | None, offset: float, rate: float | None, lead: str
    ) -> Heart | None:
        if ecg is not None:
            return EcgWindows(Path(ecg), self.bundle.config, offset, rate, lead)
        return None if heart_rate is None else DeviceWindows(Path(heart_rate), self.bundle.config, offset)

    def _faces(self, watch: Stopwatch) -> FaceWindows:
        config = self.bundle.config
        config = replace(config, embed=replace(config.embed, every=self.every))
        return FaceWindows(config, self._in_windows, self.device, watch, self._resize)

    def _assessing(
        self, watch: Stopwatch, heart: Heart | None, calibrated: bool, at_rest: PersonMeans | None
    ) -> Assessing:
        own = None if at_rest is None else at_rest.baseline()
        config, scorer = self.bundle.config, self._scorer(calibrated)
        return Assessing(config, self.bundle.classes, scorer, self._faces(watch), heart, own, watch)

    def _at_rest(
        self,
        rest: Rest,
        video: bool,
        signal: bool,
        watch: Stopwatch,
        rate: float | None = None,
        lead: str = "",
        image_fps: float | None = None,
    ) -> PersonMeans:
        """The person's means over a recording at rest, of what the bundle reads; a window each second."""
        windows: VideoWindows | None = None
        if video and rest.video is not None:
            place, clip = Path(rest.video), self.bundle.config.clip
            windows = VideoWindows(open_footage(place, image_fps), place, clip, 1.0, rest.start, rest.end)
        heart = self._heart(rest.ecg, rest.heart_rate, rest.offset, rate, lead) if signal else None
        return measure_rest(rest, None if windows is None else self._faces(watch), windows, heart)

    def _scorer(self, calibrated: bool) -> Scorer:
        if calibrated not in self._scorers:
            self._scorers[calibrated] = Scorer(self.bundle, self.device, calibrated)
        return self._scorers[calibrated]
