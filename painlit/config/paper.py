"""What the paper (Gkikas et al. 2024) does for each setting that decides a result, where it states it.

The rows of its tables vary the task, the modality, the augmentations, eq. 7's terms, the encoder and the epochs: those
are in `painlit.report.paper_figures`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from painlit.config.schema import Config
from painlit.config.settings import flat, settings

VIDEO, HEART_RATE = "video", "heart_rate"


@dataclass(frozen=True)
class Paper:
    """What the paper has for a setting."""

    value: Any
    where: str
    """Its section or table, and its statement where that is no plain value."""
    only: str = ""
    """The modality that it matters to; empty for all."""


PAPER: dict[str, Paper] = {
    "data.layout": Paper("biovid", "3.5: BioVid Part A"),
    "data.baseline": Paper("none", "3.1 and 3.2: none is mentioned"),
    "data.signals": Paper("biosignals_raw", "3.1 and Figure 1: raw ECG is the input", HEART_RATE),
    "clip.seconds": Paper(5.5, "3.5"),
    "clip.video_fps": Paper(25.0, "4"),
    "clip.ecg_hz": Paper(512.0, "4", HEART_RATE),
    "clip.frames": Paper(None, "4: all frames are used"),
    "face.detection": Paper("every_frame", "4.5: the face is detected in each frame", VIDEO),
    "face.crop": Paper("per_frame", "4.5: the face is detected in each frame", VIDEO),
    "face.smooth": Paper(0.0, "4.5: none is mentioned", VIDEO),
    "face.least_found": Paper(0.0, "4: all available samples are used", VIDEO),
    "prepare.heart_rate_rule": Paper("paper", "3.2.2: of each second, or of its neighbours", HEART_RATE),
    "prepare.r_peaks": Paper("pan_tompkins", "3.1.2", HEART_RATE),
    "prepare.least_ecg_quality": Paper(0.0, "4: all available samples are used", HEART_RATE),
    "spatial.network": Paper("tnt", "3.2.1", VIDEO),
    "spatial.image_size": Paper(224, "3.2.1", VIDEO),
    "spatial.patch_size": Paper(16, "3.2.1", VIDEO),
    "spatial.embed_dim": Paper(100, "3.2.1"),
    "spatial.inner_dim": Paper(40, "Table 7: 2.57 M parameters", VIDEO),
    "spatial.depth": Paper(12, "3.2.1", VIDEO),
    "spatial.inner_heads": Paper(4, "3.2.1", VIDEO),
    "spatial.outer_heads": Paper(10, "3.2.1", VIDEO),
    "spatial.local_contrast": Paper(0.0, "3.1.1: none", VIDEO),
    "stage1.head": Paper("softmax", "3.4: classification"),
    "stage1.held_out": Paper(0.0, "Table 1: all 9,131 identities"),
    "ecg.leave_out": Paper([], "Table 1"),
    "ecg.split": Paper("random_beats", "Table 1: the divided tables of Kachuee et al."),
    "embed.every": Paper(1, "4: all frames are used", VIDEO),
    "model.normalise_embeddings": Paper(False, "3.2.1: eq. 8 alone", VIDEO),
    "model.reference_share": Paper(0.0, "3.2.1: eq. 8 alone", VIDEO),
    "model.heart_rate_encoder.latents": Paper(256, "Table 7: 4.40 M parameters", HEART_RATE),
    "model.heart_rate_encoder.latent_dim": Paper(512, "3.2.2", HEART_RATE),
    "model.heart_rate_encoder.output_dim": Paper(2048, "3.2.2", HEART_RATE),
    "model.temporal.latents": Paper(256, "Table 7: 0.43 G FLOPS"),
    "model.temporal.latent_dim": Paper(128, "3.2.4"),
    "model.temporal.self_attention_blocks": Paper(3, "3.2.4"),
    "model.temporal.token_size": Paper(1, "Table 7: 0.43 G FLOPS"),
    "model.augmnet_hidden": Paper(36, "Table 7: 1.02 M parameters"),
    "model.augmnet_code": Paper(128, "Table 7: 1.02 M parameters"),
    "train.batch_size": Paper(32, "Table 2"),
    "train.lr": Paper(1e-4, "Table 2"),
    "train.weight_decay": Paper(0.1, "Table 2"),
    "train.decay": Paper("all", "Table 2"),
    "train.warmup_epochs": Paper(50, "Table 2"),
    "train.joint": Paper(True, "3.2.4: the entire framework undergoes training", VIDEO),
    "loso.protocol": Paper("loso", "4"),
    "loso.selection": Paper("last", "4: fixed epochs, no validation is mentioned"),
    "loso.shuffle_labels": Paper(False, "4"),
}
"""By full key. Settings that decide a result, are not here and are not varied by the tables, the paper leaves open."""

REPORTED_ELSEWHERE = frozenset({"seed", "data.is_biovid", "data.classes", "stage1.network", "stage2.sets", "ecg.sets"})
"""Settings that decide a result and are no difference by themselves: training data are recorded with the weights."""


def paper_differences(
    values: Mapping[str, Any], *results: str, modality: str = "fusion", varied: Collection[str] = ()
) -> list[str]:
    """A line for each setting that is not the paper's, or not our default where the paper is silent.

    Args:
        values: Full key -> value.
        results: Settings that these depend on are judged.
        modality: Of the model: settings of the other one do not matter to it.
        varied: Settings to leave out, as the rows of the tables state them.

    >>> paper_differences({"train.lr": 0.01}, "pain")
    ["train.lr=0.01, the paper's is 0.0001 (Table 2)"]
    >>> paper_differences({"train.precision": "16-mixed"}, "pain")
    ['train.precision=16-mixed, the paper does not say (our default: 32-true)']
    """
    differences = []
    for key, setting in settings().items():
        if key not in values or key in {*varied, *REPORTED_ELSEWHERE} or not {*results} & {*setting.affects}:
            continue
        paper, value = PAPER.get(key), values[key]
        if paper is None and value != setting.default:
            differences.append(
                f"{key}={_as_text(value)}, the paper does not say (our default: {_as_text(setting.default)})"
            )
        elif paper and value != paper.value and modality in (paper.only or modality, "fusion"):
            differences.append(f"{key}={_as_text(value)}, the paper's is {_as_text(paper.value)} ({paper.where})")
    return differences


_SETS = {
    "pretrain-stage1": ["vggface2"],
    "pretrain-stage2": ["affectnet", "cfee", "raf_basic", "raf_compound"],
    "pretrain-ecg": ["mitbih", "ptb"],
}
"""Stage -> what the paper learns from in it (3.4, Table 1)."""


def pretraining_differences(stage: str, sets: Collection[str], values: Mapping[str, Any]) -> list[str]:
    """A line for each way in which a pretraining is not the paper's.

    Args:
        stage: Such as pretrain-stage1; any other stage is a difference itself.
        sets: Names of the data sets it learnt from.
        values: Its settings, by full key.
    """
    if stage not in _SETS:
        return [f"weights of {stage}, the paper pretrains them (3.4)"]
    ours = sorted(name.removesuffix("_csv") for name in sets)
    differences = (
        []
        if ours == _SETS[stage]
        else [f"{stage} learns from {', '.join(ours)}, the paper from {', '.join(_SETS[stage])} (Table 1)"]
    )
    if stage == "pretrain-stage2":
        differences.append(
            "pretrain-stage2 minimises e^(-w) L + w, the paper prints e^w L + w (eq. 12), which has no minimum"
        )
    short = stage.removeprefix("pretrain-")
    if values.get(f"{short}.teacher.file"):
        differences.append(f"{stage} learns what a teacher says of the images too, the paper from labels alone (3.4)")
    return differences + paper_differences(values, short)


def default_pretraining_differences(config: Config, spatial_stage: int | None) -> list[str]:
    """Those of the pretrainings that a configuration describes, for a model that starts from all that it needs.

    Args:
        config: The configuration.
        spatial_stage: 1 or 2; None without video.
    """
    values = flat(config.to_dict())
    differences = pretraining_differences("pretrain-stage1", [config.stage1.name], values)
    if spatial_stage == 2:
        differences += pretraining_differences("pretrain-stage2", config.stage2.sets, values)
    if config.model.encodes_heart_rates:
        sets = ["mitbih", "ptb"] if config.ecg.sets == ["all"] else config.ecg.sets
        differences += pretraining_differences("pretrain-ecg", sets, values)
    return differences


def _as_text(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
