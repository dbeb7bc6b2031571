import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from living import alive

from painlit.errors import PainlitError
from painlit.system import processes
from painlit.system.processes import cores, loader_options, unordered

AFTER_THREADS = """
import cv2, numpy as np
from torch.utils.data import DataLoader, Dataset
from painlit.system import processes
from painlit.system.processes import loader_options

class Blurred(Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, row):
        return int(cv2.GaussianBlur(np.full((512, 512, 3), row, np.uint8), (0, 0), 3)[0, 0, 0])

if __name__ == "__main__":
    processes._IMPORTED = ["cv2", "torch.utils.data"]  # all that the workers need; the rest takes long
    cv2.setNumThreads(4)
    cv2.GaussianBlur(np.zeros((2048, 2048, 3), np.uint8), (0, 0), 3)  # OpenCV's threads are at work from now on
    print([int(row) for batch in DataLoader(Blurred(), 2, **loader_options(2)) for row in batch])
"""


def test_a_loader_works_after_opencv_has_used_threads(tmp_path):
    script = tmp_path / "after_threads.py"
    script.write_text(AFTER_THREADS)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[0, 1, 2, 3, 4, 5, 6, 7]", done.stderr


AFTER_A_LOADER = """
import sys
from torch.utils.data import DataLoader
from painlit.system.processes import forking, loader_options

def print_imported():
    print([name in sys.modules for name in ("painlit.loso.fold", "wandb.sdk.launch")], flush=True)

if __name__ == "__main__":
    print([int(row) for row in DataLoader([1, 2, 3], **loader_options(1))])
    process = forking().Process(target=print_imported)
    process.start()
    process.join()
"""


@pytest.mark.slow
def test_a_fold_finds_its_packages_imported_after_an_embedding_in_the_same_process(tmp_path):
    script = tmp_path / "after_a_loader.py"
    script.write_text(AFTER_A_LOADER)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n") == ["[1, 2, 3]", "[True, True]", ""], done.stderr


class Counted(list):
    """Pieces of work that know how many have been taken."""

    taken = 0

    def __iter__(self):
        for piece in super().__iter__():
            self.taken += 1
            yield piece


def test_all_results_come_and_few_pieces_are_under_way():
    pieces = Counted(range(20))
    results = []
    for done, result in enumerate(unordered(math.factorial, pieces, workers=1, what="factorials"), start=1):
        results.append(result)
        assert pieces.taken <= done + 2
    assert sorted(results) == [math.factorial(number) for number in range(20)]


def test_a_single_piece_needs_no_process():
    (result,) = unordered(lambda piece: (piece, os.getpid()), [5], workers=2, what="pairs")
    assert result == (5, os.getpid())


def test_no_pieces_give_no_results():
    assert list(unordered(math.factorial, [], workers=2, what="factorials")) == []


def test_what_the_function_raises_is_raised_here():
    with pytest.raises(ValueError, match=r"not defined for negative"):
        list(unordered(math.factorial, [3, -1, 4], workers=1, what="factorials"))


def test_a_process_that_is_ended_from_outside_is_named():
    with pytest.raises(PainlitError, match=r"a process that makes factorials was ended from outside"):
        list(unordered(os._exit, [9, 9], workers=1, what="factorials"))


@pytest.mark.parametrize(("quota", "expected"), [("max 100000", 8), ("250000 100000", 2), ("50000 100000", 1)])
def test_cores_are_no_more_than_a_container_may_use(quota: str, expected: int, tmp_path, monkeypatch):
    (tmp_path / "cpu.max").write_text(quota + "\n")
    monkeypatch.setattr("painlit.system.processes._CPU_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert cores() == expected


STOPPED_WHILE_IT_IMPORTS = """
import os, signal
from painlit.system.processes import start_server
start_server()
os.killpg(0, signal.SIGINT)
"""


def test_ctrl_c_while_the_server_imports_is_reported_by_one_process_alone(tmp_path):
    script = tmp_path / "stopped.py"
    script.write_text(STOPPED_WHILE_IT_IMPORTS)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120,
                          start_new_session=True)  # fmt: skip
    assert done.stderr.count("Traceback") == 1, done.stderr
    assert "forkserver" not in done.stderr


ENDS_WHILE_IT_IMPORTS = """
import sys
from painlit.system import processes

if __name__ == "__main__":
    processes._IMPORTED = sys.argv[1:]
    if not sys.argv[1:]:
        assert set(processes.unordered(abs, [-1, -2], workers=2, what="numbers")) == {1, 2}
    processes.start_server()
    print(processes._SERVER._forkserver_pid)
    sys.exit(3)
"""


@pytest.mark.parametrize("imported", [[], ["takes_minutes"]])
def test_the_server_ends_with_the_process_that_started_it(imported: list[str], tmp_path):
    (tmp_path / "takes_minutes.py").write_text("import time\ntime.sleep(120)")
    script, printed = tmp_path / "ends.py", tmp_path / "printed.txt"
    script.write_text(ENDS_WHILE_IT_IMPORTS)
    with printed.open("w") as file:
        done = subprocess.run([sys.executable, str(script), *imported], stdout=file, stderr=file, check=False,
                              env=os.environ | {"PYTHONPATH": str(tmp_path)})  # fmt: skip
    assert done.returncode == 3, printed.read_text()
    server, end = int(printed.read_text()), time.monotonic() + 60
    while alive(server):
        assert time.monotonic() < end
        time.sleep(0.01)


HANDING_ON = """
import os, signal, sys
import torch
from torch.utils.data import DataLoader, Dataset
from painlit.system import processes
from painlit.system.processes import loader_options, named_loader_errors

class Batches(Dataset):
    def __len__(self):
        return 20
    def __getitem__(self, row):
        if sys.argv[1] == "kill" and row == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return torch.zeros(8 * 2**20, dtype=torch.uint8) + row

if __name__ == "__main__":
    processes._IMPORTED = ["torch.utils.data"]
    with named_loader_errors():
        options = loader_options(2, 0 if sys.argv[1] in ("full", "kill") else 8 * 2**20)
        print("prefetched", options["prefetch_factor"], flush=True)
        seen = [int(batch[0]) for batch in DataLoader(Batches(), batch_size=None, **options)]
        print("batches", len(seen))
"""


def handing_on(tmp_path, what: str, megabytes: int | None = None) -> subprocess.CompletedProcess:
    """A loader of batches of 8 MiB, in a container whose /dev/shm has so many megabytes."""
    script = tmp_path / "handing_on.py"
    script.write_text(HANDING_ON)
    command = [sys.executable, str(script), what]
    if megabytes:
        mount = f'mount -t tmpfs -o size={megabytes}m tmpfs /dev/shm && exec "$@"'
        if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
            pytest.skip("this machine gives no file systems of one's own")
        command = ["unshare", "-m", "sh", "-c", mount, "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_killed_loader_worker_is_named(tmp_path):
    done = handing_on(tmp_path, "kill")
    assert "PainlitError: a process that loads images or clips was ended from outside" in done.stderr


@pytest.mark.slow
def test_loaders_prefetch_what_shared_memory_holds(tmp_path):
    """Docker gives 64 MB."""
    done = handing_on(tmp_path, "fit", 64)
    assert done.stdout == "prefetched 2\nbatches 20\n", done.stderr
    assert "--shm-size" in handing_on(tmp_path, "fit", 32).stderr


@pytest.mark.slow
def test_a_loader_that_finds_shared_memory_full_does_not_wait_for_ever(tmp_path):
    done = handing_on(tmp_path, "full", 12)
    assert "PainlitError: a process that loads" in done.stderr
    assert "/dev/shm is full" in done.stderr


def test_shared_memory_without_room_for_a_batch_of_each_worker_is_named(monkeypatch):
    monkeypatch.setattr("painlit.system.processes._SHARED_MEMORY", Path("/"))
    with pytest.raises(PainlitError, match="shm-size"):
        loader_options(2, 2**60)
    assert loader_options(2, 2**10)["prefetch_factor"] == 4


def test_a_folder_for_temporary_files_with_a_long_name_is_named(tmp_path):
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    script = "from painlit.system.processes import forking; forking()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-2].startswith("painlit.errors.PainlitError: the folder for temporary files")
    assert "TMPDIR=/tmp" in done.stderr


ORPHANS = """
import os, pathlib, time
from painlit.system import processes
from painlit.system.processes import end_with_parent, forking, unordered

def work(file):
    pathlib.Path(file).write_text(str(os.getpid()))
    time.sleep(60)

def fold(file):
    end_with_parent()
    work(file)

if __name__ == "__main__":
    processes._IMPORTED = []
    forking().Process(target=fold, args=({folder!r} + "/fold",)).start()
    list(unordered(work, [{folder!r} + "/one", {folder!r} + "/other"], workers=2, what="orphans"))
"""


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="processes are looked for in /proc")
def test_workers_and_folds_end_with_their_parent_however_that_ended(tmp_path):
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS.format(folder=str(tmp_path)))
    parent = subprocess.Popen([sys.executable, str(script)])
    files, end = [tmp_path / name for name in ("fold", "one", "other")], time.monotonic() + 120
    while not all(file.is_file() and file.read_text() for file in files):
        assert time.monotonic() < end
        time.sleep(0.05)
    workers = [int(file.read_text()) for file in files]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    end = time.monotonic() + 10
    while left := [pid for pid in workers if alive(pid)]:
        assert time.monotonic() < end, f"{len(left)} of 3 workers outlive their parent"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("error", "message"), [(EOFError(), ""), (ConnectionResetError(), ""), (ValueError("mine"), "mine")]
)
def test_a_worker_whose_parent_has_gone_prints_nothing(error: Exception, message: str, capsys):
    processes._unless_parent_left(type(error), error, error.__traceback__)
    printed = capsys.readouterr().err
    assert message in printed
    assert bool(printed) == bool(message)
