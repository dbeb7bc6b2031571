"""RecordIO, tar shards and Parquet as other programs write them, for tests and from their formats' descriptions."""

import io
import json
import struct
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

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


def write_parquet(path: Path, samples: Sequence[Sample], names: bool = True, struct_column: bool = True, **options):
    """A file as the hub has it: struct of bytes and path, numbers with their names in the metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    classes = sorted({sample.label for sample in samples})
    values = [{"bytes": sample.data, "path": sample.name} if struct_column else sample.data for sample in samples]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if struct_column else pa.binary()
    labels = [classes.index(sample.label) if names else sample.label for sample in samples]
    features = {"image": {"_type": "Image"}, "label": {"names": classes, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if names else {}
    columns = {"image": pa.array(values, kind), "label": pa.array(labels)}
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path, **options)
    return path
