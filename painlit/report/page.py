"""A page out of a template of this package."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from painlit.system.files import write_text


def write_page(path: Path, template: str, **values: Any) -> None:
    """Render a template with these values and write it to `path`, atomically; a value that is missing is an error."""
    write_text(path, render(template, **values))


def render(template: str, **values: Any) -> str:
    """A template with these values: HTML escapes them; Markdown has the filter `plain` for what is not ours."""
    environment = Environment(
        loader=PackageLoader("painlit.report"),
        autoescape=not template.endswith(".md.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "points": points, "plain": plain}
    return environment.get_template(template).render(**values)


def png_uri(file: Path) -> str:
    """A PNG file as an image within a page."""
    return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"


def percent(share: float) -> str:
    """A share as a number of percent.

    >>> percent(0.8274)
    '82.74'
    """
    return f"{100 * share:.2f}"


def plain(text: object) -> str:
    r"""Text that Markdown shows as it stands, in a table too.

    >>> plain("a|b_c <i>")
    'a\\|b\\_c \\<i\\>'
    """
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(str(text).split()))


def points(difference: float) -> str:
    """A difference of percentages with its sign, and a true minus.

    >>> points(-0.514)
    '−0.51'
    """
    return f"{difference:+.2f}".replace("-", "−")
