"""C++ compiled for the processor at hand."""

import os
import shutil
import subprocess
import tempfile
from ctypes import CDLL
from functools import cache
from pathlib import Path

from painlit.errors import PainlitError

_COMPILERS = ("g++", "clang++", "c++")
_FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC")
_PATIENCE = 300
"""Seconds."""


@cache
def compiled(source: Path, *flags: str) -> CDLL:
    """A library of one file of C++17, compiled once in a process: some seconds.

    It is not kept: what is compiled for one processor may stop the program on another that shares its home.

    Args:
        source: The file.
        flags: Of the compiler, beside those of all.

    Raises:
        PainlitError: There is no compiler, or it fails. The environment's CXX names one, or else `g++`, `clang++` and
            `c++` are tried.
    """
    named = os.environ.get("CXX", "").split()  # a program, or one before another, such as ccache g++
    compiler = shutil.which(named[0]) if named else next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        what = f"CXX={named[0]} is no program" if named else f"there is no C++ compiler ({', '.join(_COMPILERS)})"
        raise PainlitError(what, "install g++ or clang++, or name one by CXX")
    where = ""
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # NFS keeps files that are in use
            where = f" in {folder}"
            library = Path(folder) / f"{source.stem}.so"
            command = [compiler, *named[1:], *_FLAGS, *flags, "-o", str(library), str(source)]
            subprocess.run(command, capture_output=True, text=True, errors="replace", check=True, timeout=_PATIENCE)
            return CDLL(str(library))  # stays when its file goes
    except subprocess.CalledProcessError as error:
        said = next((line for line in error.stderr.splitlines() if "error" in line), error.stderr.strip())
        raise PainlitError(f"{compiler} cannot compile {source.name}: {said}", "name another by CXX") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        what = f"{compiler} cannot compile {source.name}{where}: {error}"
        raise PainlitError(what, "name another by CXX, or by TMPDIR a folder that programs can run in") from error
