"""Packed photographs (RecordIO, tar, Parquet) give what the same images give as files."""

import pickle
import struct

import numpy as np
import pytest
from packed_writers import (
    MAGIC,
    PARQUET,
    PEOPLE,
    Sample,
    records_of,
    write,
    write_recordio,
    write_tar,
)

from data_modules.photographs.check import check_images
from data_modules.photographs.emotion_datamodule import EmotionDataModule
from data_modules.photographs.face_datamodule import FaceDataModule, face_source
from data_modules.photographs.packed import PackedImages, packed_files
from painlit.config import load
from painlit.errors import PainlitError
from painlit.images.places import PlaceReader
from painlit.images.source import VALIDATION, Record


@pytest.fixture
def tree(tmp_path, samples):
    for sample in samples:
        path = tmp_path / "tree" / sample.label / sample.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.data)
    return tmp_path / "tree"


KINDS = ["recordio", "recordio, no header, label arrays, no idx", "tar cls", "tar txt", "tar json pax", "tar folder"]


KINDS += [*PARQUET, "names", "bytes alone"]


@pytest.mark.parametrize("kind", KINDS)
def test_images_labels_and_order_are_those_of_files(tmp_path, samples, kind: str):
    root = write(kind, tmp_path / "packed", samples)
    source = PackedImages(root, "faces", packed_files(root), split=False)
    advanced = []
    records = [record for record in source.records(lambda: advanced.append(1)) if isinstance(record, Record)]
    assert len(advanced) == source.steps() == len(packed_files(root))
    assert source.classes in (PEOPLE, ("0", "1", "2"))
    assert [record.label for record in records] == [PEOPLE.index(sample.label) for sample in samples]
    reader = PlaceReader(root)
    for record, sample in zip(records, samples, strict=True):
        assert reader.read(record.path, record.place) == sample.data
    for at in np.random.default_rng(0).integers(0, 24, 30):  # in any order
        assert reader.read(records[at].path, records[at].place) == samples[at].data
    assert len({record.path for record in records}) == 24
    if "recordio" not in kind and kind != "bytes alone":
        assert [record.person for record in records] == [sample.label for sample in samples]


@pytest.mark.parametrize("kind", ["recordio", "tar txt", "snappy"])
def test_batches_are_those_of_files(tmp_path, tree, samples, kind: str):
    """In one process and in workers; the index goes to them without its content."""
    common = ["stage1.held_out=0", "stage1.validation_share=0.2", "stage1.faces=whole", "stage1.train.batch_size=6"]
    common += ["images.workers=0", f"runs={tmp_path / 'runs'}"]
    found = []
    for root in (tree, write(kind, tmp_path / "packed", samples)):
        data = FaceDataModule(load([f"stage1.root={root}", f"stage1.name={root.name}", *common]))
        data.setup()
        found.append([(batch["images"].numpy(), batch["label"].tolist()) for batch in data.train_dataloader()])
        assert len(pickle.dumps(data.indices[0])) < 3000
        again = pickle.loads(pickle.dumps(data.indices[0]))
        assert [again.read(row) for row in range(24)] == [sample.data for sample in samples]
    assert len(found[0]) == len(found[1]) > 2
    for (images, labels), (others, other_labels) in zip(*found, strict=True):
        assert labels == other_labels
        assert np.array_equal(images, others)


def test_a_magic_within_an_image_is_put_back(tmp_path):
    magic = struct.pack("<I", MAGIC)
    samples = [Sample(f"{k}.jpg", "ab"[k % 2], b"\x01" * (4 * k) + magic * (1 + k % 3) + b"\x02" * k) for k in range(6)]
    root = write_recordio(tmp_path, samples)
    reader = PlaceReader(root)
    records = records_of(root)
    assert [reader.read(record.path, record.place) for record in records] == [sample.data for sample in samples]


def test_files_called_train_and_validation_are_an_official_split(tmp_path, samples):
    for name, part in (("train", samples[::2]), ("val", samples[1::4]), ("test", samples[3::4])):
        write_tar(tmp_path / name, part, "txt", shards=1)
    config = load(
        ["stage2.sets=[folders]", f"stage2.roots.folders={tmp_path}", "stage2.faces=whole", f"runs={tmp_path / 'r'}"]
    )
    data = EmotionDataModule(config)
    data.setup()
    (index,) = data.indices
    assert index.classes == [*PEOPLE]
    assert index.about["notes"] == ["not read: test/000.tar, since there is a validation part"]
    assert (len(data.train_rows[0]), len(data.validation_rows[0])) == (12, 6)
    assert np.asarray(index.parts).tolist() == [0] * 12 + [VALIDATION] * 6


def test_a_set_without_split_and_people_is_refused(tmp_path, samples):
    root = write_recordio(tmp_path / "rec", samples)
    config = load(
        ["stage2.sets=[folders]", f"stage2.roots.folders={root}", "stage2.faces=whole", f"runs={tmp_path / 'r'}"]
    )
    with pytest.raises(PainlitError, match="no official split, and does not state who is shown"):
        EmotionDataModule(config).setup()


def test_files_named_after_no_part_are_refused(tmp_path, samples):
    for name in ("train-0.tar", "val-0.tar", "more.tar"):
        write_tar(tmp_path / "x", samples, shards=1)
        (tmp_path / "x/000.tar").rename(tmp_path / name)
    (tmp_path / "x").rmdir()
    with pytest.raises(PainlitError, match=r"more\.tar is neither called train nor validation"):
        records_of(tmp_path, split=True)
    (tmp_path / "more.tar").unlink()
    (tmp_path / "train-0.tar").rename(tmp_path / "test-0.tar")
    with pytest.raises(PainlitError, match="no file is called train"):
        records_of(tmp_path, split=True)


def test_folders_of_images_go_before_files_beside_them(tmp_path, tree, samples):
    write_tar(tree, samples, shards=1)
    assert packed_files(tree) == []
    assert packed_files(tree / "000.tar") == ["000.tar"]
    assert packed_files(tmp_path / "nowhere") == []
    mixed = write_recordio(write_tar(tmp_path / "mixed", samples), samples)
    with pytest.raises(PainlitError, match=r"has files of \.rec, \.tar"):
        packed_files(mixed)


def test_check_data_counts_and_decodes_them(tmp_path, samples):
    root = write_recordio(tmp_path, [*samples[:-1], samples[-1]._replace(data=samples[-1].data[:-90])])
    source = face_source(load([f"stage1.root={root}", "stage1.name=mine"]))
    inventory, findings = check_images(source)
    assert inventory[0].startswith("mine: 24 images, 3 classes: 0 8, 1 8, 2 8")
    assert findings == [f"1 of 24 images decoded cannot be read: {root}/train.rec/24 is a JPEG cut short"]
    (root / "train.rec").write_bytes(b"")
    (root / "train.idx").write_bytes(b"")
    assert check_images(face_source(load([f"stage1.root={root}"])))[0] == []
