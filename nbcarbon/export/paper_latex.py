"""The paragraph of a paper in LaTeX, with BibTeX entries below it as comments. Needs no package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import escape
from nbcarbon.core.humanize import SPACE, THIN_SPACE
from nbcarbon.export.paragraph import Cited, sentences, sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbcarbon.export.paragraph import Source

NAME: Final = "Paragraph for a paper (LaTeX)"
AS: Final = "paper"
ENDINGS: Final = (".tex",)

# Spaces that an escape would take for any other, past it and then as LaTeX has them.
_BEFORE: Final = {ord(SPACE): "\ue002", ord(THIN_SPACE): "\ue003"}
_AFTER: Final = {
    ord("\ue002"): "~", ord("\ue003"): r"\,", ord("–"): "--", ord("₂"): r"\textsubscript{2}",
    ord("µ"): r"\textmu{}", ord("−"): "$-$", ord("±"): r"$\pm$", ord("×"): r"$\times$", ord("’"): "'",
}  # fmt: skip


def render(summary: Mapping[str, Any]) -> bytes:
    """A paragraph, one sentence a line."""
    lines = ["".join(map(_latex, each)) for each in sentences(summary)]
    entries = [line for source in sources(summary) for line in _entry(source)]
    return "\n".join([*lines, "", *(f"% {line}" for line in entries), ""]).encode("utf-8")


def _latex(part: str | Cited) -> str:
    if isinstance(part, Cited):
        return f"~\\cite{{{part.key}}}"
    # An escape makes one line of a text, and takes the spaces at its ends.
    before, after = (" " if part[at] == " " else "" for at in (0, -1))
    inside = escape.latex(part.translate(_BEFORE)).translate(_AFTER).replace(" -- ", "--")
    return f"{before}{inside}{after}"


def _entry(source: Source) -> Iterator[str]:
    """A BibTeX entry; what it has nothing of is left out."""
    yield f"@{source.kind}{{{source.key},"
    for name in ("author", "title", "version", "year", "url"):
        value = str(getattr(source, name))
        shown = value if name == "url" else escape.latex(value)
        if value:
            yield f"  {name} = {{{{{shown}}}}}," if name == "author" else f"  {name} = {{{shown}}},"
    yield "}"
