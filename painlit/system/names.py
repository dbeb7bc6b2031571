"""Names that become files and folders, and that stand in tables."""

from __future__ import annotations

from painlit.errors import PainlitError

LONGEST_NAME = 100
"""Characters; the files of a run add endings of their own, and file systems end names at 255 bytes."""


def check_name(what: str, name: str) -> None:
    r"""Refuse a name that could not be a folder's, or that would lead out of its folder.

    Args:
        what: Whose name it is and where it stands: a key, or a file with its row and column.
        name: The name.

    Raises:
        PainlitError: It is empty or longer than 100 characters, begins or ends with a blank, begins with a dot, or has
            a `/`, a `\` or a control character in it.

    >>> check_name("name", "pain-2026_01.b")
    >>> check_name("name", ".hidden")
    Traceback (most recent call last):
    painlit.errors.PainlitError: name is '.hidden', which cannot be a name: it begins with a dot
      -> names become folders: use letters, digits, '-', '_' and '.'
    """
    wrong = {
        "it is empty": not name,
        f"it is longer than {LONGEST_NAME} characters": len(name) > LONGEST_NAME
        or len(name.encode(errors="replace")) > 200,
        "it begins or ends with a blank": name != name.strip(),
        "it begins with a dot": name.startswith("."),
        "it has a slash or backslash": "/" in name or "\\" in name,
        "it has a character that cannot be printed": not name.isprintable(),
    }
    if reasons := [reason for reason, holds in wrong.items() if holds]:
        raise PainlitError(
            f"{what} is {name[: LONGEST_NAME + 1]!r}, which cannot be a name: {', '.join(reasons)}",
            "names become folders: use letters, digits, '-', '_' and '.'",
        )
