"""What bundle.json must hold before it is used: a seal shows that it is complete, not that it is correct."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from painlit.errors import PainlitError
from painlit.inference.bundles.files import ABOUT, AGAIN, check_name
from painlit.inference.bundles.temperature import LEAST, MOST

FORMAT = 1
"""Version of bundles; raised when older code can no longer read newer bundles."""
PARTS = ("fusion", "video", "heart_rate")
"""Part-models, in the order in which one is preferred."""
_KEYS = {
    "made_by": str, "runs": list, "task": str, "classes": list, "is_pain": bool, "config": dict, "files": dict,
    "sizes": dict, "embedders": dict, "models": list, "temperature": dict, "expected": dict,
}  # fmt: skip
_OF_EMBEDDER = {"file": str, "settings": dict, "stage": str, "sha256": str}
_OF_MODEL = {"part": str, "fold": (str, type(None)), "file": str, "model": dict, "embedder": (str, type(None))}


def check_format(path: Path, about: Any) -> None:
    """Refuse a bundle of a newer version.

    Raises:
        PainlitError: It is of a newer version.
    """
    version = about.get("format") if isinstance(about, Mapping) else None
    if isinstance(version, int) and version > FORMAT:
        raise PainlitError(
            f"{path} was made by a newer version of painlit: its format is {version}, this version reads {FORMAT}",
            "update painlit",
        )


def check_content(path: Path, about: Mapping[str, Any]) -> None:
    """Refuse what `write_bundle` would not have written.

    Raises:
        PainlitError: A value is missing, of another kind, or names something missing.
    """
    if about.get("format") != FORMAT:
        raise _wrong(path, f"format is {about.get('format')!r}, expected {FORMAT}")
    _check_keys(path, about, _KEYS, "")
    _check_files(path, about)
    if len(about["classes"]) < 2 or not all(isinstance(name, str) for name in about["classes"]):
        raise _wrong(path, "classes must name two or more")
    for name, embedder in about["embedders"].items():
        _check_keys(path, embedder, _OF_EMBEDDER, f"embedders.{name}.")
        _check_weights(path, about, embedder["file"], f"embedders.{name}")
    if not about["models"]:
        raise _wrong(path, "it has no models")
    for number, model in enumerate(about["models"]):
        _check_model(path, about, model, f"models.{number}")
    for part, temperature in about["temperature"].items():
        number = isinstance(temperature, int | float) and LEAST / 2 <= temperature <= 2 * MOST
        if part not in PARTS or not (temperature is None or number):
            raise _wrong(path, f"temperature.{part} is {temperature!r}, expected {LEAST} to {MOST} or null")
    if not all(part in PARTS and isinstance(figures, dict | None) for part, figures in about["expected"].items()):
        raise _wrong(path, "expected must have figures or null for each part")


def _check_files(path: Path, about: Mapping[str, Any]) -> None:
    if about["files"].keys() != about["sizes"].keys():
        raise _wrong(path, "files and sizes list different files")
    for name, sha256 in about["files"].items():
        check_name(path, name)
        size = about["sizes"][name]
        if not isinstance(sha256, str) or not isinstance(size, int) or size < 0:
            raise _wrong(path, f"files.{name} needs a digest and a size")


def _check_model(path: Path, about: Mapping[str, Any], model: Any, key: str) -> None:
    _check_keys(path, model, _OF_MODEL, f"{key}.")
    _check_weights(path, about, model["file"], key)
    if model["part"] not in PARTS or model["model"].get("modality") != model["part"]:
        raise _wrong(path, f"{key} is of part {model['part']!r} and modality {model['model'].get('modality')!r}")
    embedder = model["embedder"]
    if (embedder is None) != (model["part"] == "heart_rate") or embedder not in (None, *about["embedders"]):
        raise _wrong(path, f"{key}.embedder is {embedder!r}, which does not fit {model['part']}, or is not there")


def _check_weights(path: Path, about: Mapping[str, Any], file: str, key: str) -> None:
    if file not in about["files"] or not file.endswith(".safetensors"):
        raise _wrong(path, f"{key}.file is {file!r}, which is not among its weights")


def _check_keys(path: Path, values: Any, kinds: Mapping[str, Any], prefix: str) -> None:
    if not isinstance(values, Mapping):
        raise _wrong(path, f"{prefix.rstrip('.')} must hold keys and values")
    for key, kind in kinds.items():
        if not isinstance(values.get(key, ...), kind):
            raise _wrong(path, f"{prefix}{key} is missing or of another kind")


def _wrong(path: Path, what: str) -> PainlitError:
    return PainlitError(f"{path}: {ABOUT} cannot be used: {what}", AGAIN)
