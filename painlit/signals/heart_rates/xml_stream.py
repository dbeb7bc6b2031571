"""XML read as a stream: files of any size in little memory, and no entities, which could expand to any size.

Exports have none. The standard library's expat is used for itself: `xml.etree` has no hook for entity declarations.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO
from xml.parsers import expat

from painlit.errors import ClipError

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str, str], None]


def stream_xml(path: Path, handle: IO[bytes], start: Start, end: End | None = None) -> None:
    """Hand over each element of a file as it begins and ends.

    Args:
        path: For messages.
        handle: Of the XML.
        start: Takes a name without its namespace, and the attributes.
        end: Takes a name and the element's own text, without blanks around it; without it text is not collected.

    Raises:
        ClipError: It is no valid XML, is cut short, or declares entities.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    texts: list[str] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        texts.clear()
        start(name.rpartition(" ")[2], attributes)

    def finish(name: str) -> None:
        assert end is not None
        end(name.rpartition(" ")[2], "".join(texts).strip())
        texts.clear()

    def refuse(*_: object) -> None:
        raise ClipError(
            f"{path}, line {parser.CurrentLineNumber}: it declares an XML entity", "export it again: exports have none"
        )

    parser.StartElementHandler = begin
    if end is not None:
        parser.EndElementHandler, parser.CharacterDataHandler = finish, texts.append
    parser.EntityDeclHandler = refuse
    try:
        parser.ParseFile(handle)
    except expat.ExpatError as error:
        raise ClipError(
            f"{path}, line {error.lineno}: it is no valid XML ({expat.ErrorString(error.code)}); it may be cut short",
            "export or copy it again",
        ) from error
