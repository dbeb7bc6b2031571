from types import SimpleNamespace

import pytest
import torch

from painlit.errors import PainlitError
from painlit.training.unreadable import UnreadableImages


def trainer(step: int = 1, rank: int = 0, world_size: int = 1):
    return SimpleNamespace(global_step=step, is_global_zero=rank == 0, world_size=world_size)


def batch(readable: int, *unreadable: str) -> dict:
    return {"label": torch.zeros(readable), "unreadable": list(unreadable)}


def step(callback: UnreadableImages, number: int, *batches: dict) -> None:
    for one in batches:
        callback.on_train_batch_end(trainer(number), None, None, one, 0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "unreadable.txt"


def test_readable_images_leave_no_file(path, capsys):
    callback = UnreadableImages(path, every=2)
    step(callback, 2, batch(100))
    callback.on_train_epoch_end(trainer(), None)
    assert not path.exists()
    assert capsys.readouterr().out == ""


def test_few_are_listed_once_each_and_reported_once(path, capsys):
    callback = UnreadableImages(path, every=2)
    step(callback, 1, batch(499, "b.jpg is empty"))
    assert not path.exists()
    step(callback, 2, batch(499, "a.jpg is empty"), batch(500))
    step(callback, 4, batch(499, "b.jpg is empty"))
    callback.on_train_epoch_end(trainer(4), None)
    assert path.read_text() == "a.jpg is empty\nb.jpg is empty\n"
    assert capsys.readouterr().out.count("2 unreadable images so far") == 1


def test_one_percent_is_tolerated_and_more_is_an_error(path):
    callback = UnreadableImages(path, every=1)
    step(callback, 1, batch(198, "a.jpg is empty", "b.jpg is empty"))
    with pytest.raises(
        PainlitError, match=r"6 of 204 images drawn cannot be read, such as a\.jpg is empty; b"
    ) as caught:
        step(callback, 2, batch(0, "c.jpg", "d.jpg", "e.jpg", "f.jpg"))
    assert "d.jpg" not in caught.value.what
    assert str(path) in caught.value.remedy
    assert len(path.read_text().splitlines()) == 6  # the list is there when the training ends


def test_validation_images_count_at_the_end_of_the_epoch(path):
    callback = UnreadableImages(path, every=1000)
    callback.on_validation_batch_end(trainer(), None, None, batch(50, "a.jpg is empty"), 0, 0)
    with pytest.raises(PainlitError, match="1 of 51"):
        callback.on_train_epoch_end(trainer(), None)


def test_a_resumed_run_keeps_the_list_and_starts_counting_anew(path):
    first = UnreadableImages(path, every=1)
    step(first, 1, batch(100, "a.jpg is empty"))
    again = UnreadableImages(path, every=1)
    step(again, 2, batch(100, "b.jpg is empty"))
    assert path.read_text() == "a.jpg is empty\nb.jpg is empty\n"
    step(again, 3, batch(100))


def test_nothing_drawn_is_no_error(path):
    UnreadableImages(path, every=1).on_train_epoch_end(trainer(), None)
    assert not path.exists()


def test_processes_share_one_account(path, monkeypatch, capsys):
    callbacks = [UnreadableImages(path, every=10) for _ in range(2)]
    step(callbacks[0], 1, batch(300, "a.jpg is empty"))
    step(callbacks[1], 1, batch(100, "b.jpg is empty", "c.jpg is empty", "d.jpg is empty"))  # 3 % here, < 1 % in all
    step(callbacks[0], 1, batch(200))

    def gather(accounts, _):
        accounts[:] = [(c._drawn, c._failed, c.messages) for c in callbacks]

    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    for rank in (1, 0):
        callbacks[rank].on_train_epoch_end(trainer(10, rank, 2), None)
        assert path.exists() == (rank == 0)
    assert path.read_text().splitlines() == [f"{name}.jpg is empty" for name in "abcd"]
    assert capsys.readouterr().out.count("4 unreadable") == 1
    step(callbacks[1], 1, batch(0, "e.jpg", "f.jpg", "g.jpg"))
    for rank in (0, 1):  # both end
        with pytest.raises(PainlitError, match="7 of 607"):
            callbacks[rank].on_train_epoch_end(trainer(10, rank, 2), None)
