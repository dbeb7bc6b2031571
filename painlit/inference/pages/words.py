"""What windows and pictures say, as text for pages and charts."""

from __future__ import annotations

import html

import cv2
import numpy as np
import pandas as pd

from painlit.inference.evidence import Assessed, FacePicture
from painlit.inference.pages.moments import clock, nearest
from painlit.report.contact_sheet import BLURRED_SIDE, SIDE, data_uri


def plain(text: object) -> str:
    """Text from outside, which the charting library would read as markup."""
    return html.escape(str(text), quote=False)


def shortened(text: str) -> str:
    """A name that has to fit beside a panel."""
    return text if len(text) <= 18 else f"{text[:17]}…"


def window_text(row: pd.Series, classes: list[str]) -> str:
    """What a window says, as lines for the charting library."""
    lines = [f"{clock(row['start'])}–{clock(row['end'])}"]
    if np.isfinite(row["score"]):
        spread = f" ± {row['spread']:.2f}" if np.isfinite(row["spread"]) else ""
        lines.append(f"score {row['score']:.2f}{spread}, {plain(row['prediction'])}")
        lines.append(", ".join(f"{plain(shortened(name))} {row[f'p_{name}']:.2f}" for name in classes))
        lines.append(f"uncertainty {100 * row['uncertainty']:.0f} %")
        lines.append(f"from {inputs(row['used'])}")
        if row["reason"]:
            lines.append(plain(row["reason"]))
    else:
        lines.append(f"no score: {plain(row['reason'])}")
    if np.isfinite(row["face_found"]):
        most = f", up to {row['faces']:.0f} at once" if row["faces"] > 1 else ""
        lines.append(f"face found in {100 * row['face_found']:.0f} %{most}")
    if np.isfinite(row["heart_rate"]):
        lines.append(f"heart rate {row['heart_rate']:.0f} bpm")
    if np.isfinite(row["ecg_quality"]):
        lines.append(f"ECG quality {row['ecg_quality']:.2f}")
    return "<br>".join(lines)


def inputs(used: object) -> str:
    """Names of inputs.

    >>> inputs("video+heart_rate"), inputs("")
    ('video and heart rate', 'nothing')
    """
    used = "video+heart_rate" if used == "fusion" else used
    return str(used).replace("_", " ").replace("+", " and ") or "nothing"


def picture_uri(picture: FacePicture, faces: str) -> str:
    """A picture as an image within a page; see `data_uri`."""
    side = min(SIDE, picture.pixels.shape[0])
    small = cv2.resize(picture.pixels, (side, side), interpolation=cv2.INTER_AREA)
    return data_uri(small, faces)


def map_uri(picture: FacePicture, faces: str) -> str:
    """A picture under its map as an image within a page; empty without a map. A blurred face stays blurred."""
    if picture.map is None:
        return ""
    small = cv2.resize(picture.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    if faces == "blur":
        few = cv2.resize(small, (BLURRED_SIDE, BLURRED_SIDE), interpolation=cv2.INTER_AREA)
        small = cv2.resize(few, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    values = np.clip(cv2.resize(picture.map, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), 0, 1)
    colours = cv2.applyColorMap((255 * values).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    opacity = 0.65 * np.sqrt(values)[..., None]
    return data_uri((small * (1 - opacity) + colours * opacity).round().astype(np.uint8), "show")


def picture_text(picture: FacePicture, assessment: Assessed, faces: str) -> str:
    """What a picture shows, for those who do not see it."""
    row = assessment.table.iloc[nearest(assessment.table, picture.time)]
    score = f"score {row['score']:.2f}, {row['prediction']}" if np.isfinite(row["score"]) else "no score"
    return f"{'Blurred face' if faces == 'blur' else 'Face'} at {clock(picture.time)}, {score}"
