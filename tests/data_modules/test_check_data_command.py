"""`make check-data` on sets of photographs: which it goes through, and its exit status."""

import re
import sys

import pytest

from experiments.command import main
from painlit.config import load
from painlit.errors import PainlitError


def status(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["check_data", *arguments])
    with pytest.raises(SystemExit) as caught:
        main("check-data")
    return caught.value.code


def test_check_data_checks_the_requested_sets(monkeypatch, capsys, vggface2, raf):
    roots = [f"stage1.root={vggface2}", f"stage2.roots.raf_db={raf}"]
    assert status(monkeypatch, "check.sets=[raf_basic,vggface2]", *roots) == 0
    out = capsys.readouterr().out
    assert out.index("raf_basic is complete") < out.index("vggface2: 6 images") < out.index("vggface2 is complete")
    (raf / "basic/Image/aligned/test_0001_aligned.jpg").unlink()
    assert status(monkeypatch, "check.sets=[raf_basic,vggface2]", *roots) == 1
    out = capsys.readouterr().out
    assert "  wrong: " in out
    assert "list_patition_label.txt, line 3: there is no image" in out
    assert "raf_basic has 1 problems" in out
    assert "vggface2 is complete" in out


def test_a_set_that_is_not_there(monkeypatch, capsys, vggface2, tmp_path):
    roots = [f"stage1.root={vggface2}", f"stage2.roots.cfee={tmp_path / 'none'}", f"data.root={tmp_path / 'none'}"]
    assert status(monkeypatch, *roots) == 2
    assert "samples.csv" in capsys.readouterr().err
    assert status(monkeypatch, "check.sets=[cfee]", *roots) == 1
    assert "none does not exist; name the folder" in capsys.readouterr().out
    assert status(monkeypatch, "check.sets=[biovid,cfee,vggface2]", *roots) == 1
    out = capsys.readouterr().out
    assert out.count("  wrong: ") == 2
    assert "cfee has 1 problems" in out
    assert "vggface2 is complete" in out


def test_all_sets_are_those_whose_folder_exists(monkeypatch, capsys, vggface2, raf, tmp_path):
    none = tmp_path / "none"
    emotions = [f"stage2.roots.{name}={none}" for name in ("affectnet", "cfee", "folders")]
    hearts = [f"ecg.roots.{name}={none}" for name in ("mitbih", "ptb", "csv")]
    absent = [f"data.root={none}", *emotions, *hearts]
    there = [f"stage1.root={vggface2}", f"stage2.roots.raf_db={raf}"]
    assert status(monkeypatch, "check.sets=[all]", *absent, *there) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"not there, and not checked: biovid ({none}), affectnet ({none}), cfee ({none}), ")
    assert f"raf_compound ({raf}/compound), folders ({none}), mitbih ({none}), ptb ({none}), " in out
    assert re.findall(r"^(\w+) is complete", out, re.MULTILINE) == ["vggface2", "raf_basic"]
    assert status(monkeypatch, "check.sets=[all]", *absent, f"stage1.root={none}", f"stage2.roots.raf_db={none}") == 2
    assert "no data set is there: biovid" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ("[]", "name each once, of: biovid"),
        ("[biovid,biovid]", "name each once, of: biovid"),
        ("[raf]", "'raf' is not known"),
        ("[all,biovid]", "all stands alone"),
        ("[orl]", "biovid, vggface2, affectnet, cfee, raf_basic, raf_compound, folders"),
    ],
)
def test_sets_that_are_not_known_are_refused(sets: str, message: str):
    assert load().check.sets == ["biovid"]
    with pytest.raises(PainlitError, match=message):
        load([f"check.sets={sets}"])
