"""Tasks: which classes of a data set are distinguished."""

from __future__ import annotations

from collections.abc import Sequence

from painlit.errors import PainlitError
from painlit.system.names import check_name

CLASS_NAMES = ("NP", "P1", "P2", "P3", "P4")
"""BioVid's classes by the paper's names, in label order."""
MULTILEVEL = "multilevel"
"""The task of all classes."""
_VERSUS = "_vs_"


def task_classes(task: str, classes: Sequence[str]) -> tuple[str, ...]:
    """The classes that a task distinguishes, in the data set's order.

    Args:
        task: `multilevel`, or names of classes with `_vs_` between them, upper or lower case.
        classes: All classes of the data set, in order.

    Raises:
        PainlitError: A class that the data set does not have, or fewer than two.

    >>> task_classes("p4_vs_np", CLASS_NAMES)
    ('NP', 'P4')
    """
    known = {name.casefold(): name for name in classes}
    wanted = list(known) if task == MULTILEVEL else task.casefold().split(_VERSUS)
    unknown = [name for name in wanted if name not in known]
    if unknown or len({*wanted}) < 2 or len({*wanted}) < len(wanted):
        reason = f"there is no class {unknown[0]!r}" if unknown else "it must name two classes or more, each once"
        raise PainlitError(
            f"task={task!r}: {reason}",
            f"give {MULTILEVEL} or names with {_VERSUS} between them, of: {', '.join(classes)}",
        )
    return tuple(name for name in classes if name.casefold() in wanted)


def check_classes(key: str, classes: Sequence[str]) -> None:
    """Refuse names of classes that a task, a folder or a table could not distinguish.

    Raises:
        PainlitError: A name is invalid, has `_vs_` in it, or differs from another only in case.
    """
    for name in classes:
        check_name(f"a class in {key}", name)
        if _VERSUS in name.casefold() or name.casefold() == MULTILEVEL:
            raise PainlitError(f"{key}: a class cannot be called {name!r}", "tasks are written with these words")
    if len({name.casefold() for name in classes}) < len(classes):
        raise PainlitError(f"{key}={[*classes]} has a class twice", "name each once; upper and lower case are the same")
