"""C++ that is compiled here: what it gives, and what is said where it cannot be."""

import shutil
import tempfile
from ctypes import c_int

import pytest

from painlit.errors import PainlitError
from painlit.native.library import compiled


def source(folder, text: str):
    path = folder / "sums.cpp"
    path.write_text(text)
    return path


def test_a_library_is_made_once(tmp_path):
    path = source(tmp_path, 'extern "C" int twice(int x) { return 2 * x; }')
    library = compiled(path)
    assert library.twice(c_int(21)) == 42
    path.unlink()
    assert compiled(path) is library


def test_the_error_of_the_compiler_is_told(tmp_path):
    with pytest.raises(PainlitError, match=r"cannot compile sums\.cpp: .*error.*\n.*name another by CXX"):
        compiled(source(tmp_path, 'extern "C" int twice(int x) { return 2 * y; }'))


def test_a_compiler_behind_another_program(tmp_path, monkeypatch):
    compiler = next(filter(None, map(shutil.which, ("g++", "clang++", "c++"))))
    monkeypatch.setenv("CXX", f"env {compiler}")
    assert compiled(source(tmp_path, 'extern "C" int twice(int x) { return 2 * x; }')).twice(c_int(4)) == 8


def test_no_compiler(tmp_path, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PainlitError, match=r"no C\+\+ compiler \(g\+\+, clang\+\+, c\+\+\)\n.*install g\+\+"):
        compiled(source(tmp_path, ""))


def test_a_compiler_that_is_named_and_absent(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(PainlitError, match="CXX=no-such-compiler is no program"):
        compiled(source(tmp_path, ""))


def test_a_compiler_that_makes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "true")
    with pytest.raises(PainlitError, match=r"true cannot compile sums\.cpp in .*cannot open"):
        compiled(source(tmp_path, ""))


def test_no_folder_for_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(PainlitError, match=r"cannot compile sums\.cpp: .*gone.*\n.*by TMPDIR a folder"):
        compiled(source(tmp_path, ""))
