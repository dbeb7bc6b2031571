"""What reports show."""

from __future__ import annotations

from dataclasses import dataclass

from painlit.config.checks import one_of


@dataclass
class ReportConfig:
    """Reports of recordings, which may show faces."""

    faces: str = "show"
    """Faces in the report.html that `make prepare` leaves: show, which is what it is for; blur, with 8 × 8 px of each
    crop in the file, from which nothing brings the face back; or none."""

    def __post_init__(self):
        one_of("report.faces", self.faces, ["show", "blur", "none"])
