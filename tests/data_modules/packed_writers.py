"""RecordIO, tar shards and Parquet as other programs write them, for tests and from their formats' descriptions."""

import io
import json
import struct
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from data_modules.photographs.packed import PackedImages, packed_files

MAGIC = 0xCED7230A


class Sample(NamedTuple):
    name: str
    label: str
    data: bytes


def recordio_record(content: bytes) -> bytes:
    """As dmlc-core's RecordIOWriter: cut where the magic lies at a multiple of 4."""
    magic = struct.pack("<I", MAGIC)
    cuts = [at for at in range(0, len(content) // 4 * 4, 4) if content[at : at + 4] == magic]
    starts, ends = [0, *(cut + 4 for cut in cuts)], [*cuts, len(content)]
    out = b""
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        kind = 0 if not cuts else 1 if number == 0 else 3 if number == len(cuts) else 2
        part = content[start:end]
        out += struct.pack("<II", MAGIC, kind << 29 | len(part)) + part + bytes(-len(part) % 4)
    return out


def packed_record(labels: float | Sequence[float], key: int, image: bytes) -> bytes:
    """As mxnet.recordio.pack."""
    if isinstance(labels, float | int):
        return struct.pack("<IfQQ", 0, labels, key, 0) + image
    return struct.pack("<IfQQ", len(labels), 0, key, 0) + struct.pack(f"<{len(labels)}f", *labels) + image


def write_recordio(folder: Path, samples: Sequence[Sample], header: bool = True, arrays: bool = False) -> Path:
    """train.rec, train.idx and property in InsightFace's layout."""
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted({sample.label for sample in samples})
    contents = []
    if header:
        contents.append(packed_record([len(samples) + 1, len(samples) + 1 + len(names)], 0, b""))
    for sample in samples:
        label = names.index(sample.label)
        contents.append(packed_record([label, 0.5] if arrays else label, len(contents), sample.data))
    for number, _ in enumerate(names if header else ()):
        contents.append(packed_record([number, number + 1], len(contents), b""))
    data, lines = b"", []
    for key, content in enumerate(contents):
        lines.append(f"{key}\t{len(data)}\n")
        data += recordio_record(content)
    (folder / "train.rec").write_bytes(data)
    (folder / "train.idx").write_text("".join(lines))
    (folder / "property").write_text(f"{len(names)},112,112\n")
    return folder


def write_tar(path: Path, samples: Sequence[Sample], kind: str = "cls", shards: int = 2, pax: bool = False) -> Path:
    """`shards` tar files of samples with labels as .cls, .txt or .json, or as folders."""
    path.mkdir(parents=True, exist_ok=True)
    names = sorted({sample.label for sample in samples})
    for shard in range(shards):
        mode = {"format": tarfile.PAX_FORMAT if pax else tarfile.USTAR_FORMAT}
        with tarfile.open(path / f"{shard:03d}.tar", "w", **mode) as archive:
            for sample in samples[shard * len(samples) // shards : (shard + 1) * len(samples) // shards]:
                key, number = Path(sample.name).stem, names.index(sample.label)
                labels = {"cls": str(number), "txt": sample.label, "json": json.dumps({"label": sample.label})}
                if kind in labels:
                    add_member(archive, f"{key}.jpg", sample.data)
                    add_member(archive, f"{key}.{kind}", labels[kind].encode())
                else:
                    add_member(archive, f"./{sample.label}/{key}.jpg", sample.data)
    return path


def add_member(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def write_parquet(
    path: Path, samples: Sequence[Sample], names: Sequence[str] | None = (), struct_column: bool = True, **options
) -> Path:
    """A file as the hub has it: struct of bytes and path, numbers with their names in the metadata.

    `names` are all names, by default those of these samples; with None labels are texts.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    names = sorted({sample.label for sample in samples}) if names == () else names
    values = [{"bytes": sample.data, "path": sample.name} if struct_column else sample.data for sample in samples]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if struct_column else pa.binary()
    labels = [names.index(sample.label) if names else sample.label for sample in samples]
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if names else {}
    columns = {"image": pa.array(values, kind), "label": pa.array(labels)}
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path, **options)
    return path


PEOPLE = ("ann", "bob", "cem")


def photograph(seed: int, size: int = 40) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    return cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)


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
    names = None if kind == "names" else sorted({sample.label for sample in samples})  # of both files
    half = len(samples) // 2
    for number, part in enumerate((samples[:half], samples[half:])):
        path = folder / f"train-{number:05d}-of-00002.parquet"
        write_parquet(path, part, names, struct_column=kind != "bytes alone", **PARQUET.get(kind, {}))
    return folder


def records_of(root, split=False):
    return list(PackedImages(root, "faces", packed_files(root), split).records())
