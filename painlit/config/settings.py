"""All settings as a list, with what each affects: where fingerprints, refusals and help come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from painlit.config.affects import SET_BY_PAPER, STAGES, STEPS_OF_PAPER
from painlit.config.schema import Config
from painlit.errors import PainlitError


@dataclass(frozen=True)
class Setting:
    """One setting."""

    key: str
    """Full key, such as train.epochs."""
    default: Any
    affects: tuple[str, ...]
    """Results that depend on it."""
    stages: frozenset[str]
    """Stages that read it."""
    path: bool
    """Whether it is a path."""
    before: tuple[Any, ...]
    """Value that work older than the setting was made with; empty if unknown."""


@lru_cache(maxsize=1)
def settings() -> dict[str, Setting]:
    """Every setting by its full key."""
    return {setting.key: setting for setting in _walk(Config(), "", (), frozenset(), False)}


def _walk(group: Any, prefix: str, affects: tuple[str, ...], stages: frozenset[str], path: bool) -> Iterator[Setting]:
    for entry in dataclasses.fields(group):
        value, key = getattr(group, entry.name), prefix + entry.name
        here, read_by = entry.metadata.get("affects", affects), frozenset(entry.metadata.get("read_by", ()))
        makers = frozenset(stage for stage, results in STAGES.items() if {*results} & {*here})
        annotated = {"affects", "read_by"} & set(entry.metadata)
        readers = (makers | read_by or stages) if annotated else stages
        is_path = entry.metadata.get("path", path)
        if dataclasses.is_dataclass(value):
            yield from _walk(value, f"{key}.", here, readers, is_path)
        else:
            if readers & {*STEPS_OF_PAPER} and key not in SET_BY_PAPER:
                readers |= {"paper"}
            before = (entry.metadata["before"],) if "before" in entry.metadata else ()
            yield Setting(key, value, here, readers | {"demo"}, is_path, before)


def values_affecting(config: Config, *results: str) -> dict[str, Any]:
    """Full key -> value of every setting that one of these results depends on.

    >>> sorted(values_affecting(Config(), "ecg"))[:2]
    ['ecg.class_weights', 'ecg.leave_out']
    """
    values = flat(config.to_dict())
    return {key: values[key] for key, setting in settings().items() if {*results} & {*setting.affects}}


def values_before(keys: Iterable[str]) -> dict[str, Any]:
    """Full key -> value of those settings that older work was made with but does not record.

    >>> values_before(["embed.precision", "face.margin"])
    {'embed.precision': 'fp32'}
    """
    known = settings()
    return {key: known[key].before[0] for key in keys if key in known and known[key].before}


def refuse_unread(stage: str, key: str) -> None:
    """Refuse a setting that a stage does not read.

    Raises:
        PainlitError: It would be ignored; the stages that read it are named, and the stage's own setting of that kind.
    """
    setting = settings()[key]
    if stage in setting.stages:
        return
    own = [other for other, entry in settings().items() if stage in entry.stages]
    alike = [other for other in own if other.rpartition(".")[2] == key.rpartition(".")[2]]
    readers = ", ".join(other for other in STAGES if other in setting.stages and other != "demo")
    raise PainlitError(
        f"{stage} does not read {key}; these do: {readers}",
        f"did you mean {' or '.join(alike[:3])}?" if alike else f"painlit {stage} --help lists what it reads",
    )


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested groups as one dict of full keys.

    >>> flat({"train": {"epochs": 3}, "task": "multilevel"})
    {'train.epochs': 3, 'task': 'multilevel'}
    """
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found
