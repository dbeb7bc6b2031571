"""What reports show."""

from __future__ import annotations

from dataclasses import dataclass

from painlit.config.checks import one_of


@dataclass
class ReportConfig:
    """Reports of recordings, which may show faces."""

    faces: str = "show"
    """Faces in the report.html that `make prepare` leaves: show (the default, since looking at faces is what it is
    for), blur (no more than 8 × 8 px of a crop are in the file) or none."""

    def __post_init__(self):
        one_of("report.faces", self.faces, ["show", "blur", "none"])
