import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from painlit.signals.video import mtcnn_sampler
from painlit.signals.video.mtcnn_boxes import pixel_corners, pyramid_sizes, square, suppress_contained
from painlit.signals.video.mtcnn_sampler import AreaSampler, table_by_opencv, table_by_torch
from painlit.signals.video.mtcnn_weights import load_mtcnn, read_arrays

CPU = torch.device("cpu")


@pytest.fixture
def frames() -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (2, 37, 51, 3), np.uint8))


def plain_area(frame: np.ndarray, size: tuple[int, int]) -> torch.Tensor:
    pixels = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float()
    return (interpolate(pixels, size=size, mode="area")[0] - 127.5) / 128


@pytest.mark.parametrize("size", [(12, 17), (37, 51), (20, 90)])
def test_pyramid_level_is_torchs_area_interpolation(frames, size):
    levels = AreaSampler(frames, CPU).pyramid_level(*size)
    for frame, level in zip(frames, levels, strict=True):
        torch.testing.assert_close(level, plain_area(frame, size), atol=1e-5, rtol=0)


def test_crops_are_torchs_area_interpolation_of_the_boxes(frames):
    corners = torch.tensor([[0, 0, 51, 37], [50, 36, 51, 37], [3, 5, 40, 20], [7, 1, 20, 30]])
    index = torch.tensor([0, 1, 1, 0])
    crops = AreaSampler(frames, CPU).crops(index, corners, 24)
    for crop, i, (x1, y1, x2, y2) in zip(crops, index, corners.tolist(), strict=True):
        torch.testing.assert_close(crop, plain_area(frames[i][y1:y2, x1:x2], (24, 24)), atol=1e-5, rtol=0)


def test_the_table_is_the_same_on_both_of_its_ways(frames):
    expected = np.stack(frames).astype(np.int32).cumsum(1).cumsum(2)
    room = np.full(3 * expected.size, 7, np.int32)  # what was there before does not count
    for table in (table_by_opencv(frames, room), table_by_torch(torch.from_numpy(np.stack(frames)))):
        assert table.dtype == torch.int32
        assert np.array_equal(table[:, 1:, 1:], expected)
        assert not table[:, 0].any()
        assert not table[:, :, 0].any()


def test_the_memory_of_a_table_is_used_again(frames, monkeypatch):
    rooms: list[np.ndarray] = []
    monkeypatch.setattr(mtcnn_sampler, "_rooms", rooms)
    expected = [AreaSampler(some, CPU).pyramid_level(12, 17) for some in (frames, frames[1:])]
    first, second = AreaSampler(frames, CPU), AreaSampler(frames[::-1], CPU)
    first.close()
    (room,) = rooms
    again = AreaSampler(frames[1:], CPU)  # smaller
    assert not rooms
    assert np.shares_memory(again.table.numpy(), room)
    assert torch.equal(again.pyramid_level(12, 17), expected[1])
    assert torch.equal(second.pyramid_level(12, 17), expected[0].flip(0))
    again.close()
    assert rooms[0] is room
    larger = AreaSampler([*frames, *frames], CPU)
    assert not np.shares_memory(larger.table.numpy(), room)
    assert torch.equal(larger.pyramid_level(12, 17), expected[0].repeat(2, 1, 1, 1))


def test_no_more_than_some_memory_is_kept(frames, monkeypatch):
    rooms: list[np.ndarray] = []
    monkeypatch.setattr(mtcnn_sampler, "_rooms", rooms)
    samplers = [AreaSampler(frames, CPU) for _ in range(4)]
    monkeypatch.setattr(mtcnn_sampler, "_KEPT", 2 * samplers[0].table.numel() * 4)
    for sampler in samplers:
        sampler.close()
    assert len(rooms) == 2


def test_networks_have_the_published_sizes():
    pnet, rnet, onet = load_mtcnn()
    assert [sum(p.numel() for p in net.parameters()) for net in (pnet, rnet, onet)] == [6632, 100178, 389040]
    probability, offsets = pnet(torch.zeros(2, 3, 12, 14))
    assert probability.shape == (2, 1, 2)
    assert offsets.shape == (2, 4, 1, 2)
    assert rnet(torch.zeros(2, 3, 24, 24))[1].shape == (2, 4)
    assert onet(torch.zeros(2, 3, 48, 48))[2].shape == (2, 5, 2)


def test_weights_are_read_as_joblib_reads_them(tmp_path: Path):
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(4, np.float32)]
    joblib.dump(arrays, tmp_path / "weights.lz4", compress="lz4")
    for ours, theirs in zip(read_arrays(tmp_path / "weights.lz4"), arrays, strict=True):
        assert np.array_equal(ours, theirs)


def test_a_weights_file_that_would_run_code_is_refused(tmp_path: Path):
    joblib.dump([Path("anything")], tmp_path / "evil.lz4", compress="lz4")
    with pytest.raises(pickle.UnpicklingError, match="only arrays"):
        read_arrays(tmp_path / "evil.lz4")


def test_pyramid_ends_before_the_networks_window():
    sizes = pyramid_sizes(288, 360, min_face_size=20, factor=0.709)
    assert sizes[0] == (0.6, (173, 217))
    assert len(sizes) == 8
    assert all(min(size) >= 12 for _, size in sizes)
    assert pyramid_sizes(19, 40, min_face_size=20, factor=0.709) == []


def test_square_keeps_the_centre():
    boxes = square(torch.tensor([[10.0, 20.0, 30.0, 30.0]]))
    assert boxes.tolist() == [[10.0, 15.0, 30.0, 35.0]]


def test_pixel_corners_stay_inside_and_are_never_empty():
    boxes = torch.tensor([[-5.2, 3.9, 8.0, 9.9], [30.0, 40.0, 60.0, 70.0], [-9.0, -9.0, -3.0, -3.0]])
    assert pixel_corners(boxes, height=20, width=25).tolist() == [[0, 2, 8, 9], [24, 19, 25, 20], [0, 0, 1, 1]]


def test_contained_boxes_go_within_their_frame_only():
    boxes = torch.tensor([[10.0, 10, 20, 20], [0, 0, 40, 40], [100, 100, 120, 120], [10, 10, 20, 20]])
    kept = suppress_contained(boxes, torch.tensor([0.8, 0.9, 0.95, 0.7]), torch.tensor([0, 0, 0, 1]), threshold=0.7)
    assert kept.tolist() == [2, 1, 3]
