"""The command line of export."""

import pytest

from experiments.command import _as_keys
from experiments.export import run
from painlit.config import load
from painlit.errors import PainlitError


def test_flags_are_short_forms():
    arguments = "--to hub --model b.zip --out=there --push lab/pain export.private=false"
    keys = "export.to=hub export.model=b.zip export.out=there export.push=lab/pain export.private=false"
    assert _as_keys("export", arguments.split()) == keys.split()
    load(keys.split(), "export")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--to tflite", "choose one of: onnx, hub, torch"),
        ("--part ear", "choose one of: "),
        ("--push lab/pain", "set export.to=hub"),
        ("--to hub --push pain", "write owner/name"),
        ("--format onnx", "export has no --format"),
        ("--to", "--to needs a value"),
        ("task=multilevel", "export does not read task"),
    ],
)
def test_what_it_does_not_take(arguments, message):
    with pytest.raises(PainlitError, match=message):
        load(_as_keys("export", arguments.split()), "export")


def test_a_bundle_is_needed():
    with pytest.raises(PainlitError, match=r"export\.model is empty"):
        run(load([], "export"))
