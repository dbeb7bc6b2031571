"""`--help` of a stage: its settings with their defaults and the sentence under each field of the schema."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
from collections.abc import Iterator

from painlit.config.schema import Config
from painlit.config.settings import settings


def help_lines(stage: str) -> Iterator[str]:
    """Two lines for each setting that the stage reads: `key=default`, and what it is."""
    sentences = field_sentences()
    for key, setting in settings().items():
        if stage in setting.stages:
            yield f"  {key}={'null' if setting.default is None else setting.default}"
            yield f"      {sentences[key]}"


def field_sentences(schema: type = Config, prefix: str = "") -> dict[str, str]:
    """The sentence under each field of the schema, by full key."""
    sentences: dict[str, str] = {}
    below = _docstrings(schema)
    for entry in dataclasses.fields(schema):
        if dataclasses.is_dataclass(group := entry.default_factory):
            sentences |= field_sentences(group, f"{prefix}{entry.name}.")
        else:
            sentences[prefix + entry.name] = below.get(entry.name, "")
    return sentences


def _docstrings(schema: type) -> dict[str, str]:
    """Field name -> the string below it, of a dataclass and those it inherits from."""
    found: dict[str, str] = {}
    for kind in (k for k in reversed(schema.__mro__) if dataclasses.is_dataclass(k)):
        (node,) = ast.parse(inspect.getsource(kind)).body
        assert isinstance(node, ast.ClassDef)
        for entry, following in itertools.pairwise(node.body):
            if not isinstance(entry, ast.AnnAssign) or not isinstance(entry.target, ast.Name):
                continue
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                found[entry.target.id] = " ".join(str(following.value.value).split())
    return found
