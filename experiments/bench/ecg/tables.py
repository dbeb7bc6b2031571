"""Tables as text, Markdown and CSV, and the figure."""

import csv
import io
from pathlib import Path

from painlit.files import write_text


def write_table(path: Path, header: list[str], rows: list[list[str]]) -> str:
    """Write `path`.csv and `path`.md, and return the table for a terminal."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_text(path.with_suffix(".csv"), text.getvalue())
    lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    write_text(path.with_suffix(".md"), "\n".join(lines) + "\n")
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    cells = [
        [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in [header, *rows]
    ]
    return "\n".join("  ".join(row) for row in cells)


def draw(path: Path, per_record: dict[str, dict[str, float]], falls: dict[str, dict[str, dict[str, float]]]) -> None:
    """Figure of detection errors: of each record, and against noise.

    Args:
        path: Ends in .svg or .png.
        per_record: Detector -> record -> detection error in %.
        falls: Kind of noise -> detector -> dB (or "clean") -> detection error in %.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 9), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=[3, 2])
    records = list(next(iter(per_record.values())))
    for name, errors in per_record.items():
        values = [max(errors[record], 0.01) for record in records]
        above.plot(
            records, values, "o-" if name == "painlit" else ".", label=name, zorder=3 if name == "painlit" else 2
        )
    above.set(
        yscale="log", ylabel="detection error, %", title="each record (0.01 stands for none)", xlim=(-1, len(records))
    )
    above.tick_params(axis="x", rotation=90)
    above.legend(ncols=4)
    offset = 0
    for kind, lines in falls.items():
        for number, (name, errors) in enumerate(lines.items()):
            at = [offset + k for k in range(len(errors))]
            label = name if offset == 0 else None
            below.plot(at, list(errors.values()), "o-", color=f"C{number}", label=label)
        for k, snr in enumerate(next(iter(lines.values()))):
            below.annotate(snr, (offset + k, 0), xytext=(0, -14), textcoords="offset points", ha="center", fontsize=8)
        below.annotate(kind, (offset + 1.5, 1), xycoords=("data", "axes fraction"), xytext=(0, 4),
                       textcoords="offset points", ha="center")  # fmt: skip
        offset += 1 + max(len(errors) for errors in lines.values())
    below.set(yscale="symlog", ylabel="detection error, %", xticks=[])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
