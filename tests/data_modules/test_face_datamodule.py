"""Batches of identities: what the trainer gets, at the edges of the shares and over several processes."""

from collections.abc import Callable
from pathlib import Path

import cv2
import lightning as L
import numpy as np
import pytest
import torch

from data_modules.photographs.face_datamodule import FaceDataModule
from painlit.config import load
from painlit.errors import PainlitError
from painlit.images import dataset as dataset_module
from painlit.training import sampling as sampling_module


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Six people with 3, 4, 5, 6, 7 and 8 images; the red of each image is 20 x person + image."""
    root = tmp_path_factory.mktemp("people")
    for person in range(6):
        (root / f"p{person}").mkdir()
        for image in range(3 + person):
            cv2.imwrite(str(root / f"p{person}/{image}.png"), np.full((9, 9, 3), 20 * person + image, np.uint8))
    return root


@pytest.fixture
def divide(root: Path, tmp_path: Path) -> Callable[..., FaceDataModule]:
    def made(*arguments: str) -> FaceDataModule:
        fixed = "stage1.faces=whole stage1.train.batch_size=6 images.workers=0 images.light=0".split()
        config = load([f"stage1.root={root}", f"runs={tmp_path}", *fixed, *arguments])
        data = FaceDataModule(config)
        data.setup()
        return data

    return made


PARTS = ("stage1.held_out=0.34", "stage1.validation_share=0.2")


def seen(batches) -> list[tuple[int, int]]:
    """Image (by its red) and label of everything in some batches."""
    return [
        (int(image[0, 4, 4]), int(label))
        for batch in batches
        for image, label in zip(batch["images"], batch["label"], strict=True)
    ]


def test_each_part_is_seen_once_and_none_twice(divide):
    data = divide(*PARTS)
    train, validation = seen(data.train_dataloader()), seen(data.val_dataloader())
    rows = np.concatenate([*data.train_rows, data.top1_rows, data.verification_rows])
    assert len(rows) == len(set(rows.tolist())) == 33
    assert len(validation) == len(data.top1_rows) + len(data.verification_rows)
    assert len(train) == len(data.train_rows[0]) // 6 * 6
    assert not {image for image, _ in train} & {image for image, _ in validation}
    assert len(train) == 6 * len(data.train_dataloader())


def test_labels_are_one_for_each_person_and_strangers_come_last(divide):
    data = divide(*PARTS)
    names = {image // 20: label for image, label in seen(data.train_dataloader()) + seen(data.val_dataloader())}
    assert sorted(names.values()) == list(range(6))
    assert {names[person] for person in data.held_out} == {4, 5}
    trained = sorted(set(range(6)) - set(data.held_out))
    assert [names[person] for person in trained] == [0, 1, 2, 3]


def test_shares_of_zero_train_on_everything(divide):
    data = divide("stage1.held_out=0", "stage1.validation_share=0")
    assert len(data.train_rows[0]) == 33
    assert (data.identities, len(data.held_out), data.val_dataloader()) == (6, 0, [])


def test_people_of_fewer_than_five_images_give_none_for_top1(divide):
    data = divide("stage1.held_out=0", "stage1.validation_share=0.01")
    assert np.bincount(data.labels[0][data.top1_rows]).tolist() == [0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.8, 0.99])
def test_too_few_on_either_side_of_verification_are_an_error(divide, share: float):
    with pytest.raises(PainlitError, match=rf"stage1\.held_out={share} of 6 identities"):
        divide(f"stage1.held_out={share}")


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_two_on_either_side_are_enough(divide, share: float):
    data = divide(f"stage1.held_out={share}")
    assert min(len(data.held_out), data.identities) == 2


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
def test_two_processes_see_what_one_would(divide, sampling: str, monkeypatch):
    data = divide(*PARTS, f"stage1.sampling={sampling}", "images.flip=false", "images.scale=0", "images.shift=0")
    alone, validation = list(data.train_dataloader()), seen(data.val_dataloader())
    pair, halves_of_validation = [], []
    for rank in (0, 1):
        monkeypatch.setattr(sampling_module, "this_process", lambda rank=rank: (rank, 2))
        pair.append(list(data.train_dataloader()))
        halves_of_validation += seen(data.val_dataloader())
    for batch, *halves in zip(alone, *pair, strict=True):
        assert sorted(seen([batch])) == sorted(seen(halves))
    assert sorted(validation) == sorted(halves_of_validation)


def test_a_stopped_run_goes_on_with_the_next_batch_and_another_begins_anew(divide):
    data = divide(*PARTS)
    whole = [batch["images"] for batch in data.train_dataloader()]
    data.load_state_dict({"batches": 1})
    rest = [batch["images"] for batch in data.train_dataloader()]
    assert len(rest) == len(whole) - 1
    assert all((a == b).all() for a, b in zip(whole[1:], rest, strict=True))
    assert len(list(data.train_dataloader())) == len(whole)


def test_the_division_does_not_depend_on_sampling_or_batches(divide):
    one, other = divide(*PARTS), divide(*PARTS, "stage1.sampling=balanced", "stage1.train.batch_size=4")
    assert one.describe() == other.describe()
    for name in ("train_rows", "top1_rows", "verification_rows", "labels", "held_out"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_it_describes_its_training_data(divide):
    about = divide(*PARTS).describe()
    assert about["identities"] + about["verification_identities"] == 6
    assert about["train_images"] + about["top1_images"] + about["verification_images"] == 33


class Nothing(L.LightningModule):
    """Learns nothing of the batches it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch, index: int) -> torch.Tensor:
        return self.weight

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters())


def test_under_a_trainer_each_epoch_augments_otherwise(divide, tmp_path, monkeypatch):
    seeds: list[int] = []
    crop = dataset_module.augmented_crop

    def recorded(image, square, size, config, seed):
        seeds.append(seed)
        return crop(image, square, size, config, seed)

    monkeypatch.setattr(dataset_module, "augmented_crop", recorded)
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    options = {"max_epochs": 3, "limit_val_batches": 0, "logger": False, "accelerator": "cpu"}
    data = divide("stage1.held_out=0", "stage1.validation_share=0")
    L.Trainer(default_root_dir=tmp_path, **quiet | options).fit(Nothing(), data)
    assert len(seeds) == len(set(seeds)) == 3 * 5 * 6
