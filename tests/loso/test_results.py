import json
from pathlib import Path

import numpy as np
import pytest

from painlit.clips.clip import Person, biovid_person
from painlit.clips.pain_clips import PainClips
from painlit.errors import PainlitError
from painlit.loso.fold import predictions_rows
from painlit.loso.results import Predictions, evaluate, read_predictions
from painlit.system.csv_files import csv_text

HEADER = "clip,subject,label,prediction,p0,p1\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "predictions.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_folds_write_is_what_is_read(tmp_path: Path):
    clips = PainClips(
        names=["a-1", "a-2", "b-1"],
        subjects=np.array(["a", "a", "b"]),
        labels=np.array([0, 1, 1]),
        bpm=np.zeros((3, 5), np.float32),
        rows=np.arange(3),
        videos=[],
    )
    probabilities = np.random.default_rng(0).dirichlet([1, 1], 3)
    text = [csv_text(predictions_rows(clips, at, probabilities[at])) for at in (np.array([1, 0]), np.array([2]))]
    read = read_predictions([written(tmp_path / "a", text[0]), written(tmp_path / "b", text[1])])
    assert read.clips == ["a-2", "a-1", "b-1"]
    assert read.subjects.tolist() == ["a", "a", "b"]
    assert read.labels.tolist() == [1, 0, 1]
    np.testing.assert_allclose(read.probabilities, probabilities[[1, 0, 2]], atol=1e-8)


@pytest.mark.parametrize(
    "row",
    [
        "a-2,a,1,1,0.2",
        "a-2,a,one,1,0.2,0.8",
        "a-2,a,1,1,0.2,",
        "a-2,a,1,1,0.2,0.8,0.0",
        "a-2",
        "a-2,a,7,1,0.2,0.8",
        "a-2,a,-1,1,0.2,0.8",
        "a-2,a,1,1,0.2,nan",
        ",,1,1,0.2,0.8",
    ],
)
def test_a_damaged_row_is_named(tmp_path: Path, row: str):
    path = written(tmp_path / "a", f"{HEADER}a-1,a,0,0,0.9,0.1\n{row}\n")
    with pytest.raises(PainlitError, match=r"predictions\.csv, row 3.*(?s:.*)make loso"):
        read_predictions([path])


@pytest.mark.parametrize("text", ["", HEADER, "clip,subject,label\na-1,a,0\n", "subject,label,p0,p1\na,0,0.9,0.1\n"])
def test_a_file_without_predictions_is_named(tmp_path: Path, text: str):
    with pytest.raises(PainlitError, match=r"predictions\.csv"):
        read_predictions([written(tmp_path, text)])


def test_folds_of_different_tasks_do_not_mix(tmp_path: Path):
    two = written(tmp_path / "a", HEADER + "a-1,a,0,0,0.9,0.1\n")
    three = written(tmp_path / "b", "clip,subject,label,prediction,p0,p1,p2\nb-1,b,0,0,0.8,0.1,0.1\n")
    with pytest.raises(PainlitError, match="b/predictions"):
        read_predictions([two, three])


def test_a_clip_predicted_twice_is_named(tmp_path: Path):
    for name in "ab":
        written(tmp_path / name, HEADER + "a-1,a,0,0,0.9,0.1\n")
    with pytest.raises(PainlitError, match=r"b/predictions\.csv, row 2: clip a-1 is predicted twice"):
        read_predictions([tmp_path / "a" / "predictions.csv", tmp_path / "b" / "predictions.csv"])


@pytest.fixture
def predictions() -> Predictions:
    """Four clips each of a woman (all right), a man (half right) and one of unknown sex and age (one right)."""
    subjects = np.repeat(["071309_w_21", "080614_m_55", "visitor"], 4)
    labels = np.tile([0, 0, 1, 1], 3)
    predicted = np.array([0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1])
    probabilities = np.where(predicted[:, None] == [0, 1], 0.75, 0.25)
    return Predictions([f"clip-{k}" for k in range(12)], subjects, labels, probabilities)


def people(predictions: Predictions) -> dict[str, Person]:
    return {subject: biovid_person(subject) for subject in predictions.subjects}


def test_pooled_and_over_subjects(predictions: Predictions):
    results = evaluate(predictions, people(predictions))
    assert (results["subjects"], results["pooled"]["clips"]) == (3, 12)
    assert results["pooled"]["accuracy"] == pytest.approx(7 / 12)
    assert results["pooled"]["confusion"] == [[3, 3], [2, 4]]
    assert [row["accuracy"] for row in results["per_subject"].values()] == [1, 0.5, 0.25]
    over = results["over_subjects"]["accuracy"]
    assert over["mean"] == pytest.approx(np.mean([1, 0.5, 0.25]))
    assert over["sd"] == pytest.approx(np.std([1, 0.5, 0.25], ddof=1))
    low, high = results["interval_95"]["accuracy"]
    assert (low, high) == (0.25, 1)  # three subjects: the worst or the best may be drawn three times
    assert json.loads(json.dumps(results, allow_nan=False)) == results


def test_macro_metrics_over_subjects_are_means_of_the_subjects_own(predictions: Predictions):
    results = evaluate(predictions, people(predictions))
    assert results["per_subject"]["visitor"]["precision"] == pytest.approx((0 + 1 / 3) / 2)
    assert results["over_subjects"]["precision"]["mean"] == pytest.approx((1 + 0.5 + 1 / 6) / 3)


def test_a_class_never_predicted_of_a_person_is_counted_and_not_a_precision_of_0(predictions: Predictions):
    """The man's clips are all classified as 1: his precision is class 1's, and pooled figures are scikit-learn's."""
    predictions.probabilities[4:8] = [0.25, 0.75]
    results = evaluate(predictions, people(predictions))
    assert results["never_predicted"] == 1
    assert results["per_subject"]["080614_m_55"]["precision"] == 0.5
    assert results["per_subject"]["080614_m_55"]["f1"] == pytest.approx((0 + 2 * 2 / 6) / 2)
    predictions.probabilities[:] = [0.25, 0.75]
    results = evaluate(predictions, people(predictions))
    assert results["never_predicted"] == 3
    assert results["over_subjects"]["precision"]["mean"] == 0.5
    assert results["pooled"]["precision"] == 0.25


def test_subgroups_by_sex_and_age(predictions: Predictions):
    groups = evaluate(predictions, people(predictions))["subgroups"]
    assert {k: (v["subjects"], v["clips"], v["accuracy"]) for k, v in groups["sex"].items()} == {
        "women": (1, 4, 1.0),
        "men": (1, 4, 0.5),
        "unknown": (1, 4, 0.25),
    }
    assert all(v["interval_95"] == [v["accuracy"]] * 2 for v in groups["sex"].values()), "of its one subject alone"
    assert {k: v["accuracy"] for k, v in groups["age"].items()} == {
        "up to 35": 1.0,
        "51 and over": 0.5,
        "unknown": 0.25,
    }


@pytest.mark.parametrize(("age", "group"), [(20, "up to 35"), (35, "up to 35"), (36, "36 to 50"), (51, "51 and over")])
def test_age_groups_are_biovids(age: int, group: str):
    one = Predictions(["a"], np.array([f"071309_w_{age}"]), np.array([1]), np.array([[0.2, 0.8]]))
    results = evaluate(one, people(one))
    assert list(results["subgroups"]["age"]) == [group]
    assert results["over_subjects"]["accuracy"] == {"mean": 1.0, "sd": 0.0}
