"""A configuration out of the schema's defaults, then a YAML file, then `key=value`.

    config = load(["config=experiments/proxy.yaml", "train.epochs=30"])

A misspelt key is an error that names the nearest one, and so is a value that no run could use.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from painlit.config.schema import Config
from painlit.config.settings import refuse_unread, settings
from painlit.errors import PainlitError


def load(arguments: Sequence[str] = (), stage: str | None = None, defaults: Sequence[str] = ()) -> Config:
    """Schema, then the YAML named by `config=`, then the other `key=value` arguments.

    Args:
        arguments: As on a command line.
        stage: Whose command line it is: a `key=value` that it does not read is refused. A YAML file may hold settings
            of several stages.
        defaults: YAML files, as `config=`, that come before.

    Raises:
        PainlitError: Unknown key (with the nearest known one), a key of another stage (named), missing file, or a value
            of the wrong kind.

    >>> load(["train.epochs=60", "task=multilevel"]).train.epochs
    60
    """
    pairs = [a for a in arguments if not a.startswith("config=")]
    for pair in pairs:
        if "=" not in pair:
            raise PainlitError(f"argument {pair!r} is not of the form key=value", "for instance train.epochs=100")
    files = [a.removeprefix("config=") for a in (*defaults, *arguments) if a.startswith("config=")]
    layers = [(file, _read(file)) for file in files]
    for pair in pairs:
        try:
            layer = OmegaConf.from_dotlist([pair])
        except Exception as error:  # yaml's own errors have no common base that OmegaConf exports
            raise PainlitError(f"argument {pair!r} cannot be read: {error}", "close its brackets and quotes") from error
        keys = _refuse_unknown_keys(OmegaConf.to_container(layer), "command line")
        if stage is not None:
            for key in keys:
                refuse_unread(stage, key)
        layers.append(("command line", layer))
    schema = OmegaConf.structured(Config)
    return _merge(schema, layers)


def overlay(config: Config, file: Path | str) -> Config:
    """A configuration with the keys of a YAML file laid over it.

    Raises:
        PainlitError: As `load`.
    """
    base = OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.create(config.to_dict()))
    return _merge(base, [(str(file), _read(str(file)))])


def _read(file: str) -> Any:
    if not Path(file).is_file():
        raise PainlitError(f"config file {file} does not exist", "give config=<file>.yaml, from the project's root")
    try:
        return OmegaConf.load(file)
    except Exception as error:  # yaml's own errors have no common base that OmegaConf exports
        raise PainlitError(f"{file} is not valid YAML: {error}", "mend the line it names") from error


def _merge(base: Any, layers: list[tuple[str, Any]]) -> Config:
    for source, layer in layers:
        _refuse_unknown_keys(OmegaConf.to_container(layer), source)
    try:
        merged = OmegaConf.merge(base, *(layer for _, layer in layers))
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or "?"
        raise PainlitError(
            f"bad value of {key}: {error.msg or error}", "--help shows its default; lists are written key=[a,b]"
        ) from error
    assert isinstance(config, Config)
    return config


Group = TypeVar("Group")


def group(kind: type[Group], values: Group | Mapping[str, Any] | None) -> Group:
    """A group of settings out of itself, of a plain dict as checkpoints hold it, or of nothing: the defaults.

    A dict of another version is read: what it lacks is at its default, and what the schema no longer knows is left out.

    >>> from painlit.config import TrainConfig
    >>> group(TrainConfig, {"epochs": 60, "of_another_version": 1}).epochs
    60
    """
    if isinstance(values, kind):
        return values
    given: dict[str, Any] = {}
    for entry in dataclasses.fields(kind) if values else ():  # type: ignore[arg-type]
        if entry.name in values:  # type: ignore[operator]
            value = values[entry.name]  # type: ignore[index]
            nested = dataclasses.is_dataclass(entry.default_factory) and isinstance(value, Mapping)
            given[entry.name] = group(entry.default_factory, value) if nested else value  # type: ignore[arg-type]
    return kind(**given)


def from_dict(values: dict[str, Any]) -> Config:
    """The inverse of `Config.to_dict`."""
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.create(values)))
    assert isinstance(config, Config)
    return config


def _refuse_unknown_keys(values: Any, source: str) -> list[str]:
    """The full keys of a layer, all of which the schema knows."""
    known = settings()
    groups = {key.rsplit(".", depth)[0] for key in known for depth in range(1, key.count(".") + 1)}
    keys = list(_flat_keys(values, groups))
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else "see --help for all keys"
            raise PainlitError(f"unknown key {key!r} ({source})", hint)
    return keys


def _flat_keys(values: Any, groups: set[str], prefix: str = "") -> Iterable[str]:
    if not isinstance(values, dict):
        raise PainlitError(f"{prefix.rstrip('.') or 'the file'} must hold keys and values", "indent its keys below it")
    for key, value in values.items():
        if prefix + str(key) in groups or isinstance(value, dict):
            yield from _flat_keys(value, groups, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
