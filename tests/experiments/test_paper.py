"""`make paper` before and between its stages: order, epochs, what is finished, and raw data that are missing."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments import paper, paper_plan
from experiments.command import _as_keys
from experiments.paper_steps import half_of, run_is_finished, runs_of, steps
from painlit.config import Config, load
from painlit.config.reproduction import STEPS
from painlit.errors import PainlitError
from painlit.loso import rough_estimate
from painlit.runs.folder import check_fingerprint, fingerprint

SMALL = (
    "clip.frames=4 spatial.embed_dim=10 model.temporal.latents=4 model.temporal.latent_dim=8 "
    "model.temporal.self_attention_blocks=1 model.heart_rate_encoder.latents=4 model.heart_rate_encoder.latent_dim=8 "
    "model.heart_rate_encoder.output_dim=16 train.accelerator=cpu"
).split()


ROWS = "tables.rows=[table3_500_1st_full_basic,table3_800_2nd_full_tilesc_basic_mask_augmnet,table4_500_basic]"
"""Both stages of the Spatial-Module, both lengths, both modalities."""


def of(tmp_path: Path, *more: str) -> Config:
    """A configuration that finds no data and no runs."""
    roots = ["data.root", "stage1.root", "ecg.roots.mitbih", "ecg.roots.ptb"]
    roots += [f"stage2.roots.{name}" for name in ("affectnet", "cfee", "raf_db")]
    return load([*SMALL, *(f"{key}={tmp_path}/none" for key in roots), f"runs={tmp_path}/runs", ROWS, *more])


@pytest.fixture
def called(monkeypatch) -> list[tuple[str, Config]]:
    """Stages that are run instead of the real ones, and with what."""
    seen: list[tuple[str, Config]] = []

    def module(stage: str) -> SimpleNamespace:
        return SimpleNamespace(run=lambda config: seen.append((stage, config)))

    monkeypatch.setattr(paper, "stage_module", module)
    monkeypatch.setattr(paper, "write_outputs", lambda config, steps, folder: folder / "paper.html")
    return seen


def test_stages_run_in_the_papers_order(tmp_path, called):
    paper.run(of(tmp_path, "paper.accept_data=true"))
    assert [stage for stage, _ in called] == [
        *(
            "pretrain-stage1",
            "pretrain-stage1",
            "pretrain-stage2",
            "pretrain-ecg",
            "prepare",
            "embed",
            "embed",
            "tables",
        )
    ]
    assert [config.stage1.network for _, config in called[:2]] == ["spatial", "temporal"]
    assert {config.embed.weights for stage, config in called if stage == "embed"} == {"stage1", "stage2"}
    assert all(config.name == "" for stage, config in called if stage.startswith("pretrain"))


def test_the_share_of_epochs_reaches_every_training(tmp_path, called):
    paper.run(of(tmp_path, "paper.accept_data=true", "paper.epoch_share=0.1", "tables.epoch_share=0.5"))
    trained = dict(called)
    assert trained["pretrain-stage1"].stage1.train.epochs == 2
    assert trained["pretrain-stage2"].stage2.train.epochs == 2
    assert trained["pretrain-ecg"].ecg.train.epochs == 3
    assert trained["tables"].tables.epoch_share == 0.1
    assert {run.config.train.epochs for run in runs_of(of(tmp_path, "paper.epoch_share=0.1"))} == {50, 80}
    assert {run.config.train.epochs for run in runs_of(of(tmp_path))} == {500, 800}


def test_missing_data_are_reported_before_anything_starts(tmp_path, called):
    with pytest.raises(PainlitError) as caught:
        paper.run(of(tmp_path))
    message = str(caught.value)
    assert called == []
    for name in ("vggface2", "affectnet", "cfee", "raf_basic", "raf_compound", "mitbih", "ptb", "biovid"):
        assert f"  {name}: " in message
    assert "nothing was started" in message


def test_steps_that_are_left_out_need_no_data(tmp_path, called):
    with pytest.raises(PainlitError) as caught:
        paper.run(of(tmp_path, "paper.only=[pretrain-ecg,table7]"))
    assert "mitbih" in str(caught.value)
    assert "biovid" not in str(caught.value)
    paper.run(of(tmp_path, "paper.only=[table7]"))
    assert called == []


def test_a_finished_step_is_not_run_again_and_its_data_are_not_needed(tmp_path, called):
    config = of(tmp_path, "paper.accept_data=true")
    finished_stage1(config)
    result = paper.run(config)
    assert [config.stage1.network for stage, config in called if stage == "pretrain-stage1"] == ["temporal"]
    assert "pretrain-stage1" not in result.took
    assert "pretrain-stage1-temporal" in result.took


def finished_stage1(config: Config) -> Path:
    """Its folder, as stage 1 leaves it with these settings."""
    folder = config.folder("pretrain-stage1")
    check_fingerprint(folder, fingerprint(config, {"data": {}}, "stage1"))
    (folder / "metrics.json").write_text("{}")
    return folder


@pytest.mark.parametrize("only", ["", "paper.only=[pretrain-stage1]"])
def test_a_pretraining_of_other_epochs_is_refused(tmp_path, called, only):
    folder = finished_stage1(of(tmp_path, "stage1.train.epochs=2"))
    with pytest.raises(
        PainlitError, match=rf"{folder} was made differently: stage1\.train\.epochs was 2 and is now 20"
    ):
        paper.run(of(tmp_path, "paper.accept_data=true", *only.split()))
    assert called == []
    paper.run(of(tmp_path, "paper.accept_data=true", "paper.only=[pretrain-ecg]"))
    assert [stage for stage, _ in called] == ["pretrain-ecg"]


def test_runs_of_other_epochs_are_refused_whatever_is_chosen(tmp_path, called):
    trial = runs_of(of(tmp_path, "paper.epoch_share=0.1"))[0].config
    folder = trial.folder("loso")
    (folder / "folds" / "a").mkdir(parents=True)
    check_fingerprint(folder, fingerprint(trial, {}, "pain", "evaluation"))
    (folder / "folds" / "a" / "metrics.json").write_text("{}")
    for only in ("paper.only=[]", "paper.only=[table6]"):
        with pytest.raises(PainlitError, match=r"train\.epochs was 50 and is now 500(.|\n)*runs="):
            paper.run(of(tmp_path, "paper.accept_data=true", only))
    assert called == []
    paper.run(of(tmp_path, "paper.accept_data=true", "paper.epoch_share=0.1"))
    assert "tables" in dict(called)


def test_a_run_is_finished_when_all_of_its_folds_are(tmp_path):
    (config,) = {run.config.run_name: run.config for run in runs_of(of(tmp_path, "tables.rows=[table4_500_basic]",
                 "tables.tasks=[np_vs_p4]"))}.values()  # fmt: skip
    folder = config.folder("loso")
    assert not run_is_finished(config)
    for fold in ("a", "b"):
        (folder / "folds" / fold).mkdir(parents=True)
        (folder / "folds" / fold / "metrics.json").write_text("{}")
    for done, finished in ((1, False), (2, True)):
        (folder / "results.json").write_text(json.dumps({"folds": 2, "folds_done": done}))
        assert run_is_finished(config) == finished
    (folder / "folds" / "a" / "metrics.json").unlink()
    assert not run_is_finished(config)
    shutil.rmtree(folder / "folds")
    assert not run_is_finished(config)


def test_a_half_of_the_proxies_is_made_first_and_not_looked_for(tmp_path, monkeypatch):
    config = of(tmp_path, f"proxy.out={tmp_path}/proxy", f"data.root={tmp_path}/proxy/B", "data.is_biovid=false")
    assert half_of(config) == "B"
    assert half_of(of(tmp_path)) == ""
    first = next(steps(config, []))
    assert (first.name, first.configs[0].proxy.halves) == ("proxy-data", ["B"])
    looked: list[str] = []
    monkeypatch.setattr(
        paper_plan.check_data, "run", lambda c: looked.extend(c.check.sets) or SimpleNamespace(findings=[])
    )
    findings = paper_plan.missing_data(config, list(steps(config, [])))
    assert "biovid" not in looked
    assert {"vggface2", "mitbih"} <= {*looked}
    assert len(findings) == 1
    assert "proxy.faces" in findings[0]


def test_a_dry_run_estimates_and_starts_nothing(tmp_path, called, capsys):
    config = of(tmp_path, "paper.accept_data=true", "loso.dry_run=true", "data.is_biovid=false")
    assert paper.run(config).took == {}
    assert called == []
    printed = capsys.readouterr().out
    assert "6 of 6 runs" in printed
    assert " h on " in printed
    assert "no estimate" in printed


def test_hours_grow_with_folds_epochs_and_clips(tmp_path):
    plain = ["loso.workers=1", "train.warmup_epochs=5", "train.batch_size=10"]
    config = of(tmp_path, *plain, "train.epochs=100")
    step = rough_estimate.Timed(3.6, "a machine")
    assert rough_estimate.hours_of_run(config, step, subjects=10, clips=100) == pytest.approx(10 * 100 * 9 * 3.6 / 3600)
    fewer = of(tmp_path, *plain, "train.epochs=50", "loso.protocol=kfold", "loso.folds=5")
    assert rough_estimate.hours_of_run(fewer, step, subjects=10, clips=100) == pytest.approx(5 * 50 * 8 * 3.6 / 3600)
    assert rough_estimate.timed(config).seconds > 0


def test_the_short_forms_are_those_of_paper_alone():
    assert _as_keys("paper", ["epoch_share=0.02", "--dry-run"]) == ["paper.epoch_share=0.02", "loso.dry_run=true"]
    assert _as_keys("tables", ["epoch_share=0.02"]) == ["epoch_share=0.02"]


@pytest.mark.parametrize("key", ["name=x", "tables.epoch_share=0.5", "check.sets=[ptb]", "stage1.network=temporal"])
def test_what_it_sets_itself_is_refused(key):
    with pytest.raises(PainlitError, match="paper does not read"):
        load([key], "paper")


def test_its_own_settings_are_checked():
    assert load(["paper.only=[table6,figure3]", "stage1.train.epochs=4", "ecg.leave_out=[102]"], "paper").paper.only
    for wrong in ("paper.only=[table9]", "paper.epoch_share=0", "paper.epoch_share=2", "paper.timings=0"):
        with pytest.raises(PainlitError, match=wrong.partition("=")[0]):
            load([wrong], "paper")
    assert {*STEPS} >= {step.name for step in steps(load([]), [])}
