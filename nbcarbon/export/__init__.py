"""Writes a session's summary to a file and reads it back: one module per format.

The file's ending chooses the format, the longest that fits, or its word behind `--as` does. A format module
has

    NAME, AS, ENDINGS      what it is called, its word, the file endings it answers to (the first is offered)
    ALSO                   optional: endings it answers to where its word is said
    render(summary)        the file's bytes; with the keyword arguments that `OPTIONS` names
    OPTIONS                optional: what else may be said, by name, with its help
    pieces(summary)        optional: the same bytes one after the other, where files grow with every cell
    merge(summary, found, force)   optional: the bytes of a file that is there already, with ours in it
    load(data)             optional: the summary in a file's bytes
    WANTS                  optional: keys of a summary that are made only for who wants them

Two modules may share a word and differ in their endings. Nothing here knows a live session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from nbcarbon.errors import ExportError
from nbcarbon.export import (
    cell_csv,
    codecarbon,
    html_report,
    json_summary,
    markdown,
    model_card,
    paper_latex,
    paper_markdown,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import ModuleType

FORMATS: Final[tuple[ModuleType, ...]] = (
    html_report,
    json_summary,
    markdown,
    cell_csv,
    codecarbon,
    model_card,
    paper_latex,
    paper_markdown,
)
"""In the order they are offered. A new format is a new module and a word here."""


class Write(Protocol):
    """Put bytes in a file, whole or not at all; refuse to replace one unless forced."""

    def __call__(self, path: Path, data: bytes | Iterable[bytes], *, force: bool) -> None: ...


def words() -> tuple[str, ...]:
    """What may stand behind `--as`."""
    return tuple(dict.fromkeys(each.AS for each in FORMATS))


def endings() -> tuple[str, ...]:
    """Every file ending that says by itself what to write."""
    return tuple(ending for each in FORMATS for ending in each.ENDINGS)


def formats() -> tuple[tuple[str, str], ...]:
    """Every format there is: its first file ending and its name."""
    return tuple((each.ENDINGS[0], each.NAME) for each in FORMATS)


def options() -> dict[str, str]:
    """What else some formats may be told, by name, with its help."""
    return {name: text for each in FORMATS for name, text in _options(each).items()}


def check(path: Path, as_: str = "", told: Mapping[str, str] | None = None) -> None:
    """Raise ExportError where nothing could be written to such a path, whatever the summary is."""
    _chosen(path, as_, told or {})


def wants(path: Path, as_: str = "") -> frozenset[str]:
    """The optional keys of a summary that the format for this path makes use of. Raises ExportError."""
    return frozenset(getattr(_format(path, as_), "WANTS", ()))


def export(
    summary: Mapping[str, Any],
    path: Path,
    *,
    as_: str = "",
    told: Mapping[str, str] | None = None,
    force: bool = False,
    write: Write | None = None,
) -> None:
    """Write a summary in the format of this word, or that the path's ending names.

    `told` are options by name. An existing file is replaced only with `force`, unless its format puts our
    part in and leaves the rest as it was. `write` puts the bytes on disk, atomically unless told otherwise.
    Raises ExportError where the format, an option or the file will not do.
    """
    chosen = _chosen(path, as_, told or {})
    if write is None:
        from nbcarbon.files import write_atomic

        write = write_atomic
    if hasattr(chosen, "merge") and path.is_file():
        data = chosen.merge(summary, _read(path), force=force, **(told or {}))
        write(path, data, force=True)
    elif hasattr(chosen, "pieces"):
        write(path, chosen.pieces(summary), force=force)
    else:
        write(path, chosen.render(summary, **(told or {})), force=force)


def load(path: Path) -> dict[str, Any]:
    """The summary in an exported file. Raises ExportError where it holds none."""
    chosen = _format(path)
    if not hasattr(chosen, "load"):
        able = [each.ENDINGS[0] for each in FORMATS if hasattr(each, "load")]
        raise ExportError(
            f"{path.name!r} holds a part of a session, not all of it.",
            hint=f"Files that end in {_listed(able)} hold all.",
        )
    summary: dict[str, Any] = chosen.load(_read(path))
    return summary


def _chosen(path: Path, as_: str, told: Mapping[str, str]) -> ModuleType:
    """The format, which understands all that was told."""
    chosen = _format(path, as_)
    unknown = sorted(told.keys() - _options(chosen).keys())
    if unknown:
        flags = [_flag(each) for each in _options(chosen)]
        hint = f"It has {_listed(flags)}." if flags else "It has no options."
        raise ExportError(f"{chosen.NAME} has no option {_flag(unknown[0])}.", hint=hint)
    return chosen


def _format(path: Path, as_: str = "") -> ModuleType:
    name = path.name.lower()
    known = [each for each in FORMATS if not as_ or as_.lower() == each.AS]
    if not known:
        raise ExportError(
            f"There is no format {as_[:40]!r}.", hint=f"Use one of: {', '.join(words())}."
        )
    fitting = [
        (len(ending), -place)
        for place, each in enumerate(known)
        for ending in (*each.ENDINGS, *(getattr(each, "ALSO", ()) if as_ else ()))
        if name.endswith(ending)
    ]
    if fitting:
        return known[-max(fitting)[1]]
    if as_:
        return known[0]
    raise ExportError(
        f"{path.name[:40]!r} does not say what to write.",
        hint=f"Let it end in {_listed(endings())}.",
    )


def _options(chosen: ModuleType) -> Mapping[str, str]:
    found: Mapping[str, str] = getattr(chosen, "OPTIONS", {})
    return found


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExportError(
            f"{path.name!r} cannot be read ({error.strerror}).",
            hint="Name a file that nbcarbon exported.",
        ) from error
