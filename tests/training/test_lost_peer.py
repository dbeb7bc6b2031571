"""What a process of a training says of a step that fails since another process has ended."""

import os
import subprocess
import sys

import pytest

TWO_RANKS = """
import os, sys, time, types
import torch.distributed as dist
from experiments import command
from painlit.system import processes

folder, case = sys.argv[1:]
os.environ.pop("PAINLIT_CHILD", None)
rank = 0 if os.fork() else 1  # the first process is the other's parent, as in a training

def run(config):
    dist.init_process_group("gloo", store=dist.FileStore(folder + "/store", 2), rank=rank, world_size=2)
    dist.barrier()
    if rank == 0 and case != "parent goes on":
        os._exit(143)
    if rank == 0:
        dist.destroy_process_group()
        os.wait()
    elif case == "own error":
        raise RuntimeError("a bug in a step")
    elif case == "own error before":
        try:
            raise ValueError("a bug in a step")
        except ValueError:
            dist.barrier()
    else:
        dist.barrier()

if rank == 1:
    os.environ |= {"PAINLIT_CHILD": "1", "RANK": "1"}
processes._PARENT_ENDS_WITHIN = 0.1 if case == "parent goes on" else 600
command.stage_module = lambda stage: types.SimpleNamespace(run=run)
command.main("finetune", [])
"""


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("parent ends", None),
        ("parent goes on", "gloo"),
        ("own error", "RuntimeError: a bug in a step"),
        ("own error before", "ValueError: a bug in a step"),
    ],
)
def test_a_rank_whose_parent_was_stopped_says_nothing_and_its_own_errors_always(case: str, told: str | None, tmp_path):
    command = [sys.executable, "-c", TWO_RANKS, str(tmp_path), case]
    # Its output ends when both processes have.
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ})
    assert ("Traceback" in done.stderr) == (told is not None), done.stderr
    assert (told or "") in done.stderr
