"""The Spatial-Module of experiments/recipes/few_photographs.yaml for a half of the proxies: a teacher, and more faces.

Stage 2 learns from the London people who are not in the half and from six expressions of the Yale faces, with labels,
and from the ORL faces and neutral portraits without; targets of all are the teacher's outputs too. The teacher is a
network of face landmarks (Apache-2.0) that is not part of the project:

    pip download --no-deps mediapipe==0.10.21
    unzip -j mediapipe-0.10.21-*.whl mediapipe/modules/face_landmark/face_landmark.tflite -d data/teachers
"""

from pathlib import Path

from experiments import pretrain_stage2
from experiments.bench.data import RUNS, given, real_data
from experiments.bench.proxy import people_tree, pretrain_faces
from painlit.config import load
from painlit.errors import PainlitError

TEACHER = Path("data/teachers/face_landmark.tflite")
SETTINGS = ("config=experiments/proxy_stage2.yaml", "config=experiments/recipes/few_photographs.yaml")
BATCH = 48
"""Images in a step, of four sets."""
EXPRESSIONS = ("happy", "normal", "sad", "sleepy", "surprised", "wink")
VALIDATION = ("14", "15")
"""Yale people who are only validated on."""


def yale_tree() -> Path:
    """A tree train|validation/<expression>/<person>.png of links to the Yale faces."""
    faces, folder = real_data("faces/yale"), RUNS / "yale"
    for photograph in faces.glob("*.png"):
        person, _, expression = photograph.stem.partition("_")
        if expression in EXPRESSIONS:
            link = folder / ("validation" if person in VALIDATION else "train") / expression / f"{person}.png"
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(photograph.resolve())
    return folder


def teacher_file() -> Path:
    """The teacher.

    Raises:
        PainlitError: It is not there.
    """
    if not TEACHER.is_file():
        raise PainlitError(f"{TEACHER} does not exist", f"get it as the head of {Path(__file__).name} says")
    return TEACHER


def taught_spatial(half: str) -> Path:
    """The Spatial-Module for a half, trained if it is not there.

    Raises:
        PainlitError: The teacher is not there.
    """
    teacher = teacher_file()
    unlabelled = ",".join(str(real_data(f"faces/{name}")) for name in ("orl", "canada"))
    settings = [f"stage2.roots.folders={people_tree(half)}", f"stage2.trees=[{yale_tree()}]"]
    settings += [f"stage2.unlabelled=[{unlabelled}]", f"stage2.teacher.file={teacher}", f"runs={RUNS}"]
    settings += [f"stage2.weights={pretrain_faces()}", f"stage2.train.batch_size={BATCH}", f"name=taught-beside-{half}"]
    return pretrain_stage2.run(load([*SETTINGS, *settings, *given()])).weights
