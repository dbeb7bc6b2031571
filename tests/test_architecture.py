"""The layers: imports go down, without a cycle, and the library imports neither data sets nor commands."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = (
    {"errors", "losses"},
    {"system"},
    {"config"},
    {"models", "signals"},
    {"runs", "native"},
    {"weights"},
    {"clips", "images"},
    {"training"},
    {"tasks"},
    {"loso"},
    {"report"},
    {"inference"},
)
"""Packages of painlit from the bottom up; those of one layer do not import each other. `losses` is plain torch."""


def imports_of(file: Path) -> set[str]:
    """Modules that a file imports, also those for type checking alone and those inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: imports are absolute"
            module = node.module or ""
            below = {f"{module}.{alias.name}" for alias in node.names}
            found |= {name for name in below if is_module(name)} or {module}
    return found


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def layer_of(module: str) -> int:
    parts = module.split(".")
    return len(LAYERS) if len(parts) == 1 else next(k for k, packages in enumerate(LAYERS) if parts[1] in packages)


def upward(file: Path) -> set[str]:
    """Imports of a file of painlit that go up, or across a layer."""
    here = module_of(file)
    ours = {name for name in imports_of(file) if name.split(".")[0] == "painlit"}
    package = here.split(".")[1:2]
    return {name for name in ours if name.split(".")[1:2] != package and layer_of(name) >= layer_of(here)}


@pytest.mark.parametrize("file", files("painlit"), ids=module_of)
def test_imports_go_down(file: Path):
    assert upward(file) == set()


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("painlit", {"data_modules", "experiments", "tests"}), ("data_modules", {"experiments", "tests"})],
)
def test_nothing_imports_what_depends_on_it(package: str, forbidden: set[str]):
    wrong = {(module_of(f), name) for f in files(package) for name in imports_of(f) if name.split(".")[0] in forbidden}
    assert wrong == set()


def test_there_is_no_import_cycle():
    graph = defaultdict(set)
    for package in ("painlit", "data_modules", "experiments"):
        for file in files(package):
            graph[module_of(file)] = {n for n in imports_of(file) if n.split(".")[0] == package} - {module_of(file)}
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"a cycle: {' -> '.join([*path[path.index(module) :], module])}"
        if module in finished:
            return
        for other in graph[module]:
            visit(other, (*path, module))
        finished.add(module)

    for module in list(graph):
        visit(module, ())


def test_every_package_has_a_layer():
    packages = {path.stem for path in (ROOT / "painlit").iterdir() if path.stem not in ("__init__", "__pycache__")}
    assert packages <= set().union(*LAYERS)
    assert len(list((ROOT / "painlit").glob("*.py"))) == 3


def test_the_check_sees_an_import_that_goes_up(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "painlit" / "loso").mkdir(parents=True)
    (tmp_path / "painlit" / "loso" / "run.py").touch()
    low = tmp_path / "painlit" / "clips"
    low.mkdir()
    (low / "table.py").write_text("def f():\n    from painlit.loso.run import run_loso\n")
    assert upward(low / "table.py") == {"painlit.loso.run"}


def loads_code(text: str) -> set[str]:
    """Calls that would run what a file holds: pickles, and torch's files without `weights_only=True`."""
    found = set()
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        name, given = ast.unparse(call.func), {k.arg: ast.unparse(k.value) for k in call.keywords}
        reads = name == "torch.load" or name.endswith("load_from_checkpoint") or "ckpt_path" in given
        if (reads and given.get("weights_only") != "True") or given.get("allow_pickle", "False") != "False":
            found.add(ast.unparse(call))
        if name in {"pickle.load", "pickle.loads", "joblib.load"}:
            found.add(ast.unparse(call))
    return found


@pytest.mark.parametrize("package", ["painlit", "data_modules", "experiments"])
def test_nothing_loads_code_from_a_file(package: str):
    assert {str(file): calls for file in files(package) if (calls := loads_code(file.read_text()))} == {}


def test_the_check_sees_what_loads_code():
    given = "torch.load(a)", "M.load_from_checkpoint(a, weights_only=False)", "t.fit(m, ckpt_path=a)", "pickle.load(a)"
    assert all(loads_code(call) for call in (*given, "np.load(a, allow_pickle=True)"))
    assert not loads_code("torch.load(a, weights_only=True)\nnp.load(a)\nt.fit(m, ckpt_path=a, weights_only=True)")


def test_an_assessment_does_not_wait_for_what_only_training_needs():
    shown = "import sys, painlit.inference.model; print(sorted({'lightning', 'torchmetrics'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", shown], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "[]"
