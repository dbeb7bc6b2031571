"""Long recordings in text are read within a few times their size."""

import tracemalloc

from painlit.signals.files.text import read_text


def test_memory_is_a_few_times_the_file(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("time,ecg\n" + "".join(f"{k / 512:.6f},{k % 512 / 512:.4f}\n" for k in range(30_000)))
    read_text(path)  # what is imported late
    tracemalloc.start()
    try:
        read_text(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * path.stat().st_size
