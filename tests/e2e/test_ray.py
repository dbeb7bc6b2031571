"""Folds on a Ray cluster: the same results as on this machine, and a head or a node that goes away."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import tiny
from test_engines import FOLDS, HEART, command, wait_for

from experiments import loso
from painlit.errors import PainlitError

pytest.importorskip("ray", reason="Ray is the extra `cluster`")
pytestmark = pytest.mark.slow  # to start a head and nodes takes minutes on two busy cores
TOKEN = secrets.token_hex(32)
"""One for all clusters of this process, in which Ray reads it once."""
ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Ray takes 127.0.0.1 literally."""


@pytest.fixture
def cluster(monkeypatch):
    """A head without CPUs that asks for a token; tests add nodes."""
    from ray._raylet import Config
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    Config.initialize("")  # this process has read the environment before
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
    printed = running.communicate(timeout=300)[0]
    assert running.returncode == 0, printed
    on_ray = (folder / "results.json").read_bytes()
    for path in folder.glob("folds/*/metrics.json"):
        path.unlink()
    for path in folder.glob("folds/*/checkpoints/last.ckpt"):
        path.unlink()
    subprocess.run(command(tiny_data, runs, "name=same", "train.epochs=40"), check=True, capture_output=True)
    assert (folder / "results.json").read_bytes() == on_ray


def test_a_head_that_goes_away_is_reported_and_the_work_is_kept(tiny_data, runs, cluster):
    cluster.add_node(num_cpus=1)
    more = ["name=headless", "train.epochs=400", "loso.engine=ray", f"loso.ray_address={cluster.address}"]
    running = subprocess.Popen(command(tiny_data, runs, *more), stdout=subprocess.PIPE, text=True)
    folder = runs / "loso" / "headless"
    wait_for(lambda: list(folder.glob("folds/*/checkpoints/last.ckpt")), seconds=300)
    cluster.head_node.kill_gcs_server()
    printed = running.communicate(timeout=300)[0]
    assert running.returncode == 1
    assert printed.count("the Ray cluster went away") == len(FOLDS) - printed.count("accuracy ")
    assert list(folder.glob("folds/*/checkpoints/last.ckpt")), "what was done is there for the next run"


def test_a_cluster_that_is_not_there_is_named(tiny_data, runs):
    with pytest.raises(PainlitError, match=r"no Ray cluster at loso\.ray_address=127\.0\.0\.1:1"):
        loso.run(tiny(tiny_data, runs, *HEART, "loso.engine=ray", "loso.ray_address=127.0.0.1:1"))


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_a_cluster_that_asks_for_no_token_is_refused(tiny_data, runs, monkeypatch):
    address, short = f"127.0.0.1:{free_port()}", tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # for sockets' names
    head = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", f"--port={address[10:]}",
            "--include-dashboard=false", "--num-cpus=1", f"--temp-dir={short}"]  # fmt: skip
    for name, value in {**ON_LOOPBACK, "RAY_AUTH_TOKEN": TOKEN}.items():
        monkeypatch.setenv(name, value)
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    running = subprocess.Popen(head, env=environment, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", int(address[10:]))) == 0)
        with pytest.raises(PainlitError, match=r"(?s)asks for no token.*ray get-auth-token --generate"):
            loso.run(tiny(tiny_data, runs, *HEART, "loso.engine=ray", f"loso.ray_address={address}"))
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def session_of(pid: int) -> list[int]:
    """Processes of a session."""
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [each for each in found if _session(each) == pid]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def listening(pids: list[int]) -> set[tuple[bool, int]]:
    """Whether on this machine alone, and port, of the sockets that processes listen at."""
    mine = set()
    for pid in pids:
        for handle in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                mine.add(os.readlink(handle))
            except OSError:
                continue
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in (line.split() for line in Path(table).read_text().splitlines()[1:]):
            if row[3] == "0A" and f"socket:[{row[9]}]" in mine:
                place, port = row[1].split(":")
                found.add((place.endswith("0100007F"), int(port, 16)))
    return found


STRANGER = """
import ray, sys
ray.init(address=sys.argv[1])
"""


@pytest.mark.skipif(not Path("/proc/net/tcp").is_file(), reason="ports are looked for in /proc")
def test_a_cluster_started_here_listens_here_alone_and_answers_no_stranger(tiny_data, runs):
    arguments = [*command(tiny_data, runs, "name=doors", "train.epochs=4000"), "loso.engine=ray", "loso.workers=1"]
    running = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(lambda: list((runs / "loso" / "doors").glob("folds/*/checkpoints/last.ckpt")))
        pids = session_of(running.pid)
        ports = listening(pids)
        assert ports
        assert all(here for here, _ in ports), ports
        lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids if Path(f"/proc/{pid}").is_dir()]
        address = next(found[1] for line in lines if (found := re.search(r"--gcs-address=([\d.:]+)", line)))
        for environment in ({"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "7" * 64}):
            stranger = {**os.environ, **ON_LOOPBACK, **environment}
            refused = subprocess.run([sys.executable, "-c", STRANGER, address], env=stranger, capture_output=True,
                                  text=True, timeout=120)  # fmt: skip
            assert refused.returncode
            assert "Authentication token is missing or incorrect" in refused.stderr
    finally:
        os.killpg(running.pid, signal.SIGINT)
        running.wait()


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
