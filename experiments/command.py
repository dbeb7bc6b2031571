"""What every entry point does: read key=value, run, and turn errors into a message and an exit status."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from painlit.config import Config, known_keys, load
from painlit.errors import PainlitError

_FLAGS = {"--dry-run": "loso.dry_run=true"}
"""Short forms of keys."""


def main(run: Callable[[Config], Any], description: str | None, defaults: Sequence[str] = ()) -> None:
    """Run a stage with the command line's configuration. Exit status 2: an error the user can mend; 130: Ctrl-C.

    Args:
        run: The stage.
        description: What --help says of it.
        defaults: Arguments read before the user's.
    """
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(description)
        print("Keys (key=value, or in a YAML file given as config=FILE):\n")
        print("\n".join(_help_lines()))
        return
    try:
        result = run(load([*defaults, *(_FLAGS.get(argument, argument) for argument in sys.argv[1:])]))
    except PainlitError as error:
        sys.exit(_fail(f"error: {error}", 2))
    except OSError as error:
        if error.filename is None:
            raise
        sys.exit(_fail(f"error: {error.filename}: {error.strerror}\n  -> check the path and its permissions", 2))
    except KeyboardInterrupt:
        sys.exit(_fail("stopped; run the same command to go on", 130))
    sys.exit(getattr(result, "exit_status", 0))


def _fail(message: str, status: int) -> int:
    print(message, file=sys.stderr)
    return status


def _help_lines() -> Iterator[str]:
    sentences = _field_sentences()
    for key, default in known_keys().items():
        yield f"  {key}={'null' if default is None else default}"
        yield f"      {sentences.get(key, '')}"


def _field_sentences(schema: type = Config, prefix: str = "") -> dict[str, str]:
    """The sentence under each field of the schema, by full key."""
    sentences: dict[str, str] = {}
    below = _docstrings(schema)
    for entry in dataclasses.fields(schema):
        if dataclasses.is_dataclass(group := entry.default_factory):
            sentences |= _field_sentences(group, f"{prefix}{entry.name}.")
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
