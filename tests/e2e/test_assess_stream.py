"""Streams of frames are assessed while they come, as their recording is later."""

import os
import sys
import time
from fractions import Fraction
from pathlib import Path
from threading import Thread

import av
import pandas as pd
import pytest
from conftest import run_assess

import painlit


def test_a_stream_gives_what_the_file_gives_later(bundle, recording, tmp_path):
    """Written piece by piece while it is read."""
    whole, growing = tmp_path / "whole.mkv", tmp_path / "growing.mkv"
    remux(recording, whole)
    data = whole.read_bytes()

    def write() -> None:
        with open(growing, "wb", buffering=0) as handle:
            for at in range(0, len(data), 20_000):
                handle.write(data[at : at + 20_000])
                time.sleep(0.02)

    writer = Thread(target=write)
    writer.start()
    run_assess(str(growing), "--stream", "assess.idle=2", "--model", str(bundle), "--out", str(tmp_path / "out"))
    writer.join()
    live, later = pd.read_csv(tmp_path / "out" / "stream.csv"), painlit.load(bundle, "cpu").assess(whole).table
    assert live["score"].to_numpy() == pytest.approx(later["score"].to_numpy(), abs=1e-6)
    assert list(live["start"]) == pytest.approx(list(later["start"]))
    assert (live["delay"] >= 0).all()


def test_a_pipe_is_read_as_it_comes(bundle, recording, tmp_path, monkeypatch, capsys):
    whole = tmp_path / "whole.ts"
    remux(recording, whole)
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb") as end:
            end.write(whole.read_bytes())

    Thread(target=write, daemon=True).start()
    monkeypatch.setattr(sys, "stdin", open(reading))  # noqa: SIM115 - the stream closes it
    run_assess("-", "--stream", "--model", str(bundle), "--out", str(tmp_path / "out"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("start,end,p_NP,p_P4,score")
    assert len(lines) == 11
    assert lines == (tmp_path / "out" / "stream.csv").read_text().splitlines()


def remux(source: Path, target: Path) -> None:
    """The same frames in another container."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = old.streams.video[0].width, old.streams.video[0].height, "yuv420p"
        for number, frame in enumerate(old.decode(video=0)):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            new.mux(stream.encode(frame))
        new.mux(stream.encode())
