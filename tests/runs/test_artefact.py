"""The one place that writes and opens artefacts."""

import json
import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from painlit.errors import PainlitError
from painlit.runs.artefact import (
    ChangedError,
    DamagedError,
    read_artefact,
    refuse_changes,
    seal,
    unseal,
    write_artefact,
)
from painlit.runs.code import code_digest, statements
from painlit.system.digests import FileState, digest

CONTENT = {"name": "a", "values": [1, 2.5, None, True], "nested": {"k": "v"}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_artefact(tmp_path / "it.json", CONTENT, {"clips": "abc"})
    return tmp_path / "it.json"


def test_what_was_written_is_read(path: Path):
    assert read_artefact(path, "-") == CONTENT
    assert read_artefact(path, "-", {"clips": "abc"}) == CONTENT
    with pytest.raises(DamagedError, match="belongs to another run or fold"):
        read_artefact(path, "-", {"clips": "def"})


def test_it_is_sealed_as_it_comes_back(tmp_path: Path):
    write_artefact(tmp_path / "it.json", {"pair": (1, 2), 3: "key"})  # JSON knows neither tuples nor such keys
    assert read_artefact(tmp_path / "it.json", "-") == {"pair": [1, 2], "3": "key"}


@pytest.mark.parametrize("key", [*CONTENT, "new", "seal"])
def test_any_edit_is_refused(path: Path, key: str):
    held = json.loads(path.read_text())
    path.write_text(json.dumps({**held, key: 7}))
    with pytest.raises(DamagedError, match=r"it\.json.*(?s:.*)mend it"):
        read_artefact(path, "mend it")
    path.write_text(
        json.dumps({k: v for k, v in held.items() if k != key or key == "new"} | ({} if key != "new" else {"x": 1}))
    )
    with pytest.raises(DamagedError):
        read_artefact(path, "-")


@pytest.mark.parametrize("text", ["", "{}", "[]", "3", "null", "[" * 200_000, "\udcff", '{"seal": []}', "{" * 9])
def test_another_kind_of_file_is_a_named_error(path: Path, text: str):
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(PainlitError, match=r"it\.json") as caught:
        read_artefact(path, "-")
    assert len(str(caught.value)) < 3000


def test_a_digest_is_of_types_shapes_and_values():
    array = np.arange(6.0)
    different = [
        array, array.reshape(2, 3), array.astype("f4"), array[::-1], torch.arange(6.0), torch.arange(6.0).double(),
        torch.arange(6).bool(), list(range(6)), [0.0, 1, 2, 3, 4, 5], "012345", {"a": 1}, {"a": 1.0}, {"a": "1"},
        {"b": 1}, {1: 1}, {"1": 1}, [[], []], [[[]]], None, False, 0, "", [], {}, float("nan"),
    ]  # fmt: skip
    assert len({digest(value) for value in different}) == len(different)
    assert digest({"a": 1, "b": 2}) == digest(OrderedDict(b=2, a=1))
    assert digest((1, 2)) == digest([1, 2])
    assert digest(array[::2]) == digest(array[::2].copy())
    assert digest(torch.ones(3, 2).T) == digest(torch.ones(2, 3))
    assert digest(torch.ones(2, dtype=torch.bfloat16))
    with pytest.raises(TypeError, match="no digest of a set"):
        digest({"a": {1}})


def test_a_checkpoint_is_sealed_with_its_tensors():
    sealed = seal({"w": torch.ones(3), "epoch": 2}, "fold")
    assert unseal(Path("x"), sealed, "-", "fold")["epoch"] == 2
    assert seal(sealed, "fold") == sealed  # sealed again as it is
    sealed["w"][1] = 2
    with pytest.raises(DamagedError):
        unseal(Path("x"), sealed, "-", "fold")


def test_a_file_is_known_by_size_and_time_or_by_content(tmp_path: Path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"one")
    before = FileState.of(path)
    assert before.still_true_of(path)
    assert before._replace(time=0).still_true_of(path), "a copy"
    assert before._replace(sha256="").still_true_of(path), "not read where size and time are the same"
    assert not before._replace(time=0, sha256="").still_true_of(path)
    path.write_bytes(b"two")
    assert not before._replace(time=0).still_true_of(path)
    path.write_bytes(b"longer")
    os.utime(path, ns=(before.time, before.time))
    assert not before.still_true_of(path), "another size at the same time"
    path.unlink()
    assert not before.still_true_of(path)


def test_differences_are_named_but_for_those_accepted():
    with pytest.raises(ChangedError, match=r"a was 1 and is now 2; c was None and is now 3"):
        refuse_changes(Path("x"), {"a": 1, "b": 1}, {"a": 2, "b": 1, "c": 3}, "-")
    refuse_changes(Path("x"), {"a": 1, "b": 1}, {"a": 2, "b": 1}, "-", accept=("a",))


def test_code_is_known_by_what_it_does():
    code = "def f(x):\n    return x + 1\n"
    assert statements(code) == statements('"""Doc."""\ndef f(x):\n    "What."\n    # why\n    return (x + 1)\n')
    assert statements(code) != statements(code.replace("1", "2"))
    assert code_digest(__name__) == code_digest(__name__)


def test_work_that_is_older_than_a_setting_was_made_as_it_was_then():
    older, now = {"face.margin": 0.3}, {"face.margin": 0.3, "embed.precision": "fp32"}
    refuse_changes(Path("x"), older, now, "-")
    with pytest.raises(ChangedError, match=r"embed\.precision was 'fp32' and is now 'bf16'$"):
        refuse_changes(Path("x"), older, now | {"embed.precision": "bf16"}, "")
    with pytest.raises(ChangedError, match=r"face\.margin was None and is now 0\.3$"):
        refuse_changes(Path("x"), {}, now, "")  # what older work does not record is not guessed
    with pytest.raises(ChangedError, match=r"embed\.precision was 'bf16' and is now None$"):
        refuse_changes(Path("x"), older | {"embed.precision": "bf16"}, older, "")
