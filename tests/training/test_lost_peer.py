"""What a process of a training prints when a step fails since another process has ended."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

TWO_RANKS = """
import json, os, sys, types
import torch.distributed as dist
from experiments import command
from painlit.system import processes

folder, *cases = sys.argv[1:]
os.environ.pop("PAINLIT_CHILD", None)

def train(case):
    rank = 0 if os.fork() else 1  # the first process is the other's parent, as in a training

    def run(config):
        dist.init_process_group("gloo", store=dist.FileStore(f"{folder}/{case}", 2), rank=rank, world_size=2)
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

printed = {}
for case in cases:  # each begins here, so that the packages are imported once
    output, errors = os.pipe()
    if not os.fork():
        os.dup2(errors, 2)
        os.close(errors)
        train(case)
        sys.exit()
    os.close(errors)
    with open(output) as written:
        printed[case] = written.read()  # ends when both processes have
print(json.dumps(printed))
"""

CASES = {
    "parent ends": None,
    "parent goes on": "gloo",
    "own error": "RuntimeError: a bug in a step",
    "own error before": "ValueError: a bug in a step",
}


@pytest.fixture(scope="module")
def errors(tmp_path_factory) -> Mapping[str, str]:
    """What is printed in each case."""
    command = [sys.executable, "-c", TWO_RANKS, str(tmp_path_factory.mktemp("ranks")), *CASES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True, env={**os.environ})
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("case", "message"), CASES.items())
def test_a_rank_whose_parent_was_stopped_prints_no_error_but_its_own(case: str, message: str | None, errors):
    assert ("Traceback" in errors[case]) == (message is not None), errors[case]
    assert (message or "") in errors[case]
