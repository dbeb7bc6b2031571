"""A configuration out of the schema's defaults, then a YAML file, then `key=value`.

    config = load(["config=experiments/proxy.yaml", "train.epochs=30"])

Values are read as literal text, and become numbers only where the schema has numbers: `name=007` stays
007, and 0100 epochs are a hundred. A misspelt key is an error that names the nearest one, and so is a value that no run
could use.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import functools
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from painlit.config.schema import Config
from painlit.config.settings import refuse_unread, settings
from painlit.errors import PainlitError

_REFERENCE = re.compile(r"(?<!\\)\$\{[\w.]+\}")
_COMMAND_LINE = "command line"
_TRUTHS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class _TextLoader(yaml.SafeLoader):
    """YAML whose plain values are text, but for null: 1.1 reads 0100 as 64, 2024_11_25 and 12:30 as numbers."""

    yaml_implicit_resolvers: ClassVar[dict] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1 and key != "<<"]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]} stands there twice", node.start_mark)
        return super().construct_mapping(node, deep)


_TextLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)$"), [*"~nN", ""])
_TextLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<$"), ["<"])


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
    files = [a.removeprefix("config=") for a in (*defaults, *arguments) if a.startswith("config=")]
    layers = [_read(file) for file in files]
    for pair in pairs:
        layer = _of_argument(pair)
        if stage is not None:
            for key in layer:
                refuse_unread(stage, key)
        layers.append(layer)
    return _merge(layers)


def overlay(config: Config, file: Path | str) -> Config:
    """A configuration with the keys of a YAML file laid over it.

    Raises:
        PainlitError: As `load`.
    """
    return _merge([_flat(config.to_dict(), "the configuration"), _read(str(file))])


def from_dict(values: dict[str, Any]) -> Config:
    """The inverse of `Config.to_dict`.

    Raises:
        PainlitError: As `load`.
    """
    return _merge([_flat(values, "the configuration")])


Value = tuple[str, Any]
"""Where a value comes from, and what it is."""


def _read(file: str) -> dict[str, Value]:
    """The values of a YAML file by their full keys."""
    path = Path(_with_home(file, f"config={file}"))
    if not path.is_file():
        raise PainlitError(f"config file {file} does not exist", "give config=<file>.yaml, from the project's root")
    try:
        values = yaml.load(path.read_text(encoding="utf-8-sig"), _TextLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise PainlitError(f"{file} is not valid YAML: {error}", "mend the line it names") from error
    return _flat({} if values is None else values, file)


def _of_argument(pair: str) -> dict[str, Value]:
    """The value of `key=value`, or the values of `key={…}`: text, but for null, lists, groups and what is in quotes."""
    key, equals, text = pair.partition("=")
    if not key or not equals:
        raise PainlitError(f"argument {pair!r} is not of the form key=value", "for instance train.epochs=100")
    try:
        value = yaml.load(text, _TextLoader) if text.lower() == "null" or text[:1] in [*"[{'\""] else text
    except yaml.YAMLError as error:
        raise PainlitError(f"argument {pair!r} cannot be read: {error}", "close its brackets and quotes") from error
    return _flat(value, _COMMAND_LINE, key)


def _flat(values: Any, source: str, prefix: str = "") -> dict[str, Value]:
    """Full key -> source and value of nested groups, all of which are in the schema.

    Raises:
        PainlitError: An unknown key, a value where a group belongs, or one that calls a resolver.
    """
    known = settings()
    if prefix in known:
        _refuse_no_value(values, prefix, source)
        return {prefix: (source, values)}
    if prefix and not any(key.startswith(f"{prefix}.") for key in known):
        near = difflib.get_close_matches(prefix, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "see --help for all keys"
        raise PainlitError(f"unknown key {prefix[:80]!r} ({source})", hint)
    if not isinstance(values, Mapping):
        raise PainlitError(f"{prefix or 'the file'} must hold keys and values ({source})", "indent its keys below it")
    found: dict[str, Value] = {}
    for name, inside in values.items():
        found |= _flat(inside, source, f"{prefix}.{name}" if prefix else str(name))
    return found


def _refuse_no_value(value: Any, key: str, source: str) -> None:
    """Refuse keys and lists within a value, and `${oc.env:X}` and its like, which read what is no setting."""
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, Mapping | list):
            raise PainlitError(f"{key} ({source}) must be one value or a list of values", "--help shows its default")
        if isinstance(part, str) and "${" in _REFERENCE.sub("", part):
            raise PainlitError(
                f"{key} ({source}) calls a resolver: {part[:80]!r}",
                "write the value itself; ${data.name} may refer to another setting",
            )


@functools.cache
def _schema() -> Any:
    """The defaults, to be copied: making them takes six times as long."""
    return OmegaConf.structured(Config)


def _merge(layers: Sequence[Mapping[str, Value]]) -> Config:
    merged = copy.deepcopy(_schema())
    given = {key: value for layer in layers for key, value in layer.items()}
    key, source = "?", _COMMAND_LINE
    try:
        for key, (source, value) in given.items():
            OmegaConf.update(merged, key, _truth(key, source, value))
        for key, (source, text) in given.items():
            value = OmegaConf.select(merged, key, throw_on_missing=True)
            _refuse_no_number(key, source, value, text)
            if settings()[key].path:
                paths = (
                    [_with_home(path, key) for path in value] if OmegaConf.is_list(value) else _with_home(value, key)
                )
                OmegaConf.update(merged, key, paths)
        config = OmegaConf.to_object(merged)
    except (OmegaConfBaseException, RecursionError) as error:
        reason = str(getattr(error, "msg", None) or error).splitlines()[0][:300]
        raise PainlitError(
            f"bad value of {key} ({source}): {reason}", "--help shows its default; lists are written key=[a,b]"
        ) from error
    assert isinstance(config, Config)
    return config


def _truth(key: str, source: str, value: Any) -> Any:
    """A value that is true or false where the schema has that: OmegaConf takes 2, -1 and 01 for true."""
    if not isinstance(settings()[key].default, bool) or "${" in str(value):
        return value
    if (text := str(value).lower()) not in _TRUTHS:
        what = f"{key}={value} ({source}) is neither true nor false"
        raise PainlitError(what, "give true, false, yes, no, on or off")
    return _TRUTHS[text]


def _refuse_no_number(key: str, source: str, value: Any, text: Any) -> None:
    """Refuse what is not finite, and what Python alone reads as a number: 1_0 is ten there."""
    texts = text if isinstance(text, list) else [text]
    for number in value if OmegaConf.is_list(value) else [value]:
        if isinstance(number, float) and not math.isfinite(number):
            raise PainlitError(f"{key}={value} ({source}) is no finite number", "--help shows its default")
        if isinstance(number, int | float) and any("_" in part for part in texts if isinstance(part, str)):
            raise PainlitError(f"{key}={text} ({source}) has _ within a number", f"write {value} if that is meant")


def _with_home(path: str, key: str) -> str:
    """A path whose `~` is the home folder."""
    found = os.path.expanduser(path)
    if found.startswith("~"):
        raise PainlitError(f"{key}={path}: there is no such home folder", "write ./~ for a folder of that name")
    return found


Group = TypeVar("Group")


def group(kind: type[Group], values: Group | Mapping[str, Any] | None) -> Group:
    """A group of settings out of itself, of a plain dict as checkpoints hold it, or of nothing: the defaults.

    A dict of another version is read: what it lacks is at its default, and what the schema no longer has is left out.

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
