"""The paragraph of a paper in Markdown, with what it cites numbered below it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import escape
from nbcarbon.core.humanize import SPACE, THIN_SPACE
from nbcarbon.export.paragraph import Cited, sentences, sources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcarbon.export.paragraph import Source

NAME: Final = "Paragraph for a paper (Markdown)"
AS: Final = "paper"
ENDINGS: Final = (".paper.md",)
ALSO: Final = (".md", ".markdown")

_BEFORE: Final = {ord(SPACE): "\ue002", ord(THIN_SPACE): "\ue003"}
_AFTER: Final = {ord("\ue002"): SPACE, ord("\ue003"): THIN_SPACE}

# A sentence is read in its source too. Behind no bracket a parenthesis is no link's, and a colon before a space
# is no address's.
_NEEDLESS: Final = re.compile(r"\\([()]|:(?=[ ]|$))")


def render(summary: Mapping[str, Any]) -> bytes:
    """A paragraph, and a list of what it cites."""
    return paragraph(summary).encode("utf-8")


def paragraph(summary: Mapping[str, Any]) -> str:
    """The same as text, for a page that it is a part of."""
    found = sources(summary)
    numbers = {each.key: place for place, each in enumerate(found, 1)}
    parts = [part for each in sentences(summary) for part in (*each, " ")]
    text = "".join(
        f" \\[{numbers[each.key]}\\]" if isinstance(each, Cited) else _markdown(each)
        for each in parts
    ).strip()
    lines = [f"{place}. {_reference(each)}" for place, each in enumerate(found, 1)]
    return "\n".join([text, "", *lines, ""])


def _markdown(text: str) -> str:
    # An escape makes one line of a text, and takes the spaces at its ends.
    before, after = (" " if text[at] == " " else "" for at in (0, -1))
    inside = _NEEDLESS.sub(r"\1", escape.markdown(text.translate(_BEFORE)).translate(_AFTER))
    return f"{before}{inside}{after}" if inside else before


def _reference(source: Source) -> str:
    version = f"version {source.version}" if source.version else ""
    parts = [source.author, source.title, version, str(source.year)]
    said = ". ".join(_markdown(each) for each in parts if each)
    return f"{said}. <{source.url}>" if source.url else f"{said}."
