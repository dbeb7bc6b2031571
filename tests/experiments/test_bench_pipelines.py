"""Figure 3 of `make bench ARGS=pipelines`: whose accuracies it shows."""

from types import SimpleNamespace

import pytest

from experiments import report
from experiments.bench.pipelines import accuracies_of
from painlit.config import load


@pytest.mark.parametrize("biovid", [True, False])
def test_accuracies_of_finished_runs_say_whether_they_are_of_pain(monkeypatch, biovid):
    line = SimpleNamespace(row="table4_500_basic", task="multilevel", ours=(31.5, 30.0))
    monkeypatch.setattr(report, "run", lambda config: SimpleNamespace(lines=[line]))
    config = load([f"data.is_biovid={str(biovid).lower()}", "data.name=standin"])
    found, whose = accuracies_of(config)
    assert found == {("table4_500_basic", "multilevel"): 31.5}
    assert whose == "our accuracies" + ("" if biovid else "; standin, no pain data")


def test_without_finished_runs_they_are_the_papers(monkeypatch):
    monkeypatch.setattr(report, "run", lambda config: SimpleNamespace(lines=[]))
    for config in (None, load([])):
        found, whose = accuracies_of(config)
        assert found["table5_800_encoder_full_tilesc_augmnet", "np_vs_p4"] == 82.74
        assert whose == "the paper's accuracies for both"
