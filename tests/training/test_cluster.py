"""Who starts the processes of a training: this process, torchrun or srun; two of each learn what one does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lightning.fabric.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment
from safetensors.torch import load_file

from data_modules.demo.heartbeats import make_demo_heartbeats
from experiments import pretrain_ecg
from painlit.config import EcgTraining, load
from painlit.errors import PainlitError
from painlit.system.processes import process_rank
from painlit.training.cluster import cluster_environment, trainer_options

TORCHRUN = {"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}
SRUN = {
    "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_NUM_NODES": "2", "SLURM_PROCID": "2", "SLURM_NTASKS": "4",
    "SLURM_NTASKS_PER_NODE": "2",
}  # fmt: skip
ALLOCATION = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_JOB_NAME": "train"}


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in [*TORCHRUN, *SRUN, *ALLOCATION, "NODE_RANK"]:
        monkeypatch.delenv(name, raising=False)


def setting(monkeypatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("values", "kind", "rank"),
    [
        ({}, LightningEnvironment, 0),
        (TORCHRUN, TorchElasticEnvironment, 3),
        (SRUN, SLURMEnvironment, 2),
        (ALLOCATION, LightningEnvironment, 0),  # sbatch without srun: this process starts the others
    ],
)
def test_who_started_this_process(monkeypatch, values, kind, rank):
    setting(monkeypatch, values)
    assert type(cluster_environment()) is kind
    assert process_rank() == rank


@pytest.mark.parametrize("values", [TORCHRUN, SRUN])
def test_what_was_started_must_be_what_was_configured(monkeypatch, values):
    setting(monkeypatch, values)
    options = trainer_options(EcgTraining(nodes=2))
    assert (options["devices"], options["num_nodes"], options["strategy"]) == (2, 2, "ddp")
    with pytest.raises(PainlitError, match=r"(?s)4 processes were started, 2 on this machine.*ecg\.train\.nodes=2"):
        trainer_options(EcgTraining())
    with pytest.raises(PainlitError, match=r"ecg\.train\.devices=4"):
        trainer_options(EcgTraining(nodes=2, devices="4"))


def test_several_nodes_need_the_rank_of_this_one(monkeypatch):
    with pytest.raises(PainlitError, match="torchrun or srun, or set NODE_RANK"):
        trainer_options(EcgTraining(nodes=2))
    monkeypatch.setenv("NODE_RANK", "0")
    assert trainer_options(EcgTraining(nodes=2))["num_nodes"] == 2


@pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has an accelerator")
def test_alone_on_a_cpu_it_is_one_process():
    options = trainer_options(EcgTraining())
    assert (options["devices"], options["num_nodes"], options["strategy"]) == (1, 1, "auto")


def settings(folder: Path, name: str) -> str:
    file = folder / f"{name}.yaml"
    file.write_text(
        json.dumps({
            "name": name, "runs": str(folder / "runs"), "log": {"wandb": "disabled"},
            "model": {"heart_rate_encoder": {"latents": 4, "latent_dim": 8, "output_dim": 16}},
            "ecg": {"sets": ["ptb"], "roots": {"ptb": str(folder / "data" / "ptbdb")},
                    "train": {"epochs": 2, "batch_size": 128, "accelerator": "cpu"}},
        })
    )  # fmt: skip
    return f"config={file}"


def result(folder: Path, name: str) -> tuple[dict, dict[str, torch.Tensor]]:
    place = folder / "runs" / "pretrain-ecg" / name
    metrics = json.loads((place / "metrics.json").read_text())
    del metrics["seconds"], metrics["seal"]
    return metrics, load_file(place / "weights" / "heart_rate_encoder.safetensors")


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """A folder with heartbeats, and what one process learns from them."""
    folder = tmp_path_factory.mktemp("alone")
    make_demo_heartbeats(folder / "data")
    pretrain_ecg.run(load([settings(folder, "alone")]))
    return folder


def together(folder: Path, name: str, starts: list[tuple[list[str], dict[str, str]]], *more: str) -> None:
    """Start these processes, and compare what they learn with what one does."""
    stage = ["-m", "experiments", "pretrain-ecg", settings(folder, name), *more]
    running = [
        subprocess.Popen([sys.executable, *start, *stage], env={**os.environ, "OMP_NUM_THREADS": "1", **env},
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for start, env in starts
    ]  # fmt: skip
    outputs = [process.communicate(timeout=240)[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(running), outputs
    (metrics, weights), (others, other) = result(folder, "alone"), result(folder, name)
    assert others == pytest.approx(metrics, rel=1e-3, abs=1e-4)
    assert all((other[key] - value).abs().max() < 1e-4 for key, value in weights.items())


ADDRESS = ["--master-addr=127.0.0.1", "--master-port=29531"]
TORCHRUN_COMMAND = ["-m", "torch.distributed.run"]


@pytest.mark.slow
def test_processes_of_torchrun_learn_what_one_does(alone):
    together(alone, "torchrun", [([*TORCHRUN_COMMAND, "--nproc-per-node=2", *ADDRESS], {})])


@pytest.mark.slow
def test_nodes_of_torchrun_learn_what_one_process_does(alone):
    nodes = ["--nnodes=2", "--nproc-per-node=1", *ADDRESS]
    starts = [([*TORCHRUN_COMMAND, *nodes, f"--node-rank={k}"], {}) for k in range(2)]
    together(alone, "nodes", starts, "ecg.train.nodes=2")


@pytest.mark.slow
def test_tasks_of_srun_learn_what_one_process_does(alone):
    slurm = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NUM_NODES": "1", "SLURM_NTASKS": "2", "SLURM_JOB_ID": "1",
             "SLURM_NTASKS_PER_NODE": "2",
             "SLURM_NNODES": "1", "SLURM_NODEID": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29532"}  # fmt: skip
    together(alone, "srun", [([], {**slurm, "SLURM_PROCID": str(k), "SLURM_LOCALID": str(k)}) for k in range(2)])
