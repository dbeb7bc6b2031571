"""A task is a choice of classes of the data set to be separated."""

import pytest

from painlit.config import CLASS_NAMES, load
from painlit.config.task import task_classes
from painlit.errors import PainlitError


@pytest.mark.parametrize(
    ("task", "classes"),
    [
        ("np_vs_p4", ("NP", "P4")),
        ("np_vs_p1", ("NP", "P1")),
        ("P3_vs_P1", ("P1", "P3")),
        ("np_vs_p2_vs_p4", ("NP", "P2", "P4")),
        ("multilevel", CLASS_NAMES),
    ],
)
def test_biovids_tasks(task: str, classes: tuple[str, ...]):
    assert load([f"task={task}"]).classes == classes


def test_names_with_blanks_and_other_letters():
    assert task_classes("kein schmerz_vs_STÄRKER", ["kein Schmerz", "stärker"]) == ("kein Schmerz", "stärker")
    assert task_classes("0_vs_10", ["0", "5", "10"]) == ("0", "10")


@pytest.mark.parametrize(
    ("task", "match"),
    [
        ("np_vs_p5", "there is no class 'p5'"),
        ("np", "two classes or more"),
        ("np_vs_np", "two classes or more, each once"),
        ("np_vs_p1_vs_p1", "each once"),
        ("", "there is no class ''"),
        ("np-vs-p4", "there is no class"),
    ],
)
def test_a_task_of_no_such_classes_is_refused(task: str, match: str):
    with pytest.raises(PainlitError, match=f"task='{task}': .*{match}"):
        load([f"task='{task}'"])


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        (["data.layout=folder"], "biovid, table"),
        (["data.layout=table"], "data.table=FILE"),
        (["data.table=a.csv"], "data.table is given"),
        (["data.classes=[a,b]"], "data.classes is given"),
        (["data.layout=table", "data.table=a.csv", "data.classes=[a,A]"], "has a class twice"),
        (["data.layout=table", "data.table=a.csv", "data.classes=[a,Multilevel]"], "cannot be called"),
        (["data.layout=table", "data.table=a.csv", "data.classes=[a,b/c]"], "cannot be a name"),
    ],
)
def test_layouts_and_classes_that_do_not_fit(keys, match: str):
    with pytest.raises(PainlitError, match=match):
        load(keys)
