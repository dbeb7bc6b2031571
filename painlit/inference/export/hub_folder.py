"""A bundle as the Hugging Face Hub shows models: the bundle as it is, and beside it what is for the Hub alone.

bundle.json, weights/, MODEL_CARD.md   the bundle, which `painlit.load` verifies
README.md                              the model card under the hub's metadata, and how to load the model
config.json                            classes and library, by which the Hub lists and counts a model

The Hub's two are no part of the bundle: editing them there does not damage it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from painlit.errors import PainlitError
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.files import ABOUT
from painlit.inference.bundles.hub import named_hub_errors
from painlit.inference.bundles.model_card import model_card
from painlit.inference.export.places import place_for
from painlit.system.files import named_disk_errors, write_json, write_text
from painlit.system.folders import folder_beside, take_place

CONFIG, README = "config.json", "README.md"
_HELD = {ABOUT, "weights", "MODEL_CARD.md", CONFIG, README}


def export_hub(bundle: Bundle, out: Path, license: str = "other", name: str = "") -> Bundle:
    """Write a folder for the Hub.

    Args:
        bundle: The bundle.
        out: Folder; one that was written so before is replaced.
        license: Of the weights, by the hub's short names, such as apache-2.0.
        name: owner/name, for the card; empty writes a placeholder.

    Raises:
        PainlitError: `out` holds something else, or lies within the bundle.
    """
    out = place_for(out, _HELD, CONFIG, bundle.path)
    with folder_beside(out) as folder:
        with named_disk_errors(folder):
            bundle.copy_to(folder)
            write_json(folder / CONFIG, _config(bundle))
            write_text(folder / README, _readme(bundle, license, name or "OWNER/NAME"))
        Bundle.open(folder)
        take_place(folder, out)
    return Bundle.open(out)


def push_to_hub(folder: Path, repository: str, private: bool = True) -> str:
    """Upload a folder of `export_hub`; the address of the model on the Hub.

    Older weights that are not in the folder are deleted there.

    Args:
        folder: Its place.
        repository: owner/name; created if it does not exist.
        private: Refuse to upload into a public repository.

    Raises:
        PainlitError: The Hub cannot be reached or refuses, or the repository is public and `private` is true.
    """
    from huggingface_hub import HfApi

    bundle = Bundle.open(folder)
    api = HfApi()
    with named_hub_errors(repository):
        address = str(api.create_repo(repository, private=private, exist_ok=True))
        public = not api.model_info(repository).private
    if private and public:
        raise PainlitError(
            f"{repository} on the Hub is public, and export.private=true",
            "set export.private=false if everybody may read it: bundle.json names the subjects",
        )
    with named_hub_errors(repository):
        api.upload_folder(
            folder_path=folder, repo_id=repository, delete_patterns=["weights/*"],
            commit_message=f"painlit bundle {bundle.sha256[:16]}",
        )  # fmt: skip
    return address


def _config(bundle: Bundle) -> dict[str, Any]:
    return {
        "library_name": "painlit",
        "model_type": "painlit",
        "task": bundle.about["task"],
        "is_pain": bundle.about["is_pain"],
        "parts": list(bundle.parts),
        "num_labels": len(bundle.classes),
        "id2label": {str(number): name for number, name in enumerate(bundle.classes)},
        "label2id": {name: number for number, name in enumerate(bundle.classes)},
        "bundle": {"file": ABOUT, "format": bundle.about["format"], "sha256": bundle.sha256},
    }


def _readme(bundle: Bundle, license: str, name: str) -> str:
    reads_video = bool({"video", "fusion"} & {*bundle.parts})
    metadata: dict[str, Any] = {
        "license": license,
        "library_name": "painlit",
        **({"pipeline_tag": "video-classification"} if reads_video else {}),
        "tags": ["painlit", "safetensors", *(["pain-assessment"] if bundle.about["is_pain"] else ["stand-in-data"])],
    }
    arguments = ['"ann.mov"'] if reads_video else []
    arguments += ['ecg="ann.edf"'] if {"fusion", "heart_rate"} & {*bundle.parts} else []
    load = f'import painlit\n\nmodel = painlit.load("hf://{name}")\nmodel.assess({", ".join(arguments)}).table'
    header = yaml.safe_dump(metadata, sort_keys=False)
    return f"---\n{header}---\n\n{model_card(bundle.about).strip()}\n\n## How to load it\n\n```python\n{load}\n```\n"
