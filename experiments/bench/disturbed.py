"""Ten deaths at random times, and the same results.json: the parent, folds and Ray nodes of `make loso` are killed.

24 folds of proxy A for both tasks, each first undisturbed. Then NP against P4 with the local engine (the parent and
folds get SIGKILL), and five classes on a Ray cluster of a head and two nodes on this machine (nodes are removed without
warning, and the parent is killed once). After each death of a parent the same command is given again. At the end both
results.json must equal the undisturbed runs' to the byte. Other `key=value` arguments reach the configuration.
"""

import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments import loso
from experiments.bench.data import RUNS
from experiments.bench.proxy import prepared
from painlit.config import load
from painlit.errors import PainlitError

PLACE = RUNS / "disturbed"
SETTINGS = (
    *("embed.weights=untrained", "model.modality=fusion", "log.wandb=disabled"),
    *("train.epochs=20", "train.warmup_epochs=2", "train.checkpoint_every=2", "loso.threads=1", "loso.workers=2"),
)
LOCAL_DEATHS = ("parent", "fold", "fold", "parent", "fold", "parent")
RAY_DEATHS = ("node", "parent", "node", "node")
QUIET = {"local": (2.0, 7.0), "ray": (20.0, 45.0)}  # s between two deaths
CALM, DISTURBED = PLACE / "calm", PLACE / "disturbed"


class Disturbed:
    """A command that is started again whenever it has died.

    Args:
        arguments: Of `make loso`.
        folder: runs/loso/<run> it works in.
    """

    def __init__(self, arguments: list[str], folder: Path):
        self.command = [sys.executable, "-m", "experiments.loso", *arguments]
        self.folder = folder
        self.process = self._start()

    def _start(self) -> subprocess.Popen:
        return subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_parent(self) -> None:
        """SIGKILL to the command itself, which is then given again."""
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def kill_fold(self) -> None:
        """SIGKILL to one of the folds at work."""
        for _ in range(600):
            logs = [p for p in self.folder.glob("folds/*/log.txt") if not p.with_name("metrics.json").is_file()]
            for log in random.sample(logs, len(logs)):
                started = re.findall(r"^fold .*: process (\d+)", log.read_text(encoding="utf-8"), re.MULTILINE)
                if started and Path(f"/proc/{started[-1]}").exists():
                    subprocess.run(["kill", f"-{signal.SIGKILL.value}", started[-1]], check=True)
                    return
            time.sleep(0.1)
        raise PainlitError("no fold was at work for a minute", "give more epochs")

    def finish(self) -> None:
        """Wait for the end; a run that failed because of the deaths is given again once, as a user would."""
        if self.process.wait():
            self.process = self._start()
            if self.process.wait():
                raise PainlitError(f"{self.folder} does not finish", f"see {self.folder / 'failures.json'}")


def disturb(run: Disturbed, engine: str, deaths: tuple[str, ...], ways: dict[str, Callable[[], None]]) -> int:
    """Let each death come at a random time, and finish; returns how many came while the run was at work."""
    came = 0
    for death in deaths:
        time.sleep(random.uniform(*QUIET[engine]))
        if run.process.poll() is not None and (run.folder / "results.json").is_file():
            break
        ways[death]()
        came += 1
        done = len(list(run.folder.glob("folds/*/metrics.json")))
        print(f"  {death} killed with {done} of 24 folds finished", flush=True)
    run.finish()
    return came


def main() -> None:
    """Run all of it and compare."""
    random.seed(0)
    shutil.rmtree(PLACE, ignore_errors=True)
    settings = prepared("A", *SETTINGS, f"runs={CALM}")
    for part in ("prepare", "embed"):
        shutil.copytree(CALM / part, DISTURBED / part)
    tasks = {"np_vs_p4": _on_this_machine, "multilevel": _on_ray}
    came = 0
    for task, way in tasks.items():
        loso.run(load([*settings, f"task={task}", f"name={task}"]))
        print(f"{task}, {way.__name__.strip('_').replace('_', ' ')}:", flush=True)
        came += way([*settings, f"runs={DISTURBED}", f"task={task}", f"name={task}"], task)
        parts = [(place / "loso" / task / "results.json").read_bytes() for place in (CALM, DISTURBED)]
        if parts[0] != parts[1]:
            raise PainlitError(f"{task}: results.json differs from the undisturbed run's", f"compare them in {PLACE}")
        print(f"  results.json equals the undisturbed run's to the byte ({len(parts[0])} bytes)", flush=True)
    print(f"{came} deaths in all")


def _on_this_machine(arguments: list[str], name: str) -> int:
    run = Disturbed(arguments, DISTURBED / "loso" / name)
    return disturb(run, "local", LOCAL_DEATHS, {"parent": run.kill_parent, "fold": run.kill_fold})


def _on_ray(arguments: list[str], name: str) -> int:
    from ray.cluster_utils import Cluster  # Ray is an extra

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes: list[Any] = [cluster.add_node(num_cpus=1) for _ in range(2)]

    def kill_node() -> None:
        cluster.remove_node(nodes.pop(0), allow_graceful=False)
        nodes.append(cluster.add_node(num_cpus=1))

    try:
        ray = ["loso.engine=ray", f"loso.ray_address={cluster.address}"]
        run = Disturbed([*arguments, *ray], DISTURBED / "loso" / name)
        return disturb(run, "ray", RAY_DEATHS, {"node": kill_node, "parent": run.kill_parent})
    finally:
        cluster.shutdown()
