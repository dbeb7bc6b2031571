"""How the text of a value is read, on the command line and in a file: true and false, numbers, names."""

from pathlib import Path

import pytest

from painlit.config import Config, TrainConfig, flat, from_dict, load, overlay, settings
from painlit.errors import PainlitError
from painlit.runs.provenance import save_config


def error_of(*arguments: str) -> str:
    with pytest.raises(PainlitError) as caught:
        load(arguments)
    return str(caught.value)


TRUE, FALSE = ("true", "True", "yes", "on", "ON", "1"), ("false", "no", "No", "off", "0")


@pytest.mark.parametrize("text", [*TRUE, *FALSE])
def test_true_and_false_have_eight_words(text: str, tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text(f"model: {{augmnet: {text}}}\n")
    for config in (load([f"model.augmnet={text}"]), load([f"config={file}"]), overlay(Config(), file)):
        assert config.model.augmnet is (text in TRUE)


@pytest.mark.parametrize("text", ["2", "-1", "00", "01", "1_0", "1.0", "y", "t", "maybe", "", "[true]", "null"])
def test_nothing_else_is_true_or_false(text: str, tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text(f"model: {{augmnet: {text}}}\n")
    assert "model.augmnet" in error_of(f"model.augmnet={text}")
    assert f"({file})" in error_of(f"config={file}")
    with pytest.raises(PainlitError, match=r"model\.augmnet"):
        from_dict({"model": {"augmnet": 2}})


def test_numbers_are_not_read_as_python_alone_reads_them():
    for key, default in flat(Config().to_dict()).items():
        if isinstance(default, int | float) and not isinstance(default, bool):
            assert f"{key}=1_0 (command line) has _ within a number" in error_of(f"{key}=1_0")
    assert "spatial.mean" in error_of("spatial.mean=[0.5,0_1,0.5]")
    assert load(["name=1_0"]).name == "1_0"


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_every_number_must_be_finite(number: str):
    numbers = [key for key, setting in settings().items() if isinstance(setting.default, float)]
    assert {"train.lr", "clip.seconds", "stage1.train.weight_decay"} <= set(numbers)
    for key in numbers if number == "nan" else numbers[:3]:
        assert f"{key}={number} (command line)" in error_of(f"{key}={number}")
    assert "spatial.mean" in error_of(f"spatial.mean=[0.5,{number},0.5]")
    with pytest.raises(PainlitError, match=r"train\.lr"):
        TrainConfig(lr=float(number))


TEXTS = ("2024_11_25", "007", "12:30", "on", "yes", "1e3", "1.10", "null", "~", "0x10", "a: b", "#1", "[x]")


@pytest.mark.parametrize("text", TEXTS)
def test_text_stays_as_it_is_written_and_comes_back_from_the_saved_configuration(text: str, tmp_path: Path):
    """YAML 1.1 reads the first as 20241125, the second as 7, the third as 750 and the next two as true."""
    quoted = f"'{text}'"
    (tmp_path / "mine.yaml").write_text(f"log: {{project: {quoted}}}\nloso: {{subjects: [{quoted}, b]}}\n")
    config = load([f"config={tmp_path / 'mine.yaml'}"])
    assert (config.log.project, config.loso.subjects) == (text, [text, "b"])
    save_config(config, tmp_path)
    assert load([f"config={tmp_path / 'config.yaml'}"]) == config
    if text not in ("null", "[x]"):
        assert load([f"log.project={text}"]).log.project == text


def test_plain_text_in_a_yaml_file_becomes_what_the_schema_has_there(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: 2024_11_25\ntrain: {epochs: 0100, lr: 1e-3, joint_frames: null}\nlog: {project: no}\n")
    for config in (load([f"config={file}"]), overlay(Config(), file)):
        assert (config.name, config.log.project) == ("2024_11_25", "no")
        assert (config.train.epochs, config.train.lr, config.train.joint_frames) == (100, 1e-3, None)
    assert load(["train.epochs=0100", "ecg.leave_out=[0103]", "model.basic=on"]).ecg.leave_out == ["0103"]
