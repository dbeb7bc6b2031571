"""Folds on a Ray cluster: the same results as on this machine, and a head or a node that goes away."""

import os
import signal
import subprocess

import pytest
from conftest import tiny
from test_engines import FOLDS, HEART, command, wait_for

from experiments import loso
from painlit.errors import PainlitError

pytest.importorskip("ray", reason="Ray is the extra `cluster`")
pytestmark = pytest.mark.slow  # to start a head and nodes takes minutes on two busy cores


@pytest.fixture
def cluster(monkeypatch):
    """A head without CPUs; tests add nodes."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


def test_a_node_that_dies_costs_nothing_and_the_results_are_the_local_ones(tiny_data, runs, cluster):
    node = cluster.add_node(num_cpus=1)
    more = ["name=same", "train.epochs=40", "loso.engine=ray", f"loso.ray_address={cluster.address}"]
    running = subprocess.Popen(command(tiny_data, runs, *more), stdout=subprocess.PIPE, text=True)
    folder = runs / "loso" / "same"
    wait_for(lambda: list(folder.glob("folds/*/checkpoints/last.ckpt")), seconds=300)
    cluster.remove_node(node, allow_graceful=False)
    cluster.add_node(num_cpus=1)
    told = running.communicate(timeout=300)[0]
    assert running.returncode == 0, told
    on_ray = (folder / "results.json").read_bytes()
    for path in folder.glob("folds/*/metrics.json"):
        path.unlink()
    for path in folder.glob("folds/*/checkpoints/last.ckpt"):
        path.unlink()
    subprocess.run(command(tiny_data, runs, "name=same", "train.epochs=40"), check=True, capture_output=True)
    assert (folder / "results.json").read_bytes() == on_ray


def test_a_head_that_goes_away_is_told_and_the_work_is_kept(tiny_data, runs, cluster):
    cluster.add_node(num_cpus=1)
    more = ["name=headless", "train.epochs=400", "loso.engine=ray", f"loso.ray_address={cluster.address}"]
    running = subprocess.Popen(command(tiny_data, runs, *more), stdout=subprocess.PIPE, text=True)
    folder = runs / "loso" / "headless"
    wait_for(lambda: list(folder.glob("folds/*/checkpoints/last.ckpt")), seconds=300)
    cluster.head_node.kill_gcs_server()
    told = running.communicate(timeout=300)[0]
    assert running.returncode == 1
    assert told.count("the Ray cluster went away") == len(FOLDS) - told.count("accuracy ")
    assert list(folder.glob("folds/*/checkpoints/last.ckpt")), "what was done is there for the next run"


def test_a_cluster_that_is_not_there_is_named(tiny_data, runs):
    with pytest.raises(PainlitError, match=r"no Ray cluster at loso\.ray_address=127\.0\.0\.1:1"):
        loso.run(tiny(tiny_data, runs, *HEART, "loso.engine=ray", "loso.ray_address=127.0.0.1:1"))


def test_a_fold_that_the_cluster_has_no_room_for_is_named(tiny_data, runs):
    with pytest.raises(PainlitError, match="no node with room for a fold, CPU 4096, GPU 0"):
        loso.run(tiny(tiny_data, runs, *HEART, "loso.engine=ray", "loso.threads=4096"))


def test_ctrl_c_ends_a_run_on_ray(tiny_data, runs):
    arguments = [*command(tiny_data, runs, "name=stopped", "train.epochs=400"), "loso.engine=ray"]
    running = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)  # fmt: skip
    wait_for(lambda: list((runs / "loso" / "stopped").glob("folds/*/checkpoints/last.ckpt")))
    os.killpg(running.pid, signal.SIGINT)
    assert "stopped; run the same command to go on" in running.communicate(timeout=60)[1]
    assert running.returncode == 130
