"""What every entry point does: read key=value, run the stage, and turn errors into a message and an exit status.

`painlit <stage> key=value …` does what `make <stage> ARGS="key=value …"` does.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from painlit.config import Config, load
from painlit.config.help import help_lines
from painlit.errors import PainlitError, TerminatedError
from painlit.runs.artefact import read_artefact
from painlit.runs.provenance import save_config
from painlit.system.processes import end_silently_with_parent, end_with_parent, named_loader_errors, process_rank
from painlit.system.terminal import exit_on_broken_pipe, print_anything

if TYPE_CHECKING:
    from painlit.training.stage import StageResult

    Run = Callable[[Config], StageResult]

EXIT_USER_ERROR, EXIT_INTERRUPTED = 2, 130

STAGES = {
    "demo": "the whole pipeline on data it makes itself, in a few minutes",
    "proxy-data": "two stand-ins for BioVid from photographs and ECGs of real people; no pain data",
    "check-data": "say whether a data set is complete: what is missing first, within seconds",
    "pretrain-stage1": "face recognition: the Spatial-Module or the Temporal-Module",
    "pretrain-stage2": "emotion recognition on four sets at once: the Spatial-Module",
    "pretrain-ecg": "heartbeat classification: the Heart Rate Encoder",
    "prepare": "face boxes and heart rates of every clip",
    "embed": "frame embeddings of every clip",
    "finetune": "one pain model on all subjects",
    "loso": "every subject held out once",
    "tables": "the paper's Tables 3, 4 and 5: runs what is missing of 17 rows x 2 tasks",
    "report": "ours beside the paper's, and the page of every run of loso",
    "paper": "everything of the paper in order, from raw data to its tables and figures",
    "maps": "the paper's Figures 4, A1 and A2: where in a face, and when in a clip, a score is found",
    "compare": "two finished runs of loso, paired",
    "bundle": "finished runs as one folder or zip that assesses recordings",
    "assess": "a recording in, an assessment with its evidence out",
    "export": "a bundle for use elsewhere: ONNX, the Hugging Face Hub, torch.export",
}
"""Stage -> what it does, in the order of the work."""

_STAGE = "PAINLIT_STAGE"
"""Environment variable: the stage whose command this process and those that it starts are."""
_CHILD = "PAINLIT_CHILD"
"""Environment variable: a command started this process, which ends with it."""
_SHORT = {"epoch_share": "paper.epoch_share", "only": "paper.only"}
"""Short forms of keys of paper."""
_SWITCHES = {"--dry-run": "loso.dry_run=true", "--stream": "assess.stream=true"}
"""Short forms of keys with their value."""
_FLAGS = {
    "assess": (
        "ecg", "heart_rate", "rest", "rest_ecg", "rest_heart_rate", "rest_start", "rest_end", "rest_offset",
        "model", "out", "start", "end", "offset", "step", "faces", "camera", "device",
    ),
    "export": ("to", "model", "out", "part", "push"),
}  # fmt: skip
"""Stage -> its keys that have a short form, whose value follows."""
_KEY = re.compile(r"[a-z_0-9]+(\.[a-z_0-9]+)*=")


def painlit() -> NoReturn:
    """The command `painlit`: the stage is its first argument."""
    stage, *arguments = sys.argv[1:] or ["--help"]
    if stage in ("-h", "--help"):
        print_anything()
        with exit_on_broken_pipe():
            print("painlit <stage> key=value ...\n")
            print("\n".join(f"  {name:16} {sentence}" for name, sentence in STAGES.items()))
            print("\npainlit <stage> --help lists what a stage reads.")
        sys.exit(0)
    if stage not in STAGES:
        sys.exit(_fail(f"error: there is no stage {stage!r}\n  -> choose one of: {', '.join(STAGES)}", EXIT_USER_ERROR))
    main(stage, arguments)


def main(stage: str, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a stage.

    Exit status 2: an error the user can mend; 130: Ctrl-C; 143: SIGTERM; 129: SIGHUP; 141: nobody reads its output.

    Args:
        stage: One of `STAGES`. Its module has `run(config)`, and `DEFAULTS` if a YAML file comes first.
        arguments: The command line's if None.
    """
    print_anything()
    with exit_on_broken_pipe():
        status = _run_stage(stage, sys.argv[1:] if arguments is None else arguments)
    sys.exit(status)


def _run_stage(stage: str, arguments: Sequence[str]) -> int:
    """The exit status of a stage."""
    if is_child := bool(os.environ.get(_CHILD)):
        end_with_parent()
    os.environ[_CHILD] = "1"
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:  # Windows has no SIGHUP
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has SIGHUP ignored
            signal.signal(number, _terminate)
    try:
        if {"-h", "--help"} & set(arguments):
            _print_help(stage)
            return 0
        module = stage_module(stage)
        defaults = [f"config={module.DEFAULTS}"] if hasattr(module, "DEFAULTS") else []
        config = load(_as_keys(stage, arguments), stage, defaults)
        os.environ[_STAGE] = stage
        with named_loader_errors():
            result = module.run(config)
    except PainlitError as error:
        return _fail(f"error: {error}", EXIT_USER_ERROR)
    except OSError as error:
        if error.filename is None:
            raise
        message = f"error: {error.filename}: {error.strerror}\n  -> check the path and its permissions"
        return _fail(message, EXIT_USER_ERROR)
    except RuntimeError as error:
        if is_child and process_rank():  # the first process reports what it ended by
            end_silently_with_parent(error)
        raise
    except KeyboardInterrupt:
        return _stopped("stopped", EXIT_INTERRUPTED)
    except TerminatedError as stop:
        name = signal.Signals(stop.signal).name
        return _stopped(f"stopped by {name}", 128 + stop.signal)
    return getattr(result, "exit_status", 0)


def _as_keys(stage: str, arguments: Sequence[str]) -> list[str]:
    """Arguments as key=value: flags are short forms, and what is neither is the recording to assess."""
    keys, left = [], list(arguments)
    flags = {f"--{name.replace('_', '-')}": f"{stage}.{name}" for name in _FLAGS.get(stage, ())}
    while left:
        argument = left.pop(0)
        flag, equals, value = argument.partition("=")
        if argument in _SWITCHES:
            keys.append(_SWITCHES[argument])
        elif flag in flags:
            if not equals and not left:
                raise PainlitError(f"{flag} needs a value", f"for instance {flag} VALUE")
            keys.append(f"{flags[flag]}={value if equals else left.pop(0)}")
        elif flags and argument.startswith("--"):
            switches = ["--stream"] if stage == "assess" else []
            raise PainlitError(f"{stage} has no {flag}", f"it has {', '.join((*flags, *switches))}, and key=value")
        elif stage == "assess" and not _KEY.match(argument):
            if any(key.startswith("assess.recording=") for key in keys):
                raise PainlitError(
                    f"{argument!r} is a second recording", "give a folder or a table of recordings, or quote its name"
                )
            keys.append(f"assess.recording={argument}")
        elif stage == "paper" and flag in _SHORT:
            keys.append(f"{_SHORT[flag]}={value}")
        else:
            keys.append(argument)
    return keys


def stage_module(stage: str) -> ModuleType:
    """The entry point of a stage, imported."""
    name = "tables.__main__" if stage == "tables" else stage.replace("-", "_")
    return importlib.import_module(f"experiments.{name}")


def stage_in_its_own_process(stage: str) -> Callable[[Run], Run]:
    """Decorate `run(config)` of a stage whose trainer may start more processes, which begin with this one's command.

    Called from the stage's own command it runs here. Called from anywhere else (`make demo`, a benchmark, a test) it
    runs that command in a process of its own if several processes are requested, so that nothing else starts again.
    """

    def decorate(run: Run) -> Run:
        @functools.wraps(run)
        def wrapped(config: Config) -> StageResult:
            from painlit.training.cluster import local_processes

            training = getattr(config, stage.removeprefix("pretrain-")).train
            if os.environ.get(_STAGE) == stage or local_processes(training) == 1:
                return run(config)
            return _run_command(stage, config)

        return wrapped

    return decorate


def _run_command(stage: str, config: Config) -> StageResult:
    from painlit.training.stage import StageResult

    with tempfile.TemporaryDirectory() as folder:
        save_config(config, Path(folder))
        command = [sys.executable, "-m", "experiments", stage, f"config={folder}/config.yaml"]
        ended = subprocess.run(command, check=False)
    place = config.folder(stage)
    if ended.returncode:
        raise PainlitError(f"{stage} ended with status {ended.returncode}", "its own error stands above")
    (weights,) = (place / "weights").glob("*.safetensors")
    metrics = read_artefact(place / "metrics.json", f"delete {place} and run `make {stage}` again")
    return StageResult(place, weights, metrics)


def _print_help(stage: str) -> None:
    print(f"{stage}: {STAGES[stage]}")
    print("Keys (key=value, or in a YAML file given as config=FILE):\n")
    print("\n".join(help_lines(stage)))


def _terminate(number: int, frame: object) -> NoReturn:
    raise TerminatedError(number)


def _stopped(message: str, status: int) -> int:
    """Report it, and no error of objects that the stop left half made, such as a loader that was starting workers."""
    sys.unraisablehook = lambda _: None
    return _fail(f"{message}; run the same command to go on", status)


def _fail(message: str, status: int) -> int:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(message, file=sys.stderr, flush=True)
    return status
