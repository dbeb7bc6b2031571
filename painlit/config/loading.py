"""Configuration is data with a schema: dataclasses (`painlit.config`), then a YAML file, then `key=value`.

    config = load(["config=experiments/proxy.yaml", "train.epochs=30"])

A misspelt key is an error that names the nearest one, and so is a value that no run could use.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from painlit.config.schema import Config
from painlit.errors import PainlitError


def load(arguments: Sequence[str] = ()) -> Config:
    """Schema, then the YAML named by `config=`, then the other `key=value` arguments.

    Raises:
        PainlitError: Unknown key (with the nearest known one), missing file, or a value of the wrong kind.

    >>> load(["train.epochs=60", "task=multilevel"]).train.epochs
    60
    """
    files = [a.removeprefix("config=") for a in arguments if a.startswith("config=")]
    pairs = [a for a in arguments if not a.startswith("config=")]
    for pair in pairs:
        if "=" not in pair:
            raise PainlitError(f"argument {pair!r} is not of the form key=value", "for instance train.epochs=100")
    schema = OmegaConf.structured(Config)
    layers: list[tuple[str, Any]] = []
    for file in files:
        layers.append((file, _read(file)))
    for pair in pairs:
        try:
            layers.append(("command line", OmegaConf.from_dotlist([pair])))
        except Exception as error:  # as above
            raise PainlitError(f"argument {pair!r} cannot be read: {error}", "close its brackets and quotes") from error
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


def from_dict(values: dict[str, Any]) -> Config:
    """The inverse of `Config.to_dict`."""
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.create(values)))
    assert isinstance(config, Config)
    return config


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested groups as one dict of full keys.

    >>> flat({"train": {"epochs": 3}, "task": "multilevel"})
    {'train.epochs': 3, 'task': 'multilevel'}
    """
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return found


def known_keys(schema: type = Config, prefix: str = "") -> dict[str, Any]:
    """Every full key, such as `train.epochs`, with its default."""
    keys: dict[str, Any] = {}
    defaults = schema()
    for entry in dataclasses.fields(schema):
        value = getattr(defaults, entry.name)
        if dataclasses.is_dataclass(value):
            keys |= known_keys(type(value), f"{prefix}{entry.name}.")
        else:
            keys[prefix + entry.name] = value
    return keys


def _refuse_unknown_keys(values: Any, source: str) -> None:
    known = known_keys()
    groups = {key.rsplit(".", depth)[0] for key in known for depth in range(1, key.count(".") + 1)}
    for key in _flat_keys(values, groups):
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else "see --help for all keys"
            raise PainlitError(f"unknown key {key!r} ({source})", hint)


def _flat_keys(values: Any, groups: set[str], prefix: str = "") -> Iterable[str]:
    if not isinstance(values, dict):
        raise PainlitError(f"{prefix.rstrip('.') or 'the file'} must hold keys and values", "indent its keys below it")
    for key, value in values.items():
        if prefix + str(key) in groups or isinstance(value, dict):
            yield from _flat_keys(value, groups, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
