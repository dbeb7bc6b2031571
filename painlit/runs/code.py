"""A digest of the code that computes folds, so that those of two versions are never mixed unnoticed."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from functools import lru_cache
from pathlib import Path

from painlit.runs.provenance import versions

CODE = "code"
"""Key of a fingerprint: which code made it."""
_ROOT = Path(__file__).resolve().parents[1]
_NOT_COMPUTING = ("report", "images", "runs", "inference")
"""Packages of painlit that no figure of a fold depends on."""


@lru_cache(maxsize=8)
def code_digest(module: str) -> str:
    """16 digits over painlit's statements and the versions of the packages it depends on; comments do not count.

    Args:
        module: Name of the module that gives folds their batches.
    """
    sha = hashlib.sha256(repr(sorted(versions().items())).encode())
    for path in sorted(_ROOT.rglob("*.py")):
        if path.relative_to(_ROOT).parts[0] not in _NOT_COMPUTING:
            sha.update(f"{path.relative_to(_ROOT)}\n{statements(path.read_text(encoding='utf-8'))}\n".encode())
    sha.update(statements(inspect.getsource(sys.modules[module])).encode())
    return sha.hexdigest()[:16]


def statements(source: str) -> str:
    """A module's statements without comments, docstrings and layout.

    >>> statements("x = 1  # one") == statements("x=1") != statements("x=2")
    True
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
            ]
    return ast.dump(tree)
