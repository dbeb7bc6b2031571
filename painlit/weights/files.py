"""Weights as safetensors, with a JSON beside them that states what they are and where they came from. No pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from painlit.errors import PainlitError, some
from painlit.runs.artefact import check_digest, read_artefact, write_artefact
from painlit.runs.provenance import provenance
from painlit.system.digests import digest
from painlit.system.files import atomic_path
from painlit.weights.face_network import FORMATS


def save_weights(path: Path, module: nn.Module, about: Mapping[str, Any]) -> None:
    """Write a module's weights to `path` (.safetensors) and what they are to the .json beside it.

    Args:
        path: Ends in .safetensors.
        module: Its state dict is written.
        about: Plain values: the architecture, the stage that trained it, the data it saw.

    Raises:
        PainlitError: A value is not finite; nothing is written.
    """
    state = plain_state(module)
    refuse_non_finite(str(path), state)
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(state))  # not save_file, whose error on a full disk is no OSError
    write_artefact(path.with_suffix(".json"), {**about, "sha256": digest(state), **provenance()})


def load_weights(path: Path, module: nn.Module, sha256: str | None = None) -> dict[str, Any]:
    """Load a file of `save_weights` into `module` and return its JSON.

    Args:
        path: Of the .safetensors file.
        module: Gets the weights.
        sha256: The digest that the tensors had when the file was chosen.

    Raises:
        PainlitError: As `read_weights`; the file has changed since; its tensors do not fit (each misfit is named).
    """
    state, about = read_weights(path)
    if sha256 is not None and about["sha256"] != sha256:
        raise PainlitError(f"{path} has changed since this run began", "run the same command again")
    remedy = "set the sizes it was trained with; they are in the .json beside it"
    refuse_misfits(str(path), state, module.state_dict(), remedy)
    module.load_state_dict(state)
    return about


def refuse_misfits(what: str, state: Mapping[str, Tensor], expected: Mapping[str, Tensor], remedy: str) -> None:
    """Refuse weights that are not those of a network.

    Args:
        what: The file, for the error.
        state: Its tensors.
        expected: Tensors of the same names and shapes as the network's; one without values may have any number.
        remedy: What to do about it.

    Raises:
        PainlitError: They do not fit; each misfit is named.
    """
    misfits = [f"{name} is missing" for name in expected if name not in state]
    misfits += [f"{name} is not expected" for name in state if name not in expected]
    misfits += [
        f"{name} is {tuple(state[name].shape)}, expected {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in state and tensor.numel() and state[name].shape != tensor.shape
    ]
    if misfits:
        raise PainlitError(f"{what} does not fit the model: {some(misfits, between='; ')}", remedy)


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a file of `save_weights`, and its JSON; `sha256` is that of the tensors.

    A network of face landmarks (.onnx or .tflite) needs no JSON: its one tensor, `network`, are the bytes of the file.

    Raises:
        PainlitError: The file or its JSON is missing, damaged or not what was written, or a value is not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise PainlitError(f"weights {path} do not exist", "give the path of an existing file")
    if path.suffix.lower() in FORMATS:
        if not (content := path.read_bytes()):
            raise PainlitError(f"{path} is empty", "copy it again")
        state = {"network": torch.frombuffer(bytearray(content), dtype=torch.uint8)}
        return state, {"sha256": digest(state), "stage": "landmarks", "spatial": {"network": "landmarks"}}
    beside, again = path.with_suffix(".json"), "copy both files again, together, or run the stage that leaves them"
    if not beside.is_file():
        raise PainlitError(f"{beside} is missing", "keep it beside the weights: it holds their sizes and normalisation")
    about = read_artefact(beside, again)
    try:
        state = load_file(path)
    except (SafetensorError, OSError, ValueError, MemoryError) as error:
        raise PainlitError(f"{path} is no safetensors file: {error}", again) from error
    check_digest(path, about.get("sha256"), digest(state), again)
    refuse_non_finite(str(path), state)
    return state, about


def plain_state(module: nn.Module) -> dict[str, Tensor]:
    """A module's weights in main memory, as safetensors takes them."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}


def refuse_non_finite(what: str, state: Mapping[str, Tensor]) -> None:
    """Refuse weights with a value that is no number.

    Raises:
        PainlitError: NaN or infinity; the first tensor that holds one is named.
    """
    broken = [name for name, tensor in state.items() if not tensor.isfinite().all()]
    if broken:
        raise PainlitError(
            f"{what}: {some(broken, 1)} hold NaN or infinity: the training diverged",
            "train again with a lower learning rate, or precision=32-true",
        )
