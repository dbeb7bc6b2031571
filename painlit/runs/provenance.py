"""Where a result came from: configuration, commit, versions."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from painlit.config import Config
from painlit.system.files import write_text

_PACKAGES = ("torch", "lightning", "timm", "numpy", "scipy", "scikit-learn", "opencv-python", "torchmetrics")


def git_commit() -> str:
    """Commit of the code, with `+changes` if files differ from it; `unknown` outside a checkout."""
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def versions() -> dict[str, str]:
    """Versions of the packages that numbers depend on."""
    return {package: version(package) for package in ("painlit", *_PACKAGES)}


def provenance() -> dict[str, Any]:
    """Commit and versions, for the JSON beside weights and results."""
    return {"commit": git_commit(), "versions": versions()}


def save_config(config: Config, folder: Path) -> None:
    """Write the resolved configuration to folder/config.yaml, with the commit on top."""
    text = OmegaConf.to_yaml(OmegaConf.create(config.to_dict()))
    write_text(Path(folder) / "config.yaml", f"# git commit: {git_commit()}\n{text}")
