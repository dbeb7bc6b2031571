"""A bundle whose scores depend on its inputs, and two exports of it."""

from pathlib import Path

import pytest
from export_runs import CROPS, sharp_run

from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.writing import write_bundle
from painlit.inference.export.writing import export_onnx


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> Bundle:
    folder = tmp_path_factory.mktemp("sharp") / "bundle"
    return write_bundle(folder, [sharp_run(part) for part in ("video", "heart_rate", "fusion")])


@pytest.fixture(scope="session")
def fusion(bundle, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "fusion"
    export_onnx(bundle, "fusion", folder, CROPS)
    return folder


@pytest.fixture(scope="session")
def heart(bundle, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "heart"
    export_onnx(bundle, "heart_rate", folder, CROPS)
    return folder
