"""Sessions on disk: find one, read it, follow it while it is written, export it, delete it.

Works on files alone: no kernel and no sampler need be there, and none is started.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcarbon import settings
from nbcarbon.errors import ExportError, LedgerError, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcarbon.core.session import Session
    from nbcarbon.settings import Settings


def sessions_folder(chosen: Settings, environ: Mapping[str, str]) -> Path:
    """Where sessions are kept. Made by whoever writes the first."""
    from nbcarbon.ledger.store import state_folder

    return state_folder(environ, chosen.state_dir) / "sessions"


def ledger_folder(chosen: Settings, environ: Mapping[str, str]) -> tuple[Path, int]:
    """Where sessions are kept, and how many there are. Raises LedgerError."""
    from nbcarbon.ledger.store import sessions

    folder = sessions_folder(chosen, environ)
    return folder, len(sessions(folder))


def new_ledger_path(environ: Mapping[str, str]) -> Path:
    """A path for a session that is about to start, in a folder that can be written to."""
    import tempfile
    from datetime import UTC, datetime

    from nbcarbon.files import private_folder
    from nbcarbon.ledger.store import session_path

    folder = sessions_folder(settings.load(environ).settings, environ)
    try:
        private_folder(folder.parent)
        private_folder(folder)
        usable = os.access(folder, os.W_OK)
    except LedgerError:
        usable = False
    if not usable:
        folder = Path(tempfile.mkdtemp(prefix="nbcarbon-"))
    return session_path(folder, datetime.now(UTC), os.urandom(8).hex())


def read_session(path: Path) -> Session:
    """A recorded session, one that died closed at its last sample. Raises LedgerError."""
    from nbcarbon.core.events import Noticed
    from nbcarbon.core.recover import close_dead
    from nbcarbon.core.session import Session
    from nbcarbon.ledger.reader import is_live, read_all

    live = is_live(path)  # asked first: what ends in between is read to its end
    events, damaged_count = read_all(path)
    session = Session(events if live else close_dead(events))
    if damaged_count and not live:
        plural = "record was" if damaged_count == 1 else "records were"
        session.apply(Noticed("damaged", f"{damaged_count} damaged {plural} left out."))
    return session


class FollowedSession:
    """A session that another process records, as far as its ledger goes at each look."""

    def __init__(self, path: Path) -> None:
        from nbcarbon.core.session import Session
        from nbcarbon.ledger.reader import LedgerReader

        self._reader = LedgerReader(path)
        self._anew = Session
        self.session = Session()

    def update(self) -> Session:
        """Take in what came since. A ledger that is not there yet holds nothing."""
        try:
            events = self._reader.read()
        except LedgerError:
            return self.session
        if self._reader.began_anew:
            self.session = self._anew()
        for event in events:
            self.session.apply(event)
        return self.session


def is_ledger(path: Path) -> bool:
    """Whether a file is named as a session's ledger is."""
    from nbcarbon.ledger.store import SUFFIX

    return path.suffix == SUFFIX


def recorded_session(name: str, environ: Mapping[str, str]) -> Session:
    """A session by `latest`, id or path. Raises LedgerError."""
    from nbcarbon.ledger.store import find

    return read_session(find(sessions_folder(settings.load(environ).settings, environ), name))


def export_session(
    session: Session,
    path: Path,
    *,
    force: bool,
    with_host: bool,
    as_: str = "",
    told: Mapping[str, str] | None = None,
) -> Path:
    """Write a session to a file, in the format `as_` or by its ending. Returns where. Raises ExportError."""
    from nbcarbon.export import wants

    summary = summary_of(session, with_host=with_host, lazy=True)
    if "advice" in wants(path, as_):
        from dataclasses import asdict

        from nbcarbon.core.advice import advice
        from nbcarbon.grid.everywhere import mainstream_regions

        summary["advice"] = [asdict(each) for each in advice(session, mainstream_regions())]
    return export_summary(summary, path, force=force, as_=as_, told=told)


def export_summary(
    summary: Mapping[str, Any],
    path: Path,
    *,
    force: bool,
    as_: str = "",
    told: Mapping[str, str] | None = None,
) -> Path:
    """Write a summary to a file, in the format `as_` or by its ending. Returns where. Raises ExportError."""
    from nbcarbon.export import export, wants

    try:
        target = path.expanduser()
    except RuntimeError:
        raise ExportError(
            f"There is no such home as in {path}.", hint="Give the whole path."
        ) from None
    if "elsewhere" in wants(target, as_):
        from nbcarbon.core.elsewhere import elsewhere
        from nbcarbon.grid.well_known import well_known

        candidates = well_known(summary["intensity"]["accounting"])
        summary = {**summary, "elsewhere": elsewhere(summary, candidates)}
    export(summary, target, as_=as_, told=told, force=force)
    return target


def delete_sessions(
    environ: Mapping[str, str], *, session: str | None, before: str | None, everything: bool
) -> int:
    """Delete recorded sessions that nobody writes to. Returns how many. Raises LedgerError, SettingError."""
    from datetime import UTC, datetime

    from nbcarbon.ledger import store

    folder = sessions_folder(settings.load(environ).settings, environ)
    if session is not None:
        path = store.find(folder, session)
        if not store.delete(path):
            raise LedgerError(
                f"{path} is being written, or is not yours to delete.",
                hint="End its notebook first.",
            )
        return 1
    if before is not None:
        try:
            moment = datetime.fromisoformat(before).replace(tzinfo=UTC)
        except ValueError:
            raise SettingError(
                f"{before[:40]!r} is not a date.", hint="Write it as YYYY-MM-DD."
            ) from None
        return store.delete_before(folder, moment)
    return sum(map(store.delete, store.sessions(folder))) if everything else 0


def summary_of(session: Session, *, with_host: bool = False, lazy: bool = False) -> dict[str, Any]:
    """The summary of a session, as every export and the command line start from it.

    `lazy` cells are made one by one as they are asked for.
    """
    from datetime import timedelta

    from nbcarbon.core.power_series import power_series
    from nbcarbon.core.summary import summary

    started = session.started
    if started is None:
        raise LedgerError("This ledger has no beginning.", hint="It is not a session's file.")
    ended_at = None
    if session.ended is not None:
        ended_at = started.started_at + timedelta(seconds=session.until_s - started.start_s)
    return summary(
        session.figures(),
        session=started,
        ended_at=ended_at,
        devices=session.devices.values(),
        interval_s=float(session.settings.get("interval_s", "0.1")),
        with_host=with_host,
        lazy=lazy,
        sums_j=session.sums_j(),
        power=power_series(session),
    )
