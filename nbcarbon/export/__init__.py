"""Writes a session's summary to a file and reads it back: one module per format, chosen by suffix.

A format module has a `NAME`, `SUFFIXES`, the endings it answers to, and `render(summary) -> bytes`; one that
can be read back has `load(data) -> summary` too, and one whose files grow with every cell
`pieces(summary)`, the same bytes one after the other. Nothing here knows a live session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from nbcarbon.errors import ExportError
from nbcarbon.export import json_summary, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import ModuleType

FORMATS: Final[tuple[ModuleType, ...]] = (json_summary, markdown)
"""In the order they are offered. A new format is a new module and a word here."""


class Write(Protocol):
    """Put bytes in a file, whole or not at all; refuse to replace one unless forced."""

    def __call__(self, path: Path, data: bytes | Iterable[bytes], *, force: bool) -> None: ...


def suffixes() -> tuple[str, ...]:
    """Every file ending that can be exported to."""
    return tuple(suffix for each in FORMATS for suffix in each.SUFFIXES)


def formats() -> tuple[tuple[str, str], ...]:
    """Every format there is: its first file ending and its name."""
    return tuple((each.SUFFIXES[0], each.NAME) for each in FORMATS)


def renderer(path: Path) -> Callable[[Mapping[str, Any]], bytes]:
    """The function that renders a summary for a path's suffix.

    Raises ExportError, naming the suffixes there are, where there is none.
    """
    render: Callable[[Mapping[str, Any]], bytes] = _format(path).render
    return render


def _format(path: Path) -> ModuleType:
    for each in FORMATS:
        if path.suffix.lower() in each.SUFFIXES:
            return each
    *most, last = suffixes()
    raise ExportError(
        f"{path.name!r} does not say what to write.",
        hint=f"Let it end in {', '.join(most)} or {last}.",
    )


def export(
    summary: Mapping[str, Any], path: Path, *, force: bool = False, write: Write | None = None
) -> None:
    """Write a summary in the format that the path's suffix names.

    An existing file is replaced only with `force`. `write` puts the bytes on disk, atomically
    unless told otherwise. Raises ExportError where the suffix or the file will not do.
    """
    chosen = _format(path)
    data = chosen.pieces(summary) if hasattr(chosen, "pieces") else chosen.render(summary)
    if write is None:
        from nbcarbon.files import write_atomic

        write = write_atomic
    write(path, data, force=force)


def load(path: Path) -> dict[str, Any]:
    """The summary in an exported JSON file. Raises ExportError where it holds none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ExportError(
            f"{path.name!r} cannot be read ({error.strerror}).",
            hint="Name a file that nbcarbon exported as JSON.",
        ) from error
    return json_summary.load(data)
