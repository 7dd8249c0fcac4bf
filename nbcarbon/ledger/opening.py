"""Opens the ledger of one session: in the user's folder, else in their runtime folder, else in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcarbon.core.events import CellsKept
from nbcarbon.errors import LedgerError
from nbcarbon.files import private_folder
from nbcarbon.ledger import store
from nbcarbon.ledger.reader import LedgerReader
from nbcarbon.ledger.writer import LedgerWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nbcarbon.core.events import Event, SessionStarted
    from nbcarbon.ports import Clock


@dataclass(frozen=True, slots=True)
class Past:
    """What a sampler before this one wrote, and what the user should know of the ledger."""

    events: tuple[Event, ...] = ()
    kernel_number: int = 0
    notices: tuple[tuple[str, str], ...] = ()


def open_session(
    started: SessionStarted,
    *,
    folders: Sequence[Path],
    path: Path | None,
    clock: Clock,
    keep_days: int,
) -> tuple[LedgerWriter, Past]:
    """The writer of a session and what its file holds already. Raises nothing.

    `path` is the file if one was asked for; else the first of `folders` that can be written to has
    it, and sessions in there older than `keep_days` are deleted.
    """
    notices: list[tuple[str, str]] = []
    reasons: list[str] = []
    candidates = [path] if path is not None else [
        store.session_path(folder, started.started_at, started.id) for folder in folders
    ]  # fmt: skip
    for candidate in candidates:
        try:
            if path is None:
                # Whoever may write to the folder above could put another in the place of ours.
                private_folder(candidate.parent.parent)
            private_folder(candidate.parent)
        except (LedgerError, OSError) as error:
            reasons.append(str(error))
            continue
        writer, past = _open(candidate, clock)
        if writer.problem is not None:
            reasons.append(f"{candidate}: {writer.problem}")
            continue
        if reasons:
            notices.append(("ledger", f"This session is kept in {candidate.parent}: {reasons[0]}"))
        if path is None:
            store.prune(candidate.parent, now=clock.now(), keep_days=keep_days)
            notices += _others(candidate)
        return writer, Past(past.events, past.kernel_number, tuple(notices))
    reason = reasons[0].rstrip(".") if reasons else "there is no folder for it"
    return LedgerWriter(None, clock, problem=reason), Past()


def _open(path: Path, clock: Clock) -> tuple[LedgerWriter, Past]:
    reader = LedgerReader(path)
    try:
        # Finished cells of long ago need not be in a sampler's memory: nobody takes them up.
        found = reader.events() if path.exists() else iter(())
        events = tuple(event for event in found if not isinstance(event, CellsKept))
    except (LedgerError, OSError) as error:
        return LedgerWriter(None, clock, problem=str(error)), Past()
    writer = LedgerWriter(path, clock, first_number=reader.number)
    return writer, Past(events, reader.kernel_number)


def _others(path: Path) -> list[tuple[str, str]]:
    """Totals of sessions side by side both hold the machine's joules."""
    try:
        count = len(store.live(path.parent, but=path))
    except LedgerError:
        return []
    if not count:
        return []
    plural = "session measures" if count == 1 else "sessions measure"
    return [
        (
            "others",
            f"{count} other nbcarbon {plural} this machine: their totals overlap; do not add them.",
        )
    ]
