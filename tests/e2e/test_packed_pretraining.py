"""Stage 1 on RecordIO, tar shards and Parquet ends with the weights of stage 1 on files."""

import cv2
import numpy as np
import pytest
from conftest import pretraining
from packed_writers import Sample, write_parquet, write_recordio, write_tar
from safetensors.torch import load_file

from experiments import pretrain_stage1
from painlit.config import load
from painlit.system.digests import digest


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """Six people with six photographs each, as files and in three forms of larger ones."""
    folder = tmp_path_factory.mktemp("forms")
    samples = []
    for person in range(6):
        for k in range(6):
            image = np.random.default_rng(10 * person + k).integers(0, 256, (6, 6, 3), np.uint8)
            data = cv2.imencode(".jpg", cv2.resize(image, (48, 48)))[1].tobytes()
            path = folder / "files" / f"p{person}" / f"p{person}_{k}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            samples.append(Sample(path.name, f"p{person}", data))
    write_recordio(folder / "recordio", samples)
    write_tar(folder / "tar", samples)
    return folder, samples


@pytest.mark.parametrize("network", ["temporal", pytest.param("spatial", marks=pytest.mark.slow)])
def test_the_result_is_that_on_files(forms, tiny_sets, runs, network: str):
    folder, samples = forms
    kinds = ["files", "recordio", "tar"]
    if pytest.importorskip("pyarrow"):
        write_parquet(folder / "parquet" / "train-00000-of-00001.parquet", samples)
        kinds.append("parquet")
    found = {}
    for kind in kinds:
        own = [f"stage1.root={folder / kind}", "stage1.faces=whole", f"stage1.network={network}", f"name={kind}"]
        result = pretrain_stage1.run(load([*pretraining(tiny_sets, runs), *own, "stage1.name=forms"]))
        losses = {key: value for key, value in result.metrics.items() if key.startswith("val/")}
        found[kind] = digest(load_file(result.weights)), losses
    assert len({str(value) for value in found.values()}) == 1, found
