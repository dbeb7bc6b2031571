"""Constants of the steps outside an export: its inputs must be cropped and computed as painlit does."""

from __future__ import annotations

from typing import Any

from painlit.config import Config
from painlit.signals.heart_rates.series import FASTEST, SLOWEST


def outside_constants(config: Config, video: bool, signal: bool) -> dict[str, Any]:
    """Constants of the steps before a graph, as plain values with units in their names.

    Args:
        config: The bundle's.
        video: Whether the part reads video.
        signal: Whether it reads heart rates.
    """
    clip, face, prepare = config.clip, config.face, config.prepare
    constants: dict[str, Any] = {
        "window": {
            "seconds": clip.seconds,
            "frame_rate_hz": clip.video_fps,
            "frames": clip.used_frames,
            "frame_times_s": [round(time, 6) for time in clip.frame_times],
        }
    }
    if video:
        constants["face"] = {
            "detector": "MTCNN with the weights of the package mtcnn; boxes x1, y1, x2, y2 in px; no alignment",
            "frames_that_the_whole_detector_sees": face.detection,
            "smallest_face": "max(20 px, smallest_share of the frame's shorter side)",
            "smallest_share": face.min_face,
            "least_share_of_frames_with_a_face": face.least_found,
            "box_smoothing_sd_s": face.smooth,
            "square": "side (1 + margin) * max(width, height) of the box, about its centre, both rounded to px",
            "margin": face.margin,
            "crop": face.crop,
            "outside_the_frame": "border pixels are repeated",
            "side_px": 2 * config.spatial.image_size,
            "resize": "OpenCV's INTER_AREA where the square is larger than side_px, else INTER_CUBIC",
            "colours": "RGB, uint8, channels first",
            "frames_of_which_one_is_embedded": config.embed.every,
            "embeddings_of_the_others": "on the line between those of the two embedded frames around them, float16",
            "within_the_graph": "five images a frame, normalisation, Spatial-Module, float16 embeddings",
        }
    if signal:
        constants["heart_rate"] = {
            "r_peaks": prepare.r_peaks,
            "r_peaks_found": "once over the whole ECG, not window by window",
            "rule": prepare.heart_rate_rule,
            "rates": clip.heart_rates,
            "rates_are_of": "each whole second from the window's start, in bpm, rounded to 4 decimals",
            "least_ecg_quality": prepare.least_ecg_quality,
            "longest_gap_of_a_device_s": config.signals.longest_gap,
            "possible_bpm": [SLOWEST, FASTEST],
        }
    if config.data.baseline != "none":
        constants["baseline"] = {
            "kind": config.data.baseline,
            "own_embeddings": "mean over windows of the mean over frames of a window's embeddings, float32",
            "own_bpm": "mean over windows of the mean of a window's heart rates, in bpm",
        }
    return constants
