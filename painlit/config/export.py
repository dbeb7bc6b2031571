"""`make export`: a bundle for use elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from painlit.config.affects import NOTHING, PATH
from painlit.config.checks import one_of
from painlit.errors import PainlitError

KINDS = ("onnx", "hub", "torch")
PARTS = ("", "fusion", "video", "heart_rate")


@dataclass
class ExportConfig:
    """`make export`: what to make of a bundle."""

    to: str = "onnx"
    """onnx: graphs from face crops and heart rates to probabilities; hub: a folder for the Hugging Face Hub; torch: the
    same graphs as programs of torch.export; --to hub."""
    model: str = field(default="", metadata=NOTHING | PATH)
    """Bundle, a folder or a .zip, that `make finetune` or `make bundle` left; --model BUNDLE."""
    out: str = field(default="export", metadata=NOTHING | PATH)
    """Folder to write; an export of the same kind that is there is replaced; --out DIR."""
    part: str = ""
    """Of a bundle with several parts the one for onnx and torch: fusion, video or heart_rate; empty takes the one that
    reads most."""
    license: str = "other"
    """License of the weights by the Hub's short names, such as apache-2.0, in the model card for the Hub."""
    push: str = ""
    """owner/name: upload the folder for the Hub there, by the account of `hf auth login`; empty uploads nothing."""
    private: bool = True
    """Upload only into a private repository. bundle.json names the subjects."""

    def __post_init__(self):
        one_of("export.to", self.to, KINDS)
        one_of("export.part", self.part, PARTS)
        if self.push and self.to != "hub":
            raise PainlitError(f"export.push={self.push} with export.to={self.to}", "set export.to=hub")
        if self.push and not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", self.push):
            raise PainlitError(f"export.push={self.push!r} names no repository on the Hub", "write owner/name")
