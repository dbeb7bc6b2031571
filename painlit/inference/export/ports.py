"""What the graphs of a part take and give."""

from __future__ import annotations

from typing import Any, NamedTuple

from painlit.inference.export.part_networks import Part

WHOLE, EMBEDDER, PAIN = "model", "embedder", "pain"
"""Names of the graphs; without video there is the first alone."""


class Port(NamedTuple):
    """An input or output of a graph."""

    name: str
    type: str
    """As NumPy names it."""
    shape: tuple[int | str, ...]
    """A name stands for any number."""


def ports(part: Part) -> dict[str, tuple[list[Port], list[Port]]]:
    """Graph -> its inputs and outputs.

    The person's own means are inputs where models were trained with them (`data.baseline`).
    """
    crops = Port("crops", "uint8", (3, part.side, part.side))
    rows = Port("embeddings", "float16", (part.width,))
    signals = [Port("bpm", "float32", ("batch", part.heart_rates))] if part.heart_rates else []
    own = [Port("own_embeddings", "float32", ("batch", part.width))] if part.baseline and part.embedders else []
    own += [Port("own_bpm", "float32", ("batch",))] if part.baseline and part.heart_rates else []
    out = [Port("probabilities", "float32", ("batch", part.classes))]
    if not part.embedders:
        return {WHOLE: ([*signals, *own], out)}
    window = ("batch", part.frames)
    frames = ([crops._replace(shape=("frames", *crops.shape))], [rows._replace(shape=("frames", *rows.shape))])
    return {
        WHOLE: ([crops._replace(shape=(*window, *crops.shape)), *signals, *own], out),
        EMBEDDER: frames,
        PAIN: ([rows._replace(shape=(*window, *rows.shape)), *signals, *own], out),
    }


def described(ports_: list[Port]) -> dict[str, Any]:
    """Ports as plain values."""
    return {port.name: {"type": port.type, "shape": list(port.shape)} for port in ports_}
