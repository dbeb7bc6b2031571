"""RecordIO, tar shards and Parquet beside plain files: images indexed and loaded a second, on the ORL faces.

The faces are enlarged to 250 px, VGGFace2's usual size, saved as JPEG and repeated with other qualities up to
`images=4000`. Parquet is written as the library datasets 5 does (not compressed), and as the hub's older files are
(snappy, row groups of 100); for the latter, the time of reading one image through its row group is printed too. Forms
take turns; `orl=FOLDER` says where the faces are.
"""

import io
import json
import os
import struct
import tarfile
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from data_modules.photographs.face_datamodule import face_source
from experiments.bench.data import given
from experiments.bench.images import ROUNDS, SIZE, WORKERS, loading_rates, our_loader, rates_text
from experiments.bench.timing import in_turn, seconds
from painlit.config import Config, load
from painlit.errors import PainlitError
from painlit.images.build_index import list_images
from painlit.images.reading import read_image
from painlit.images.recordio import HEADER, MAGIC, RECORD, padded

SIDE = 250  # px
Sample = tuple[str, str, bytes]
"""Person, name, JPEG."""


def samples(orl: Path, count: int) -> list[Sample]:
    """The faces as JPEGs, by person."""
    paths = sorted(orl.glob("s*/*.pgm"))
    if not paths:
        raise PainlitError(f"there are no faces s*/*.pgm in {orl}", "name the ORL set's folder: orl=FOLDER")
    found = []
    for number in range(count):
        path = paths[number % len(paths)]
        image = cv2.resize(read_image(path), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        quality = 95 - number // len(paths) % 20
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        found.append((path.parent.name, f"{path.stem}_{number}.jpg", data))
    return sorted(found)


def write_files(folder: Path, images: list[Sample]) -> None:
    """A folder for each person."""
    for person, name, data in images:
        (folder / person).mkdir(parents=True, exist_ok=True)
        (folder / person / name).write_bytes(data)


def write_recordio(folder: Path, images: list[Sample]) -> None:
    """InsightFace's layout. No image of these has the magic at a multiple of 4."""
    people = sorted({person for person, _, _ in images})
    with open(folder / "train.rec", "wb") as records, open(folder / "train.idx", "w") as lines:

        def add(key: int, content: bytes) -> None:
            lines.write(f"{key}\t{records.tell()}\n")
            records.write(RECORD.pack(MAGIC, len(content)) + content + bytes(padded(len(content)) - len(content)))

        end = len(images) + 1
        add(0, HEADER.pack(2, 0, 0, 0) + struct.pack("<2f", end, end + len(people)))
        for key, (person, _, data) in enumerate(images, start=1):
            add(key, HEADER.pack(0, people.index(person), key, 0) + data)
        for key in range(end, end + len(people)):
            add(key, HEADER.pack(2, 0, key, 0) + struct.pack("<2f", 0, 0))


def write_tar(folder: Path, images: list[Sample]) -> None:
    """Shards of 1,000 images, each with a .cls."""
    people = sorted({person for person, _, _ in images})
    for start in range(0, len(images), 1000):
        with tarfile.open(folder / f"{start // 1000:03d}.tar", "w") as archive:
            for person, name, data in images[start : start + 1000]:
                for kind, content in (("jpg", data), ("cls", str(people.index(person)).encode())):
                    info = tarfile.TarInfo(f"{person}_{Path(name).stem}.{kind}")
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))


def write_parquet(folder: Path, images: list[Sample], compression: str) -> None:
    """One file with the names of the people in its metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    people = sorted({person for person, _, _ in images})
    features = {"image": {"_type": "Image"}, "label": {"names": people, "_type": "ClassLabel"}}
    table = pa.table({
        "image": [{"bytes": data, "path": f"{person}_{name}"} for person, name, data in images],
        "label": [people.index(person) for person, _, _ in images],
    }).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})  # fmt: skip
    pq.write_table(table, folder / "train-00000-of-00001.parquet", compression=compression, row_group_size=100)


FORMS: dict[str, Callable[[Path, list[Sample]], None]] = {
    "files": write_files,
    "RecordIO": write_recordio,
    "tar": write_tar,
    "Parquet, plain": partial(write_parquet, compression="none"),
    "Parquet, snappy": partial(write_parquet, compression="snappy"),
}


def time_row_groups(folder: Path, reads: int = 10) -> float:
    """Seconds for one image by pyarrow alone, which reads its row group."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(next(folder.glob("*.parquet")))
    groups = [read % file.num_row_groups for read in range(reads)]
    return seconds(lambda: [file.read_row_group(group, columns=["image"]) for group in groups]) / reads


def list_source(config: Config) -> None:
    """Go through the records of stage 1's source, opened anew."""
    list_images(face_source(config))


def main() -> None:
    """Write the forms, and time their listing and their loaders in turn."""
    options = dict(argument.split("=", 1) for argument in given())
    images = samples(Path(options.get("orl", "../shared/data/faces/orl")), int(options.get("images", 4000)))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder, configs, loaders = Path(name), {}, {}
        for number, (form, write) in enumerate(FORMS.items()):
            root = folder / str(number)
            root.mkdir()
            write(root, images)
            os.sync()
            config = load(
                [f"stage1.root={root}", "stage1.faces=whole", f"stage1.name=f{number}", f"runs={folder / 'runs'}"]
            )
            configs[form], loaders[form] = config, our_loader(config)
        row_group = time_row_groups(folder / str(len(FORMS) - 1))
        listing = in_turn({form: partial(list_source, config) for form, config in configs.items()}, ROUNDS)
        loaded = loading_rates(loaders)
    size = np.mean([len(data) for _, _, data in images]) / 1000
    print(f"{len(images)} JPEGs of {SIDE} px, {size:.1f} kB each; to {SIZE} px by {WORKERS} processes")
    print(f"images a second, median of {ROUNDS} (fastest):")
    for form in FORMS:
        listed = rates_text([len(images) / time for time in listing[form]])
        ratio = np.median(loaded[form]) / np.median(loaded["files"])
        print(f"  {form:16} indexed {listed:>17}   loaded {rates_text(loaded[form]):>13}, {ratio:.2f} of files")
    print(f"one image by pyarrow's row group (snappy): {1000 * row_group:.1f} ms")
