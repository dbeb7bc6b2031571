import ast
import sys
from pathlib import Path

import painlit.models

ALLOWED = {"torch", "einops", "timm"} | set(sys.stdlib_module_names)


def imported_names(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def test_models_import_torch_einops_timm_and_each_other_only():
    files = sorted(Path(painlit.models.__file__).parent.rglob("*.py"))
    assert len(files) > 5
    foreign = {
        (file.name, name)
        for file in files
        for name in imported_names(file.read_text())
        if name.split(".")[0] not in ALLOWED and not name.startswith("painlit.models")
    }
    assert foreign == set()


def test_every_exported_name_has_a_docstring():
    for name in painlit.models.__all__:
        assert getattr(painlit.models, name).__doc__
