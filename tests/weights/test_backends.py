"""Back ends of the Spatial-Module: the same embeddings as torch's, or torch itself."""

import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from painlit.config import load, values_affecting
from painlit.errors import PainlitError
from painlit.models import SpatialModule
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import Normalise
from painlit.native import library
from painlit.native.spatial import NativeSpatial
from painlit.weights import backends, openvino_spatial
from painlit.weights.backends import _InThreads, on_backend
from painlit.weights.openvino_spatial import OpenVinoSpatial

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def embedder() -> FrameEmbedder:
    torch.manual_seed(0)
    sizes = {"image_size": 32, "embed_dim": 20, "inner_dim": 8, "depth": 2, "inner_heads": 2, "outer_heads": 2}
    return FrameEmbedder(SpatialModule(**sizes), Normalise()).eval()


def crops(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(count))


@pytest.fixture(scope="module", params=["openvino", "native"])
def compiled(embedder, request) -> Iterator[FrameEmbedder]:
    """With three images on their way at a time."""
    if request.param == "openvino":
        pytest.importorskip("openvino")
    elif not any(map(shutil.which, ("g++", "clang++", "c++"))):
        pytest.skip("no C++ compiler")
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        made = on_backend(embedder, request.param, "fp32", CPU, "embed")
        assert isinstance(made.spatial, OpenVinoSpatial if request.param == "openvino" else NativeSpatial)
        yield made
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_each_frame_is_embedded_as_by_torch(embedder, compiled, count):
    with torch.inference_mode():
        expected, found = embedder(crops(count)), compiled(crops(count))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
        torch.testing.assert_close(compiled.full(crops(count)), expected[0], rtol=0, atol=1e-4)


def test_threads_that_share_a_model_each_get_their_own_embeddings(compiled):
    def embed(number: int) -> torch.Tensor:
        with torch.inference_mode():
            return compiled.full(crops(number))

    expected = [embed(number) for number in range(20, 24)]
    with ThreadPoolExecutor(4) as threads:
        for found in [threads.map(embed, range(20, 24)) for _ in range(20)]:
            for ours, theirs in zip(found, expected, strict=True):
                torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("compiled", ["openvino"], indirect=True)
def test_what_is_interrupted_leaves_nothing_behind(compiled):
    class Interrupted(np.ndarray):
        def __getitem__(self, at):
            if isinstance(at, slice) and at.start == 7:
                raise KeyboardInterrupt
            return super().__getitem__(at)

    class Images:
        def numpy(self, force):
            return np.zeros((8, 3, 32, 32), np.float32).view(Interrupted)

    with torch.inference_mode():
        expected = compiled.full(crops(8))
        for _ in range(10):
            with pytest.raises(KeyboardInterrupt):
                compiled.spatial(Images())
            torch.testing.assert_close(compiled.full(crops(8)), expected)


def test_the_embedder_that_is_given_stays_as_it_is(embedder, compiled):
    assert isinstance(embedder.spatial, SpatialModule)
    assert compiled.normalise is embedder.normalise


def test_threads_embed_images_in_order(embedder):
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        dealt = on_backend(embedder, "torch", "fp32", CPU, "embed")
        for count in (1, 7, 120):
            with torch.inference_mode():
                expected, found = embedder(crops(count)), dealt(crops(count))
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(("size", "images"), [(224, 1), (112, 1), (96, 5)])
def test_frames_of_several_images_are_dealt_out(size, images):
    """An image at a time where one is as much as a thread takes; whole frames where five are not much more."""
    spatial = SpatialModule(image_size=size, embed_dim=8, inner_dim=8, depth=1, inner_heads=2, outer_heads=2).eval()
    embedder, taken = FrameEmbedder(spatial, Normalise()), []
    given = torch.randint(0, 256, (3, 3, 2 * size, 2 * size), dtype=torch.uint8)
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with torch.inference_mode():
            expected = embedder(given)
            spatial.register_forward_pre_hook(lambda _, given: taken.append(len(given[0])))
            for found, torchs in zip(on_backend(embedder, "torch", "fp32", CPU, "embed")(given), expected, strict=True):
                torch.testing.assert_close(found, torchs, rtol=0, atol=1e-5)
    finally:
        torch.set_num_threads(threads)
    assert taken == [images] * (15 // images)


@pytest.mark.parametrize(
    ("frames", "tiles", "taken"),
    [(8, True, [4] * 10), (8, False, [4] * 2), (1, True, [1] * 5), (2, True, [1] * 10), (5, False, [3, 2])],
)
def test_images_that_go_together_are_taken_together(frames, tiles, taken):
    """A thread takes the same image of several frames."""
    spatial = SpatialModule(image_size=224, embed_dim=8, inner_dim=8, depth=1, inner_heads=2, outer_heads=2).eval()
    spatial.together = 4
    given, found = torch.randint(0, 256, (frames, 3, 448, 448), dtype=torch.uint8), []
    embedder = _InThreads(spatial, Normalise()).eval()
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with torch.inference_mode():
            expected = FrameEmbedder(spatial, Normalise())(given)
            spatial.register_forward_pre_hook(lambda _, images: found.append(len(images[0])))
            made = embedder(given) if tiles else (embedder.full(given),)
    finally:
        torch.set_num_threads(threads)
    for ours, theirs in zip(made, expected, strict=False):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    assert sorted(found, reverse=True) == taken


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (4, [4]), (5, [3, 2]), (9, [3, 2, 2, 2])])
def test_threads_take_several_small_images_at_once(count, sizes):
    """49 patches each: four of them are as much as one of 224 px."""
    spatial = SpatialModule(image_size=112, embed_dim=8, inner_dim=8, depth=1, inner_heads=2, outer_heads=2).eval()
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        dealt = on_backend(FrameEmbedder(spatial, Normalise()), "torch", "fp32", CPU, "embed")
        given, taken = torch.randint(0, 256, (count, 3, 224, 224), dtype=torch.uint8), []
        with torch.inference_mode():
            expected = FrameEmbedder(spatial, Normalise()).full(given)
            spatial.register_forward_pre_hook(lambda _, given: taken.append(len(given[0])))
            torch.testing.assert_close(dealt.full(given), expected, rtol=0, atol=1e-5)
    finally:
        torch.set_num_threads(threads)
    assert sorted(taken, reverse=True) == sizes


def test_bf16_by_torch_is_near_and_not_the_same(embedder):
    reduced = on_backend(embedder, "torch", "bf16", CPU, "embed")
    with torch.inference_mode():
        expected, found = embedder.full(crops(4)), reduced.full(crops(4))
    assert found.dtype == torch.float32
    assert 1e-4 < (found - expected).abs().max() < 0.1


def test_without_openvino_torch_is_used_and_that_is_reported(embedder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "openvino", None)
    made = on_backend(embedder, "openvino", "fp32", CPU, "embed")
    assert made.spatial is embedder.spatial
    assert "embed.backend=openvino is not used, torch is" in capsys.readouterr().out
    with pytest.raises(PainlitError, match=r"openvino assess\.precision=bf16: .*pip install 'painlit\[openvino\]'"):
        on_backend(embedder, "openvino", "bf16", CPU, "assess")


def test_what_differs_from_torch_is_not_used(embedder, monkeypatch, capsys):
    class Wrong(torch.nn.Module):
        def __init__(self, spatial, precision):
            super().__init__()
            self.spatial = spatial

        def forward(self, images):
            return self.spatial(images) + 0.01

    monkeypatch.setattr(backends, "OpenVinoSpatial", Wrong)
    made = on_backend(embedder, "openvino", "fp32", CPU, "embed")
    assert made.spatial is embedder.spatial
    assert "differ from torch's by 0.01" in capsys.readouterr().out


def test_torch_is_used_where_openvino_fails(embedder, monkeypatch, capsys):
    pytest.importorskip("openvino")

    def fails(*_):
        raise NotImplementedError("no such operation")

    monkeypatch.setattr(openvino_spatial, "_converted", fails)
    made = on_backend(embedder, "openvino", "fp32", CPU, "embed")
    assert made.spatial is embedder.spatial
    message = "embed.backend=openvino is not used, torch is: openvino fails: no such operation"
    assert message in capsys.readouterr().out


@pytest.mark.parametrize("backend", ["openvino", "native"])
def test_what_runs_on_a_cpu_alone_is_refused_elsewhere(embedder, backend):
    with pytest.raises(PainlitError, match=rf"assess\.backend={backend} runs on the CPU, and assess\.device is cuda"):
        on_backend(embedder, backend, "fp32", torch.device("cuda"), "assess")


def test_bf16_is_refused_where_the_processor_has_none(embedder, monkeypatch):
    openvino = pytest.importorskip("openvino")

    class Plain(openvino.Core):
        def get_property(self, *_):
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvino, "Core", Plain)
    message = r"embed\.precision=bf16: this processor has no bf16 arithmetic\n.*set embed\.precision=fp32"
    with pytest.raises(PainlitError, match=message):
        on_backend(embedder, "openvino", "bf16", CPU, "embed")


@pytest.mark.parametrize(("precision", "most"), [("bf16", 0.02), ("int8", 0.08)])
def test_native_in_a_reduced_precision_is_near_and_not_the_same(embedder, precision, most):
    if not any(map(shutil.which, ("g++", "clang++", "c++"))):
        pytest.skip("no C++ compiler")
    reduced = on_backend(embedder, "native", precision, CPU, "embed")
    with torch.inference_mode():
        (expected, _), (found, _) = embedder(crops(4)), reduced(crops(4))
    assert 1e-4 < (found - expected).abs().max() < most


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_int8_is_of_native_alone(embedder, backend):
    with pytest.raises(PainlitError, match=rf"embed\.backend={backend} embed\.precision=int8: .*native in int8"):
        on_backend(embedder, backend, "int8", CPU, "embed")


def test_without_a_compiler_torch_is_used_and_that_is_reported(embedder, monkeypatch, capsys):
    monkeypatch.setenv("CXX", "no-such-compiler")
    library.compiled.cache_clear()
    made = on_backend(embedder, "native", "fp32", CPU, "embed")
    assert made.spatial is embedder.spatial
    message = "embed.backend=native is not used, torch is: CXX=no-such-compiler is no program; install g++ or clang++"
    assert message in capsys.readouterr().out


def test_embeddings_depend_on_the_precision_and_not_on_the_back_end():
    affecting = values_affecting(load([]), "embed")
    assert "embed.precision" in affecting
    assert "embed.backend" not in affecting


@pytest.mark.parametrize("key", ["embed", "assess"])
@pytest.mark.parametrize("setting", ["backend=tensorrt", "precision=int4"])
def test_what_is_not_known_is_refused(key, setting):
    with pytest.raises(PainlitError, match="not known"):
        load([f"{key}.{setting}"])
