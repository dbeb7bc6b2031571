"""Where the processes of a training come from: this process starts them, or torchrun or srun has."""

from __future__ import annotations

import os
from typing import Any

import torch
from lightning.fabric.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)

from painlit.config.training import PretrainingTraining
from painlit.errors import PainlitError


def cluster_environment() -> ClusterEnvironment:
    """Who started this process.

    A SLURM allocation alone does not count, as Lightning would have it: a command in one that srun did not start
    starts its own processes.

    Raises:
        PainlitError: srun has started it with options that Lightning cannot use.
    """
    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1:
        try:
            return SLURMEnvironment(auto_requeue=False)  # a job that is started again goes on by itself
        except RuntimeError as error:  # options of the job that Lightning cannot use
            raise PainlitError(str(error), "ask for nodes and tasks with --nodes and --ntasks-per-node") from error
    return LightningEnvironment()


def trainer_options(training: PretrainingTraining) -> dict[str, Any]:
    """Lightning's options for the processes that `train.devices` and `train.nodes` configure.

    Raises:
        PainlitError: torchrun or srun has started another number of processes, or the rank of this node is not set.
    """
    environment = cluster_environment()
    here, total = _started(environment)
    if total:
        if total != training.nodes * here or training.devices not in ("auto", str(here)):
            raise PainlitError(
                f"{total} processes were started, {here} on this machine, and {training.key}.nodes={training.nodes}, "
                f"{training.key}.devices={training.devices}",
                f"set {training.key}.nodes={total // here} and {training.key}.devices=auto, or start as many",
            )
    elif training.nodes > 1 and "NODE_RANK" not in os.environ:
        raise PainlitError(
            f"{training.key}.nodes={training.nodes}, and nothing says which node this is",
            "start the command by torchrun or srun, or set NODE_RANK, MASTER_ADDR and MASTER_PORT on each node",
        )
    devices = here or local_processes(training)
    return {
        "devices": devices,
        "num_nodes": training.nodes,
        "strategy": "auto" if devices * training.nodes == 1 else "ddp",
        "plugins": [environment],
    }


def local_processes(training: PretrainingTraining) -> int:
    """Processes on this machine: one for each accelerator, or one, unless `train.devices` gives a number."""
    if training.devices != "auto":
        return max(1, int(training.devices))
    on_cpu = training.accelerator == "cpu" or torch.accelerator.current_accelerator(check_available=True) is None
    return 1 if on_cpu else max(1, torch.accelerator.device_count())


def _started(environment: ClusterEnvironment) -> tuple[int, int]:
    """Processes that were started on this machine and in all; 0 if this one starts them."""
    if isinstance(environment, TorchElasticEnvironment):
        return int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    if isinstance(environment, SLURMEnvironment):
        total = int(os.environ["SLURM_STEP_NUM_TASKS"])
        return total // int(os.environ.get("SLURM_STEP_NUM_NODES", "1")), total
    return 0, 0
