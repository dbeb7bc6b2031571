import pickle
import struct
import tarfile

import cv2
import numpy as np
import pytest
from packed_writers import (
    MAGIC,
    Sample,
    add_member,
    packed_record,
    recordio_record,
    write_parquet,
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
from painlit.images.source import VALIDATION, Note, Record, Skipped

PEOPLE = ("ann", "bob", "cem")


def photograph(seed: int, size: int = 40) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    return cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """Eight JPEGs of each of three people, by person."""
    return [
        Sample(f"{person}_{k}.jpg", person, cv2.imencode(".jpg", photograph(10 * p + k))[1].tobytes())
        for p, person in enumerate(PEOPLE)
        for k in range(8)
    ]


@pytest.fixture
def tree(tmp_path, samples):
    for sample in samples:
        path = tmp_path / "tree" / sample.label / sample.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.data)
    return tmp_path / "tree"


PARQUET = {
    "plain": {"compression": "none", "use_dictionary": False},
    "snappy": {"compression": "snappy"},
    "zstd": {"compression": "zstd", "use_dictionary": False, "data_page_size": 3000, "write_batch_size": 2},
    "gzip, second version": {"compression": "gzip", "data_page_version": "2.0", "row_group_size": 7},
    "lz4": {"compression": "lz4", "use_dictionary": False, "data_page_size": 1, "write_batch_size": 1},
    "brotli": {"compression": "brotli", "row_group_size": 1},
    "plain, second version": {"compression": "none", "data_page_version": "2.0", "data_page_size": 3000},
    "dictionary outgrown": {
        "compression": "snappy",
        "dictionary_pagesize_limit": 4000,
        "data_page_size": 2000,
        "write_batch_size": 1,
    },
    "checksums": {"compression": "snappy", "write_page_checksum": True},
    "delta": {
        "compression": "snappy",
        "use_dictionary": False,
        "column_encoding": {"image.bytes": "DELTA_LENGTH_BYTE_ARRAY"},
    },
}


def write(kind: str, folder, samples):
    if kind == "recordio":
        return write_recordio(folder, samples)
    if kind == "recordio, no header, label arrays, no idx":
        write_recordio(folder, samples, header=False, arrays=True)
        (folder / "train.idx").unlink()
        return folder
    if kind.startswith("tar"):
        return write_tar(folder, samples, kind.split()[1], pax="pax" in kind)
    pytest.importorskip("pyarrow")
    options = dict(PARQUET.get(kind, {}))
    half = len(samples) // 2
    for number, part in enumerate((samples[:half], samples[half:])):
        names = {"names": kind != "names", "struct_column": kind != "bytes alone"} if kind not in PARQUET else {}
        if names.get("names", True):  # numbers of either file are of all names
            part = [*part]
        write_parquet_of(folder / f"train-{number:05d}-of-00002.parquet", part, samples, **names, **options)
    return folder


def write_parquet_of(path, part, samples, names=True, struct_column=True, **options):
    """As `write_parquet`, with class names of all samples."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    write_parquet(path, part, names=False, struct_column=struct_column, **options)
    if names:
        classes = sorted({sample.label for sample in samples})
        table = pq.read_table(path)
        numbers = pa.array([classes.index(sample.label) for sample in part])
        features = {"image": {"_type": "Image"}, "label": {"names": classes, "_type": "ClassLabel"}}
        table = table.set_column(1, "label", numbers)
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        pq.write_table(table, path, **options)


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
        assert len(pickle.dumps(data.index)) < 3000
        again = pickle.loads(pickle.dumps(data.index))
        assert [again.read(row) for row in range(24)] == [sample.data for sample in samples]
    assert len(found[0]) == len(found[1]) > 2
    for (images, labels), (others, other_labels) in zip(*found, strict=True):
        assert labels == other_labels
        assert np.array_equal(images, others)


def records_of(root, split=False):
    return list(PackedImages(root, "faces", packed_files(root), split).records())


def test_a_magic_within_an_image_is_put_back(tmp_path):
    magic = struct.pack("<I", MAGIC)
    samples = [Sample(f"{k}.jpg", "ab"[k % 2], b"\x01" * (4 * k) + magic * (1 + k % 3) + b"\x02" * k) for k in range(6)]
    root = write_recordio(tmp_path, samples)
    reader = PlaceReader(root)
    records = records_of(root)
    assert [reader.read(record.path, record.place) for record in records] == [sample.data for sample in samples]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rec, idx: (rec[:-5], idx), "reaches past the end"),
        (lambda rec, idx: (rec[:36] + bytes(9) + rec[45:], idx), "byte 40: no record begins here"),
        (lambda rec, idx: (rec + b"xyz", idx), "no record begins here"),
        (lambda rec, idx: (rec, idx.replace("\n3\t", "\n3\t9")), "train.idx has key"),
        (lambda rec, idx: (rec, "\n".join(idx.splitlines()[:-1])), "has nothing more, where train.rec has a record"),
        (lambda rec, idx: (rec, idx + "99\t99999999\n"), "has key 99 at byte 99,999,999, where train.rec has its end"),
        (lambda rec, idx: (rec, idx + "99\n"), "is not of lines `key offset`"),
        (lambda rec, idx: (rec, "key offset\n" + idx), "is not of lines `key offset`"),
    ],
)
def test_a_damaged_recordio_is_named(tmp_path, samples, change, told: str):
    root = write_recordio(tmp_path, samples)
    rec, idx = change((root / "train.rec").read_bytes(), (root / "train.idx").read_text())
    (root / "train.rec").write_bytes(rec)
    (root / "train.idx").write_text(idx)
    with pytest.raises(PainlitError, match=told) as error:
        records_of(root)
    assert "train." in str(error.value)


def test_a_recordio_cut_at_a_record_is_named(tmp_path, samples):
    root = write_recordio(tmp_path, samples)
    offsets = [int(line.split()[1]) for line in (root / "train.idx").read_text().splitlines()]
    (root / "train.rec").write_bytes((root / "train.rec").read_bytes()[: offsets[10]])
    (root / "train.idx").unlink()
    with pytest.raises(PainlitError, match="has 9 images, and its first record tells of 24"):
        records_of(root)


def test_a_record_of_nothing_is_named(tmp_path):
    (tmp_path / "train.rec").write_bytes(recordio_record(b"abc"))
    with pytest.raises(PainlitError, match=r"train\.rec, byte 0: a record is shorter"):
        records_of(tmp_path)
    (tmp_path / "train.rec").write_bytes(recordio_record(packed_record([1.0], 0, b"")[:26]))
    with pytest.raises(PainlitError, match="should begin with 1 labels"):
        records_of(tmp_path)


def test_what_lies_in_a_tar_beside_images(tmp_path, samples):
    with tarfile.open(tmp_path / "faces.tar", "w") as archive:
        for name in ("._a_1.jpg", "__MACOSX/a_1.jpg", ".DS_Store", "README.md"):
            add_member(archive, name, b"x")
        add_member(archive, "a_1.jpg", samples[0].data)
        add_member(archive, "a_1.txt", "ängstlich".encode())
        add_member(archive, "b_1.x.png", samples[1].data)  # the key ends at the first dot
        add_member(archive, "b_1.cls", b"no number")
    found = records_of(tmp_path)
    assert [item.text for item in found if isinstance(item, Note)] == [
        "left alone: 3 files of operating systems in faces.tar"
    ]
    (skipped,) = [item for item in found if isinstance(item, Skipped)]
    assert (skipped.path, skipped.reason.startswith("it has no label")) == ("faces.tar/b_1.x.png", True)
    assert [(record.path, record.person) for record in found if isinstance(record, Record)] == [
        ("faces.tar/a_1.jpg", "a")
    ]


def test_a_damaged_tar_is_named(tmp_path, samples):
    root = write_tar(tmp_path / "tar", samples, shards=1)
    whole = (root / "000.tar").read_bytes()
    for data in (whole[:700], whole[: len(whole) // 2], b"no tar" * 300, b"", whole[:2000] + b"x" * 600 + whole[2600:]):
        (root / "000.tar").write_bytes(data)
        with pytest.raises(PainlitError, match=r"000\.tar"):
            records_of(root)
    (root / "000.tar").rename(root / "000.tar.gz")
    with pytest.raises(PainlitError, match="decompress it to"):
        records_of(root)


def test_parquet_without_images_or_labels_is_named(tmp_path, samples):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.parquet"
    for columns, told in [
        ({"photo": [b"x"], "label": [1]}, "has 0 columns of images and 1 of labels; its columns are photo, label"),
        ({"image": [b"x"], "other": [1]}, "1 columns of images and 0 of labels"),
        ({"image": ["x"], "label": [1]}, "column image is of string"),
        ({"image": [b"x"], "label": [1.5]}, "column label is of double"),
    ]:
        pq.write_table(pa.table(columns), path)
        with pytest.raises(PainlitError, match=told):
            records_of(tmp_path)
    whole = write_parquet(path, samples).read_bytes()
    for data in (whole[:-20], whole[: len(whole) // 2], b"PAR1" * 9, b""):
        path.write_bytes(data)
        with pytest.raises(PainlitError, match=r"x\.parquet cannot be read"):
            records_of(tmp_path)


def test_parquet_rows_without_image_or_label_are_skipped(tmp_path, samples):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    values = [samples[0].data, None, b"", samples[1].data, samples[0].data, samples[0].data]
    images = [{"bytes": value, "path": f"p{k}_x.jpg"} for k, value in enumerate(values)]
    pq.write_table(pa.table({"image": images, "label": ["a", "a", "a", None, "b", "a"]}), tmp_path / "x.parquet")
    found = records_of(tmp_path)
    skipped = {item.path: item.reason for item in found if isinstance(item, Skipped)}
    assert skipped == {
        "x.parquet/1": "its bytes are not in the file, only the path p1_x.jpg",
        "x.parquet/2": "its bytes are not in the file, only the path p2_x.jpg",
        "x.parquet/3": "it has no label",
    }
    records = [item for item in found if isinstance(item, Record)]
    assert [(record.path, record.label, record.person) for record in records] == [
        ("x.parquet/0", 0, "p0"),
        ("x.parquet/4", 1, "p4"),
        ("x.parquet/5", 0, "p5"),
    ]
    reader = PlaceReader(tmp_path)
    assert {reader.read(record.path, record.place) for record in records} == {samples[0].data}


@pytest.mark.parametrize("kind", ["recordio", "tar txt", "snappy"])
def test_images_that_change_later_are_unreadable(tmp_path, samples, kind: str):
    root = write(kind, tmp_path / "packed", samples)
    records = [item for item in records_of(root) if isinstance(item, Record)]
    record = records[-1]
    path = root / record.place.file
    path.write_bytes(path.read_bytes()[: record.place.start + 10])
    with pytest.raises(Exception, match="cut short") as error:
        PlaceReader(root).read(record.path, record.place)
    assert type(error.value).__name__ == "UnreadableImageError"
    path.unlink()
    with pytest.raises(Exception, match="No such file"):
        PlaceReader(root).read(record.path, record.place)


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


def test_of_a_set_without_split_and_people_the_user_is_told(tmp_path, samples):
    root = write_recordio(tmp_path / "rec", samples)
    config = load(
        ["stage2.sets=[folders]", f"stage2.roots.folders={root}", "stage2.faces=whole", f"runs={tmp_path / 'r'}"]
    )
    with pytest.raises(PainlitError, match="no official split, and does not tell who is shown"):
        EmotionDataModule(config).setup()


def test_parts_that_are_not_told_are_refused(tmp_path, samples):
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
