"""What is refused before Ray starts; the rest is in tests/e2e/test_ray.py."""

import subprocess

import pytest

from painlit.errors import PainlitError
from painlit.loso.engines import ray_cluster


@pytest.mark.parametrize(
    ("found", "refused"), [("2.40.0", True), ("2.51.2", True), ("2.52.0", False), ("3.0.0", False)]
)
def test_a_ray_that_cannot_ask_for_a_token_is_refused(found: str, refused: bool, monkeypatch):
    monkeypatch.setattr(ray_cluster, "version", lambda _: found)
    monkeypatch.setattr(ray_cluster.importlib.util, "find_spec", lambda _: True)
    if not refused:
        ray_cluster._check_version()
        return
    with pytest.raises(PainlitError, match=rf"(?s)needs Ray 2\.52 or later, and {found} is installed.*pip install"):
        ray_cluster._check_version()


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(ray_cluster.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(PainlitError, match=r'(?s)and none is installed.*pip install "ray>=2\.52"'):
        ray_cluster._check_version()


@pytest.mark.parametrize(
    ("printed", "error"),
    [
        ("Traceback\nray.exceptions.AuthenticationError: token is missing", None),
        ("", PainlitError),
        ("Traceback\nray.exceptions.RpcError: Timed out", ConnectionError),
    ],
)
def test_a_cluster_that_answers_a_stranger_is_refused(printed: str, error: type[Exception] | None, monkeypatch):
    def run(command, env, **_):
        assert env["RAY_AUTH_MODE"] == "disabled"
        assert command[-2:] == ["--address", "10.0.0.1:6379"]
        return subprocess.CompletedProcess(command, 1, "", printed)

    monkeypatch.setattr(ray_cluster.subprocess, "run", run)
    if error is None:
        ray_cluster._refuse_open("10.0.0.1:6379")
        return
    with pytest.raises(error, match=r"asks for no token|Timed out"):
        ray_cluster._refuse_open("10.0.0.1:6379")
