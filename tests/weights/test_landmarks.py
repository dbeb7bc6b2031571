"""Distances between landmarks: what they are, that a network's file travels like weights, and what is refused."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import cv2
import numpy as np
import pytest
import torch
from made_up_landmarks import face_of, still_face, write_landmarks
from made_up_teacher import write_teacher
from safetensors.torch import load, save

from painlit.clips.sources import resolve_sources
from painlit.config import Config
from painlit.config import load as load_config
from painlit.config.networks import LANDMARK_DISTANCES
from painlit.errors import PainlitError
from painlit.weights.backends import on_backend
from painlit.weights.face_network import FaceNetwork
from painlit.weights.landmarks import DISTANCES, landmark_distances
from painlit.weights.networks import build_frame_embedder, build_spatial_module
from painlit.weights.pretrained import resolve_weights, starting_embedder

SIZE = 16
SETTINGS = "config=experiments/recipes/landmarks.yaml", f"spatial.image_size={SIZE}", "model.modality=video"


def config(file: Path | str, *more: str) -> Config:
    return load_config([*SETTINGS, f"embed.weights={file}", *more])


def embedder(file: Path, *more: str):
    settings = config(file, *more)
    return starting_embedder(settings, resolve_weights(settings, "spatial", str(file))).eval()


def named(points: np.ndarray) -> dict[str, float]:
    values = landmark_distances(torch.from_numpy(points[None, :, :2].astype(np.float64)))[0]
    assert len(values) == LANDMARK_DISTANCES
    return dict(zip([*DISTANCES, "corners below the lips"], values.tolist(), strict=True))


def crops_of(reds: list[float]) -> torch.Tensor:
    """Crops that differ in the red of their lower right quarter, where all else is noise."""
    crops = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (len(reds), 3, 2 * SIZE, 2 * SIZE), np.uint8))
    for crop, red in zip(crops, reds, strict=True):
        crop[0, SIZE:, SIZE:] = round(255 * red)
    return crops


def test_each_distance_is_that_of_its_landmarks_in_units_of_the_eyes():
    points = still_face()
    points[[13, 14]] = (16, 22, 0), (16, 24, 0)
    before = named(points)
    assert before["width of the mouth"] == pytest.approx(8 / 16)
    assert before["mouth opening"] == pytest.approx(2 / 16)
    assert before["corners below the lips"] == pytest.approx(1 / 16)
    for name, pairs in DISTANCES.items():
        apart = [np.linalg.norm(points[one, :2] - points[other, :2]) for one, other in pairs]
        assert before[name] == pytest.approx(np.mean(apart) / 16), name


def test_each_landmark_is_where_its_name_says():
    """A face by the numbers of the mesh, the right half of it; every other landmark is far away."""
    eye = {33: (-6, 0), 133: (-2, 0), 159: (-4, -1), 145: (-4, 2)}  # outer and inner corner, upper and lower lid
    right = {**eye, 55: (-3, -3), 105: (-4, -5), 129: (-2, 6), 61: (-3, 11)}  # brow: inner end, middle; nose; mouth
    middle = {1: (0, 5), 2: (0, 7), 0: (0, 9), 13: (0, 10), 14: (0, 10.5), 17: (0, 12)}  # nose: tip, below; lips
    left = {33: 263, 133: 362, 159: 386, 145: 374, 55: 285, 105: 334, 129: 358, 61: 291}
    points = np.full((468, 3), 99.0)
    for place, (x, y) in {**right, **middle}.items():
        points[place, :2] = x, y
        points[left.get(place, place), :2] = -x, y
    expected = {
        "width of the mouth": 6,
        "mouth opening": 0.5,
        "height of the lips": 3,
        "corner of the mouth to corner of the eye": np.hypot(3, 11),
        "corner of the mouth to tip of the nose": np.hypot(3, 6),
        "eye opening": 3,
        "inner brow to eye": np.hypot(1, 3),
        "middle of the brow to eye": 4,
        "between the brows": 6,
        "wing of the nose to eye": 6,
        "upper lip to nose": 2,
        "corners below the lips": 0.75,
    }
    assert named(points) == pytest.approx({name: value / 12 for name, value in expected.items()})


def test_where_a_face_is_how_large_and_how_tilted_changes_nothing():
    points = still_face().astype(np.float64)
    for angle, size, shift in ((0.4, 1.0, 0.0), (-0.7, 2.5, 30.0), (0.0, 0.3, -5.0)):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        moved = np.concatenate([size * points[:, :2] @ turn.T + shift, points[:, 2:]], axis=1)
        assert list(named(moved).values()) == pytest.approx(list(named(points).values()), abs=1e-9)


@pytest.mark.parametrize("count", [468, 478])
def test_a_crop_is_seen_whole_in_rgb_and_tiles_are_not_embedded(tmp_path, count):
    whole = embedder(write_landmarks(tmp_path / "mesh.onnx", SIZE, count))
    reds = [0.0, 0.4, 1.0]
    with torch.inference_mode():
        full, tiles = whole(crops_of(reds))
        alone = whole.full(crops_of(reds))
    expected = [list(named(face_of(red)).values()) for red in reds]
    np.testing.assert_allclose(full, expected, atol=1e-5)
    assert torch.equal(full, alone)
    assert tiles.shape == full.shape
    assert not tiles.any()


def test_images_are_scaled_as_the_settings_say(tmp_path):
    file = write_landmarks(tmp_path / "mesh.onnx", SIZE)
    scaled = embedder(file, "spatial.mean=[0.5,0,0]", "spatial.std=[0.5,1,1]")
    with torch.inference_mode():
        full = scaled.full(crops_of([0.6]))
    np.testing.assert_allclose(full[0], list(named(face_of(0.2)).values()), atol=1e-5)


def test_images_are_not_scaled_where_the_settings_leave_it_open(tmp_path):
    whole = embedder(write_landmarks(tmp_path / "mesh.onnx", SIZE), "spatial.mean=null", "spatial.std=null")
    with torch.inference_mode():
        full = whole.full(crops_of([0.6]))
    np.testing.assert_allclose(full[0], list(named(face_of(0.6)).values()), atol=1e-5)


def test_a_tflite_file_is_read_as_one_whatever_it_is_called(tmp_path, monkeypatch):
    mesh = write_landmarks(tmp_path / "mesh.onnx", SIZE)
    monkeypatch.setattr(cv2.dnn, "readNetFromTFLite", lambda content: cv2.dnn.readNetFromONNX(str(mesh)))
    named_onnx = tmp_path / "named.onnx"
    named_onnx.write_bytes(b"\x1c\0\0\0TFL3")
    crops = crops_of([0.3])
    with torch.inference_mode():
        assert torch.equal(embedder(named_onnx).full(crops), embedder(mesh).full(crops))


def test_the_file_travels_as_a_weight_and_in_copies(tmp_path):
    whole = embedder(write_landmarks(tmp_path / "mesh.onnx", SIZE))
    crops = crops_of([0.2, 0.8])
    with torch.inference_mode():
        expected = whole.full(crops)
        state = load(save(dict(whole.spatial.state_dict())))
        again = build_frame_embedder(config("unread").spatial, [0, 0, 0], [1, 1, 1])
        again.spatial.load_state_dict(state)
        for other in (again, copy.deepcopy(whole), pickle.loads(pickle.dumps(whole))):
            assert torch.equal(other.full(crops), expected)
    write_landmarks(tmp_path / "other.onnx", SIZE, 478)
    again.spatial.load_state_dict(embedder(tmp_path / "other.onnx").spatial.state_dict())  # after it has run
    assert again.spatial.network.numel() == (tmp_path / "other.onnx").stat().st_size
    again.spatial.load_state_dict({"network": torch.zeros(9, dtype=torch.uint8)})
    with torch.inference_mode(), pytest.raises(PainlitError, match="cannot be run"):
        again.full(crops)


def test_threads_may_share_it():
    """A network of OpenCV holds one input: nobody else's may come between it and the output."""
    together = Barrier(2)

    class Held:
        def setInput(self, image):  # noqa: N802 - its name in OpenCV
            self.image = image
            with suppress(BrokenBarrierError):
                together.wait(timeout=0.3)  # for another thread, which may not come

        def forward(self, output):
            return self.image

    network = FaceNetwork(b"", "the network", "out")
    network._network = Held()
    images = [np.full((3, 1, 1), k, np.float32) for k in range(2)]
    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(network.outputs, images)]
    np.testing.assert_array_equal(found, [[0, 0, 0], [1, 1, 1]])


def test_a_network_of_something_else_is_refused(tmp_path):
    with torch.inference_mode():
        with pytest.raises(PainlitError, match="gives 12 values, not x, y and depth of 468 or 478 landmarks"):
            embedder(write_teacher(tmp_path / "quarters.onnx", SIZE)).full(crops_of([0.5]))
        (tmp_path / "broken.tflite").write_bytes(b"no network")
        with pytest.raises(PainlitError, match=r"cannot be run on 16 x 16 px: \S.*\n.*whether its file is whole"):
            embedder(tmp_path / "broken.tflite").full(crops_of([0.5]))
        with pytest.raises(PainlitError, match="no network of face landmarks is loaded"):
            build_frame_embedder(config("unread").spatial).full(crops_of([0.5]))
        blind = embedder(write_landmarks(tmp_path / "mesh.onnx", SIZE))
        blind.spatial._runner = type("One", (), {"outputs": lambda self, image: np.ones(1404, np.float32)})()
        with pytest.raises(PainlitError, match="puts both eyes in one place"):
            blind.full(crops_of([0.5]))


@pytest.mark.parametrize("wanted", ["auto", "stage2", "untrained", "nothing.onnx", "weights.safetensors"])
def test_its_file_must_be_named(wanted):
    with pytest.raises(PainlitError, match=rf"embed\.weights={wanted}.*needs a network of face landmarks"):
        resolve_weights(config(wanted), "spatial", wanted)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "mesh.tflite").touch()
    with pytest.raises(PainlitError, match=r"mesh\.tflite is empty"):
        embedder(tmp_path / "mesh.tflite")


def test_the_spatial_module_takes_no_landmarks(tmp_path):
    file = write_landmarks(tmp_path / "mesh.onnx", SIZE)
    with pytest.raises(PainlitError, match=r"mesh\.onnx is of spatial\.network=landmarks, and the settings have"):
        resolve_weights(load_config([]), "spatial", str(file))
    with pytest.raises(PainlitError, match=r"spatial\.network=landmarks is not the Spatial-Module"):
        build_spatial_module(config(file).spatial)


def test_settings_that_do_not_go_with_it_are_refused(tmp_path):
    with pytest.raises(PainlitError, match=r"spatial\.embed_dim=100.*12 distances"):
        load_config(["spatial.network=landmarks"])
    with pytest.raises(PainlitError, match=r"model\.frame_embedding=both needs tiles"):
        resolve_sources(config("mesh.onnx", "model.frame_embedding=both", "model.temporal.weights=untrained"))
    joint = "train.joint=true", "model.normalise_embeddings=false", "model.temporal.weights=untrained"
    with pytest.raises(PainlitError, match=r"train\.joint trains the Spatial-Module"):
        resolve_sources(config("mesh.onnx", *joint))


def test_heart_rates_alone_need_no_faces():
    untrained = "model.temporal.weights=untrained", "model.heart_rate_encoder.weights=untrained"
    sources = resolve_sources(
        config("mesh.onnx", "model.modality=heart_rate", "model.frame_embedding=both", *untrained)
    )
    assert sources.embeddings is None


def test_back_ends_of_the_spatial_module_are_not_used(tmp_path, capsys):
    whole = embedder(write_landmarks(tmp_path / "mesh.onnx", SIZE))
    cpu = torch.device("cpu")
    capsys.readouterr()
    assert on_backend(whole, "torch", "fp32", cpu, "embed") is whole
    assert not capsys.readouterr().out
    assert on_backend(whole, "openvino", "fp32", cpu, "embed") is whole
    assert "embed.backend=openvino is not used, torch is: spatial.network=landmarks" in capsys.readouterr().out
    with pytest.raises(PainlitError, match=r"embed\.precision=bf16: spatial\.network=landmarks"):
        on_backend(whole, "torch", "bf16", cpu, "embed")
