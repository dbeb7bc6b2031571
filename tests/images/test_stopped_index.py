"""Building an index is stopped, and goes on."""

import pytest

from painlit.config import FaceConfig
from painlit.images import build_index
from painlit.images.build_index import open_index


def test_a_stopped_build_goes_on(photographs, build, in_process, monkeypatch, capsys):
    source = photographs(100)
    working = build_index.unordered
    (source.root / "1/0001.jpg").write_bytes(b"")

    def stopped(*arguments, **options):
        results = working(*arguments, **options)
        yield next(results)
        yield next(results)
        raise KeyboardInterrupt

    monkeypatch.setattr(build_index, "unordered", stopped)
    with pytest.raises(KeyboardInterrupt):
        build(source, digests=True)
    monkeypatch.setattr(build_index, "unordered", working)
    index_folder = source.root.parent / "index"
    assert len(list(index_folder.glob("*/examined.sqlite"))) == 1
    seen = set(in_process) - {1}
    in_process.clear()
    index = build(source, digests=True)
    assert len(seen) == 31
    assert set(in_process) == set(range(100)) - seen
    assert "1/0001.jpg" in (index.folder / "problems.csv").read_text()
    assert not list(index_folder.glob("*/examined.sqlite"))
    undisturbed = open_index(source, source.root.parent / "other", "whole", FaceConfig(), digests=True)
    assert index.about["content"] == undisturbed.about["content"]


def test_a_stopped_build_starts_anew_when_the_set_has_changed(photographs, build, in_process, monkeypatch):
    source = photographs(40)
    with monkeypatch.context() as patch:
        patch.setattr(build_index, "write_index", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build(source, digests=True)
    in_process.clear()
    source.version = 1
    build(source, digests=True)
    assert sorted(in_process) == list(range(40))


def test_a_build_stopped_while_writing_leaves_no_index(photographs, build, in_process, monkeypatch):
    source = photographs()
    build(source, digests=True)
    source.version = 1
    in_process.clear()
    with monkeypatch.context() as patch:
        patch.setattr("painlit.images.index.write_artefact", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(build_index, "write_problems", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            build(source, digests=True)
    assert len(in_process) == 8
    index = build(source, digests=True)
    assert len(in_process) == 8  # all were in the journal
    assert (len(index), len(source.listings)) == (8, 3)
