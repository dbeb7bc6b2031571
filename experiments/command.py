"""What every entry point does: read key=value, run, and turn errors into a message and an exit status."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from painlit import schema
from painlit.config import Config, known_keys, load
from painlit.errors import PainlitError


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
        result = run(load([*defaults, *sys.argv[1:]]))
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


def _field_sentences() -> dict[str, str]:
    """The sentence under each field of the schema, by full key."""
    tree = ast.parse(inspect.getsource(schema))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    return dict(_sentences(classes["Config"], classes, ""))


def _sentences(node: ast.ClassDef, classes: dict[str, ast.ClassDef], prefix: str) -> Iterator[tuple[str, str]]:
    for entry, following in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(entry, ast.AnnAssign) or not isinstance(entry.target, ast.Name):
            continue
        kind = entry.annotation.id if isinstance(entry.annotation, ast.Name) else ""
        if kind in classes:
            yield from _sentences(classes[kind], classes, f"{prefix}{entry.target.id}.")
        elif isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            yield prefix + entry.target.id, " ".join(str(following.value.value).split())
