"""Tables as text, Markdown and CSV, and figures."""

from pathlib import Path

from matplotlib.figure import Figure

from painlit.system.csv_files import write_csv
from painlit.system.files import write_text


def write_table(path: Path, header: list[str], rows: list[list[str]]) -> str:
    """Write `path`.csv and `path`.md, and return the table for a terminal."""
    write_csv(path.with_suffix(".csv"), [header, *rows])
    lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    write_text(path.with_suffix(".md"), "\n".join(lines) + "\n")
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    cells = [
        [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in [header, *rows]
    ]
    return "\n".join("  ".join(row) for row in cells)


def draw_records(path: Path, errors: dict[str, dict[str, float]]) -> None:
    """Figure of detector -> record -> detection error in %; `path` ends in .svg or .png."""
    figure = Figure(figsize=(14, 5), layout="constrained")
    axes = figure.subplots()
    records = list(next(iter(errors.values())))
    for name, of_record in errors.items():
        ours = name == "painlit"
        values = [max(of_record[record], 0.01) for record in records]
        axes.plot(records, values, "o-" if ours else ".", label=name, zorder=3 if ours else 2)
    axes.set(yscale="log", ylabel="detection error, % (0.01 stands for none)", xlim=(-1, len(records)))
    axes.tick_params(axis="x", rotation=90)
    figure.legend(ncols=6, loc="outside upper center")
    _save(figure, path)


def draw_noise(path: Path, errors: dict[str, dict[str, dict[str, float]]]) -> None:
    """Figure of kind of noise -> detector -> "clean" or signal-to-noise ratio -> detection error in %."""
    figure = Figure(figsize=(14, 4), layout="constrained")
    for axes, (kind, lines) in zip(figure.subplots(1, len(errors), sharey=True), errors.items(), strict=True):
        for name, of_level in lines.items():
            ours = name == "painlit"
            axes.plot(list(of_level), list(of_level.values()), "o-", lw=3 if ours else 1, label=name)
        axes.set(yscale="log", title=kind)
    figure.axes[0].set_ylabel("detection error, %")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), ncols=6, loc="outside upper center")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
