"""When and in which values of an embedding the Temporal-Module finds a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from painlit.inference.maps.recording import Reading, own_copy, recorded_readings
from painlit.inference.maps.scores import Target, fixed_target, score, to_unit
from painlit.models import PainModel
from painlit.models.perceiver import Perceiver

STEPS = 8
"""Points on the way to a clip at which gradients are taken."""


class _Place(NamedTuple):
    """Where a map is taken."""

    enters: Tensor
    """(B, values)."""
    start: Tensor
    """(B, values): where the way to it begins, along which gradients are averaged."""
    follows: Callable[[Tensor], Tensor]
    """From these to class scores, (B, classes)."""
    reader: Perceiver | None
    """What reads the values as tokens, if anything does."""


def temporal_map(
    model: PainModel, inputs: Mapping[str, Tensor], target: Target = None, method: str = "contribution"
) -> Tensor:
    """Show which frames, and which values of their embedding, speak for a score.

    What is mapped is what the Temporal-Module reads: V of video, B of heart rates, V + B of both, N = F · D values
    (section 3.2). Values of B are those of the encoder's embedding, spread over N, so a place in them is no time: see
    `heart_rate_map`.

    Methods, of `TEMPORAL_METHODS`:

    - `contribution`: what the latents gather from each value by their attention, beyond what they would from the same
      clip without change in time, its mean frame, times the slope of the score, both averaged on the way between the
      two: the paper's, traced back from the last fully connected layer to the input.
    - `gradient`: values weighted by gradients, averaged on the way from the same clip without change in time, its mean
      frame (Sundararajan et al. 2017).
    - `attention`: weights of the cross-attention, each latent counted by how much the score depends on its weights,
      |attention · gradient|. It says where evidence comes from, not whether it speaks for or against. One value a
      token: with a frame as token, the same for all its values.

    Args:
        model: The pain model.
        inputs: What it reads: `full`, `tiles`, `bpm`, as of `PainModel.forward`.
        target: A class, one for each clip (B,), None for the predicted one; or a function of class scores.
        method: See above.

    Returns:
        (B, F, D) in 0..1. Raw heart rates without an encoder are S values of their own: (B, S, 1).

    Raises:
        ValueError: An unknown method, or no such class.
    """
    values = _mapped(model, inputs, target, method, _vector, TEMPORAL_METHODS)
    return to_unit(values).unflatten(1, _shape(model, values))


def heart_rate_map(
    model: PainModel, inputs: Mapping[str, Tensor], target: Target = None, method: str = "contribution"
) -> Tensor:
    """Show which seconds of the heart rates speak for a score: (B, S) in 0..1.

    As `temporal_map`, but `contribution` is what the score loses if a second has the mean rate instead, and the way of
    `gradient` begins at `bpm_mean`.

    Raises:
        ValueError: The model reads no heart rates, the method is unknown, or there is no such class.
    """
    if model.modality == "video":
        raise ValueError("the model reads video alone: it has no map of heart rates")
    return to_unit(_mapped(model, inputs, target, method, _rates, TEMPORAL_METHODS | {"contribution": _lost}))


def frame_slopes(
    model: PainModel, inputs: Mapping[str, Tensor], target: Target = None
) -> tuple[Tensor | None, Tensor | None]:
    """Slope of a clip's score by its frames' embeddings: what a pain class is to `spatial_map`.

    Args:
        model: A pain model that reads video.
        inputs: As of `temporal_map`.
        target: As of `temporal_map`.

    Returns:
        Of d_full and of each d_1 .. d_4, (B, F, D); None of what the model does not read.

    Raises:
        ValueError: The model reads no video.
    """
    if model.modality == "heart_rate":
        raise ValueError("the model reads heart rates alone: it has no map of frames")
    with torch.inference_mode(False), torch.enable_grad():
        inputs = {name: tensor.detach().clone().to(model.frame_mean.dtype) for name, tensor in inputs.items()}
        read = [name for name in ("full", "tiles") if model.frame_embedding in (name, "both")]
        leaves = [inputs[name].requires_grad_() for name in read]
        given = model(**inputs)
        slopes = torch.autograd.grad(score(fixed_target(target, given.detach()), given).sum(), leaves)
    found = dict(zip(read, slopes, strict=True))
    return found.get("full"), found.get("tiles")


def _vector(model: PainModel, inputs: Mapping[str, Tensor]) -> _Place:
    vector = model.vector(**inputs)
    still = vector.unflatten(1, _shape(model, vector)).mean(1, keepdim=True).expand(-1, _shape(model, vector)[0], -1)
    return _Place(vector, still.flatten(1), model.temporal, model.temporal.perceiver)


def _shape(model: PainModel, vector: Tensor) -> tuple[int, int]:
    """Times and values at each, of what the Temporal-Module reads."""
    return (model.frames, model.embedding_dim) if vector.shape[1] == model.size else (vector.shape[1], 1)


def _rates(model: PainModel, inputs: Mapping[str, Tensor]) -> _Place:
    video = None if model.modality == "heart_rate" else model.video(inputs.get("full"), inputs.get("tiles"))

    def follows(rates: Tensor) -> Tensor:
        heart = model.embedded_rates(rates)
        return model.temporal(heart if video is None else video + heart)

    reader: Perceiver | None = None
    if model.heart_rate_encoder is not None:
        reader = model.heart_rate_encoder.perceiver
    elif video is None:
        reader = model.temporal.perceiver
    rates = model.scaled(inputs.get("bpm"))
    return _Place(rates, torch.zeros_like(rates), follows, reader)


def _mapped(
    model: PainModel,
    inputs: Mapping[str, Tensor],
    target: Target,
    method: str,
    place_of: Callable[[PainModel, Mapping[str, Tensor]], _Place],
    methods: Mapping[str, Callable[[_Place, Target], Tensor]],
) -> Tensor:
    """(B, values): a value of each value that enters."""
    if method not in methods:
        raise ValueError(f"method must be one of {', '.join(methods)}, got {method!r}")
    model = own_copy(model)
    with torch.no_grad():
        place = place_of(model, inputs)
        target = fixed_target(target, place.follows(place.enters))
    with torch.inference_mode(False), torch.enable_grad():
        return methods[method](place, target).detach()


def _gradient(place: _Place, target: Target) -> Tensor:
    slopes: list[Tensor] = []
    for k in range(STEPS):
        point = _on_the_way(place, k).requires_grad_()
        slopes += torch.autograd.grad(score(target, place.follows(point)).sum(), [point])
    return (place.enters - place.start) * torch.stack(slopes).mean(0)


def _on_the_way(place: _Place, k: int) -> Tensor:
    return torch.lerp(place.start, place.enters, (k + 0.5) / STEPS)


def _lost(place: _Place, target: Target) -> Tensor:
    """What the score loses if a value is the mean instead, one after the other."""
    here = torch.eye(place.enters.shape[1], dtype=torch.bool, device=place.enters.device)
    mean = place.enters.mean(1, keepdim=True)
    with torch.no_grad():
        whole = score(target, place.follows(place.enters))
        without = [score(target, place.follows(place.enters.where(~at, mean))) for at in here]
    return whole[:, None] - torch.stack(without, 1)


def _read(place: _Place, target: Target) -> tuple[Reading, Tensor]:
    """How tokens were read, and the slope of the score by what the latents gathered, (B, heads, M, features)."""
    if place.reader is None:
        raise ValueError("no attention reads the heart rates of this model one by one: use method='gradient'")
    with recorded_readings(place.reader.cross_attention) as readings:
        scores = score(target, place.follows(place.enters.clone().requires_grad_()))
    (slope,) = torch.autograd.grad(scores.sum(), [readings[0].gathered])
    return readings[0], slope


def _contribution(place: _Place, target: Target) -> Tensor:
    total = torch.zeros((), device=place.enters.device)
    for k in range(STEPS):
        reading, slope = _read(place._replace(enters=_on_the_way(place, k)), target)
        total = total + torch.einsum("bhmn,bhmf->bnf", reading.weights, slope).detach() / STEPS
    assert place.reader is not None
    count = place.enters.shape[1] // total.shape[1]
    ends = [place.reader.with_positions(end.unflatten(1, (-1, count))) for end in (place.start, place.enters)]
    first, last = (place.reader.cross_attention.normalised(tokens)[:, 0] for tokens in ends)
    parts = (last - first) * total
    # LayerNorm is over values and position: what values do to the position's features is theirs in equal parts.
    return (parts[..., :count] + parts[..., count:].sum(-1, keepdim=True) / count).flatten(1)


def _attention(place: _Place, target: Target) -> Tensor:
    reading, slope = _read(place, target)
    slopes = torch.einsum("bnf,bhmf->bhmn", reading.tokens[:, 0], slope)
    latents = (reading.weights * slopes).abs().sum(-1, keepdim=True)
    tokens = (reading.weights * latents).sum((1, 2))  # (B, n)
    return tokens.repeat_interleave(place.enters.shape[1] // tokens.shape[1], dim=1)


TEMPORAL_METHODS: dict[str, Callable[[_Place, Target], Tensor]] = {
    "contribution": _contribution,
    "gradient": _gradient,
    "attention": _attention,
}
