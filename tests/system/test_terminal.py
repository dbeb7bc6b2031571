import os
import subprocess
import sys

import pytest
from rich.table import Table

from painlit.system import progress, terminal
from painlit.system.progress import progress_bar

NAMES = ["[red]x[/]", "[/]", ":smile:", "[link=file:///etc]a"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_printed_as_it_is(name, capsys, monkeypatch):
    table = Table(name, title=name)
    table.add_row(name)
    terminal.console(80).print(f"accuracy: {name}", table)
    assert capsys.readouterr().out.count(name) == 4
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal
    with progress_bar(name, total=1) as advance:
        advance()
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "ascii:strict"])
def test_every_encoding_is_good_enough(encoding):
    """Help has characters that neither encoding has; processes that are started print too."""
    script = (
        "import sys, subprocess; from painlit.system.terminal import console, print_anything; print_anything();"
        "print('Ω ± …'); console().print('Ω ± …'); sys.stdout.flush();"
        "subprocess.run([sys.executable, '-c', 'print(\"Ω ± …\")'], check=True)"
    )
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
    assert done.stdout.count(rb"\u03a9") == 3
    command = [sys.executable, "-m", "experiments", "loso", "--help"]
    assert subprocess.run(command, env=environment, capture_output=True, check=True).stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--help"], ["loso", "--help"]])
def test_a_reader_that_goes_away_ends_the_command_quietly(arguments, unbuffered):
    command = [sys.executable, "-m", "experiments", *arguments]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_another_broken_pipe_is_no_reader_that_went_away(monkeypatch):
    with open(os.devnull, "w") as nowhere:
        monkeypatch.setattr(sys, "stdout", nowhere)
        with pytest.raises(BrokenPipeError), terminal.exit_on_broken_pipe():
            raise BrokenPipeError


def test_time_left_does_not_count_what_came_before_the_first_piece(monkeypatch, capsys):
    """A minute until the first of 5 pieces, then 30 s for each."""
    times = iter([0.0, 60.0, 90.0, 120.0, 150.0, 180.0, 180.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    with progress_bar("work", total=5) as advance:
        for _ in range(5):
            advance()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "work: 1/5"
    assert lines[1:] == [f"work: {k}/5, about {30 * (5 - k)} s left" for k in (2, 3, 4)] + ["work: 5/5 in 180 s"]
