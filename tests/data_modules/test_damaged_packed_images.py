"""Packed photographs that are damaged, incomplete, or hold something else: each is named."""

import tarfile

import pytest
from packed_writers import (
    add_member,
    packed_record,
    recordio_record,
    records_of,
    write,
    write_parquet,
    write_recordio,
    write_tar,
)

from painlit.errors import PainlitError
from painlit.images.places import PlaceReader
from painlit.images.source import Note, Record, Skipped


@pytest.mark.parametrize(
    ("change", "message"),
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
def test_a_damaged_recordio_is_named(tmp_path, samples, change, message: str):
    root = write_recordio(tmp_path, samples)
    rec, idx = change((root / "train.rec").read_bytes(), (root / "train.idx").read_text())
    (root / "train.rec").write_bytes(rec)
    (root / "train.idx").write_text(idx)
    with pytest.raises(PainlitError, match=message) as error:
        records_of(root)
    assert "train." in str(error.value)


def test_a_recordio_cut_at_a_record_is_named(tmp_path, samples):
    root = write_recordio(tmp_path, samples)
    offsets = [int(line.split()[1]) for line in (root / "train.idx").read_text().splitlines()]
    (root / "train.rec").write_bytes((root / "train.rec").read_bytes()[: offsets[10]])
    (root / "train.idx").unlink()
    with pytest.raises(PainlitError, match="has 9 images, and its first record states 24"):
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
    for columns, message in [
        ({"photo": [b"x"], "label": [1]}, "has 0 columns of images and 1 of labels; its columns are photo, label"),
        ({"image": [b"x"], "other": [1]}, "1 columns of images and 0 of labels"),
        ({"image": ["x"], "label": [1]}, "column image is of string"),
        ({"image": [b"x"], "label": [1.5]}, "column label is of double"),
    ]:
        pq.write_table(pa.table(columns), path)
        with pytest.raises(PainlitError, match=message):
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
