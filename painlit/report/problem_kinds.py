"""What was refused, repaired or inferred, by kind: messages that differ in file names and numbers alone are one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from painlit.clips.clip import Clip

MOST_KINDS, MOST_ROWS = 30, 25
"""That a page lists, and rows of each; problems.csv has all."""
_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|\d[\d.,:]*(?<![.,:])")
_INFERRED = re.compile(
    r"the columns are delimited|(\d+ numbers have )?decimal commas|no header|text in |\S+ Hz (by|as) |midnight passes|"
    r"times? (in|of|are|\d)|times begin|the times |its clock has no|dates such as|the intervals are|the values are|"
    r"the first column is taken|lead .* taken|of .* is taken|no channel is named|\S+ converted to|no unit told|"
    r"unit .* is no voltage|\d+ segments joined|longer than a clip|\d+ of \d+ frames repeat .* a second|"
    r"pixels are not square|turned upright|interlaced|high dynamic"
)
"""Notes of how a recording was read, with nothing to mend; all others are of repairs."""


def is_inferred(note: str) -> bool:
    """Whether a note says how a recording was read, rather than what was repaired.

    >>> [is_inferred(note) for note in ("decimal commas", "256 Hz as the file has it", "3 samples lack in 1 gaps")]
    [True, True, False]
    """
    return _INFERRED.match(note) is not None and "uneven" not in note


@dataclass
class Kind:
    """Messages of one kind."""

    part: str
    """Of the recording, such as video or ecg; empty if they are of any."""
    what: str
    """What they have in common, or the only one."""
    remedy: str
    count: int = 0
    rows: list[tuple[str, str]] = field(default_factory=list)
    """Clip and message, of the first `MOST_ROWS`."""

    @property
    def more(self) -> int:
        """Messages that `rows` lacks."""
        return self.count - len(self.rows)


def by_kind(entries: Iterable[tuple[str, str, str]], clips: Mapping[str, Clip]) -> list[Kind]:
    """Kinds, the most frequent first.

    Args:
        entries: Clip name, part and message, with its remedy after an arrow, as a `ClipError` prints it.
        clips: Their files, whose names are no part of a kind.
    """
    kinds: dict[tuple[str, str], Kind] = {}
    for name, part, message in entries:
        what, _, remedy = message.partition("\n  -> ")
        what = without_files(what, clips[name])
        common = _VARYING.sub("…", what)
        kind = kinds.setdefault((part, common), Kind(part, what, remedy))
        if what != kind.what:
            kind.what = common
        if remedy != kind.remedy:
            kind.remedy = _VARYING.sub("…", remedy)
        kind.count += 1
        if len(kind.rows) < MOST_ROWS:
            kind.rows.append((name, what))
    return sorted(kinds.values(), key=lambda kind: (-kind.count, kind.part, kind.what))


def without_files(what: str, clip: Clip) -> str:
    """What is said of a clip's file, without its name; `… does not exist` keeps a subject."""
    for file in filter(None, (clip.video, clip.ecg, clip.heart_rate)):
        for mark in (": ", ", "):
            what = what.replace(f"{file}{mark}", "")
        what = what.replace(str(file), "the file")
    return what
